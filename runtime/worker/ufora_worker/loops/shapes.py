"""What is done with the values that a loop's items yield: one accumulator a shape.

An accumulator takes the values of slices in order and keeps them as *segments*. Where a summary is
exact and can be joined with its neighbours (an int sum, the least of numbers of one type, counts),
a segment is that summary; everywhere else it is the values themselves, since only the whole
sequence, in order, gives what Python gives. Segments travel as a range's partial result, and the
root folds all of them, ordered by index, in ``finish``.

When a fold meets a summary where it needs values (ints that were summed up before a float came),
it asks for them by index: the items are pure, so they can simply be run again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import countOf
from typing import Any, Protocol

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.counts import CountedByKey, counter_of
from ufora_worker.loops.float_sum import Fold
from ufora_worker.loops.segments import LiveSegment, append, shipping_ns
from ufora_worker.loops.sums import Rerun, Summed, total_of

_ORDERED = (int, float, str, bytes, bool)
#: Python's own, whatever rule the client's follows.
_PLAIN_SUM = sum


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
            self._weigh(values)
        else:
            append(self.segments, "values", values, lo, hi)
            self.shipping_ns = shipping_ns(values)
        return False

    def add_entries(
        self, entries: dict[Any, Any] | Iterable[tuple[Any, Any]], lo: int, hi: int
    ) -> bool:
        """Take the keys and values that the items ``[lo, hi)`` yielded: a dict is not made of them
        before they come to the others."""
        append(self.segments, "entries", {}, lo, hi)
        joined = self.segments[-1].value
        joined.update(entries)
        self._weigh(joined)
        return False

    def _weigh(self, entries: dict[Any, Any]) -> None:
        self.shipping_ns = shipping_ns(entries) + shipping_ns(entries.values())


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
        self.shipping_ns = 0.0
        if _are_ordered(values):
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
        case SiteKind.COUNTER:
            return CountedByKey()
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
        case SiteKind.COUNTER:
            return counter_of(segments)
        case SiteKind.DICT if all(each.form == "entries" for each in segments):
            return _joined(segments)
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


def _joined(segments: Sequence[LiveSegment]) -> dict[Any, Any]:
    """One dict of all entries, which is that of the segment if there is one only. Nothing is hashed
    again."""
    if len(segments) == 1:
        return segments[0].value  # type: ignore[no-any-return]
    entries: dict[Any, Any] = {}
    for segment in segments:
        entries.update(segment.value)
    return entries


def _are_ordered(values: list[Any]) -> bool:
    """Whether all values are of one type of which any two can be compared."""
    kind = type(values[0]) if values else None
    if kind not in _ORDERED or countOf(map(type, values), kind) < len(values):
        return False
    return kind is not float or not _have_nan(values)


def _have_nan(values: list[float]) -> bool:
    """The sum, which is quick, is NaN as well; so it is of infinities of both signs."""
    total = _PLAIN_SUM(values)
    return total != total and any(map(float.__ne__, values, values))


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
