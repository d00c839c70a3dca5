"""A look at a loop's first items, before all of them are looked at.

A proof looks at each item that is there already, and before native code runs each becomes a number.
Loops that gain nothing show it by their first items: what has effects mostly has them there, too,
and many items take less than these looks.
"""

from collections.abc import Callable
from math import inf
from time import perf_counter_ns

from ufora_core.compiler.sites.views import Items, are_objects, first_of
from ufora_worker.executor.interpreter import plain_sites
from ufora_worker.executor.warned import Warned, unless_it_warns

#: What is said of loops that this look is enough for.
CHEAP = "its items take less time than dividing it"
#: As many items are looked at first; and so many are few, which are all looked at together.
_FIRST, _FEW = 64, 4096
#: What the looks take for an item that is there already, about.
LOOK_NS = 100
#: How many items are tried, one after the other (the first time they take longer); what is much for
#: all of a try; and of how many items one may be tried, however long it takes.
_TRIES = 1, _FIRST, _FIRST, _FIRST
_SLOW_NS, _TRIED_OF = 200_000, 256


def first_items(iterable: object) -> Items:
    """The first items of something that can be cut by index."""
    return first_of(iterable, _FIRST)


def takes_a_look(iterable: object, count: int) -> bool:
    """Whether looking at all items takes much longer than looking at the first ones."""
    return count > _FEW and are_objects(iterable)


def take_less(limit_ns: float, run: Callable[[Items], object], first: Items, count: int) -> bool:
    """Whether the ``first`` of ``count`` items take less than so many nanoseconds each. They are
    tried, so they must be known to be pure; where they are slow, one of them, and where there are
    few, none."""
    if count < _TRIED_OF:
        return False
    with plain_sites():
        for items in (first[:tried] for tried in _TRIES):
            spent = _nanoseconds(run, items)
            if spent > _SLOW_NS:
                return False
            if len(items) > 1 and spent < len(items) * limit_ns:
                return True
    return False


def _nanoseconds(run: Callable[[Items], object], items: Items) -> float:
    """What it takes; infinite where it fails, which is for Python to do, in its turn."""
    started = perf_counter_ns()
    try:
        unless_it_warns(run, items)
    except (Exception, Warned):
        return inf
    return perf_counter_ns() - started
