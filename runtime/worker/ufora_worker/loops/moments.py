"""What a site has at the moment at which it is reached: its reducer, functions and items."""

import builtins
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter, itemgetter, methodcaller
from time import perf_counter_ns
from types import BuiltinFunctionType, FrameType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

from ufora_core.compiler.effects.classes import HEAP_TYPE
from ufora_core.compiler.effects.proof import Reason
from ufora_core.compiler.sites.as_written import AsWritten
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.slices import SliceCodes
from ufora_core.compiler.sites.stages import Deferred, Stage, as_written
from ufora_core.compiler.sites.views import Items, indexable, size_of
from ufora_worker.loops.folds import Fold, needs_fold
from ufora_worker.loops.ranges import ItemSource, SliceCall

#: Items tried to see what they cost, and what is too little for an item.
_TRIED = 16
_CHEAP_NS = 500

_C_FUNCTIONS = (
    *(BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
    *(itemgetter, attrgetter, methodcaller),
)


class Declined(Exception):
    """A loop runs as written, and why."""

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Work:
    """A loop that can be split."""

    items: Items
    body: SliceCall
    #: Processor time that it took to find that out.
    asked_ns: int


@dataclass(frozen=True, slots=True)
class Moment:
    """The values that a site passes to the engine."""

    site: Site
    #: The reducer's meaning (None for a bare comprehension), with what stands in front of its
    #: items.
    function: Any
    iterable: Any
    #: The key function, if there is one.
    key: tuple[Any, ...] = ()

    @property
    def written(self) -> object:
        """What the program iterates over when the loop runs as written."""
        return as_written(self.iterable)

    @property
    def reducer(self) -> Callable[..., Any]:
        """The reducer, with all that is bound to it already."""
        bound = dict(zip(["key"], self.key, strict=False))
        if not self.before and not bound:
            return self._function  # type: ignore[no-any-return]
        return partial(self._function, *self.before, **bound)

    @property
    def before(self) -> tuple[Any, ...]:
        """The operands in front of the items."""
        reducer = self.site.reducer
        return tuple(self.function[1:]) if reducer is not None and reducer.before else ()

    @property
    def source(self) -> Any:
        """What the items are computed from: a ``Stage``, or what they are taken from."""
        return self.iterable.source if type(self.iterable) is Deferred else self.iterable

    def count(self) -> int:
        """The number of items.

        Raises:
            Declined: they cannot be taken by index, or the names do not mean Python's functions.
        """
        reducer = self.site.reducer
        if reducer is not None and not reducer.is_meant(self._function, vars(builtins)):
            raise Declined(f"`{reducer.name.removeprefix('builtins.')}` is not Python's own here")
        source = self.source
        size = size_of(source.items if isinstance(source, Stage) else source)
        if size is None:
            raise Declined(
                f"it iterates over a {type(self.written).__name__}, whose items cannot be taken "
                "by index: make a list of it"
            )
        if len(self._called) != len(self.site.functions):
            raise Declined("`map`, or a function like it, is not Python's own here")
        return size

    def items(self) -> Items:
        """What the loop iterates over, by index."""
        source = self.source
        items = source.items if isinstance(source, Stage) else indexable(source)
        assert items is not None
        return items

    def scope(self, frame: FrameType) -> dict[str, Any]:
        """The values of the names that items read, besides global ones.

        Raises:
            Declined: one of them has no value.
        """
        names = self.site.local_names(frame.f_code)
        variables = frame.f_locals
        if not all(name in variables for name in names):
            raise Declined("a variable that it reads has no value")
        given = zip(self.site.given_names, (*self._called, *self.key), strict=True)
        return {**{name: variables[name] for name in names}, **dict(given)}

    def is_cheap(self, items: Items) -> bool:
        """Whether items run in next to no time, and in C: gathering what they give would take
        longer. They are tried, so they must have been proved pure."""
        functions = (*self._called, *self.key)
        if self.site.written is not None or not all(map(_is_written_in_c, functions)):
            return False
        first = items[:_TRIED]
        iterable = self.source.iterator(first) if isinstance(self.source, Stage) else first
        values = map(self.key[0], iterable) if self.key else iterable
        started = perf_counter_ns()
        try:
            deque(values, maxlen=0)
        except Exception:
            return False  # it is raised where Python would raise it
        return perf_counter_ns() - started < _TRIED * _CHEAP_NS

    def body(self, scope: dict[str, Any], frame: FrameType, slices: SliceCodes) -> SliceCall:
        """What runs the items, with values of ``scope``."""
        names = list(scope)
        code = self.site, frame.f_code.co_filename, names, frame.f_globals
        values = list(scope.values())
        written = slices.function(*code, exact=True)
        return SliceCall(
            slices.function(*code),
            values,
            AsWritten(self.site, written, values, self.source, self.key),
            ItemSource(self.site, names, frame.f_code.co_filename),
        )

    def fold(self, items: Items) -> Fold | None:
        """What the root does with the values; None where the site's kind says all of it."""
        if not needs_fold(self.site):
            return None
        return Fold(self.site, self._function if self.key else self.reducer, items)

    @property
    def _function(self) -> Any:
        reducer = self.site.reducer
        return self.function[0] if reducer is not None and reducer.before else self.function

    @property
    def _called(self) -> tuple[Any, ...]:
        return self.source.functions if isinstance(self.source, Stage) else ()


def _is_written_in_c(function: object) -> bool:
    if isinstance(function, type):
        return not function.__flags__ & HEAP_TYPE
    return type(function) in _C_FUNCTIONS
