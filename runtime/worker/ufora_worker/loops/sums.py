"""The terms of a ``sum``: kept where order matters and something before them is missing, else added
up at once.

The owner of a loop runs its items in order from the first one on, so it needs no term twice: the
first segment is the ``sum`` so far (``float_sum.RunningSum``), and what others ran joins it as soon
as everything before is there. Ranges of other executors have no such front: of ints they send exact
totals, and of anything else the terms.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ufora_worker.loops.float_files import FloatFile
from ufora_worker.loops.float_sum import (
    CompensatedSum,
    Doubles,
    Fold,
    RunningSum,
    compensates,
    folded_sum,
    ordered_sum,
    running_sum,
)
from ufora_worker.loops.segments import LiveSegment, append, shipping_ns

#: Runs the items ``[lo, hi)`` again and gives what they yield.
Rerun = Callable[[int, int], list[Any]]

#: The form of what was added up in order from the start.
SUM = "sum"
#: To send a term to another executor of the worker, and to another worker, and to add it there.
NEAR_NS, FAR_NS = 5.0, 25.0
#: The form of floats that are in a file.
FILED = "filed"

_INTS = {int, bool}
#: Terms that may be added up before the loop is over: doing so runs no code of the user's.
_NUMBERS = {int, float, bool, complex}
#: So many terms in a row are worth a place in a file.
_MANY = 4096
#: So many terms are added in Python where the native code for it is not there yet.
_FEW = 256


def _no_fold() -> Fold | None:
    return None


def _yes() -> bool:
    return True


@dataclass(slots=True)
class Filed:
    """Floats in a file, which one after the other are the terms of a segment."""

    name: str
    first: int
    count: int


@dataclass(slots=True)
class Summed:
    """Terms of a ``sum``: exact totals of ints, else the values (floats packed), behind the sum of
    all before them if there is one."""

    segments: list[LiveSegment] = field(default_factory=list)
    #: Set once a float was among the terms: a total of ints would not do after it.
    keep_values: bool = False
    shipping_ns: float = 0.0
    #: Gives the native code that adds floats, if there is some.
    fold: Callable[[], Fold | None] = _no_fold
    #: Whether an executor of this worker would take items.
    is_near: Callable[[], bool] = _yes
    #: Where many terms are written to; None where they go to another machine, or nowhere.
    file: FloatFile | None = None

    def begin(self, at: int, start: Any, python: tuple[int, int]) -> None:
        """Add up the terms from item ``at`` on, which is the first of the loop, as they come."""
        if type(start) in (int, float):
            self.segments.append(LiveSegment(SUM, at, at, running_sum(start, python)))

    def add(self, values: list[Any], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        if self._adds_up(values, hi):
            return False
        types = set(map(type, values))
        if types == {float}:
            self.add_doubles(array("d", values), lo, hi, begins=False)
            return False
        self.shipping_ns = 0.0 if types <= _INTS else shipping_ns(values)
        if values and types <= _INTS and not self.keep_values:
            append(self.segments, "total", sum(values), lo, hi)
        else:
            self.keep_values = self.keep_values or float in types
            append(self.segments, "values", values, lo, hi)
        join(self.segments, self.fold, begins=False)
        return False

    def add_doubles(self, terms: Doubles, lo: int, hi: int, *, begins: bool = True) -> None:
        """What the items ``[lo, hi)`` yielded, as doubles. ``begins``: there are many of them, or
        will be."""
        self._note_floats()
        if self.file is not None and len(terms) >= _MANY and self._filed(self.file, terms, lo, hi):
            return
        last = self.segments[-1] if self.segments else None
        if last is None or last.form != "floats" or last.hi != lo:
            last = LiveSegment("floats", lo, lo, array("d"))
            self.segments.append(last)
        last.value.frombytes(memoryview(terms).cast("B"))
        last.hi = hi
        join(self.segments, self.fold, begins=begins)

    @property
    def floats(self) -> tuple[float, float] | None:
        """The sum of all items so far and its error, if it goes on with floats."""
        front = self._front
        running = None if front is None else front.value
        return None if running is None else running.floats

    def go_on(self, state: tuple[float, float], hi: int) -> None:
        """The items up to ``hi`` were added to ``floats``."""
        front = self._front
        assert front is not None
        front.value.floats, front.hi = state, hi
        self._note_floats()

    def _note_floats(self) -> None:
        self.keep_values = True
        self.shipping_ns = NEAR_NS if self.is_near() else FAR_NS

    def _filed(self, file: FloatFile, terms: Doubles, lo: int, hi: int) -> bool:
        first = file.append(terms)
        if first is None:
            return False
        last = self.segments[-1] if self.segments else None
        if last is not None and last.form == FILED and last.hi == lo:
            last.value.count, last.hi = file.count - last.value.first, hi
        else:
            filed = Filed(file.name, first, len(terms))
            self.segments.append(LiveSegment(FILED, lo, hi, filed))
        return True

    @property
    def _front(self) -> LiveSegment | None:
        """The sum of all items so far."""
        only = len(self.segments) == 1 and self.segments[0].form == SUM
        return self.segments[0] if only else None

    def _adds_up(self, values: list[Any], hi: int) -> bool:
        """Goes on with a sum by the simple rule, which needs no look at each value's type."""
        front = self._front
        if front is None or isinstance(front.value, CompensatedSum):
            return False
        ends = front.value.total, *values[:1], *values[-1:]
        if not all(type(each) in _NUMBERS for each in ends) or not _added(front.value, values):
            return False
        front.hi = hi
        self.keep_values, self.shipping_ns = False, 0.0
        if type(front.value.total) is not int:
            self._note_floats()
        return True


def join(
    segments: list[LiveSegment], fold: Callable[[], Fold | None], *, begins: bool = True
) -> None:
    """Add up what follows the sum in front, as far as it can be.

    A compensated sum is not begun for a few terms: without native code, ``sum`` itself adds them
    much faster at the end.
    """
    while len(segments) > 1 and segments[0].form == SUM and segments[0].hi == segments[1].lo:
        front, following = segments[:2]
        starts = isinstance(front.value, CompensatedSum) and front.lo == front.hi
        if (starts and not begins) or not _joined(front.value, following, fold):
            return
        front.hi = following.hi
        del segments[1]


def _joined(running: RunningSum, segment: LiveSegment, fold: Callable[[], Fold | None]) -> bool:
    if segment.form == "total":
        return _takes_totals(running) and _added(running, (segment.value,))
    if segment.form == "values" and not set(map(type, segment.value)) <= _NUMBERS:
        return False
    quick = fold() if segment.form == "floats" else None
    slow = quick is None and isinstance(running, CompensatedSum)
    if slow and len(segment.value) > _FEW:
        return False
    return _added(running, segment.value, quick)


def _added(running: RunningSum, values: Sequence[Any], fold: Fold | None = None) -> bool:
    """Whether this could be added; where not, the exception is raised when the loop is over."""
    try:
        if fold is None:
            running.add(values)
        else:
            running.add_doubles(memoryview(values), fold)  # type: ignore[arg-type]
    except Exception:
        return False
    return True


def _takes_totals(running: RunningSum) -> bool:
    """Whether a total of ints may stand for them: see ``_terms``."""
    return type(running) is RunningSum and type(running.total) is int


def total_of(
    segments: Sequence[LiveSegment],
    start: Any,
    python: tuple[int, int],
    rerun: Rerun,
    fold: Fold | None,
) -> Any:
    """What ``sum`` gives for all these terms. ``fold`` adds floats faster than Python.

    Raises:
        Exception: as adding them does.
    """
    if segments and segments[0].form == SUM:
        front, *segments = segments
        if front.lo < front.hi:
            return _rest_added(front.value.copy(), segments, rerun, fold)
    if fold is not None and type(start) in (int, float) and _all_floats(segments):
        return folded_sum([memoryview(each.value) for each in segments], start, python, fold)
    return ordered_sum(_terms(segments, start, python, rerun), start, python)


def _rest_added(
    running: RunningSum, segments: Sequence[LiveSegment], rerun: Rerun, fold: Fold | None
) -> Any:
    for segment in segments:
        if segment.form == "floats":
            running.add_doubles(memoryview(segment.value), fold)
        elif segment.form != "total":
            running.add(segment.value)
        elif _takes_totals(running):
            running.add((segment.value,))
        else:
            running.add(rerun(segment.lo, segment.hi))
    return running.value


def _all_floats(segments: Sequence[LiveSegment]) -> bool:
    return bool(segments) and all(each.form == "floats" and each.value for each in segments)


def _terms(
    segments: Sequence[LiveSegment], start: Any, python: tuple[int, int], rerun: Rerun
) -> Iterator[Any]:
    """The terms of a sum in order, totals standing for ints where that changes nothing.

    A total may stand for its ints while the sum so far is an int. It may not after any other
    value. And where floats are compensated it may not before one either, because ``sum`` leaves
    that rule for good once a sum of ints outgrows a machine word, which a total does not show.
    """
    only_ints = type(start) is int and all(each.form == "total" for each in segments)
    totals = only_ints or (type(start) is int and not compensates(python))
    for segment in segments:
        if segment.form != "total":
            if totals:
                totals = segment.form == "values" and set(map(type, segment.value)) <= _INTS
            yield from segment.value
        elif totals:
            yield segment.value
        else:
            yield from rerun(segment.lo, segment.hi)
