"""Segments: what stretches of a loop's items came to, in order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ufora_worker.loops.weights import packed_ns, weigh

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
    elif form in _UPDATED:
        last.value.update(value)  # as in Python, the first key stays, and the last value of a dict
    elif form in _ADDED_UP:
        last.value += value
    else:
        last.value.extend(value)


#: Forms whose values are dicts, or counts by key.
_UPDATED = frozenset({"entries", "counts"})
#: Forms whose values are added up.
_ADDED_UP = frozenset({"total", "count"})


def shipping_ns(values: Iterable[Any]) -> float:
    """About what it takes to send one of these values, judged by the first few."""
    some = list(islice(values, 8))
    packed = packed_ns(some) if type(values) is list else None
    return max(map(_weight, some), default=0.0) if packed is None else packed


def _weight(value: Any) -> float:
    weight = weigh((value,), _LIGHT_NS)
    return weight if weight <= _LIGHT_NS else _MUCH * weight
