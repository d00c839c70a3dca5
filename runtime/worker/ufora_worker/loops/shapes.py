"""What is done with the values that a loop's items yield: one accumulator a shape.

An accumulator takes the values of slices in order and keeps them as *segments*. Where a summary is
exact and can be joined with its neighbours (an int sum, the least of numbers of one type, a count),
a segment is that summary; everywhere else it is the values themselves, since only the whole
sequence, in order, gives what Python gives. Segments travel as a range's partial result, and the
root folds all of them, ordered by index, in ``finish``.

When a fold meets a summary where it needs values (ints that were summed up before a float came),
it asks for them by index: the items are pure, so they can simply be run again.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import countOf
from typing import Any, Protocol

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.float_sum import Fold, compensates, folded_sum, ordered_sum
from ufora_worker.loops.weights import weigh

#: Runs the items ``[lo, hi)`` again and gives what they yield.
Rerun = Callable[[int, int], list[Any]]

_INTS = {int, bool}
_ORDERED = (int, float, str, bytes, bool)
#: Python's own, whatever rule the client's follows.
_PLAIN_SUM = sum
#: No more than this of a value is weighed, since each slice is; what is heavier counts as so many
#: times heavier.
_LIGHT_NS, _MUCH = 1_000_000.0, 20.0


@dataclass(slots=True)
class LiveSegment:
    """Items ``[lo, hi)``: their values (form ``values``), or a summary of them (a dict of
    ``entries`` where the user wrote a set or dict comprehension)."""

    form: str
    lo: int
    hi: int
    value: Any


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
class Summed:
    """Terms of a ``sum``: exact totals of ints, else the values (floats packed)."""

    segments: list[LiveSegment] = field(default_factory=list)
    #: Set once a float was among the terms: a total of ints would not do after it.
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, values: list[Any], lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        types = set(map(type, values))
        self.shipping_ns = 0.0 if types <= _INTS else shipping_ns(values)
        if types == {float}:
            self.keep_values = True
            append(self.segments, "floats", array("d", values), lo, hi)
        elif types <= _INTS and not self.keep_values:
            append(self.segments, "total", sum(values), lo, hi)
        else:
            self.keep_values = self.keep_values or float in types
            append(self.segments, "values", values, lo, hi)
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
        self.shipping_ns = 0.0
        if _are_ordered(values):
            append(self.segments, "best", self.best_of(values), lo, hi, self.best_of)
        elif values:
            append(self.segments, "values", values, lo, hi)
            self.shipping_ns = shipping_ns(values)
        return False


@dataclass(slots=True)
class Searched:
    """``any`` and ``all``: whether an item decided it."""

    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, decided: bool, lo: int, hi: int) -> bool:
        """See ``Accumulator``."""
        if decided:
            self.segments.append(LiveSegment("hit", lo, hi, True))
        return decided


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


def shipping_ns(values: Iterable[Any]) -> float:
    """About what it takes to send one of these values, judged by the first few."""
    return max((_weight(each) for each in islice(values, 8)), default=0.0)


def _weight(value: Any) -> float:
    weight = weigh((value,), _LIGHT_NS)
    return weight if weight <= _LIGHT_NS else _MUCH * weight


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
            if fold is not None and type(start) in (int, float) and _all_floats(segments):
                arrays = [each.value for each in segments]
                return folded_sum(arrays, start, python, fold)
            return ordered_sum(_terms(segments, start, python, rerun), start, python)
        case SiteKind.MIN | SiteKind.MAX:
            return _best(min if kind is SiteKind.MIN else max, segments, operand, rerun)
        case SiteKind.ANY | SiteKind.ALL:
            return bool(segments) == (kind is SiteKind.ANY)
        case SiteKind.COUNT:
            return sum(segment.value for segment in segments)
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


def _all_floats(segments: Sequence[LiveSegment]) -> bool:
    return bool(segments) and all(each.form == "floats" and each.value for each in segments)


def _pairs(segment: LiveSegment) -> Iterable[Any]:
    pairs: Iterable[Any] = segment.value
    return segment.value.items() if segment.form == "entries" else pairs


def append(
    segments: list[LiveSegment],
    form: str,
    value: Any,
    lo: int,
    hi: int,
    best_of: Callable[..., Any] | None = None,
) -> None:
    """Add a segment, joined with the last one where they meet and have one form.

    ``best_of`` says which of two values is better, for the form ``best``.
    """
    last = segments[-1] if segments else None
    joins = last is not None and last.form == form and last.hi == lo
    if last is None or not joins or (form == "best" and type(last.value) is not type(value)):
        segments.append(LiveSegment(form, lo, hi, value))
        return
    last.hi = hi
    if form == "best" and best_of is not None:
        last.value = best_of(last.value, value)
    elif form == "entries":
        last.value.update(value)  # as in Python, the first key and the last value stay
    elif form in _ADDED_UP:
        last.value += value
    else:
        last.value.extend(value)


#: Forms whose values are added up.
_ADDED_UP = frozenset({"total", "count"})


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
