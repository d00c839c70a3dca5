"""NumPy arrays: their bytes travel out of band, and an array is built over them without a copy.

NumPy is no dependency of the core: it is imported when an array arrives, and an array can only be
met where somebody has imported it. Views that overlap in memory become views of one block of bytes
again, so that a change through one is seen through the other.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.nodes import AnyNode
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder


def is_array_class(kind: type) -> bool:
    """Whether instances are NumPy arrays (and not of a subclass)."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and kind is getattr(numpy, "ndarray", None)


def has_bytes(array: Any) -> bool:
    """Whether the array's memory says all about it: it holds no references."""
    return not array.dtype.hasobject and array.dtype.kind in "biufcmMSUV"


# ------------------------------------------------------------------------------ encoding


def encode_array(encoder: Encoder, array: Any) -> AnyNode:
    """The node of an array by itself."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    writeable = bool(array.flags.writeable)
    if not array.flags.forc:
        array = array.copy(order="C")
    return nodes.Array(
        dtype=encoder.ref(_dtype_or_name(array.dtype)),
        shape=tuple(map(int, array.shape)),
        order=order,
        data=encoder.bytes_of(bytes_of(array)),
        writeable=writeable,
    )


def _dtype_or_name(dtype: Any) -> Any:
    simple = dtype.fields is None and dtype.subdtype is None and dtype.metadata is None
    return str(dtype.str) if simple else dtype


def bytes_of(array: Any) -> memoryview:
    """The memory of a contiguous array, not copied."""
    if array.nbytes == 0:
        return memoryview(b"")
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return memoryview(flat.view("u1").data)


def encode_arrays(
    encoder: Encoder, found: Iterable[tuple[int, Any]]
) -> Iterable[tuple[int, AnyNode]]:
    """The nodes of all arrays of a graph, by their index."""
    by_memory: defaultdict[int, list[tuple[int, Any]]] = defaultdict(list)
    for index, array in found:
        by_memory[id(_memory(array))].append((index, array))
    for arrays in by_memory.values():
        for cluster in _overlapping(arrays):
            if len(cluster) == 1:
                yield cluster[0][0], encode_array(encoder, cluster[0][1])
            else:
                yield from _encode_views(encoder, cluster)


def _memory(array: Any) -> object:
    """The object that owns the memory of an array."""
    numpy = sys.modules["numpy"]
    owner: object = array
    while isinstance(owner, numpy.ndarray) and owner.base is not None:
        owner = owner.base
    return owner


def _bounds(array: Any) -> tuple[int, int]:
    """Addresses of the array's first byte and of the one after its last."""
    low = high = array.__array_interface__["data"][0]
    for length, stride in zip(array.shape, array.strides, strict=True):
        if stride > 0:
            high += (length - 1) * stride
        else:
            low += (length - 1) * stride
    return low, high + array.itemsize


def _overlapping(arrays: list[tuple[int, Any]]) -> list[list[tuple[int, Any]]]:
    """The arrays in groups that share memory."""
    if len(arrays) == 1:
        return [arrays]
    groups: list[list[tuple[int, Any]]] = [[each] for each in arrays if each[1].size == 0]
    end = -1
    placed = [(_bounds(array), index, array) for index, array in arrays if array.size]
    for (low, high), index, array in sorted(placed, key=lambda each: each[:2]):
        if low < end:
            groups[-1].append((index, array))
        else:
            groups.append([(index, array)])
        end = max(end, high)
    return groups


class _Memory:
    """A stretch of memory that belongs to ``owner``, as NumPy wants it described."""

    def __init__(self, owner: object, low: int, size: int, readonly: bool) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "data": (low, readonly),
            "shape": (size,),
            "typestr": "|u1",
            "version": 3,
        }


def _encode_views(encoder: Encoder, arrays: list[tuple[int, Any]]) -> Iterable[tuple[int, AnyNode]]:
    numpy = sys.modules["numpy"]
    bounds = [_bounds(array) for _, array in arrays]
    low, high = min(bounds)[0], max(high for _, high in bounds)
    readonly = not any(array.flags.writeable for _, array in arrays)
    owner = _memory(arrays[0][1])
    block = numpy.asarray(_Memory(owner, low, high - low, readonly))
    encoder.add(block, encode_array(encoder, block))
    for index, array in arrays:
        offset = array.__array_interface__["data"][0] - low
        layout = (array.shape, array.strides, offset, bool(array.flags.writeable))
        arguments = (block, _dtype_or_name(array.dtype), *layout)
        yield index, nodes.Reduced(encoder.ref(view_of), encoder.part(arguments), None, None, None)


# ------------------------------------------------------------------------------ decoding


def view_of(
    block: Any,
    dtype: Any,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int,
    writeable: bool,
) -> object:
    """An array over part of a block of bytes."""
    import numpy

    array = numpy.ndarray(shape, dtype, block, offset, strides)
    if not writeable:
        array.setflags(write=False)
    return array


def make_array(decoder: Decoder, node: nodes.Array) -> object:
    """The array of a node, over the very bytes that the decoder is given."""
    import numpy

    dtype = numpy.dtype(decoder.get(node.dtype))
    if dtype.hasobject:
        raise ValueGraphError(f"an array of {dtype} is not its bytes")
    order: Any = node.order
    if order not in ("C", "F") or any(length < 0 for length in node.shape):
        raise ValueGraphError(f"no array has shape {node.shape} and order {node.order!r}")
    if prod(node.shape) * dtype.itemsize != node.data.size:
        raise ValueGraphError(
            f"{node.data.size} bytes are no array of {dtype} with shape {node.shape}"
        )
    if not node.data.size:
        array = numpy.empty(node.shape, dtype, order)
    else:
        array = numpy.ndarray(node.shape, dtype, _buffer(decoder, node), order=order)
    array.setflags(write=node.writeable)
    return array


def _buffer(decoder: Decoder, node: nodes.Array) -> Any:
    found = decoder.bytes_of(node.data)
    if not node.writeable:
        return memoryview(found).toreadonly()
    # Bytes inside of the graph, and mappings that others read too, stay as they are.
    return bytearray(found) if memoryview(found).readonly else found


STEPS: dict[type, Steps] = {nodes.Array: Steps(make_array, needs=lambda node: (node.dtype,))}
