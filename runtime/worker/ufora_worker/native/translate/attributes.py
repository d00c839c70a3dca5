"""Attributes of values: parts of complex numbers, shapes of arrays, and methods."""

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_COMPLEX,
    NUMPY_FLOAT,
    NUMPY_INT,
    Array,
    Type,
)
from ufora_worker.native.translate.values import Display, Known, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: The class behind each type, for its methods.
CLASSES: Mapping[Type, type] = {
    BOOL: bool,
    INT: int,
    FLOAT: float,
    COMPLEX: complex,
    CHAR: str,
    NUMPY_BOOL: numpy.bool,
    NUMPY_INT: numpy.int64,
    NUMPY_FLOAT: numpy.float64,
    NUMPY_COMPLEX: numpy.complex128,
}
_NUMPY = frozenset({NUMPY_BOOL, NUMPY_INT, NUMPY_FLOAT, NUMPY_COMPLEX})


def _itself(b: "Builder", value: Atom) -> Value:
    return value


def _shape(b: "Builder", value: Atom) -> Value:
    assert isinstance(value.type, Array)
    lengths = [
        b.emit("array.len", value, Const(INT, each)) for each in range(value.type.dimensions)
    ]
    return Display(tuple(lengths))


_ATTRIBUTES: Mapping[tuple[Type, str], Callable[["Builder", Atom], Value]] = {
    (COMPLEX, "real"): lambda b, value: b.emit("complex.real", value),
    (COMPLEX, "imag"): lambda b, value: b.emit("complex.imag", value),
    (FLOAT, "real"): _itself,
    (FLOAT, "imag"): lambda b, value: Const(FLOAT, 0.0),
    (INT, "real"): _itself,
    (INT, "imag"): lambda b, value: Const(INT, 0),
    (INT, "numerator"): _itself,
    (INT, "denominator"): lambda b, value: Const(INT, 1),
}


def attribute(b: "Builder", node: ast.Attribute, of: Value) -> Value:
    """``of.name``, where ``of`` is no module.

    Raises:
        Refused: native code cannot read it.
    """
    if isinstance(of, Atom):
        found = _ATTRIBUTES.get((of.type, node.attr))
        if found is not None:
            return found(b, of)
        if _is_ndarray(of) and node.attr == "shape":
            return _shape(b, of)
    path = ast.unparse(node)
    if isinstance(of, Known):
        owner = f"an object of class {type(of.value).__qualname__}"
        b.refuse(node, f"`{path}` is read from {owner}", "put it into a variable before the loop")
    return b.refuse(node, f"`{path}` is read from {describe(of)}")


def _is_ndarray(value: Atom) -> bool:
    return isinstance(value.type, Array) and value.type.element in _NUMPY


def method(node: ast.Attribute, of: Value) -> object | None:
    """The function of ``of``'s class that ``of.name(...)`` calls with ``of`` before its arguments;
    None where it is no such call."""
    if isinstance(of, Atom):
        cls = CLASSES.get(of.type)
    elif isinstance(of, Known) and type(of.value) is str:
        cls = str
    else:
        return None
    return None if cls is None else getattr(cls, node.attr, None)
