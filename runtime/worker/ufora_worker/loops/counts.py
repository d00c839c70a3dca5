"""Counts by key: what ``collections.Counter`` makes of the values of a loop.

Counts of neighbouring items join exactly: a key stands where it came first, and is the first of
those that are equal. That holds as long as a key is found by what it is, wherever it is looked for:
text, numbers, and tuples of such. Everything else is kept as it comes, for the ``Counter`` of the
loop's owner: keys of the program's own classes, NaNs, which are found by identity alone, and what
cannot be hashed, which has to fail in its turn.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from math import inf
from operator import countOf, ne
from typing import Any

from ufora_worker.loops.segments import LiveSegment, append, shipping_ns
from ufora_worker.loops.weights import weigh

#: The form of counts by key.
COUNTS = "counts"

#: Classes whose hashes and comparisons are Python's own, and whose copies are equal; tuples if what
#: they hold is such.
_KEYS = frozenset({str, bytes, int, float, bool, type(None), tuple})
#: Tuples within tuples that are looked into.
_DEEPEST = 4
#: As many keys show what the others are, and travel as many do; and nanoseconds for a count, and
#: for adding it to that of the same key.
_SAMPLE, _COUNT_NS = 64, 100.0


@dataclass(slots=True)
class CountedByKey:
    """``Counter``: how often each value came, or the values where counts would not do."""

    segments: list[LiveSegment] = field(default_factory=list)
    keep_values: bool = False
    shipping_ns: float = 0.0

    def add(self, values: list[Any], lo: int, hi: int) -> bool:
        """See ``shapes.Accumulator``."""
        if not are_found_anywhere(values):
            append(self.segments, "values", values, lo, hi)
            self.shipping_ns = shipping_ns(values)
        else:
            self.count(values, lo, hi)
        return False

    def count(self, values: Iterable[Any], lo: int, hi: int) -> None:
        """As ``add``, of values that are known to be found anywhere."""
        append(self.segments, COUNTS, Counter(), lo, hi)
        last = self.segments[-1]
        last.value.update(values)  # in C, and without counts of these values by themselves
        # New keys become fewer, but whoever takes items begins without any.
        self.shipping_ns = counts_ns(last.value) / max(hi - last.lo, 1)


def are_found_anywhere(values: Iterable[Any], depth: int = _DEEPEST) -> bool:
    """Whether each value is a key that is found by what it is, so that a copy will do."""
    values = values if isinstance(values, list) else list(values)
    types = _types(values)
    if not types <= _KEYS or (float in types and any(map(ne, values, values))):
        return False
    if tuple not in types:
        return True
    inner = chain.from_iterable(each for each in values if type(each) is tuple)
    return depth > 0 and are_found_anywhere(inner, depth - 1)


def _types(values: list[Any]) -> set[type]:
    """The classes of the values; mostly it is one, and to count it takes less than to gather it."""
    first = type(values[0]) if values else None
    if first is not None and countOf(map(type, values), first) == len(values):
        return {first}
    return set(map(type, values))


def counts_ns(counts: Counter[Any]) -> float:
    """About what it takes to send counts to another process, and to add them to those there."""
    keys = list(islice(counts, _SAMPLE))
    return len(counts) * (weigh((keys,), inf) / len(keys) + _COUNT_NS) if keys else 0.0


def counter_of(segments: Sequence[LiveSegment]) -> Counter[Any]:
    """The ``Counter`` of all values.

    Raises:
        Exception: as ``Counter`` does, where a value cannot be hashed or compared.
    """
    found = (segment.value for segment in segments)
    counter: Counter[Any] = Counter(next(found, ()))
    for each in found:
        counter.update(each)
    return counter
