"""NaNs that somebody else has too.

A NaN equals nothing, not even itself; yet ``in``, ``==`` of containers, sets and dicts take an
object to be equal to itself. So it shows whether two items yield one NaN or two, and floats travel
as numbers: what an item yields is sent to another process only if every NaN in it is new.
"""

import sys
from collections.abc import Iterable
from typing import Any

_CONTAINERS = (list, tuple, set, frozenset)
#: Values that are, or hold, no float.
_OTHERS = frozenset({int, bool, str, bytes, complex, type(None)})


def holds_shared_nan(values: Any) -> bool:
    """Whether a list of values (or a dict, or containers in it) holds a NaN to which there is
    another reference. Attributes of instances are not looked at."""
    return _look(values, set())


def _look(values: Any, seen: set[int]) -> bool:
    if id(values) in seen:
        return False
    seen.add(id(values))
    if isinstance(values, dict):
        return _any(values.keys(), seen) or _any(values.values(), seen)
    return _any(values, seen)


def _any(values: Iterable[Any], seen: set[int]) -> bool:
    for value in values:
        kind = type(value)
        if kind is float:
            if value != value and sys.getrefcount(value) > _ALONE:
                return True
        elif kind not in _OTHERS and isinstance(value, (*_CONTAINERS, dict)) and _look(value, seen):
            return True
    return False


def _references_of_the_only(values: Iterable[float]) -> int:
    for value in values:
        count = sys.getrefcount(value)
    return count


#: References to an object that nothing but the container has, while ``_any`` looks at it.
_ALONE = _references_of_the_only([float("nan")])
