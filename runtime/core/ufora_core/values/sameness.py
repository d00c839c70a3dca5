"""Whether items, bytes and packed columns are still what a node says."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ufora_core.store import Buffer
from ufora_core.values import nodes
from ufora_core.values.nodes import Item, Ref
from ufora_core.values.packed import columns, is_table, packable
from ufora_core.values.scalars import are_scalars

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder

#: Bytes compared at a time: a copy of this many is made.
_STRETCH = 1 << 20


def is_item(decoder: Decoder, item: Item, value: Any) -> bool:
    """Whether ``value`` is what the item says: the same object, or equal to the last bit."""
    if isinstance(item, Ref):
        return decoder.objects[item.index] is value
    kind = type(item)
    if kind is not type(value):
        return False
    if kind is float:
        return struct.pack("d", item) == struct.pack("d", value)
    return bool(item == value)


def are_items(decoder: Decoder, items: list[Item], values: Any) -> bool:
    """``is_item`` for each of them."""
    if len(items) != len(values):
        return False
    return all(is_item(decoder, item, value) for item, value in zip(items, values, strict=True))


def same_bytes(one: Buffer | array[Any], other: Buffer) -> bool:
    """Whether two buffers hold the same."""
    first, second = memoryview(one).cast("B"), memoryview(other).cast("B")
    if first.nbytes != second.nbytes:
        return False
    # Comparing memoryviews goes item by item; comparing bytes is one call of memcmp.
    return all(
        bytes(first[start : start + _STRETCH]) == bytes(second[start : start + _STRETCH])
        for start in range(0, first.nbytes, _STRETCH)
    )


def is_packed(decoder: Decoder, node: nodes.Packed, value: Any) -> bool:
    """Whether a list or tuple holds the numbers of its node."""
    if node.scalar is not None:
        return are_scalars(decoder, node, value)
    if not value or not _are_numbers(decoder, node.code, node.data, value):
        return False
    nans = zip(node.places, node.nans, strict=True)
    return all(is_item(decoder, nan, value[place]) for place, nan in nans)


def _are_numbers(decoder: Decoder, code: str, data: nodes.Bytes, values: Sequence[Any]) -> bool:
    now = packable(values)
    return now is not None and now.typecode == code and same_bytes(now, decoder.pristine(data))


def is_still_table(decoder: Decoder, node: nodes.Table, rows: Any) -> bool:
    """Whether a list or tuple holds the rows of its node, or equal ones."""
    if not rows or not is_table(rows):
        return False
    return len(rows[0]) == len(node.columns) and all(
        map(partial(_is_column, decoder), node.columns, columns(rows))
    )


def are_entries(decoder: Decoder, node: nodes.Entries, value: dict[Any, Any]) -> bool:
    """Whether a dict holds the entries of its node, in their order."""
    halves = (node.keys, list(value)), (node.values, list(value.values()))
    return bool(value) and all(_is_column(decoder, *half) for half in halves)


def _is_column(decoder: Decoder, node: nodes.Column, values: list[Any]) -> bool:
    if node.data is None:
        return are_items(decoder, node.items, values)
    return _are_numbers(decoder, node.code, node.data, values)
