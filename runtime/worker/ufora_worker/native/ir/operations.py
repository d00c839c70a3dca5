"""The table of operations: what each takes and gives, and when it bails.

A name has two parts: the class of value that it works on, and what it does. The meaning is always
what CPython does with such values, bit by bit, or a bail. ``float.add`` and its kin follow IEEE 754
as CPython does (no bail); integer operations bail where the result leaves 64 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Scalar,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """Signature of an operation on scalars. ``bails`` says when it does, in a user's words."""

    takes: tuple[Scalar, ...]
    gives: Scalar
    #: Empty for an operation that never bails.
    bails: str = ""


_BIG = "the result does not fit in 64 bits"
_ZERO = "division by zero"


def _each(
    names: str, takes: tuple[Scalar, ...], gives: Scalar, bails: str = ""
) -> dict[str, Operation]:
    return {name: Operation(takes, gives, bails) for name in names.split()}


_COMPARISONS = "eq ne lt le gt ge"


def _comparisons(prefix: str, type: Scalar, which: str = _COMPARISONS) -> dict[str, Operation]:
    return {f"{prefix}.{name}": Operation((type, type), BOOL) for name in which.split()}


OPERATIONS: Mapping[str, Operation] = {
    # ------------------------------------------------------------------ bool
    **_each("bool.not", (BOOL,), BOOL),
    **_each("bool.and bool.or bool.xor bool.eq", (BOOL, BOOL), BOOL),
    **_each("bool.to_int", (BOOL,), INT),
    # ------------------------------------------------------------------ int
    **_each("int.add int.sub int.mul", (INT, INT), INT, _BIG),
    # Both bail for -2**63 and -1, of which one processor instruction would make a fault.
    **_each("int.floordiv int.mod", (INT, INT), INT, _ZERO),
    # Bails too where an operand is beyond 2**53, since then CPython rounds only once.
    **_each("int.truediv", (INT, INT), FLOAT, _ZERO),
    # A negative exponent gives a float: bails.
    **_each("int.pow", (INT, INT), INT, _BIG),
    # pow(a, b, m); bails for m == 0 and for negative b.
    **_each("int.powmod", (INT, INT, INT), INT, _ZERO),
    # Bails for all counts beyond 63, also where 0 is shifted.
    **_each("int.lshift", (INT, INT), INT, _BIG),
    **_each("int.rshift", (INT, INT), INT, "negative shift count"),
    **_each("int.and int.or int.xor", (INT, INT), INT),
    **_each("int.neg int.abs", (INT,), INT, _BIG),
    **_each("int.invert int.bit_length int.bit_count", (INT,), INT),
    **_each("int.isqrt", (INT,), INT, "isqrt of a negative number"),
    **_each("int.gcd", (INT, INT), INT, _BIG),
    # (a * b + c) & m and (a * b + c) % m through 128 bits; the first bails for m < 0, the second
    # for m <= 0.
    **_each("int.mul_add_and int.mul_add_mod", (INT, INT, INT, INT), INT, _BIG),
    **_comparisons("int", INT),
    **_each("int.to_bool", (INT,), BOOL),
    # Rounds to nearest, as ``float(i)`` does.
    **_each("int.to_float", (INT,), FLOAT),
    # For comparisons with floats: bails beyond 2**53, where CPython compares exactly.
    **_each("int.to_float_exact", (INT,), FLOAT, "an int beyond 2**53 meets a float"),
    # ------------------------------------------------------------------ float
    **_each("float.add float.sub float.mul", (FLOAT, FLOAT), FLOAT),
    **_each("float.truediv float.floordiv float.mod", (FLOAT, FLOAT), FLOAT, _ZERO),
    # Bails where CPython raises or gives a complex, and for any operand or result not finite.
    **_each("float.pow", (FLOAT, FLOAT), FLOAT, "a power beyond floats"),
    **_each("float.neg float.abs", (FLOAT,), FLOAT),
    **_comparisons("float", FLOAT),
    **_each("float.to_bool float.is_nan float.is_inf float.is_finite", (FLOAT,), BOOL),
    # int(x), math.floor, math.ceil, and round(x) (half to even).
    **_each("float.to_int float.floor float.ceil float.round", (FLOAT,), INT, _BIG),
    # Bails for inf and nan; used where NumPy would warn.
    **_each("float.finite", (FLOAT,), FLOAT, "a result that is not finite"),
    # ``math.<name>``: the C library's function by a private name; bails where the argument or the
    # result is not finite, or where CPython raises.
    **_each(
        "math.sin math.cos math.tan math.asin math.acos math.atan math.sinh math.cosh math.tanh "
        "math.asinh math.acosh math.atanh math.exp math.exp2 math.expm1 math.log math.log2 "
        "math.log10 math.log1p math.sqrt math.cbrt math.fabs math.erf math.erfc",
        (FLOAT,),
        FLOAT,
        "a result or argument out of the function's domain",
    ),
    **_each(
        "math.pow math.atan2 math.fmod math.copysign math.hypot",
        (FLOAT, FLOAT),
        FLOAT,
        "a result or argument out of the function's domain",
    ),
    # ------------------------------------------------------------------ complex
    **_each("complex.make", (FLOAT, FLOAT), COMPLEX),
    **_each("complex.real complex.imag", (COMPLEX,), FLOAT),
    **_each("complex.add complex.sub complex.mul", (COMPLEX, COMPLEX), COMPLEX),
    **_each("complex.truediv", (COMPLEX, COMPLEX), COMPLEX, _ZERO),
    # z ** n for an integer n of at most 100 either way, by CPython's own algorithm;
    # bails for a result that is not finite.
    **_each("complex.powi", (COMPLEX, INT), COMPLEX, "a power beyond complex numbers"),
    **_each("complex.neg complex.conjugate", (COMPLEX,), COMPLEX),
    # Bails for an operand that is not finite.
    **_each("complex.abs", (COMPLEX,), FLOAT, "an absolute value beyond floats"),
    **_comparisons("complex", COMPLEX, "eq ne"),
    **_each("complex.to_bool", (COMPLEX,), BOOL),
    # ------------------------------------------------------------------ characters
    **_each("char.ord", (CHAR,), INT),
    **_each("char.chr", (INT,), CHAR, "there is no such character"),
    **_comparisons("char", CHAR),
    # ------------------------------------------------------------------ NumPy scalars
    # Wrapping and unwrapping; arithmetic is that of the plain types, followed by ``float.finite``.
    **_each("np.int", (INT,), NUMPY_INT),
    **_each("np.float", (FLOAT,), NUMPY_FLOAT),
    **_each("np.bool", (BOOL,), NUMPY_BOOL),
    **_each("np.int.value", (NUMPY_INT,), INT),
    **_each("np.float.value", (NUMPY_FLOAT,), FLOAT),
    **_each("np.bool.value", (NUMPY_BOOL,), BOOL),
    # Elements of arrays of complex128 and of narrower numbers (int8 to uint32, float32: in memory
    # by the array's storage, once read as 64 bits) are only unwrapped. No operation gives one.
    **_each("np.complex.value", (NUMPY_COMPLEX,), COMPLEX),
    **_each("np.narrow_int.value", (NUMPY_NARROW_INT,), INT),
    **_each("np.narrow_float.value", (NUMPY_NARROW_FLOAT,), FLOAT),
}

#: Operations whose signature depends on the types of their operands:
#:
#: ``copy x``                   x itself, of any type
#: ``tuple.make a, b, ...``     a tuple of them
#: ``tuple.get t, K``           component K, a constant
#: ``array.len a, K``           length of dimension K, a constant
#: ``array.get a, i[, j]``      an element, by Python's rule for negative indices; bails when there
#:                              is no such element
#: ``array.row a, i``           a row of a two-dimensional array; bails likewise. A ``safe`` one of
#:                              both takes no negative index
#: ``array.slice a, i, n, s``   elements (or rows) i, i + s, ... of the first dimension, n in all:
#:                              an array in place; the translation made sure that there are so many
#: ``select c, a, b``           a if c else b, both evaluated
STRUCTURAL = frozenset(
    {
        "copy",
        "tuple.make",
        "tuple.get",
        "array.len",
        "array.get",
        "array.row",
        "array.slice",
        "select",
    }
)
