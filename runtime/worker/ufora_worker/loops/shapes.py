"""What is done with the values that a loop's items yield: one accumulator a shape.

An accumulator takes the values of slices in order and keeps them as *segments*. Where a summary is
exact and can be joined with its neighbours (an int sum, the least of numbers of one type, a count),
a segment is that summary; everywhere else it is the values themselves, since only the whole
sequence, in order, gives what Python gives. Segments travel as a range's partial result, and the
root folds all of them, ordered by index, in ``finish``.

When a fold meets a summary where it needs values (ints that were summed up before a float came),
it asks for them by index: the items are pure, so they can simply be run again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.float_sum import Fold
from ufora_worker.loops.segments import LiveSegment, append, shipping_ns
from ufora_worker.loops.sums import Rerun, Summed, total_of

__all__ = [
    "Accumulator",
    "Collected",
    "Compared",
    "Counted",
    "LiveSegment",
    "Searched",
    "Summed",
    "accumulator",
    "append",
    "finish",
]

_ORDERED = (int, float, str, bytes, bool)


class Accumulator(Protocol):
    """Collects what slices yield, in order of their items."""

    segments: list[LiveSegment]
    #: No summaries from now on: somebody will need the values.
    keep_values: bool
    #: What it costs to send the result of one more item to another process.
    shipping_ns: float

    def add(self, values: Any, lo: int, hi: int) -> bool:
        """Take what the items ``[lo, hi)`` yielded. True: this decides the whole loop."""


@dataclass(slots=True)
class Collected:
    """Values as they are (lists, tuples, sets, dicts)."""

    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, values: list[Any] | dict[Any, Any], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        if isinstance(values, dict):
            append(self.segments, "entries", values, lo, hi)
            self.shipping_ns = shipping_ns(values) + shipping_ns(values.values())
        else:
            append(self.segments, "values", values, lo, hi)
            self.shipping_ns = shipping_ns(values)
        return False


@dataclass(slots=True)
class Compared:
    """Candidates of a ``min`` or ``max``: the leftmost best of values of one totally ordered type,
    else the values (NaN and user-defined orders depend on every comparison that Python makes)."""

    best_of: Callable[..., Any]
    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, values: list[Any], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        types = set(map(type, values))
        self.shipping_ns = 0.0
        if len(types) == 1 and types.issubset(_ORDERED) and not _has_nan(values, types):
            append(self.segments, "best", self.best_of(values), lo, hi, self.best_of)
        elif values:
            append(self.segments, "values", values, lo, hi)
            self.shipping_ns = shipping_ns(values)
        return False


@dataclass(slots=True)
class Searched:
    """``any`` and ``all``: whether an item decided it. ``next``: the first value, in a tuple, or
    True where native code knows no more than that the last item of the segment has it."""

    form: str = "hit"
    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, decided: bool | tuple[Any, ...], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        if decided:
            self.segments.append(LiveSegment(self.form, lo, hi, decided))
        return bool(decided)


@dataclass(slots=True)
class Counted:
    """``len`` of a list comprehension: how many values there were."""

    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, values: list[Any], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        append(self.segments, "count", len(values), lo, hi)
        return False


def accumulator(kind: SiteKind, *, keep_values: bool = False) -> Accumulator:
    """The accumulator for a loop of this shape."""
    match kind:
        case SiteKind.SUM:
            return Summed(keep_values=keep_values)
        case SiteKind.MIN:
            return Compared(min)
        case SiteKind.MAX:
            return Compared(max)
        case SiteKind.ANY | SiteKind.ALL:
            return Searched()
        case SiteKind.FIRST:
            return Searched("first")
        case SiteKind.COUNT:
            return Counted()
        case _:
            return Collected()


def finish(
    kind: SiteKind,
    segments: Sequence[LiveSegment],
    operand: tuple[Any, ...],
    python: tuple[int, int],
    rerun: Rerun,
    fold: Fold | None = None,
) -> Any:
    """The value of the whole loop, from all its segments ordered by index.

    ``operand`` holds ``sum``'s start or ``min``'s default when the user gave one. ``fold`` adds
    floats faster than Python, by its rule.
    """
    match kind:
        case SiteKind.SUM:
            start = operand[0] if operand else 0
            return total_of(segments, start, python, rerun, fold)
        case SiteKind.MIN | SiteKind.MAX:
            return _best(min if kind is SiteKind.MIN else max, segments, operand, rerun)
        case SiteKind.ANY | SiteKind.ALL:
            return bool(segments) == (kind is SiteKind.ANY)
        case SiteKind.FIRST:
            return next(chain.from_iterable(_first(each, rerun) for each in segments), *operand)
        case SiteKind.COUNT:
            return sum(segment.value for segment in segments)
        case SiteKind.DICT:
            return dict(chain.from_iterable(map(_pairs, segments)))
        case _:
            return _COLLECT[kind](chain.from_iterable(each.value for each in segments))


_COLLECT: dict[SiteKind, Callable[[Iterator[Any]], Any]] = {
    SiteKind.LIST: list,
    SiteKind.CALLS: list,
    SiteKind.TUPLE: tuple,
    SiteKind.SET: set,
    SiteKind.FROZENSET: frozenset,
}


def _first(segment: LiveSegment, rerun: Rerun) -> Iterable[Any]:
    return rerun(segment.hi - 1, segment.hi) if segment.value is True else segment.value


def _pairs(segment: LiveSegment) -> Iterable[Any]:
    pairs: Iterable[Any] = segment.value
    return segment.value.items() if segment.form == "entries" else pairs


def _has_nan(values: list[Any], types: set[type]) -> bool:
    return types == {float} and any(map(float.__ne__, values, values))


def _best(
    best_of: Callable[..., Any],
    segments: Sequence[LiveSegment],
    default: tuple[Any, ...],
    rerun: Rerun,
) -> Any:
    if len({type(each.value) for each in segments if each.form == "best"}) > 1 or any(
        each.form == "values" for each in segments
    ):
        candidates: Iterator[Any] = chain.from_iterable(
            each.value if each.form == "values" else rerun(each.lo, each.hi) for each in segments
        )
    else:
        candidates = (each.value for each in segments)
    return best_of(candidates, default=default[0]) if default else best_of(candidates)
