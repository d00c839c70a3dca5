"""Lazy sequences: what ``enumerate``, ``zip`` and their kin iterate over, by index.

Items of a loop are cut by index, which an iterator does not allow. A *view* gives the same items in
the same order as the iterator of Python's that it is named after, but has a length, an item at each
index, and slices that copy no more than their parts do. Its iterator is Python's own.

Bases of views are what ``indexable`` accepts: ranges, lists, tuples, strings, bytes, arrays of
numbers, dicts and sets. A dict or set has no index: it is taken as the list of its items, in the
order that it has in this process.
"""

import array
import collections
import itertools
import sys
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import BuiltinFunctionType
from typing import Any, cast, overload

from ufora_core.compiler.sites.running import Running

Items = Sequence[Any]

#: Built-in sequences: slicing them gives the items that iterating over them gives.
_SEQUENCES: frozenset[type] = frozenset({range, list, tuple, str, bytes, bytearray, array.array})
#: Those that nobody can change.
_FIXED: frozenset[type] = frozenset({range, tuple, str, bytes})
#: Containers without an index, whose iterators are Python's own.
_UNINDEXED: frozenset[type] = frozenset(
    {
        *(dict, collections.OrderedDict, collections.defaultdict, collections.Counter),
        *(type({}.keys()), type({}.values()), type({}.items())),
        *(set, frozenset, collections.deque),
    }
)
#: Parts of one chain; each has to be looked at.
_MOST_PARTS = 10_000


class View(Sequence[Any]):
    """What all views have in common: indices as in a list, and slices of step 1."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> "Items": ...
    def __getitem__(self, index: int | slice) -> Any:
        """The item there, or the view of a part.

        Raises:
            IndexError: there is no such item.
            ValueError: a slice with a step other than 1.
        """
        if isinstance(index, slice):
            lo, hi, step = index.indices(len(self))
            if step != 1:
                raise ValueError(f"a view is cut in steps of 1, not of {step}")
            return self._part(lo, max(lo, hi))
        return self._item(range(len(self))[index])

    @abstractmethod
    def _item(self, index: int) -> Any:
        """The item at an index between 0 and the length."""

    @abstractmethod
    def _part(self, lo: int, hi: int) -> "Items":
        """The items ``[lo, hi)``; both are between 0 and the length."""


@dataclass(frozen=True, slots=True)
class Enumerated(View):
    """``enumerate(items, start)``"""

    items: Items
    start: int = 0

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        return enumerate(self.items, self.start)

    def _item(self, index: int) -> tuple[int, Any]:
        return self.start + index, self.items[index]

    def _part(self, lo: int, hi: int) -> "Enumerated":
        return Enumerated(self.items[lo:hi], self.start + lo)


@dataclass(frozen=True, slots=True)
class Zipped(View):
    """``zip(*parts)``: as long as the shortest part, empty without any."""

    parts: tuple[Items, ...]

    def __len__(self) -> int:
        return min(map(len, self.parts), default=0)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.parts, strict=False)

    def _item(self, index: int) -> tuple[Any, ...]:
        return tuple(part[index] for part in self.parts)

    def _part(self, lo: int, hi: int) -> "Zipped":
        return Zipped(tuple(part[lo:hi] for part in self.parts))


@dataclass(frozen=True, slots=True)
class Reversed(View):
    """``reversed(items)``"""

    items: Items

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Any]:
        return reversed(self.items)

    def _item(self, index: int) -> Any:
        return self.items[len(self.items) - 1 - index]

    def _part(self, lo: int, hi: int) -> "Reversed":
        end = len(self.items)
        return Reversed(self.items[end - hi : end - lo])


@dataclass(frozen=True, slots=True)
class Chained(View):
    """``itertools.chain(*parts)``"""

    parts: tuple[Items, ...]
    #: Index behind the last item of each part.
    ends: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", tuple(itertools.accumulate(map(len, self.parts))))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.parts)

    def _item(self, index: int) -> Any:
        which = bisect_right(self.ends, index)
        return self.parts[which][index - self.ends[which]]  # counted from the part's end

    def _part(self, lo: int, hi: int) -> "Chained":
        first = bisect_right(self.ends, lo)
        cut: list[Items] = []
        for part, end in zip(self.parts[first:], self.ends[first:], strict=True):
            begin = end - len(part)
            if begin >= hi:
                break
            cut.append(part[max(lo - begin, 0) : min(hi, end) - begin])
        return Chained(tuple(cut))


@dataclass(frozen=True, slots=True)
class Product(View):
    """``itertools.product(*parts)``, with repeated parts written out: the last one runs fastest."""

    parts: tuple[Items, ...]

    def __len__(self) -> int:
        return prod(map(len, self.parts))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return itertools.product(*self.parts)

    def _item(self, index: int) -> tuple[Any, ...]:
        found: list[Any] = []
        for part in reversed(self.parts):
            index, position = divmod(index, len(part))
            found.append(part[position])
        return tuple(reversed(found))

    def _part(self, lo: int, hi: int) -> "Picked":
        return Picked(self, range(lo, hi))

    def between(self, lo: int, hi: int) -> Iterator[tuple[Any, ...]]:
        """Iterates over the items ``[lo, hi)``: row by row of the last part."""
        if lo >= hi or not self.parts:
            return iter([()][lo:hi])
        last = self.parts[-1]
        heads, width = Product(self.parts[:-1]), len(last)

        def row(number: int) -> Iterator[tuple[Any, ...]]:
            first = number * width
            tail = last[max(lo - first, 0) : min(hi - first, width)]
            return zip(*map(itertools.repeat, heads[number]), tail, strict=False)

        return itertools.chain.from_iterable(map(row, range(lo // width, (hi - 1) // width + 1)))


@dataclass(frozen=True, slots=True)
class Picked(View):
    """The items of ``items`` at ``indices``: ``itertools.islice``, and parts of a product."""

    items: Items
    indices: range

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Any]:
        indices = self.indices
        if indices.step == 1 and isinstance(self.items, Product):
            return self.items.between(indices.start, indices.stop)
        return map(self.items.__getitem__, indices)

    def _item(self, index: int) -> Any:
        return self.items[self.indices[index]]

    def _part(self, lo: int, hi: int) -> "Picked":
        return Picked(self.items, self.indices[lo:hi])


# ---------------------------------------------------------------------- what can be cut by index


def indexable(iterable: object) -> Items | None:
    """The iterable, or the list of its items: something whose slices give the items that iterating
    over the iterable gives. None if it is no such thing."""
    if size_of(iterable) is None:
        return None
    if isinstance(iterable, Running):
        return iterable.values()
    return list(cast(Any, iterable)) if type(iterable) in _UNINDEXED else cast(Items, iterable)


def first_of(iterable: object, count: int) -> Items:
    """The first items of something that has a ``size_of``, as far as that costs next to nothing;
    none of a ``Running``."""
    if type(iterable) in _UNINDEXED:
        return list(itertools.islice(cast(Any, iterable), count))
    if isinstance(iterable, Running):
        return ()
    return cast(Items, iterable)[:count]


def are_objects(iterable: object) -> bool:
    """Whether each item is an object that is there already, and none made of numbers or text when
    it is taken."""
    match iterable:
        case Enumerated(items=below) | Reversed(items=below) | Picked(items=below):
            return are_objects(below)
        case Zipped(parts=parts) | Chained(parts=parts):
            return any(map(are_objects, parts))
    return type(iterable) in (list, tuple) or type(iterable) in _UNINDEXED


def front(items: Items, count: int) -> Items:
    """The first so many items; of what may change, those that are there when they are looked at."""
    return items[:count] if type(items) in _FIXED else Picked(items, range(len(items))[:count])


def size_of(iterable: object) -> int | None:
    """How many items ``indexable`` gives, which takes time to make them; None if it does not.
    (Of a ``Running`` it may find out that there are none after all.)"""
    known = type(iterable) in _SEQUENCES or type(iterable) in _UNINDEXED
    if not (known or isinstance(iterable, View | Running) or _is_array(iterable)):
        return None
    try:
        return len(cast(Items, iterable))
    except OverflowError:
        return None  # of a range, or a product, that nobody will ever finish


def _is_array(iterable: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(iterable) is numpy.ndarray and bool(iterable.ndim)


def view_of(
    function: object, operands: Sequence[object], keywords: Mapping[str, object]
) -> View | None:
    """The items of ``function(*operands, **keywords)``, when that is an iterator of Python's over
    things that can be cut by index; None for everything else, also for calls that fail.

    Views among the operands stand for iterators.
    """
    if type(function) is not type and type(function) is not BuiltinFunctionType:
        return None
    build = _BUILDERS.get(cast(Any, function))
    if build is None:
        return None
    try:
        view = build(*operands, **keywords)
    except (_NoViewError, TypeError):  # TypeError: the arguments do not fit
        return None
    return None if size_of(view) is None else view


class _NoViewError(Exception):
    """What is called cannot be a view."""


def _require(condition: bool) -> None:
    if not condition:
        raise _NoViewError


def _base(iterable: object) -> Items:
    items = indexable(iterable)
    if items is None:
        raise _NoViewError
    return items


def _bases(iterables: Iterable[object]) -> tuple[Items, ...]:
    return tuple(map(_base, iterables))


def _enumerated(iterable: object, start: Any = 0) -> View:
    _require(type(start) is int)
    return Enumerated(_base(iterable), start)


def _zipped(*iterables: object, strict: object = False) -> View:
    parts = _bases(iterables)
    _require(strict is False or (strict is True and len(set(map(len, parts))) <= 1))
    return Zipped(parts)


def _reversed(sequence: object, /) -> View:
    _require(not isinstance(sequence, View) and type(sequence) not in (set, frozenset))
    return Reversed(_base(sequence))


def _chained(*iterables: object) -> View:
    return Chained(_bases(iterables))


def _flattened(iterables: object, /) -> View:
    _require(type(iterables) in (list, tuple))
    parts = cast(Items, iterables)
    _require(len(parts) <= _MOST_PARTS)
    return Chained(_bases(parts))


def _multiplied(*iterables: object, repeat: Any = 1) -> View:
    _require(type(repeat) is int and 0 <= repeat <= _MOST_PARTS)
    return Product(_bases(iterables) * repeat)


def _cut(iterable: object, /, *bounds: object) -> View:
    _require(1 <= len(bounds) <= 3)
    _require(all(each is None or (type(each) is int and each >= 0) for each in bounds))
    _require(len(bounds) < 3 or bounds[2] != 0)
    items = _base(iterable)
    return Picked(items, range(len(items))[slice(*cast(Any, bounds))])


_BUILDERS: Mapping[object, Callable[..., View]] = {
    enumerate: _enumerated,
    zip: _zipped,
    reversed: _reversed,
    itertools.chain: _chained,
    itertools.chain.from_iterable: _flattened,
    itertools.product: _multiplied,
    itertools.islice: _cut,
}
