"""Iterators of Python's whose items are computed: ``map``, ``filter`` and what is built of them.

Rewritten code calls ``call(map, f, xs)`` where the program says ``map(f, xs)`` in the place of a
site's iterable. The call happens, as written; if its name meant Python's own function and its items
can be cut by index, what comes back is a ``Deferred``: the iterator, for the program as written,
and its *source*: a view (``views``), or a ``Stage`` where functions are called on the way.

A stage tells what its items are computed from (``items``), which can be cut by index, and by which
functions. ``iterables`` has the other side: the expression that computes an item from them.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import BuiltinFunctionType
from typing import Any, cast

from ufora_core.compiler.sites.running import Running
from ufora_core.compiler.sites.views import Enumerated, Items, Zipped, front, indexable, view_of


@dataclass(frozen=True, slots=True)
class Stage:
    """One of Python's iterators, over things that can be cut by index."""

    #: ``map``, ``filter`` or ``starmap``, or ``zip``, ``enumerate`` or ``chain.from_iterable`` of
    #: such.
    build: Callable[..., Iterator[Any]]
    parts: "tuple[Items | Stage, ...]"
    #: The function that it calls, if any.
    called: tuple[Any, ...] = ()
    #: ``start`` of ``enumerate``.
    start: int = 0

    @property
    def items(self) -> Items:
        """What the items are computed from: one of these gives one item of the stage, or none, or
        several."""
        below = [part.items if isinstance(part, Stage) else part for part in self.parts]
        if self.build is enumerate:
            return Enumerated(below[0], self.start)
        return Zipped(tuple(below)) if self._joins() else below[0]

    @property
    def functions(self) -> tuple[Any, ...]:
        """The functions that are called for an item: this stage's, then those of its parts."""
        # ``filter(None, ...)`` keeps what is true.
        own = tuple(bool if each is None else each for each in self.called)
        below = (part.functions for part in self.parts if isinstance(part, Stage))
        return (*own, *itertools.chain.from_iterable(below))

    def iterator(self, items: Items) -> Iterator[Any]:
        """The iterator as written, over ``self.items`` or a slice of it."""
        if self.build is enumerate:
            cut = cast(Enumerated, items)
            return enumerate(self._below(0, cut.items), cut.start)
        cuts = cast(Zipped, items).parts if self._joins() else (items,)
        return self.build(*self.called, *map(self._below, itertools.count(), cuts))

    def length(self) -> int | None:
        """The number of items, if that is known beforehand."""
        lengths = [_length(part) for part in self.parts]
        if self.build not in _ONE_BY_ONE or None in lengths:
            return None
        return min(cast(list[int], lengths))

    def front(self, count: int) -> "Stage":
        """The first so many items, of a stage whose length is known."""
        parts = (
            part.front(count) if isinstance(part, Stage) else front(part, count)
            for part in self.parts
        )
        return replace(self, parts=tuple(parts))

    def _joins(self) -> bool:
        return self.build is zip or len(self.parts) > 1

    def _below(self, index: int, items: Items) -> Iterable[Any]:
        part = self.parts[index]
        return part.iterator(items) if isinstance(part, Stage) else items


#: Each item of what these are built of gives one of theirs.
_ONE_BY_ONE = (map, itertools.starmap, zip, enumerate)


#: What an iterator takes its items from.
Source = Items | Stage | Running


@dataclass(frozen=True, slots=True)
class Deferred:
    """An iterator that nobody has taken anything from yet."""

    iterator: object
    source: Source


def call(function: Any, /, *operands: Any, **keywords: Any) -> Any:
    """``function(*operands, **keywords)``, as a ``Deferred`` where that is possible; operands that
    are deferred stand for their iterators."""
    result = function(*map(as_written, operands), **keywords)
    parts = [each.source if type(each) is Deferred else each for each in operands]
    source = _source(function, parts, keywords)
    return result if source is None else Deferred(result, source)


def as_written(iterable: Any) -> Any:
    """What the program iterates over when the engine leaves it alone."""
    return iterable.iterator if type(iterable) is Deferred else iterable


def _source(function: Any, operands: Sequence[Any], keywords: Mapping[str, Any]) -> Source | None:
    if function is itertools.accumulate:
        return _running(*operands, **keywords)
    takes_function = function is map or function is filter or function is itertools.starmap
    if not takes_function and not any(isinstance(each, Stage) for each in operands):
        return view_of(function, operands, keywords)
    if takes_function:
        called, *parts = operands
        return None if keywords else _stage(function, parts, called=(called,))
    if function is zip and keywords.keys() <= {"strict"}:
        return _stage(zip, operands, strict=keywords.get("strict", False))
    if function is enumerate:
        return _enumerated(*operands, **keywords)
    if function is itertools.islice:
        return _front(*operands)
    if type(function) is BuiltinFunctionType and function == itertools.chain.from_iterable:
        return _stage(function, operands)
    return None


def _running(iterable: Any, func: Any = None, *, initial: Any = None) -> Running | None:
    items = None if isinstance(iterable, Stage) else indexable(iterable)
    return None if items is None else Running(items, func, initial)


def _front(stage: Stage, *bounds: Any) -> Stage | None:
    """``islice(stage, *bounds)`` from the first item on: those that it skips are computed as well,
    which shows if they raise."""
    cut, length = slice(*bounds), stage.length()
    plain = all(each is None or type(each) is int for each in bounds)
    if not plain or length is None or cut.start or cut.step not in (None, 1):
        return None
    return stage if cut.stop is None else stage.front(min(cut.stop, length))


def _enumerated(iterable: Any, start: Any = 0) -> Stage | None:
    return _stage(enumerate, [iterable], start=start) if type(start) is int else None


def _stage(
    build: Any,
    operands: Iterable[Any],
    *,
    called: tuple[Any, ...] = (),
    start: int = 0,
    strict: Any = False,
) -> Stage | None:
    parts = [each if isinstance(each, Stage) else indexable(each) for each in operands]
    if any(part is None for part in parts) or not _in_step(build, parts, strict):
        return None
    return Stage(build, tuple(cast(Any, parts)), called, start)


def _in_step(build: Any, parts: Sequence[Any], strict: Any) -> bool:
    """Whether item ``i`` of the stage takes just item ``i`` of each part.

    ``zip`` and ``map`` look at the parts in order, and stop at the first that has no more: those
    before it may have computed an item in vain, which shows if it raises.
    """
    if len(parts) == 1 and build not in (zip, enumerate):
        return True
    lengths = [_length(part) for part in parts]
    if None in lengths:
        return False
    if len(set(lengths)) == 1:
        return True
    shortest = lengths.index(min(cast(list[int], lengths)))
    return strict is False and not any(isinstance(part, Stage) for part in parts[:shortest])


def _length(part: Items | Stage) -> int | None:
    return part.length() if isinstance(part, Stage) else len(part)
