"""``math.hypot`` of two numbers, which CPython computes with code of its own.

CPython scales by a power of two, sums the squares with their rounding errors, takes the root and
corrects it once (``vector_norm`` in ``mathmodule.c``). Versions 3.11 to 3.13 differ in how they get
the exact errors, which are the same then, and in what they do with subnormal numbers: bails.
"""

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.floats import binary, compare, finite, magnitude
from ufora_worker.native.llvm.slots import Operand, double

_ONE, _ZERO = double(1.0), double(0.0)
#: Splits a float into halves whose products are exact (T. J. Dekker, 1971).
_SPLIT = double(2.0**27 + 1)
#: The scale and its inverse are ordinary floats for numbers in between.
_LEAST, _LIMIT = double(2.0**-1022), double(2.0**1022)
#: Bits of the exponent of 2.0**(1023 - e) for a number with the exponent bits 1022 + e.
_EXPONENT, _MIRROR = str(0x7FF << 52), str(2045 << 52)


def hypot(code: Code, x: Operand, y: Operand) -> Operand:
    """``math.hypot(x, y)``."""
    sizes = [magnitude(code, finite(code, operand)) for operand in (x, y)]
    larger = code.select(compare(code, "ogt", sizes[1], sizes[0]), "double", *reversed(sizes))
    zero = compare(code, "oeq", larger, _ZERO)
    ordinary = compare(code, "oge", larger, _LEAST)
    code.guard(code.value(f"or i1 {zero}, {ordinary}"))
    code.guard(compare(code, "olt", larger, _LIMIT))
    # Of two zeros nothing is meaningful, nor used, and nothing traps.
    norm = _norm(code, sizes, _scale(code, larger))
    return code.select(zero, "double", _ZERO, norm)


def _scale(code: Code, larger: Operand) -> Operand:
    """``ldexp(1.0, -e)`` for the exponent that ``frexp`` gives."""
    bits = code.value(f"bitcast double {larger} to i64")
    exponent = code.value(f"and i64 {bits}, {_EXPONENT}")
    return code.value(f"bitcast i64 {code.value(f'sub i64 {_MIRROR}, {exponent}')} to double")


def _norm(code: Code, sizes: list[Operand], scale: Operand) -> Operand:
    total, first, second = _ONE, _ZERO, _ZERO
    for size in sizes:
        scaled = binary(code, "fmul", size, scale)
        total, first, second = _add_square(code, (total, first, second), scaled, scaled)
    root = code.call("double", "llvm.sqrt.f64", f"double {_rest(code, total, first, second)}")
    negative = code.value(f"fneg double {root}")
    sums = _add_square(code, (total, first, second), negative, root)
    twice = binary(code, "fmul", double(2.0), root)
    correction = binary(code, "fdiv", _rest(code, *sums), twice)
    return binary(code, "fdiv", binary(code, "fadd", root, correction), scale)


def _rest(code: Code, total: Operand, first: Operand, second: Operand) -> Operand:
    """The sum, which has been begun with 1.0 so that all additions are of a smaller to a larger."""
    lost = binary(code, "fadd", first, second)
    return binary(code, "fadd", binary(code, "fsub", total, _ONE), lost)


def _add_square(
    code: Code, sums: tuple[Operand, Operand, Operand], left: Operand, right: Operand
) -> tuple[Operand, Operand, Operand]:
    """Add a product to the sum, and the errors of product and addition to theirs."""
    total, first, second = sums
    high, low = _product(code, left, right)
    larger = binary(code, "fadd", total, high)
    lost = binary(code, "fadd", binary(code, "fsub", total, larger), high)
    return larger, binary(code, "fadd", first, low), binary(code, "fadd", second, lost)


def _product(code: Code, left: Operand, right: Operand) -> tuple[Operand, Operand]:
    """A product and its rounding error, by Dekker's algorithm."""
    high = binary(code, "fmul", left, right)
    (a, b), (c, d) = _halves(code, left), _halves(code, right)
    rest = binary(code, "fsub", high, binary(code, "fmul", a, c))
    rest = binary(code, "fsub", rest, binary(code, "fmul", b, c))
    rest = binary(code, "fsub", rest, binary(code, "fmul", a, d))
    return high, binary(code, "fsub", binary(code, "fmul", b, d), rest)


def _halves(code: Code, value: Operand) -> tuple[Operand, Operand]:
    spread = binary(code, "fmul", value, _SPLIT)
    high = binary(code, "fsub", spread, binary(code, "fsub", spread, value))
    return high, binary(code, "fsub", value, high)
