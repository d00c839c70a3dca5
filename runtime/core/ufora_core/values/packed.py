"""Long containers of numbers, and long lists and tuples of tuples, packed: both directions.

A node for each of a million tuples takes seconds. Where tuples hold nothing but numbers, short
texts, truths and ``None``, nobody can change them, so the columns that they form say the same.
Equal tuples come back, as equal numbers do. Columns with a NaN are left alone: tuples that share
one are equal, and those with a copy each are not.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from operator import countOf, itemgetter, ne
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.nodes import AnyNode, Column, Item
from ufora_core.values.rows import marks_of
from ufora_core.values.scalars import encode_scalars, make_scalars
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

#: Lists and tuples of more items than this are looked at.
PACK_ABOVE = 32
#: Tuples of more items are no rows.
_WIDEST = 32

_CODES = {float: "d", int: "q"}
_CONTAINERS: Mapping[str, type] = {"list": list, "tuple": tuple}


def packable(values: Sequence[Any]) -> array[Any] | None:
    """The values as an array of 8-byte items, if they are all floats or all 64-bit ints."""
    code = _CODES.get(type(values[0]))
    if code is None or countOf(map(type, values), type(values[0])) != len(values):
        return None
    try:
        packed = array(code, values)
    except OverflowError:
        return None
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


def shared_nans(values: Sequence[float]) -> list[int]:
    """Where NaNs are to which there is another reference: of any other NaN nobody can tell whether
    it is the one that was there before."""
    if isfinite(_sum(values)):
        return []
    counts = _reference_counts(values)
    return [i for i, count in enumerate(counts) if count > _ALONE and values[i] != values[i]]


#: The built-in one, whatever that name means while a program runs.
_sum = sum


def _reference_counts(values: Iterable[object]) -> list[int]:
    return [sys.getrefcount(value) for value in values]


#: References to an object that nothing but the container has, while they are counted.
(_ALONE,) = _reference_counts([float("nan")])


def is_table(values: Sequence[Any]) -> bool:
    """Whether these are tuples of one length."""
    first = values[0]
    if type(first) is not tuple or not 0 < len(first) <= _WIDEST:
        return False
    return countOf(map(type, values), tuple) == len(values) and countOf(
        map(len, values), len(first)
    ) == len(values)


# ------------------------------------------------------------------------------ encoding


def encode_packed(encoder: Encoder, values: list[Any] | tuple[Any, ...]) -> AnyNode | None:
    """The node of a list or tuple that can be packed."""
    if len(values) <= PACK_ABOVE:
        return None
    packed = packable(values)
    if packed is not None:
        code, data = packed.typecode, encoder.bytes_of(packed)
        places = shared_nans(values) if code == "d" else []
        nans = [encoder.ref(values[place]) for place in places]
        return nodes.Packed(type(values).__name__, code, data, places, nans)
    scalars = encode_scalars(encoder, values)
    if scalars is not None or not encoder.has_place or not is_table(values):
        return scalars
    marks = set(marks_of(values))
    if len(marks) < len(values) or encoder.has_met(marks):
        return None  # rows are more than their values: they are in several places
    found = _columns_of(encoder, values)
    if found is None:
        return None
    encoder.add_rows(values, marks)
    return nodes.Table(type(values).__name__, found)


def columns(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """What stands at each place of rows of one length; ``zip`` needs an iterator for each row."""
    return (list(map(itemgetter(place), rows)) for place in range(len(rows[0])))


def _columns_of(encoder: Encoder, rows: Sequence[tuple[Any, ...]]) -> list[Column] | None:
    """The columns of these rows; None where an item would need a node of its own, or is a NaN."""
    found = []
    for values in columns(rows):
        column = _column(encoder, values)
        if column is None:
            return None
        found.append(column)
    return found


def encode_entries(encoder: Encoder, entries: dict[Any, Any]) -> AnyNode | None:
    """The node of a dict that can be packed."""
    if len(entries) <= PACK_ABOVE:
        return None
    keys = _column(encoder, list(entries))
    values = None if keys is None else _column(encoder, list(entries.values()))
    return None if keys is None or values is None else nodes.Entries(keys, values)


def _column(encoder: Encoder, values: list[Any]) -> Column | None:
    packed = packable(values)
    if packed is None:
        return Column(items=values) if all(map(encoder.stands_for_itself, values)) else None
    if any(map(ne, values, values)):
        return None
    return Column(packed.typecode, encoder.bytes_of(packed))


# ------------------------------------------------------------------------------ decoding


def unpacked(decoder: Decoder, code: str, data: nodes.Bytes) -> array[Any]:
    """The numbers of a ``Packed`` node or a column."""
    if code not in _CODES.values():
        raise ValueGraphError(f"no numbers are packed as {code!r}")
    numbers: array[Any] = array(code)
    numbers.frombytes(decoder.bytes_of(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _container(name: str) -> type:
    if name not in _CONTAINERS:
        raise ValueGraphError(f"no {name} can be packed")
    return _CONTAINERS[name]


def make_packed(decoder: Decoder, node: nodes.Packed) -> object:
    """The list or tuple of a ``Packed`` node."""
    if node.scalar is not None:
        return make_scalars(decoder, node)
    values: Any = unpacked(decoder, node.code, node.data)
    if node.places:
        values = values.tolist()
        for place, nan in zip(node.places, node.nans, strict=True):
            values[place] = decoder.get(nan)
    return _container(node.container)(values)


def make_table(decoder: Decoder, node: nodes.Table) -> object:
    """The list or tuple of a ``Table`` node."""
    columns = [_values(decoder, column) for column in node.columns]
    if not columns or len(set(map(len, columns))) > 1:
        raise ValueGraphError(f"columns of {sorted(set(map(len, columns)))} items make no rows")
    return _container(node.container)(zip(*columns, strict=True))


def _make_entries(decoder: Decoder, node: nodes.Entries) -> object:
    keys, values = _values(decoder, node.keys), _values(decoder, node.values)
    if len(keys) != len(values):
        raise ValueGraphError(f"a dict of {len(keys)} keys and {len(values)} values")
    return dict(zip(keys, values, strict=True))


def _values(decoder: Decoder, column: Column) -> Sequence[Any]:
    if column.data is not None:
        return unpacked(decoder, column.code, column.data)
    return list(map(decoder.get, column.items))


def _make_row(decoder: Decoder, node: nodes.Row) -> object:
    table = decoder.get(node.table)
    if type(table) not in (list, tuple) or not 0 <= node.index < len(table):
        raise ValueGraphError(f"a {type(table).__name__} has no row {node.index}")
    return table[node.index]


def _needs_table(node: nodes.Row) -> Iterable[Item]:
    return (node.table,)


STEPS: dict[type, Steps] = {
    nodes.Packed: Steps(make_packed, needs=lambda node: (*node.nans, node.scalar)),
    nodes.Table: Steps(make_table),
    nodes.Entries: Steps(_make_entries),
    nodes.Row: Steps(_make_row, needs=_needs_table),
}
