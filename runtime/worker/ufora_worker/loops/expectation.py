"""What an item of each loop that runs here will take: at least what it has taken, and what the
loops within it still have to do.

An item that divides its work, as a merge sort does, says long before it ends how long it will last:
of the loops within it some have run half of their items already. Without that a loop of two long
items is given away when the first has shown in fact to be long, and by then it is half over.
"""

from collections.abc import Sequence
from typing import Protocol


class Expecting(Protocol):
    """What has to be known of a loop."""

    #: The first item that has not begun, and the end of those that are not given away.
    next: int
    hi: int

    def item_time(self, inside_ns: float) -> float:
        """What an item takes, at least, if loops within the one that runs still need
        ``inside_ns``; nanoseconds."""


def item_times(loops: Sequence[Expecting]) -> list[float]:
    """Nanoseconds that an item of each loop takes, at least; each runs in an item of the one
    before."""
    times: list[float] = []
    inside = 0.0
    for loop in reversed(loops):
        item_ns = loop.item_time(inside)
        inside += item_ns * max(loop.hi - loop.next, 0)
        times.append(item_ns)
    return times[::-1]
