"""The state of this process's Python that running a program changes, and puts back.

Rewritten code finds the engine through names in ``builtins``: they are out of the way of every name
that a program can have, and one process runs one program at a time.
"""

import builtins
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from ufora_core import ambient
from ufora_core.compiler.effects.classes import default_decimal_context
from ufora_core.compiler.for_loops import statement, writing
from ufora_core.compiler.for_loops.split import UNSET_MARK
from ufora_core.compiler.sites import rewriting, stages
from ufora_worker.loops.float_sum import follows_own_rule, ordered_sum

#: ``locals``, whatever the program has made of that name.
LOCALS = "__ufora_locals__"


class Engine(Protocol):
    """What rewritten code calls; see ``ufora_core.compiler.sites.rewriting``."""

    def install(self) -> None:
        """Open the gates of its sites."""

    def remove(self) -> None:
        """Close them for good."""

    def close_gates(self, wanted: bool) -> bool:
        """Close all gates, or open those of sites that do not rest; gives what held before."""

    def may_take(self, index: int, function: object, iterable: object, *key: object) -> bool:
        """``__ufora_loop__``"""

    def result(self, *operand: object) -> object:
        """``__ufora_result__``"""

    def items(self) -> object:
        """``__ufora_items__``"""

    def alone(self, index: int) -> bool:
        """``__ufora_alone__``"""

    def value(self, function: object) -> object:
        """``__ufora_value__``"""

    def reducer(self) -> object:
        """``__ufora_reducer__``"""

    @property
    def statements(self) -> "Statements":
        """What ``for`` statements call."""


class Statements(Protocol):
    """What rewritten ``for`` statements call; see ``ufora_core.compiler.for_loops.writing``."""

    def totals(self, index: int, iterable: object) -> object:
        """``__ufora_totals__``"""

    def left(self) -> object:
        """``__ufora_left__``"""

    def first(self, *site: Any) -> object:
        """``__ufora_first__``"""

    def turns(self) -> object:
        """``__ufora_turns__``"""

    def records(self, *site: Any) -> object:
        """``__ufora_records__``"""

    def rest(self) -> object:
        """``__ufora_rest__``"""


#: The engines that are installed, each in an item of the one before.
_engines: list[Engine] = []


@contextmanager
def engine(engine: Engine) -> Iterator[None]:
    """Within it, sites of rewritten code call ``engine``; outside of all, they run as written."""
    names = {
        rewriting.LOOP: engine.may_take,
        rewriting.RESULT: engine.result,
        rewriting.ITEMS: engine.items,
        rewriting.REDUCER: engine.reducer,
        writing.TOTALS: engine.statements.totals,
        writing.LEFT: engine.statements.left,
        writing.FIRST: engine.statements.first,
        writing.TURNS: engine.statements.turns,
        writing.RECORDS: engine.statements.records,
        writing.REST: engine.statements.rest,
        UNSET_MARK: statement.Unset,
        rewriting.VIEW: stages.call,
        rewriting.ALONE: engine.alone,
        rewriting.VALUE: engine.value,
        LOCALS: locals,
    }
    known = vars(builtins)
    before = {name: known[name] for name in names if name in known}
    known.update(names)
    _engines.append(engine)
    engine.install()
    try:
        yield
    finally:
        engine.remove()
        _engines.remove(engine)
        for name in names:
            del known[name]
        known.update(before)


def divide_items(wanted: bool) -> None:
    """Whether sites that are reached from now on may be taken over. No engine takes any while a
    slice of many items runs."""
    if _engines:
        _engines[-1].close_gates(not wanted)


@contextmanager
def own_frames(count: int) -> Iterator[None]:
    """Within it, so many frames of the engine do not count against the user's depth."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + count)
    try:
        yield
    finally:
        # It fails where the program has no frame left; there its own next call fails as well.
        with suppress(RecursionError):
            sys.setrecursionlimit(limit)


def frames_left() -> int:
    """How many frames deeper the program may go."""
    return sys.getrecursionlimit() - _depth()


@contextmanager
def plain_sites() -> Iterator[None]:
    """Within it, sites run as they were written: their loop is part of a slice already."""
    if not _engines:
        yield
        return
    engine = _engines[-1]
    before = engine.close_gates(True)
    try:
        yield
    finally:
        engine.close_gates(before)


@contextmanager
def client_rules(python: tuple[int, int], recursion_limit: int) -> Iterator[None]:
    """Within it, Python behaves like the client's where versions differ."""
    limit, own_sum = sys.getrecursionlimit(), builtins.sum
    if not follows_own_rule(python):
        builtins.sum = _sum_of(python)
    # The frames of the executor below the block must not count against the user's depth.
    sys.setrecursionlimit(recursion_limit + _depth())
    try:
        yield
    finally:
        builtins.sum = own_sum
        sys.setrecursionlimit(limit)


@contextmanager
def client_states(sent: ambient.Values) -> Iterator[dict[str, Any]]:
    """Within it, this process has the client's ``ambient`` states; gives what the program changed
    of them, once it has run."""
    changed: dict[str, Any] = {}
    before = ambient.read()
    ambient.write(sent)
    try:
        yield changed
    finally:
        now = ambient.read()
        changed |= ambient.changed({**before, **sent}, now)
        ambient.restore(before, now)


@contextmanager
def kept_surroundings() -> Iterator[None]:
    """Behind it, environment variables and working folder are as they were: the next program that
    runs here is somebody else's."""
    environment = os.environ  # noqa: TID251  (the program's doing, which nobody reads)
    folder, variables = os.getcwd(), dict(environment)
    try:
        yield
    finally:
        os.chdir(folder)
        if environment != variables:
            environment.clear()
            environment.update(variables)


def _sum_of(python: tuple[int, int]) -> Any:
    def sum(iterable: Iterable[Any], /, start: Any = 0) -> Any:
        return ordered_sum(iterable, start, python)

    return sum


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def settings_travel() -> bool:
    """False when this thread computes by rules that no other process would know of.

    (What ``functools.lru_cache`` holds is no such rule, but its statistics show who computed what:
    where a program asks for them, nothing is split.)
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.geterr() != ambient.NUMPY_ERRORS:
        return False
    return default_decimal_context()
