"""``math``: the functions that native code has bit by bit.

What CPython works out in a way of its own, and differently from version to version (``hypot``,
``dist``, ``gamma``, ``fsum``), is refused.
"""

import ast
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import BOOL, FLOAT, INT, NUMPY_FLOAT
from ufora_worker.native.translate import reductions
from ufora_worker.native.translate.conversions import as_int, plain
from ufora_worker.native.translate.known_functions import (
    KnownFunction,
    float_of,
    int_of,
    known,
    refuse_argument,
)
from ufora_worker.native.translate.values import Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: Functions of one float that the C library computes.
_OF_ONE = (
    "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log2 log10 log1p "
    "sqrt cbrt fabs erf erfc"
)
_OF_TWO = "pow atan2 fmod copysign"

_ZERO, _ONE = Const(INT, 0), Const(INT, 1)
#: Tolerances of ``isclose``.
_NEARLY, _NOTHING = Const(FLOAT, 1e-09), Const(FLOAT, 0.0)


def _of_float(op: str) -> KnownFunction:
    return known(lambda b, node, x: b.emit(op, float_of(b, node, x)))


def _of_floats(op: str) -> KnownFunction:
    return known(lambda b, node, x, y: b.emit(op, float_of(b, node, x), float_of(b, node, y)))


def _scaled(factor: float) -> KnownFunction:
    scale = Const(FLOAT, factor)
    return known(lambda b, node, x: b.emit("float.mul", float_of(b, node, x), scale))


def _log(b: "Builder", node: ast.Call, value: Value, base: Value | None = None) -> Value:
    result = b.emit("math.log", float_of(b, node, value))
    if base is None:
        return result
    return b.emit("float.truediv", result, b.emit("math.log", float_of(b, node, base)))


def _to_int(op: str) -> KnownFunction:
    def write(b: "Builder", node: ast.Call, value: Value) -> Value:
        if isinstance(value, Atom) and value.type in (BOOL, INT):
            return as_int(b, value)
        if isinstance(value, Atom) and value.type in (FLOAT, NUMPY_FLOAT):
            return b.emit(op, plain(b, value))
        return refuse_argument(b, node, value)

    return known(write)


def _isclose(
    b: "Builder",
    node: ast.Call,
    x: Value,
    y: Value,
    *,
    rel_tol: Value = _NEARLY,
    abs_tol: Value = _NOTHING,
) -> Value:
    one, other, relative, absolute = (float_of(b, node, each) for each in (x, y, rel_tol, abs_tol))
    for tolerance in (relative, absolute):
        b.bail_if(b.emit("float.lt", tolerance, _NOTHING), "tolerances are not negative")
    finite = b.emit("bool.and", b.emit("float.is_finite", one), b.emit("float.is_finite", other))
    distance = b.emit("float.abs", b.emit("float.sub", other, one))
    near = b.emit("float.le", distance, absolute)
    for each in (other, one):
        allowed = b.emit("float.abs", b.emit("float.mul", relative, each))
        near = b.emit("bool.or", near, b.emit("float.le", distance, allowed))
    near = b.emit("bool.and", finite, near)
    return b.emit("bool.or", b.emit("float.eq", one, other), near)


def _isqrt(b: "Builder", node: ast.Call, value: Value) -> Value:
    return b.emit("int.isqrt", int_of(b, node, value))


def _gcd(b: "Builder", node: ast.Call, *values: Value) -> Value:
    result: Atom = _ZERO
    for value in values:
        result = b.emit("int.gcd", result, int_of(b, node, value))
    return result


def _lcm(b: "Builder", node: ast.Call, *values: Value) -> Value:
    result: Atom = _ONE
    for value in values:
        # Of two zeros it bails, since their greatest common divisor is 0.
        number = int_of(b, node, value)
        part = b.emit("int.floordiv", result, b.emit("int.gcd", result, number))
        result = b.emit("int.abs", b.emit("int.mul", part, number))
    return result


def _factorial(b: "Builder", node: ast.Call, value: Value) -> Value:
    number = int_of(b, node, value)
    b.bail_if(b.emit("int.lt", number, _ZERO), "factorial of a negative number")
    result = b.accumulator(_ONE)
    with b.for_range(2, b.emit("int.add", number, _ONE)) as factor:
        b.assign(result, b.emit("int.mul", result, factor))
    return result


def _comb(b: "Builder", node: ast.Call, n: Value, k: Value) -> Value:
    """Multiplied up and divided down in turn, which stays whole; what is too big on the way
    bails."""
    total, chosen = int_of(b, node, n), int_of(b, node, k)
    for each in (total, chosen):
        b.bail_if(b.emit("int.lt", each, _ZERO), "comb of a negative number")
    left = b.emit("int.sub", total, chosen)
    fewer = b.emit("select", b.emit("int.lt", left, chosen), left, chosen)
    impossible = b.emit("int.lt", left, _ZERO)
    result = b.accumulator(b.emit("select", impossible, _ZERO, _ONE))
    with b.for_range(0, fewer) as index:
        grown = b.emit("int.mul", result, b.emit("int.sub", total, index))
        b.assign(result, b.emit("int.floordiv", grown, b.emit("int.add", index, _ONE)))
    return result


def _prod(b: "Builder", node: ast.Call, iterable: Value, *, start: Value = _ONE) -> Value:
    return reductions.product(b, node, iterable, b.atom(node, start))


KNOWN: Mapping[object, KnownFunction] = {
    **{getattr(math, name): _of_float(f"math.{name}") for name in _OF_ONE.split()},
    **{getattr(math, name): _of_floats(f"math.{name}") for name in _OF_TWO.split()},
    math.log: known(_log),
    math.isnan: _of_float("float.is_nan"),
    math.isinf: _of_float("float.is_inf"),
    math.isfinite: _of_float("float.is_finite"),
    math.isclose: known(_isclose, "rel_tol", "abs_tol"),
    math.degrees: _scaled(180.0 / math.pi),
    math.radians: _scaled(math.pi / 180.0),
    math.floor: _to_int("float.floor"),
    math.ceil: _to_int("float.ceil"),
    math.trunc: _to_int("float.to_int"),
    math.isqrt: known(_isqrt),
    math.gcd: known(_gcd),
    math.lcm: known(_lcm),
    math.factorial: known(_factorial),
    math.comb: known(_comb),
    math.prod: known(_prod, "start"),
}

#: What to write instead of some others.
EDITS: Mapping[object, str] = {
    math.hypot: "write `math.sqrt(x * x + y * y)`",
    math.dist: "write `math.sqrt(x * x + y * y)` of the differences",
    math.fsum: "use `sum(...)`",
}
