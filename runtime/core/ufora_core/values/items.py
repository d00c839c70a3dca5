"""What stands in nodes: values that stand for themselves, references, and bytes."""

import msgspec

#: Strings, bytes and array buffers above this many bytes leave the graph and become blobs.
BLOB_LIMIT = 64 * 1024


class Ref(msgspec.Struct, frozen=True, array_like=True):
    """The node with this index in the graph."""

    index: int


Item = None | bool | int | float | str | Ref


class Bytes(msgspec.Struct, frozen=True, array_like=True):
    """Bytes, here (``data``) or in the object store (``digest``, ``size``)."""

    size: int
    data: bytes | None = None
    digest: str = ""
