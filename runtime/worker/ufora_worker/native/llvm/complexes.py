"""Operations on complex numbers, by the formulas of CPython 3.11 to 3.13 (``complexobject.c``).

The formulas matter: others, such as those of C99's annex G, give other bits.
"""

from collections.abc import Callable, Mapping

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.floats import (
    binary,
    compare,
    finite,
    library,
    magnitude,
)
from ufora_worker.native.llvm.integers import compare as compare_integers
from ufora_worker.native.llvm.integers import plain
from ufora_worker.native.llvm.slots import Operand, Operands, double, integer

Complex = tuple[Operand, Operand]

_ZERO = double(0.0)
_ONE: Complex = (double(1.0), _ZERO)
#: CPython multiplies powers out for integers up to this size, and uses ``pow`` beyond.
_MULTIPLIED = 100


def _parts(code: Code, name: str, left: Complex, right: Complex) -> Complex:
    return binary(code, name, left[0], right[0]), binary(code, name, left[1], right[1])


def product(code: Code, left: Complex, right: Complex) -> Complex:
    """``_Py_c_prod``."""

    def times(first: Operand, second: Operand) -> Operand:
        return binary(code, "fmul", first, second)

    real = binary(code, "fsub", times(left[0], right[0]), times(left[1], right[1]))
    imag = binary(code, "fadd", times(left[0], right[1]), times(left[1], right[0]))
    return real, imag


def quotient(code: Code, left: Complex, right: Complex) -> Complex:
    """``_Py_c_quot``: divides by the larger part of the divisor first (R. L. Smith, 1962). With the
    two parts of each operand exchanged, the second case is the first one with a minus sign."""
    code.guard(to_bool(code, *right))
    sizes = magnitude(code, right[0]), magnitude(code, right[1])
    by_real = compare(code, "oge", *sizes)

    def pick(first: Operand, second: Operand) -> Operand:
        return code.select(by_real, "double", first, second)

    large, small = pick(right[0], right[1]), pick(right[1], right[0])
    ratio = binary(code, "fdiv", small, large)
    denominator = binary(code, "fadd", large, binary(code, "fmul", small, ratio))
    scaled = [binary(code, "fmul", part, ratio) for part in left]
    real = binary(code, "fadd", pick(left[0], left[1]), pick(scaled[1], scaled[0]))
    imag = binary(code, "fsub", pick(left[1], scaled[1]), pick(scaled[0], left[0]))
    return binary(code, "fdiv", real, denominator), binary(code, "fdiv", imag, denominator)


def power(code: Code, real: Operand, imag: Operand, exponent: Operand) -> Complex:
    """``c_powi``: by squaring, and for exponents up to 0 the quotient of 1 and that."""
    known = integer(exponent)
    if known is not None and abs(known) <= _MULTIPLIED:
        result = _unrolled_power(code, (real, imag), abs(known))
        if known <= 0:
            result = quotient(code, _ONE, result)
    else:
        result = _looped_power(code, (real, imag), exponent)
    return finite(code, result[0]), finite(code, result[1])


def _unrolled_power(code: Code, base: Complex, exponent: int) -> Complex:
    result, square = _ONE, base
    while exponent:
        if exponent & 1:
            result = product(code, result, square)
        exponent >>= 1
        if exponent:
            square = product(code, square, square)
    return result


def _looped_power(code: Code, base: Complex, exponent: Operand) -> Complex:
    moved = plain(code, "add", exponent, str(_MULTIPLIED))
    code.guard(compare_integers(code, "ule", moved, str(2 * _MULTIPLIED)))
    size = code.call("i64", "llvm.abs.i64", f"i64 {exponent}", "i1 true")
    cells = [code.cell("double") for _ in range(2)]
    code.store_all("double", _ONE, cells)
    rest = code.cell("i64")
    code.store("i64", size, rest)

    def step(*square: Operand) -> Operands:
        left = code.load("i64", rest)
        with code.when(code.value(f"trunc i64 {left} to i1")):
            result = (code.load("double", cells[0]), code.load("double", cells[1]))
            code.store_all("double", product(code, result, (square[0], square[1])), cells)
        code.store("i64", plain(code, "lshr", left, "1"), rest)
        return product(code, (square[0], square[1]), (square[0], square[1]))

    code.repeat(
        "double", base, lambda *_: compare_integers(code, "ne", code.load("i64", rest), "0"), step
    )
    with code.when(compare_integers(code, "sle", exponent, "0")):
        result = (code.load("double", cells[0]), code.load("double", cells[1]))
        code.store_all("double", quotient(code, _ONE, result), cells)
    return code.load("double", cells[0]), code.load("double", cells[1])


def absolute(code: Code, real: Operand, imag: Operand) -> Operand:
    """``abs(z)``: the C library's ``hypot`` of finite parts."""
    finite(code, real), finite(code, imag)
    return finite(code, library(code, "hypot", real, imag))


def to_bool(code: Code, real: Operand, imag: Operand) -> Operand:
    """``bool(z)``."""
    return code.value(
        f"or i1 {compare(code, 'une', real, _ZERO)}, {compare(code, 'une', imag, _ZERO)}"
    )


def equal(code: Code, *operands: Operand) -> Operand:
    """``left == right``, for the four parts of two numbers."""
    a, b, c, d = operands
    return code.value(f"and i1 {compare(code, 'oeq', a, c)}, {compare(code, 'oeq', b, d)}")


def _of_pairs(emit: Callable[[Code, Complex, Complex], Complex]) -> Callable[..., Complex]:
    return lambda code, a, b, c, d: emit(code, (a, b), (c, d))


def _componentwise(name: str) -> Callable[..., Complex]:
    return _of_pairs(lambda code, left, right: _parts(code, name, left, right))


def _negative(code: Code, value: Operand) -> Operand:
    return code.value(f"fneg double {value}")


EMITTERS: Mapping[str, Callable[..., Operand | Operands]] = {
    "complex.make": lambda code, real, imag: (real, imag),
    "complex.real": lambda code, real, imag: real,
    "complex.imag": lambda code, real, imag: imag,
    "complex.add": _componentwise("fadd"),
    "complex.sub": _componentwise("fsub"),
    "complex.mul": _of_pairs(product),
    "complex.truediv": _of_pairs(quotient),
    "complex.powi": power,
    "complex.neg": lambda code, real, imag: (_negative(code, real), _negative(code, imag)),
    "complex.conjugate": lambda code, real, imag: (real, _negative(code, imag)),
    "complex.abs": absolute,
    "complex.eq": equal,
    "complex.ne": lambda code, *operands: code.value(f"xor i1 {equal(code, *operands)}, true"),
    "complex.to_bool": to_bool,
}
