"""``round``, with and without digits."""

import ast
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import BOOL, FLOAT, INT, NUMPY_FLOAT, NUMPY_INT
from ufora_worker.native.translate.conversions import as_int
from ufora_worker.native.translate.known_functions import number_of, refuse_argument
from ufora_worker.native.translate.values import Known, Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: Powers of ten up to this one are floats without an error.
_MOST_DIGITS = 22
#: Below this a float's fractional part is found without an error.
_LARGEST = 2.0**51


def rounded(b: "Builder", node: ast.Call, number: Value, ndigits: Value | None = None) -> Value:
    """``round(number, ndigits)``."""
    if ndigits is None or (isinstance(ndigits, Known) and ndigits.value is None):
        return _to_int(b, node, number)
    if not (isinstance(ndigits, Const) and ndigits.type == INT):
        return b.refuse(node, "`round` to a number of digits that is no constant", "write a number")
    digits = int(ndigits.value.real)
    if isinstance(number, Atom) and number.type in (BOOL, INT) and digits >= 0:
        return as_int(b, number)
    if isinstance(number, Atom) and number.type == FLOAT and 0 <= digits <= _MOST_DIGITS:
        return _to_digits(b, number, digits)
    return refuse_argument(b, node, number)


def _to_int(b: "Builder", node: ast.Call, number: Value) -> Atom:
    value = number_of(b, node, number)
    assert isinstance(number, Atom)
    if number.type in (BOOL, INT, NUMPY_INT):
        return as_int(b, value)
    if number.type in (FLOAT, NUMPY_FLOAT):
        return b.emit("float.round", value)
    return refuse_argument(b, node, number)


def _to_digits(b: "Builder", value: Atom, digits: int) -> Atom:
    """The float nearest to the decimal number with so many digits that is nearest to ``value``.

    CPython prints the digits and reads them back. Here ``value * 10**digits`` is rounded to a whole
    number. The product's own rounding cannot bring it to the other side of a tie, only onto it, so
    a tie bails. A whole number below 2**53 divided by a power of ten is rounded once, as reading
    the digits is.
    """
    scale = Const(FLOAT, 10.0**digits)
    product = b.emit("float.mul", value, scale)
    large = b.emit("float.ge", b.emit("float.abs", product), Const(FLOAT, _LARGEST))
    b.bail_if(large, "too large to be rounded exactly")
    below = b.emit("int.to_float", b.emit("float.floor", product))
    fraction = b.emit("float.sub", product, below)
    b.bail_if(b.emit("float.eq", fraction, Const(FLOAT, 0.5)), "half way between two digits")
    up = b.emit("float.gt", fraction, Const(FLOAT, 0.5))
    whole = b.emit("select", up, b.emit("float.add", below, Const(FLOAT, 1.0)), below)
    return b.emit("math.copysign", b.emit("float.truediv", whole, scale), value)
