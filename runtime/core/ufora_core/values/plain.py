"""Numbers, text, bytes and containers: both directions of each kind, side by side."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.nodes import AnyNode, Item
from ufora_core.values.packed import encode_entries, encode_packed
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

# ------------------------------------------------------------------------------ encoding


def _encode_float(encoder: Encoder, value: float) -> AnyNode:
    named = encoder.names.in_module("math", value) or encoder.names.in_module("numpy", value)
    return named or nodes.NotANumber(value)


def _encode_int(encoder: Encoder, value: int) -> AnyNode:
    return nodes.BigInt(hex(value))


def _encode_complex(encoder: Encoder, value: complex) -> AnyNode:
    return nodes.Complex(value.real, value.imag)


def _encode_str(encoder: Encoder, value: str) -> AnyNode:
    return nodes.Text(encoder.bytes_of(value.encode("utf-8", "surrogatepass")))


def _encode_bytes(encoder: Encoder, value: bytes) -> AnyNode:
    return nodes.Binary(encoder.bytes_of(value))


def _encode_bytearray(encoder: Encoder, value: bytearray) -> AnyNode:
    # The copy keeps the object resizable while its blob waits for upload.
    return nodes.ByteArray(encoder.bytes_of(bytes(value)))


def _encode_list(encoder: Encoder, value: list[Any]) -> AnyNode:
    return encode_packed(encoder, value) or nodes.List(list(map(encoder.ref, value)))


def _encode_tuple(encoder: Encoder, value: tuple[Any, ...]) -> AnyNode:
    return encode_packed(encoder, value) or nodes.Tuple(list(map(encoder.ref, value)))


def _encode_dict(encoder: Encoder, value: dict[Any, Any]) -> AnyNode:
    if _are_global_names(value):
        return encoder.whole_namespace(value)
    return encode_entries(encoder, value) or nodes.Dict(
        list(map(encoder.ref, value)), list(map(encoder.ref, value.values()))
    )


def _are_global_names(value: dict[Any, Any]) -> bool:
    """Whether Python has put there what it puts into every dict that code ran in; others have that
    key for reasons of their own (``{"__builtins__": {}}`` for ``eval``)."""
    found = value.get("__builtins__")
    return found is builtins or found is vars(builtins)


def _encode_set(encoder: Encoder, value: set[Any]) -> AnyNode:
    return nodes.Set(list(map(encoder.ref, value)))


def _encode_frozenset(encoder: Encoder, value: frozenset[Any]) -> AnyNode:
    return nodes.FrozenSet(list(map(encoder.ref, value)))


def _encode_range(encoder: Encoder, value: range) -> AnyNode:
    return nodes.RangeObject(*map(encoder.ref, (value.start, value.stop, value.step)))


def _encode_slice(encoder: Encoder, value: slice) -> AnyNode:
    return nodes.SliceObject(*map(encoder.ref, (value.start, value.stop, value.step)))


def _encode_singleton(encoder: Encoder, value: object) -> AnyNode:
    return nodes.Named("builtins", repr(value))


#: Encoders by exact type.
ENCODERS: dict[type, Callable[[Encoder, Any], AnyNode]] = {
    int: _encode_int,
    float: _encode_float,
    complex: _encode_complex,
    str: _encode_str,
    bytes: _encode_bytes,
    bytearray: _encode_bytearray,
    list: _encode_list,
    tuple: _encode_tuple,
    dict: _encode_dict,
    set: _encode_set,
    frozenset: _encode_frozenset,
    range: _encode_range,
    slice: _encode_slice,
    type(Ellipsis): _encode_singleton,
    type(NotImplemented): _encode_singleton,
}

# ------------------------------------------------------------------------------ decoding


def _make_int(decoder: Decoder, node: nodes.BigInt) -> object:
    return int(node.digits, 16)


def _make_float(decoder: Decoder, node: nodes.NotANumber) -> object:
    if not math.isnan(node.value):
        raise ValueGraphError(f"{node.value!r} is a number")
    return node.value


def _make_complex(decoder: Decoder, node: nodes.Complex) -> object:
    return complex(node.real, node.imag)


def _make_str(decoder: Decoder, node: nodes.Text) -> object:
    return str(decoder.bytes_of(node.data), "utf-8", "surrogatepass")


def _make_bytes(decoder: Decoder, node: nodes.Binary) -> object:
    return bytes(decoder.bytes_of(node.data))


def _make_bytearray(decoder: Decoder, node: nodes.ByteArray) -> object:
    return bytearray(decoder.bytes_of(node.data))


def _make_tuple(decoder: Decoder, node: nodes.Tuple) -> object:
    return tuple(map(decoder.get, node.items))


def _make_frozenset(decoder: Decoder, node: nodes.FrozenSet) -> object:
    return frozenset(map(decoder.get, node.items))


def _bounds(node: nodes.RangeObject | nodes.SliceObject) -> Iterable[Item]:
    return (node.start, node.stop, node.step)


def _make_range(decoder: Decoder, node: nodes.RangeObject) -> object:
    start, stop, step = map(decoder.get, _bounds(node))
    return range(start, stop, step)


def _make_slice(decoder: Decoder, node: nodes.SliceObject) -> object:
    return slice(*map(decoder.get, _bounds(node)))


def _fill_list(decoder: Decoder, value: list[Any], node: nodes.List) -> None:
    value[:] = map(decoder.get, node.items)


def _dict_items(node: nodes.Dict) -> Iterable[Item]:
    if len(node.keys) != len(node.values):
        raise ValueGraphError(f"a dict of {len(node.keys)} keys and {len(node.values)} values")
    return [*node.keys, *node.values]


def _fill_dict(decoder: Decoder, value: dict[Any, Any], node: nodes.Dict) -> None:
    value.update(zip(map(decoder.get, node.keys), map(decoder.get, node.values), strict=True))


def _fill_set(decoder: Decoder, value: set[Any], node: nodes.Set) -> None:
    value.update(map(decoder.get, node.items))


def _items(node: Any) -> Iterable[Item]:
    return node.items  # type: ignore[no-any-return]


STEPS: dict[type, Steps] = {
    nodes.BigInt: Steps(_make_int),
    nodes.NotANumber: Steps(_make_float),
    nodes.Complex: Steps(_make_complex),
    nodes.Text: Steps(_make_str),
    nodes.Binary: Steps(_make_bytes),
    nodes.ByteArray: Steps(_make_bytearray),
    nodes.Tuple: Steps(_make_tuple, needs=_items),
    nodes.FrozenSet: Steps(_make_frozenset, needs=_items),
    nodes.RangeObject: Steps(_make_range, needs=_bounds),
    nodes.SliceObject: Steps(_make_slice, needs=_bounds),
    nodes.List: Steps(lambda decoder, node: [], fills=_items, fill=_fill_list),
    nodes.Dict: Steps(
        lambda decoder, node: {}, fills=_dict_items, fill=_fill_dict, firm=lambda node: node.keys
    ),
    nodes.Set: Steps(lambda decoder, node: set(), fills=_items, fill=_fill_set, firm=_items),
}
