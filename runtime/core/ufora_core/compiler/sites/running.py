"""``itertools.accumulate`` of numbers, as the list of what it gives.

An item of it needs the one before, so it is no view: what it gives has to be there before items can
be taken by index. That is only done where nobody can tell that it is done at once, and not as the
loop goes: numbers, and functions of Python's own that give numbers of a size.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

#: Functions whose results are about as large as what they are given, or are looked at in time.
_FUNCTIONS = (
    *(operator.add, operator.sub, operator.mul),
    *(operator.and_, operator.or_, operator.xor),
    *(min, max, None),
)
_NUMBERS = {int, float, bool}
_MACHINE_INTS = range(-(2**63), 2**63)
#: As many items may grow unnoticed: by multiplication, to some kilobytes each.
_UNNOTICED = 256
#: Items that may be in memory for the sake of the loop.
MOST_ITEMS = 1 << 22


@dataclass(frozen=True, slots=True)
class Running:
    """``accumulate(items, function, initial=initial)``, not computed yet."""

    items: Sequence[Any]
    function: Callable[[Any, Any], Any] | None
    initial: Any = None

    def __len__(self) -> int:
        return len(self.items) + (self.initial is not None)

    def values(self) -> list[Any] | None:
        """All that it gives; None where that must not be computed beforehand, or fails."""
        if len(self) > MOST_ITEMS or not self._is_of_numbers():
            return None
        found: list[Any] = []
        running = accumulate(self.items, self.function, initial=self.initial)
        try:
            while some := list(islice(running, _UNNOTICED)):
                found += some
                if type(some[-1]) is int and some[-1] not in _MACHINE_INTS:
                    return None
        except (TypeError, OverflowError):
            return None  # as the loop goes, it fails at the right item
        return found

    def _is_of_numbers(self) -> bool:
        # ``is``: what is not in the table might say that it equals anything.
        known = any(self.function is each for each in _FUNCTIONS)
        types = {type(self.initial)} - {type(None)} | set(map(type, self.items))
        return known and types <= _NUMBERS
