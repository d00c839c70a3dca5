"""The state of this process's Python that running a program changes, and puts back.

Rewritten code finds the engine through names in ``builtins``: they are out of the way of every name
that a program can have, and one process runs one program at a time.
"""

import builtins
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ufora_core.compiler import sites
from ufora_worker.float_sum import follows_own_rule, ordered_sum

#: ``locals``, whatever the program has made of that name.
LOCALS = "__ufora_locals__"


class Engine(Protocol):
    """What rewritten code calls; see ``ufora_core.compiler.sites``."""

    def may_take(self, index: int, function: object, iterable: object) -> bool:
        """``__ufora_loop__``"""

    def result(self, *operand: object) -> object:
        """``__ufora_result__``"""

    def items(self) -> object:
        """``__ufora_items__``"""


@contextmanager
def engine(engine: Engine) -> Iterator[None]:
    """Within it, sites of rewritten code call ``engine``."""
    names = {
        sites.PLAIN: False,
        sites.LOOP: engine.may_take,
        sites.RESULT: engine.result,
        sites.ITEMS: engine.items,
        LOCALS: locals,
    }
    vars(builtins).update(names)
    try:
        yield
    finally:
        for name in names:
            del vars(builtins)[name]


@contextmanager
def plain_sites() -> Iterator[None]:
    """Within it, sites run as they were written: their loop is part of a slice already."""
    names = vars(builtins)
    before = names.get(sites.PLAIN)
    names[sites.PLAIN] = True
    try:
        yield
    finally:
        if before is None:
            del names[sites.PLAIN]
        else:
            names[sites.PLAIN] = before


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


def _sum_of(python: tuple[int, int]) -> Any:
    def sum(iterable: Iterable[Any], /, start: Any = 0) -> Any:
        return ordered_sum(iterable, start, python)

    return sum


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
