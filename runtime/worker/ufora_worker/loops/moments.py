"""What a site has at the moment at which it is reached: its reducer, functions and items."""

import builtins
import operator
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from types import BuiltinFunctionType, FrameType, MethodDescriptorType, WrapperDescriptorType
from typing import Any

from ufora_core.compiler.effects.classes import HEAP_TYPE
from ufora_core.compiler.effects.judgement import judge
from ufora_core.compiler.effects.proof import Reason
from ufora_core.compiler.for_loops.apart import Changes, is_plain
from ufora_core.compiler.sites.as_written import AsWritten
from ufora_core.compiler.sites.reducers import DECIDED, KEYED, UPDATE, SiteKind
from ufora_core.compiler.sites.running import Running
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.slices import SliceCodes, place_of
from ufora_core.compiler.sites.stages import Deferred, Stage, as_written
from ufora_core.compiler.sites.views import Items, indexable, size_of
from ufora_worker.executor.program_code import definition_of
from ufora_worker.loops.first_look import CHEAP, LOOK_NS, first_items, take_less, takes_a_look
from ufora_worker.loops.folds import Fold, needs_fold
from ufora_worker.loops.ranges import ItemSource, SliceCall

#: Classes of values that nothing of the program's is reached from.
_SCALARS = {int, float, bool, str, bytes}
#: Items that take less are not worth dividing if they are gathered, or hashed.
_CHEAP_NS = 500
#: Kinds whose values are hashed, here or elsewhere.
_HASHED = KEYED | {SiteKind.COUNTER}

_C_FUNCTIONS = (
    *(BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
    *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
)


class Declined(Exception):
    """A loop runs as written, and why. ``passing``: this time only, whatever is known of it."""

    def __init__(
        self, message: str, reason: Reason | None = None, *, passing: bool = False
    ) -> None:
        super().__init__(message)
        self.reason, self.passing = reason, passing


def local_values(site: Site, frame: FrameType) -> dict[str, Any]:
    """The values of the local variables that items of a site read.

    Raises:
        Declined: one of them has none.
    """
    names, variables = site.local_names(frame.f_code), frame.f_locals
    for name in names:
        if name not in variables:
            raise Declined(f"`{name}` has no value yet")
    return {name: variables[name] for name in names}


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
    #: The key function, if there is one; or what ``accumulate`` is given besides the items.
    given: tuple[Any, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """The key function, if there is one."""
        return self.given if self.site.key else ()

    @property
    def written(self) -> object:
        """What the program iterates over when the loop runs as written."""
        return as_written(self.iterable)

    @property
    def reducer(self) -> Callable[..., Any]:
        """The reducer, with all that is bound to it already; of a site that accumulates, what its
        reducer gets."""
        if self.site.accumulates is not None:
            return self._accumulate
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
    def combining(self) -> tuple[Any, ...]:
        """The function that is called on values and on what it returned, if there is one."""
        if self.site.accumulates is not None:
            return (self._by_name.get("func") or operator.add,)
        reducer = self.site.reducer
        return self.before if reducer is not None and reducer.combines else ()

    @property
    def starts(self) -> tuple[Any, ...]:
        """What ``accumulate`` begins with, if that is given."""
        start = self._by_name.get("initial")
        return () if start is None else (start,)

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
        if self.site.accumulates is not None and self.function[1] is not accumulate:
            raise Declined("`accumulate` is not that of `itertools` here")
        source = self.source
        size = size_of(source.items if isinstance(source, Stage) else source)
        if size is None:
            raise Declined(
                f"it iterates over {_one(type(self.written).__name__)}, whose items cannot be "
                "taken by index: make a list of it"
            )
        if len(self._called) != len(self.site.functions):
            raise Declined("`map`, or a function like it, is not Python's own here")
        return size

    def items(self) -> Items:
        """What the loop iterates over, by index.

        Raises:
            Declined: they cannot be known before the loop runs.
        """
        source = self.source
        if isinstance(source, Running) and self.site.kind in DECIDED:
            raise Declined("an item that decides it would have been computed with all the others")
        items = source.items if isinstance(source, Stage) else indexable(source)
        if items is None:
            raise Declined(
                f"each item of `{type(self.written).__name__}` needs the one before: make a list "
                "of it"
            )
        return items

    def scope(self, frame: FrameType) -> dict[str, Any]:
        """The values of the names that items read, besides global ones.

        Raises:
            Declined: one of them has no value.
        """
        given = zip(self.site.given_names, (*self._called, *self.key), strict=True)
        return {**local_values(self.site, frame), **dict(given)}

    def proved(self, count: int, frame: FrameType, slices: SliceCodes) -> tuple[Items, SliceCall]:
        """The items, so many of them, and what runs them anywhere.

        Raises:
            Declined: they may not run anywhere, or that is not worth finding out.
        """
        source = self.source
        whole = source.items if isinstance(source, Stage) else source
        first = first_items(whole)
        if self.is_cheap(first, count, proved=False):
            raise Declined(CHEAP)
        scope = self.scope(frame)
        body = self.body(scope, frame, slices)
        if takes_a_look(whole, count):
            self._prove(scope, first, frame)
            look_ns = _CHEAP_NS if self.site.kind in _HASHED else LOOK_NS
            if take_less(look_ns, body.run, first, count):
                raise Declined(CHEAP)
        items = self.items()
        self._prove(scope, items, frame)
        # Native code may compute keys in less time, but hashing them takes longer than both.
        keyed = self.site.kind in KEYED and take_less(_CHEAP_NS, body.run, first, count)
        if keyed or self.is_cheap(first, count):
            raise Declined(CHEAP)
        return items, body

    def is_cheap(self, first: Items, count: int, *, proved: bool = True) -> bool:
        """Whether ``count`` items run in next to no time, and in C: gathering what they give would
        take longer. The first are tried, so where they are not ``proved`` to be pure, nothing may
        be called but what only looks at numbers, text and tuples."""
        functions = (*self._called, *self.key)
        if self.site.written is not None or not all(map(_is_written_in_c, functions)):
            return False
        if not proved and not (len(functions) == 1 and _only_looks(functions[0], first)):
            return False

        def run(items: Items) -> None:
            iterable = self.source.iterator(items) if isinstance(self.source, Stage) else items
            deque(map(self.key[0], iterable) if self.key else iterable, maxlen=0)

        return take_less(_CHEAP_NS, run, first, count)

    def body(self, scope: dict[str, Any], frame: FrameType, slices: SliceCodes) -> SliceCall:
        """What runs the items, with values of ``scope``."""
        names = list(scope)
        code = self.site, frame.f_code, names, frame.f_globals
        values = list(scope.values())
        written = slices.function(*code, exact=True)
        return SliceCall(
            slices.function(*code),
            values,
            AsWritten(self.site, written, values, self.source, self.key),
            ItemSource(self.site, names, frame.f_code.co_filename, place_of(frame.f_code)),
        )

    def fold(self, items: Items) -> Fold | None:
        """What the root does with the values; None where the site's kind says all of it."""
        if not needs_fold(self.site):
            return None
        function = self._function if self.key else self.reducer
        if self.site.accumulates is not None:
            function = self._fold_accumulated
        reducer = self.site.reducer
        begins = bool(self.starts) or (reducer is not None and reducer.begins)
        adds = reducer is not None and reducer.adds
        return Fold(self.site, function, items, begins, adds)

    def _prove(self, scope: dict[str, Any], items: Items, frame: FrameType) -> None:
        """Prove that the items may run anywhere.

        Raises:
            Declined: that is not known, nor perhaps what the reducer does with their values.
        """
        verdict = judge(
            self.site,
            frame.f_globals,
            scope,
            items,
            source_of=definition_of,
            filename=frame.f_code.co_filename,
            operand=self.starts,
            before=self.combining,
            changes=self._changes(frame),
        )
        if not verdict.pure:
            raise Declined("it may have effects", verdict.reason)

    def _changes(self, frame: FrameType) -> Changes | None:
        """What its reducer changes, if that is an object of the program's."""
        if self.site.reducer is None or not self.site.reducer.adds:
            return None
        owner = self._function.__self__
        if self.site.reducer.name == UPDATE and not is_plain(owner):
            raise Declined("what it adds to holds objects whose classes it might run code of")
        nothing: frozenset[str] = frozenset()
        return Changes([owner], nothing, nothing, frame.f_globals, iterable=self.written)

    @property
    def _function(self) -> Any:
        several = self.site.accumulates is not None or self.before
        return self.function[0] if several else self.function

    @property
    def _by_name(self) -> dict[str, Any]:
        """What ``accumulate`` is given besides the items."""
        names = (name or "func" for name in self.site.accumulates or ())
        return dict(zip(names, self.given, strict=False))

    def _accumulate(self, items: Any) -> Any:
        """The call of ``accumulate``, as it is written."""
        given = list(zip(self.site.accumulates or (), self.given, strict=True))
        by_position = (value for name, value in given if not name)
        return self.function[1](items, *by_position, **{name: v for name, v in given if name})

    def _fold_accumulated(self, items: Any, *operand: Any, **by_name: Any) -> Any:
        return self._function(self._accumulate(items), *operand, **by_name)

    @property
    def _called(self) -> tuple[Any, ...]:
        return self.source.functions if isinstance(self.source, Stage) else ()


def _one(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _only_looks(function: object, items: Items) -> bool:
    """Whether calling it on these items cannot but look at them, whatever they contain."""
    types = set(map(type, items))
    if type(function) is operator.itemgetter:
        return types <= {tuple, list, str} and set(map(type, function.__reduce__()[1])) == {int}
    if function is len:
        return types <= {str, bytes, tuple, list, dict, set}
    owner = getattr(function, "__objclass__", function)
    return owner in _SCALARS and types <= _SCALARS


def _is_written_in_c(function: object) -> bool:
    if isinstance(function, type):
        return not function.__flags__ & HEAP_TYPE
    return type(function) in _C_FUNCTIONS
