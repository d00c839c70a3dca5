"""What each operation means, by Python's own operations on Python's own values.

A value of the IR is the Python value that it stands for: CHAR is a ``str`` of length 1, a scalar of
NumPy is one of NumPy, an array is the captured object itself.
"""

import cmath
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ufora_worker.native.ir.nodes import Const
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    GREATEST_INT,
    INT,
    LEAST_INT,
    NUMPY_BOOL,
    NUMPY_COMPLEX,
    NUMPY_FLOAT,
    NUMPY_INT,
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Scalar,
    Type,
)

#: Ints up to here are floats exactly.
_EXACT = 2**53


class Doubt(Exception):
    """The operation bails. The argument says why."""


def bails_if(condition: bool, reason: str) -> None:
    """Raise ``Doubt`` if the condition holds."""
    if condition:
        raise Doubt(reason)


# ---------------------------------------------------------------------- int


def _fits(value: int) -> int:
    bails_if(not LEAST_INT <= value <= GREATEST_INT, "the result does not fit in 64 bits")
    return value


def _int_truediv(a: int, b: int) -> float:
    bails_if(max(abs(a), abs(b)) > _EXACT, "a division of ints beyond 2**53")
    return a / b


def _int_pow(a: int, b: int) -> int:
    bails_if(b < 0, "a negative exponent")
    bails_if(b > 63 and abs(a) > 1, "the result does not fit in 64 bits")
    return int(a**b)


def _int_powmod(a: int, b: int, m: int) -> int:
    bails_if(b < 0, "a negative exponent")
    return pow(a, b, m)


def _int_mod(a: int, b: int) -> int:
    bails_if(a == LEAST_INT and b == -1, "the quotient does not fit in 64 bits")
    return a % b


def _int_lshift(a: int, b: int) -> int:
    bails_if(b > 63, "the result does not fit in 64 bits")
    return a << b


def _mul_add_and(a: int, b: int, c: int, m: int) -> int:
    bails_if(m < 0, "a negative mask")
    return (a * b + c) & m


def _mul_add_mod(a: int, b: int, c: int, m: int) -> int:
    bails_if(m <= 0, "a modulus that is not positive")
    return (a * b + c) % m


def _to_float_exact(a: int) -> float:
    bails_if(abs(a) > _EXACT, "an int beyond 2**53 meets a float")
    return float(a)


_INT: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": _int_mod,
    "truediv": _int_truediv,
    "pow": _int_pow,
    "powmod": _int_powmod,
    "lshift": _int_lshift,
    "rshift": operator.rshift,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "neg": operator.neg,
    "abs": abs,
    "invert": operator.invert,
    "bit_length": int.bit_length,
    "bit_count": int.bit_count,
    "isqrt": math.isqrt,
    "gcd": math.gcd,
    "mul_add_and": _mul_add_and,
    "mul_add_mod": _mul_add_mod,
    "to_bool": bool,
    "to_float": float,
    "to_float_exact": _to_float_exact,
}

# ---------------------------------------------------------------------- float and complex


def _finite(value: float) -> float:
    bails_if(not math.isfinite(value), "a result that is not finite")
    return value


def _float_pow(a: float, b: float) -> float:
    result = _finite(a) ** _finite(b)
    bails_if(isinstance(result, complex), "a complex result")
    return _finite(result)


def _on_finite(function: Callable[..., float]) -> Callable[..., float]:
    """A function of ``math``, for finite arguments and results only."""
    return lambda *args: _finite(function(*map(_finite, args)))


def _powi(z: complex, n: int) -> complex:
    bails_if(abs(n) > 100, "an exponent beyond 100")
    result = z**n
    bails_if(not cmath.isfinite(result), "a result that is not finite")
    return result


def _complex_abs(z: complex) -> float:
    bails_if(not cmath.isfinite(z), "an operand that is not finite")
    return abs(z)


_FLOAT: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": _float_pow,
    "neg": operator.neg,
    "abs": abs,
    "to_bool": bool,
    "is_nan": math.isnan,
    "is_inf": math.isinf,
    "is_finite": math.isfinite,
    "to_int": int,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "finite": _finite,
}

_COMPLEX: dict[str, Callable[..., Any]] = {
    "make": complex,
    "real": lambda z: z.real,
    "imag": lambda z: z.imag,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "powi": _powi,
    "neg": operator.neg,
    "conjugate": complex.conjugate,
    "abs": _complex_abs,
    "to_bool": bool,
}

# ---------------------------------------------------------------------- everything else

_BOOL: dict[str, Callable[..., Any]] = {
    "not": operator.not_,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "xor": operator.ne,
    "to_int": int,
}

_NUMPY: dict[str, Callable[..., Any]] = {
    "int": np.int64,
    "float": np.float64,
    "bool": np.bool_,
    "int.value": int,
    "float.value": float,
    "bool.value": bool,
    "complex.value": complex,
    "narrow_int.value": int,
    "narrow_float.value": float,
}

_CLASSES: dict[str, dict[str, Callable[..., Any]]] = {
    "bool": _BOOL,
    "int": _INT,
    "float": _FLOAT,
    "complex": _COMPLEX,
    "char": {"ord": ord, "chr": chr},
    "np": _NUMPY,
}

_COMPARISONS = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}


def _meaning(op: str) -> Callable[..., Any]:
    kind, _, name = op.partition(".")
    if kind == "math":
        return _on_finite(getattr(math, name))
    return _CLASSES[kind].get(name) or _COMPARISONS[name]


_MEANINGS = {op: _meaning(op) for op in OPERATIONS}


def _get(array: Any, *indices: int) -> Any:
    """Also a row: the part that is left when the indices are used up."""
    for index in indices:
        bails_if(not -len(array) <= index < len(array), "no such element")
        array = array[index]
    return array


def _length(array: Any, dimension: int) -> int:
    return len(array) if dimension == 0 else int(np.shape(array)[dimension])


def _slice(array: Any, first: int, count: int, step: int) -> Any:
    places = [first + step * number for number in range(count)]
    if isinstance(array, np.ndarray):
        return array[np.array(places, dtype=np.intp)]
    return [array[place] for place in places]


_STRUCTURAL: Mapping[str, Callable[..., Any]] = {
    "copy": lambda x: x,
    "tuple.make": lambda *parts: parts,
    "tuple.get": operator.getitem,
    "array.len": _length,
    "array.get": _get,
    "array.row": _get,
    "array.slice": _slice,
    "select": lambda c, a, b: a if c else b,
}

#: How a value of each scalar type is made of an element of an array or of a constant.
_FROM_PYTHON: Mapping[Scalar, Callable[[Any], Any]] = {
    BOOL: bool,
    INT: int,
    FLOAT: float,
    COMPLEX: complex,
    CHAR: str,
    NUMPY_BOOL: np.bool_,
    NUMPY_INT: np.int64,
    NUMPY_FLOAT: np.float64,
    NUMPY_COMPLEX: np.complex128,
    NUMPY_NARROW_INT: int,
    NUMPY_NARROW_FLOAT: float,
}


def value_of(const: Const) -> Any:
    """The value that a constant stands for."""
    assert isinstance(const.type, Scalar)
    return (
        chr(int(const.value.real)) if const.type == CHAR else _FROM_PYTHON[const.type](const.value)
    )


def apply(op: str, args: list[Any], result: Type) -> Any:
    """The value of ``op(args)``, which is of type ``result``.

    Raises:
        Doubt: it bails.
    """
    try:
        value = (_MEANINGS.get(op) or _STRUCTURAL[op])(*args)
    except (ArithmeticError, ValueError) as error:
        raise Doubt(str(error)) from error
    if op == "array.get":
        assert isinstance(result, Scalar)
        value = _FROM_PYTHON[result](value)
    return _fits(value) if result == INT else value
