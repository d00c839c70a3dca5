"""The engine behind the sites of a running program: which loops to take over, and with what.

A site asks each time it is reached. The answer is yes if the reducer is the builtin, the items can
be cut by index, and ``compiler.effects`` proves on the values of this moment that nobody can notice
in which order, where and how often items run. A proof takes about a millisecond, so a site whose
loops end sooner than a proof could pay is left alone for a while.
"""

import ast
import builtins
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import FrameType
from typing import Any

from ufora_core.compiler.effects import judge
from ufora_core.compiler.sites import Site, rewrite
from ufora_core.compiler.slices import slice_function
from ufora_core.program import Block
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.store import ObjectStore
from ufora_core.values.decode import Decoder
from ufora_worker.interpreter import plain_sites
from ufora_worker.loops import Loop, Place
from ufora_worker.program_code import definition_of, rewrite_functions
from ufora_worker.ranges import SliceCall
from ufora_worker.root_loop import Link, RootLoop

log = logging.getLogger(__name__)

_NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_DECIMAL_SETTINGS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")

#: A loop that took less is not worth a proof the next time.
_SHORT_NS = 20_000_000
#: How often a site that is left alone is looked at again: its items may have become slower.
_LOOK_AGAIN = 64


@dataclass(slots=True)
class _Visits:
    """What is known of a site from its earlier loops."""

    #: Loops of fewer items than this are short.
    short_below: int = 2
    skipped: int = 0

    def skip(self, count: int) -> bool:
        """True when a loop of so many items should run as written."""
        if count >= self.short_below:
            return False
        self.skipped += 1
        return count < 2 or self.skipped % _LOOK_AGAIN != 0

    def note(self, count: int, spent: int) -> None:
        """Learn from a loop."""
        self.short_below = 2 * count if spent < _SHORT_NS else 2


@dataclass(frozen=True, slots=True)
class _Taken:
    """A loop between the engine's yes (or no) and the call that follows it."""

    frame: FrameType
    site: Site
    items: Any
    body: SliceCall | None


class _Asked(threading.local):
    """The loops that a thread asked for and that have not been followed up, innermost last."""

    def __init__(self) -> None:
        self.loops: list[_Taken] = []


@dataclass(slots=True)
class Splitter:
    """The engine of one job; it implements ``interpreter.Engine``."""

    job: str
    python: tuple[int, int]
    recursion_limit: int
    place: Place
    store: ObjectStore
    link: Link
    on_use: Callable[[ExecutorUse], None]
    on_own_use: Callable[[Loop], None]
    _sites: list[Site] = field(default_factory=list, init=False)
    _visits: dict[int, _Visits] = field(default_factory=dict, init=False)
    _asked: _Asked = field(default_factory=_Asked, init=False)
    _loops: int = field(default=0, init=False)

    def rewrite_block(self, tree: Any, block: Block) -> None:
        """Make the sites of a block ask this engine."""
        self._sites += rewrite(tree, first=len(self._sites), mangle=block.mangle)

    def rewrite_functions(self, decoder: Decoder) -> None:
        """Make the sites of the functions that came with the program ask this engine."""
        self._sites += rewrite_functions(decoder, first=len(self._sites))

    def may_take(self, index: int, function: object, iterable: object) -> bool:
        """See ``interpreter.Engine``; called from the code of the site itself."""
        frame = sys._getframe(1)
        site = self._sites[index]
        try:
            body = self._body(site, frame, function, iterable)
        except Exception:
            log.exception(
                "the loop at line %d could not be looked at and runs as written", site.line
            )
            body = None
        stale = [each for each in self._asked.loops if each.frame is frame and each.site is site]
        for each in stale:
            self._asked.loops.remove(each)
        self._asked.loops.append(_Taken(frame, site, iterable, body))
        return body is not None

    def items(self) -> object:
        """See ``interpreter.Engine``."""
        return self._last(sys._getframe(1)).items

    def result(self, *operand: object) -> object:
        """See ``interpreter.Engine``."""
        taken = self._last(sys._getframe(1))
        assert taken.body is not None
        self._loops += 1
        loop = RootLoop(
            job=self.job,
            number=self._loops,
            kind=taken.site.kind,
            body=taken.body,
            items=taken.items,
            eager=taken.site.eager,
            operand=operand,
            python=self.python,
            recursion_limit=self.recursion_limit,
            place=self.place,
            store=self.store,
            link=self.link,
            on_use=self.on_use,
            on_own_use=self.on_own_use,
        )
        started = perf_counter_ns()
        with plain_sites():
            value = loop.run()
        spent = perf_counter_ns() - started
        self._visits[taken.site.index].note(len(taken.items), spent)
        return value

    def _last(self, frame: FrameType) -> _Taken:
        """The loop that this frame asked for last; loops above it ended with an exception."""
        while True:
            taken = self._asked.loops.pop()
            if taken.frame is frame:
                return taken

    def _body(
        self, site: Site, frame: FrameType, function: object, iterable: object
    ) -> SliceCall | None:
        """The loop's slice function with its values; None when the loop is to run as written."""
        if threading.current_thread() is not threading.main_thread():
            return None  # signals and the supervisor's words belong to the main thread
        if _is_call(site) and function is not vars(builtins)[site.kind.value]:
            return None
        items = indexable(iterable)
        visits = self._visits.setdefault(site.index, _Visits())
        if items is None or visits.skip(len(items)):
            return None
        if not _settings_travel() or "cache_info" in frame.f_code.co_names:
            return None
        names = site.local_names(frame.f_code)
        variables = frame.f_locals
        if not all(name in variables for name in names):
            return None
        scope = {name: variables[name] for name in names}
        verdict = judge(
            site,
            frame.f_globals,
            scope,
            items,
            source_of=definition_of,
            filename=frame.f_code.co_filename,
        )
        if not verdict.pure:
            visits.note(len(items), 0)
            return None
        code = site, frame.f_code.co_filename, names, frame.f_globals
        return SliceCall(
            slice_function(*code), list(scope.values()), slice_function(*code, exact=True)
        )


def _is_call(site: Site) -> bool:
    return site.eager or isinstance(site.comprehension, ast.GeneratorExp)


def indexable(iterable: object) -> Sequence[Any] | None:
    """The iterable, if slicing it gives the items that iterating over it gives."""
    if type(iterable) in (range, list, tuple):
        return iterable  # type: ignore[return-value]
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(iterable) is numpy.ndarray and iterable.ndim > 0:  # type: ignore[attr-defined]
        return iterable  # type: ignore[return-value]
    return None


def _settings_travel() -> bool:
    """False when this thread computes by rules that no other process would know of.

    (What ``functools.lru_cache`` holds is no such rule, but its statistics show who computed what:
    where a program asks for them, nothing is split.)
    """
    numpy, decimal = sys.modules.get("numpy"), sys.modules.get("decimal")
    if numpy is not None and numpy.geterr() != _NUMPY_ERRORS:
        return False
    if decimal is None:
        return True
    here, default = decimal.getcontext(), decimal.DefaultContext
    return all(getattr(here, name) == getattr(default, name) for name in _DECIMAL_SETTINGS)
