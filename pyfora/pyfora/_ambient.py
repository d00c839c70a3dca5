"""What the program has set for its process goes with a block, and comes back with it.

See ``ufora_core.ambient`` for what that is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ufora_core import ambient

#: Held by the block in which the program's random numbers go on.
_chance = threading.Lock()


@dataclass(frozen=True, slots=True)
class Travelling:
    """The states with which one block begins."""

    sent: ambient.Values
    has_chance: bool

    def land(self, changed: ambient.Values) -> None:
        """Set what the block has set."""
        ambient.write(changed if self.has_chance else ambient.without_chance(changed))


@contextmanager
def travelling() -> Iterator[Travelling]:
    """For as long as one block runs. Of blocks that run at the same time, one goes on with the
    program's random numbers; the others draw their own, or all would draw the same."""
    has_chance = _chance.acquire(blocking=False)
    try:
        states = ambient.unusual(ambient.read())
        yield Travelling(states if has_chance else ambient.without_chance(states), has_chance)
    finally:
        if has_chance:
            _chance.release()


def for_calls() -> ambient.Values:
    """The states with which a call begins, of which any number may run at the same time."""
    return ambient.without_chance(ambient.unusual(ambient.read()))
