"""What is assumed where paths come back: at heads of loops, entries and ends of functions.

An analysis of a unit is one pass over its text that takes these assumptions and gives what the
paths bring. Assumptions are right when the paths bring nothing that was not assumed; they are found
by widening from nothing, and then narrowed while they stay right.
(P. Cousot, R. Cousot: Abstract interpretation: a unified lattice model, POPL 1977.)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from ufora_worker.native.intervals.interval import ANYTHING, Interval


class Place(Enum):
    """What an assumption is about."""

    #: Where a loop goes on: what a variable is then.
    TURN = 0
    #: How far a variable moves in one turn of a loop.
    STRIDE = 1
    #: What a parameter of a function is.
    PARAMETER = 2
    #: What a function returns.
    RESULT = 3


#: Place, the loop's number or the function's name, and the variable, if any.
Key = tuple[Place, int | str, str]
Cells = Mapping[Key, Interval]

#: Passes in which bounds grow step by step, then by the coarse thresholds only, then at once.
_FINE, _COARSE = 4, 10
#: Passes after which the analysis is given up.
_MOST_PASSES = 60
#: Passes that narrow.
_NARROWING = 6

_POWERS = sorted(
    {sign * 2**power + less for sign in (-1, 1) for power in range(64) for less in (-1, 0)}
    | {0, ANYTHING.lo, ANYTHING.hi}
)


class Diverged(Exception):
    """The assumptions did not settle in so many passes."""


def settle(bring: Callable[[Cells], Cells], constants: Iterable[int]) -> Cells:
    """Assumptions that are right.

    ``bring`` gives what paths bring under assumptions; ``constants`` are numbers near which bounds
    are likely to lie.

    Raises:
        Diverged: it took too long.
    """
    near = {value + by for value in constants for by in (-1, 0, 1)}
    return _narrowed(bring, *_widened(bring, sorted(near.union(_POWERS))))


def _widened(bring: Callable[[Cells], Cells], fine: Sequence[int]) -> tuple[Cells, Cells]:
    """Assumptions that are right, and what they bring."""
    cells: dict[Key, Interval] = {}
    for number in range(_MOST_PASSES):
        thresholds = fine if number < _FINE else _POWERS if number < _COARSE else ANYTHING
        brought = bring(cells)
        if _right(cells, brought):
            return cells, brought
        for key, interval in brought.items():
            known = cells.get(key, interval)
            if not interval.within(known):
                known = _widen(known, interval, thresholds)
            cells[key] = known
    raise Diverged


def _right(cells: Cells, brought: Cells) -> bool:
    return all(key in cells and each.within(cells[key]) for key, each in brought.items())


def _widen(known: Interval, more: Interval, thresholds: Sequence[int]) -> Interval:
    lo, hi = known
    if more.lo < lo:
        lo = thresholds[max(bisect_right(thresholds, more.lo) - 1, 0)]
    if more.hi > hi:
        hi = thresholds[min(bisect_left(thresholds, more.hi), len(thresholds) - 1)]
    return Interval(lo, hi)


def _narrowed(bring: Callable[[Cells], Cells], cells: Cells, narrower: Cells) -> Cells:
    """What right assumptions bring is right as well, if ``bring`` is monotonic; it is looked at."""
    for _ in range(_NARROWING):
        if narrower == cells:
            break
        brought = bring(narrower)
        if not _right(narrower, brought):
            break
        cells, narrower = narrower, brought
    return cells
