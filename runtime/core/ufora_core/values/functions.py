"""Functions of the user's, by source where there is any, else by byte code; and what is around
them: cells, bound methods, ``staticmethod``, ``classmethod`` and ``property``."""

from __future__ import annotations

import marshal
import sys
from collections.abc import Callable, Iterable
from types import CellType, CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.generated import stand_in
from ufora_core.values.minting import function_of
from ufora_core.values.nodes import AnyNode, Item, Source
from ufora_core.values.recompile import tree_of
from ufora_core.values.sources import remember, remember_text, source_of
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

__all__ = ["Source", "remember", "remember_text", "source_of", "tree_of"]

#: Byte code belongs to one minor version of Python.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_WRAPPERS: dict[str, Callable[..., object]] = {
    "staticmethod": staticmethod,
    "classmethod": classmethod,
    "property": property,
}

# ------------------------------------------------------------------------------ encoding


def _encode_function(encoder: Encoder, value: FunctionType) -> AnyNode:
    return encoder.names.of(value) or by_value(encoder, value)


def by_value(encoder: Encoder, value: FunctionType) -> nodes.Function:
    """The node of a function that is not to be found by name on the other side."""
    code = value.__code__
    rewritable = id(value) in encoder.rewritable
    source = None if rewritable else source_of(code)
    return nodes.Function(
        name=value.__name__,
        qualname=value.__qualname__,
        source=source,
        code=None if source else marshal.dumps(code),
        namespace=encoder.namespace(value.__globals__, code),
        closure=[encoder.node(cell) for cell in value.__closure__ or ()],
        defaults=encoder.ref(value.__defaults__),
        kwdefaults=encoder.ref(value.__kwdefaults__),
        attributes=encoder.ref(value.__dict__ or None),
        doc=encoder.ref(value.__doc__),
        module=encoder.ref(value.__module__),
        annotations=encoder.ref(value.__annotations__ or None),
        python="" if source else PYTHON,
        rewritable=rewritable,
    )


def _encode_cell(encoder: Encoder, value: CellType) -> AnyNode:
    try:
        content = value.cell_contents
    except ValueError:
        return nodes.Cell(True, None)
    return nodes.Cell(False, encoder.ref(content))


def _encode_method(encoder: Encoder, value: MethodType) -> AnyNode:
    return nodes.BoundMethod(encoder.ref(value.__func__), encoder.ref(value.__self__))


def _encode_wrapped(encoder: Encoder, value: Any) -> AnyNode:
    return nodes.Wrapped(type(value).__name__, [encoder.ref(value.__func__)])


def _encode_property(encoder: Encoder, value: property) -> AnyNode:
    parts = (value.fget, value.fset, value.fdel, value.__doc__)
    return nodes.Wrapped("property", list(map(encoder.ref, parts)))


ENCODERS: dict[type, Callable[[Encoder, Any], AnyNode]] = {
    FunctionType: _encode_function,
    CellType: _encode_cell,
    MethodType: _encode_method,
    staticmethod: _encode_wrapped,
    classmethod: _encode_wrapped,
    property: _encode_property,
}

# ------------------------------------------------------------------------------ decoding


def _code_of(decoder: Decoder, node: nodes.Function) -> CodeType:
    if node.source is not None:
        code = decoder.code_of(node.source)
        if source_of(code) != node.source:
            remember(code, node.source)
        return code
    if node.python != PYTHON:
        if node.rewritable:
            return stand_in.__code__
        raise ValueGraphError(
            f"the function {node.qualname} has no source, so it travels as byte code of Python "
            f"{node.python}, which this Python {PYTHON} cannot run; define it in a file, or use "
            f"the same version on both sides"
        )
    code = marshal.loads(node.code or b"")
    if not isinstance(code, CodeType):
        raise ValueGraphError(f"the byte code of the function {node.qualname} is none")
    return code


def _function_needs(node: nodes.Function) -> Iterable[Item]:
    return [node.namespace, *node.closure]


def _make_function(decoder: Decoder, node: nodes.Function) -> object:
    code = _code_of(decoder, node)
    cells = [decoder.get_as(CellType, cell) for cell in node.closure]
    names = node.source.freevars if node.source else code.co_freevars
    by_name = dict(zip(names, cells, strict=code is not stand_in.__code__))
    return function_of(code, decoder.variables(node.namespace), node.name, by_name)


def _function_fills(node: nodes.Function) -> Iterable[Item]:
    return [
        node.defaults,
        node.kwdefaults,
        node.attributes,
        node.doc,
        node.module,
        node.annotations,
    ]


def _fill_function(decoder: Decoder, value: Any, node: nodes.Function) -> None:
    value.__qualname__ = node.qualname
    if node.defaults is not None:  # setting them makes calls slower: see ``minting``
        value.__defaults__ = decoder.get(node.defaults)
    if node.kwdefaults is not None:
        value.__kwdefaults__ = decoder.get(node.kwdefaults)
    value.__doc__ = decoder.get(node.doc)
    value.__module__ = decoder.get(node.module)
    if node.attributes is not None:
        value.__dict__ = decoder.get(node.attributes)
    if node.annotations is not None:
        value.__annotations__ = decoder.get(node.annotations)


def _make_cell(decoder: Decoder, node: nodes.Cell) -> object:
    return CellType()


def _cell_fills(node: nodes.Cell) -> Iterable[Item]:
    return () if node.empty else (node.value,)


def _fill_cell(decoder: Decoder, value: CellType, node: nodes.Cell) -> None:
    if not node.empty:
        value.cell_contents = decoder.get(node.value)


def _make_method(decoder: Decoder, node: nodes.BoundMethod) -> object:
    function = decoder.get(node.function)
    if not callable(function):
        raise ValueGraphError(f"a bound method of {type(function).__name__}, which is no function")
    return MethodType(function, decoder.get(node.owner))


def _make_wrapped(decoder: Decoder, node: nodes.Wrapped) -> object:
    wrapper = _WRAPPERS.get(node.type)
    if wrapper is None:
        raise ValueGraphError(f"{node.type!r} wraps no functions")
    return wrapper(*map(decoder.get, node.parts))


STEPS: dict[type, Steps] = {
    nodes.Function: Steps(
        _make_function, needs=_function_needs, fills=_function_fills, fill=_fill_function
    ),
    nodes.Cell: Steps(_make_cell, fills=_cell_fills, fill=_fill_cell),
    nodes.BoundMethod: Steps(_make_method, needs=lambda node: (node.function, node.owner)),
    nodes.Wrapped: Steps(_make_wrapped, needs=lambda node: node.parts),
}
