"""What it costs to send values to another process: about, and no more of it than has to be known.

Measured, encoding and decoding together: numbers that are packed into an array 0.15 us each, text
1 us (of a list of it 0.4 us), a small tuple or list 10 us, an instance 40 us and more. A wrong
guess costs time, nothing else.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

#: Nanoseconds for one number of a list that is packed, for a text of a list of them, for a byte,
#: and for one object.
_PACKED_NS, _TEXT_NS, _BYTE_NS = 80.0, 500.0, 1.0
_COSTS: Mapping[type, float] = {
    **dict.fromkeys((int, float, bool, type(None)), 500.0),
    **dict.fromkeys((str, bytes, bytearray, complex, range), 2_000.0),
    **dict.fromkeys((tuple, list, dict, set, frozenset), 14_000.0),
    **dict.fromkeys((FunctionType, ModuleType, type), 50_000.0),
}
_INSTANCE_NS = 50_000.0
_NUMBERS = (int, float, bool)
#: Code and what it reaches travels once for a job.
_CODE = (FunctionType, ModuleType, type)
#: As many items show what the others are.
_SAMPLE = 8


def weigh(values: Iterable[Any], limit: float) -> float:
    """Nanoseconds that sending these values takes; something above ``limit`` if it is more."""
    total = 0.0
    seen: dict[int, Any] = {}  # they stay alive: another object could have their id
    stack = [iter(values)]
    while stack and total <= limit:
        value = next(stack[-1], stack)
        if value is stack:
            stack.pop()
        elif id(value) not in seen:
            total += _own_ns(value)
            if type(value) not in _COSTS or type(value) in _HOLDERS:
                seen[id(value)] = value
                stack.append(iter(_parts(value)))
    return total


_HOLDERS = (list, tuple, dict, set, frozenset)


def _own_ns(value: Any) -> float:
    cost = _COSTS.get(type(value), _INSTANCE_NS)
    if isinstance(value, str | bytes | bytearray):
        return cost + _BYTE_NS * len(value)
    if _is_packed(value):
        return cost + _PACKED_NS * len(value)
    if _is_text(value):
        sample = _sample(value)
        return cost + len(value) * (_TEXT_NS + _BYTE_NS * sum(map(len, sample)) / len(sample))
    return cost + _BYTE_NS * getattr(value, "nbytes", 0)


def _is_packed(value: Any) -> bool:
    return type(value) in (list, tuple) and all(
        type(each) in _NUMBERS for each in islice(value, _SAMPLE)
    )


def _is_text(value: Any) -> bool:
    """Whether these are texts, by a few of them: to weigh each may take longer than to use it."""
    return type(value) in (list, tuple) and set(map(type, _sample(value))) == {str}


def _sample(value: Any) -> Any:
    """Some of the items, from the first on."""
    return value[:: len(value) // _SAMPLE + 1]


def _parts(value: Any) -> Iterable[Any]:
    """What is sent with a value."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        return () if _is_packed(value) or _is_text(value) else value
    return [] if hasattr(value, "nbytes") else [*_attributes(value)]


def _attributes(value: Any) -> Iterable[Any]:
    own = getattr(value, "__dict__", None)
    yield from own.values() if type(own) is dict else ()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            descriptor = kind.__dict__.get(name)
            if isinstance(descriptor, MemberDescriptorType) and hasattr(value, name):
                yield descriptor.__get__(value)
