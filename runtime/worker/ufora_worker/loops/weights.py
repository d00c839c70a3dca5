"""What it costs to send values to another process: about, and no more of it than has to be known.

Measured, processor time of encoding and decoding together: a number of a long list 0.06 us, by
itself 0.2 us, a short text 0.25 us, a row of a table 0.1 us and as much for each number in it; what
has a node of its own 2 to 3 us, and an instance 9 us. A wrong guess costs time, nothing else.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from statistics import fmean
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from ufora_core.values.encode import SHORT_TEXT
from ufora_core.values.packed import PACK_ABOVE, is_table
from ufora_core.values.scalars import packed_scalars

#: Nanoseconds for a number that is packed with others; for a number, truth or None that is not; for
#: a short text; for a row of a table, and each number in it; for a byte or character of all else.
_PACKED_NS, _PLAIN_NS, _TEXT_NS, _ROW_NS, _BYTE_NS = 80.0, 200.0, 300.0, 100.0, 1.0
#: What begins a list that is packed, and what an instance takes besides its attributes.
_PACKING_NS, _INSTANCE_NS = 6_000.0, 12_000.0
_ITERABLE: tuple[Any, ...] = (list, tuple, set, frozenset)
#: What has a node of its own, and nothing in it that would have to be looked at.
_LEAVES: Mapping[type, float] = {
    **dict.fromkeys((str, bytes, bytearray, complex, range), 3_000.0),
    # Code and what it reaches travels once for a job.
    **dict.fromkeys((FunctionType, ModuleType, type), 50_000.0),
}
_COSTS: Mapping[type, float] = {**_LEAVES, **dict.fromkeys((*_ITERABLE, dict), 3_500.0)}
_PACKED = {int, float}
_PLAIN = {*_PACKED, bool, type(None)}
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
        elif (alone := _leaf_ns(value)) is not None:
            total += alone
        elif id(value) not in seen:
            seen[id(value)] = value
            known, parts = _inside(value)
            total += _node_ns(value) + known
            stack.append(parts)
    return total


def packed_ns(values: Sequence[Any]) -> float | None:
    """Nanoseconds for one of these values in a long list of such, if that is packed; else None."""
    if not values:
        return None
    kinds = set(map(type, values))
    if (len(kinds) == 1 and kinds <= _PACKED) or packed_scalars(values) is not None:
        return _PACKED_NS
    return _row_ns(values) if is_table(values) else None


def _row_ns(rows: Sequence[Any]) -> float | None:
    """Nanoseconds for a row of a table; None if a part of one has a node."""
    costs = [_ROW_NS if type(part) in _PLAIN else _atom_ns(part) for row in rows for part in row]
    known = [cost for cost in costs if cost is not None]
    return _ROW_NS + sum(known) / len(rows) if len(known) == len(costs) else None


def _atom_ns(value: Any) -> float | None:
    """What a value takes that has no node of its own; None for any other."""
    kind = type(value)
    if kind in _PLAIN:
        return _PLAIN_NS
    return _TEXT_NS if kind is str and len(value) <= SHORT_TEXT else None


def _leaf_ns(value: Any) -> float | None:
    """What a value takes that nothing else is sent with; None for any other."""
    alone = _atom_ns(value)
    return _node_ns(value) if alone is None and type(value) in _LEAVES else alone


def _node_ns(value: Any) -> float:
    cost = _COSTS.get(type(value), _INSTANCE_NS)
    if isinstance(value, str | bytes | bytearray):
        return cost + _BYTE_NS * len(value)
    return cost + _BYTE_NS * _bytes_of(value)


def _bytes_of(value: Any) -> int:
    """How much memory an array has; what else calls itself ``nbytes`` is the user's."""
    if type(value) is array:
        return value.itemsize * len(value)
    numpy = sys.modules.get("numpy")
    is_array = numpy is not None and isinstance(value, numpy.ndarray)
    return int(numpy.ndarray.nbytes.__get__(value)) if numpy is not None and is_array else 0


def _inside(value: Any) -> tuple[float, Iterator[Any]]:
    """What a part of the things takes that are sent with a value, and the rest of them."""
    contents = _contents(value)
    if contents is None:
        return 0.0, _attributes(value)
    may_be_packed = type(value) in (list, tuple)
    costs = [_items_ns(items, may_be_packed=may_be_packed) for items in contents]
    others = [items for items, cost in zip(contents, costs, strict=True) if cost is None]
    return sum(cost for cost in costs if cost is not None), chain.from_iterable(others)


def _contents(value: Any) -> list[Sequence[Any]] | None:
    """What a container holds; None for anything else. No method of the user's is called."""
    if type(value) in (list, tuple):
        return [value]
    if isinstance(value, dict):
        return [list(dict.keys(value)), list(dict.values(value))]
    for cls in _ITERABLE:
        if isinstance(value, cls):
            return [list(cls.__iter__(value))]
    return None


def _items_ns(items: Sequence[Any], *, may_be_packed: bool) -> float | None:
    """What the items of a container take, where a few of them, from all over, show what the others
    are; None where each has to be looked at."""
    if not items:
        return 0.0
    some = items[:: len(items) // _SAMPLE + 1]
    each = packed_ns(some) if may_be_packed and len(items) > PACK_ABOVE else None
    if each is not None:
        return _PACKING_NS + each * len(items)
    costs = [cost for cost in map(_leaf_ns, some) if cost is not None]
    return fmean(costs) * len(items) if len(costs) == len(some) else None


def _attributes(value: Any) -> Iterator[Any]:
    own = getattr(value, "__dict__", None)
    yield from own.values() if type(own) is dict else ()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            descriptor = kind.__dict__.get(name)
            if isinstance(descriptor, MemberDescriptorType) and hasattr(value, name):
                yield descriptor.__get__(value)
