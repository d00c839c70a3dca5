"""Methods of numbers and characters that native code knows, by the function of the class."""

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import BOOL, CHAR, COMPLEX, FLOAT, INT
from ufora_worker.native.translate.conversions import NUMPY_SCALARS, as_int, plain
from ufora_worker.native.translate.known_functions import (
    KnownFunction,
    float_of,
    int_of,
    known,
    refuse_argument,
)
from ufora_worker.native.translate.values import Known, Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

_ZERO = Const(FLOAT, 0.0)


def _of_int(op: str) -> KnownFunction:
    return known(lambda b, node, value: b.emit(op, int_of(b, node, value)))


def _conjugate(b: "Builder", node: ast.Call, value: Value) -> Value:
    assert isinstance(value, Atom)
    if value.type == COMPLEX:
        return b.emit("complex.conjugate", value)
    return as_int(b, value) if value.type == BOOL else value


def _is_integer(b: "Builder", node: ast.Call, value: Value) -> Value:
    # Infinity and NaN leave a NaN, which is not 0.
    return b.emit(
        "float.eq", b.emit("float.mod", float_of(b, node, value), Const(FLOAT, 1.0)), _ZERO
    )


def _item(b: "Builder", node: ast.Call, value: Value) -> Value:
    if isinstance(value, Atom) and value.type in NUMPY_SCALARS:
        return plain(b, value)
    return refuse_argument(b, node, value)


# ------------------------------------------------------------------ characters

_DIGITS, _UPPER, _LOWER = (48, 57), (65, 90), (97, 122)
_SPACES = ((9, 13), (28, 32))
_LAST_OF_ASCII = Const(INT, 127)


def _is_within(*spans: tuple[int, int]) -> KnownFunction:
    """Whether a character is in one of these intervals; what is not ASCII bails."""

    def write(b: "Builder", node: ast.Call, value: Value) -> Value:
        return _within(b, _code(b, node, value), spans)

    return known(write)


def _shifted(span: tuple[int, int], distance: int) -> KnownFunction:
    """The other case of a letter; what is not ASCII bails."""

    def write(b: "Builder", node: ast.Call, value: Value) -> Value:
        code = _code(b, node, value)
        other = b.emit("int.add", code, Const(INT, distance))
        return b.emit("char.chr", b.emit("select", _within(b, code, [span]), other, code))

    return known(write)


def _code(b: "Builder", node: ast.Call, value: Value) -> Atom:
    if isinstance(value, Known) and type(value.value) is str and len(value.value) == 1:
        value = Const(CHAR, ord(value.value))
    if not isinstance(value, Atom) or value.type != CHAR:
        refuse_argument(b, node, value, "ask for one character after the other")
    code = b.emit("char.ord", value)
    b.bail_if(b.emit("int.gt", code, _LAST_OF_ASCII), "a character beyond ASCII")
    return code


def _within(b: "Builder", code: Atom, spans: Sequence[tuple[int, int]]) -> Atom:
    found: Atom = Const(BOOL, False)
    for first, last in spans:
        after = b.emit("int.ge", code, Const(INT, first))
        before = b.emit("int.le", code, Const(INT, last))
        found = b.emit("bool.or", found, b.emit("bool.and", after, before))
    return found


KNOWN: Mapping[object, KnownFunction] = {
    int.bit_length: _of_int("int.bit_length"),
    int.bit_count: _of_int("int.bit_count"),
    int.conjugate: known(_conjugate),
    float.conjugate: known(_conjugate),
    complex.conjugate: known(_conjugate),
    float.is_integer: known(_is_integer),
    numpy.float64.is_integer: known(_is_integer),
    numpy.generic.item: known(_item),
    str.isdigit: _is_within(_DIGITS),
    str.isdecimal: _is_within(_DIGITS),
    str.isnumeric: _is_within(_DIGITS),
    str.isupper: _is_within(_UPPER),
    str.islower: _is_within(_LOWER),
    str.isalpha: _is_within(_UPPER, _LOWER),
    str.isalnum: _is_within(_DIGITS, _UPPER, _LOWER),
    str.isspace: _is_within(*_SPACES),
    str.lower: _shifted(_UPPER, 32),
    str.upper: _shifted(_LOWER, -32),
}
