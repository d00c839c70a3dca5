"""Long lists and tuples of NumPy's numbers, packed: both directions.

``[array[i] for i in ...]`` is a list of them, and a node for each of its items takes fifty times
what the loop took. As with numbers of Python's, equal ones come back. Where there is a NaN they are
left alone: two names for one are equal, and two NaNs are not.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import countOf
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.nodes import AnyNode

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

#: ``dtype.char`` of numbers whose bytes say all of them.
_PLAIN = frozenset("?bBhHiIlLqQefdFD")
_CONTAINERS: dict[str, type] = {"list": list, "tuple": tuple}


def packed_scalars(values: Sequence[Any]) -> Any:
    """The values as an array of little-endian items, if they are NumPy's numbers, all of one class,
    and none is a NaN."""
    numpy: Any = sys.modules.get("numpy")
    kind = type(values[0])
    if numpy is None or not issubclass(kind, numpy.generic):
        return None
    if countOf(map(type, values), kind) != len(values) or not _is_plain(numpy, kind):
        return None
    array = numpy.fromiter(values, numpy.dtype(kind), len(values))
    if (array != array).any():
        return None
    return array.byteswap() if sys.byteorder == "big" else array


def _is_plain(numpy: Any, kind: type) -> bool:
    return kind.__module__ == "numpy" and numpy.dtype(kind).char in _PLAIN


def encode_scalars(encoder: Encoder, values: Sequence[Any]) -> AnyNode | None:
    """The node of a list or tuple of NumPy's numbers; None where it is none, or not that alone."""
    array = packed_scalars(values)
    if array is None:
        return None
    container, kind = type(values).__name__, encoder.ref(type(values[0]))
    return nodes.Packed(container, "", encoder.bytes_of(array), scalar=kind)


def are_scalars(decoder: Decoder, node: nodes.Packed, value: Any) -> bool:
    """Whether a list or tuple holds the numbers of its node."""
    if not value or type(value[0]) is not decoder.get(node.scalar):
        return False
    now = packed_scalars(value)
    return now is not None and now.tobytes() == decoder.pristine(node.data)


def make_scalars(decoder: Decoder, node: nodes.Packed) -> Any:
    """The list or tuple of a ``Packed`` node of these."""
    kind: Any = decoder.get(node.scalar)
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not isinstance(kind, type) or not issubclass(kind, numpy.generic):
        raise ValueGraphError(f"{kind!r} is no class of NumPy's numbers")
    if node.container not in _CONTAINERS or not _is_plain(numpy, kind):
        raise ValueGraphError(f"no {node.container} of {kind.__qualname__} can be packed")
    array = numpy.frombuffer(decoder.pristine(node.data), numpy.dtype(kind).newbyteorder("<"))
    return _CONTAINERS[node.container](array.astype(kind))
