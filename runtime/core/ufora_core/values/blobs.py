"""Which bytes of a graph are kept beside it."""

from typing import Any

from ufora_core.values.nodes import (
    Array,
    Binary,
    ByteArray,
    Bytes,
    Column,
    Entries,
    Graph,
    Packed,
    Pickled,
    Table,
    Text,
)


def blobs_of(value: Any) -> list[Bytes]:
    """Every ``Bytes`` of this graph or node that is kept in the object store."""
    found: list[Bytes] = []
    stack: list[Any] = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Graph):
            stack.extend(reversed(each.nodes))
        elif isinstance(each, Bytes):
            if each.data is None:
                found.append(each)
        elif isinstance(each, Text | Binary | ByteArray | Packed | Column | Array | Pickled):
            stack.append(each.data)
        elif isinstance(each, Table):
            stack.extend(reversed(each.columns))
        elif isinstance(each, Entries):
            stack += [each.values, each.keys]
    return found
