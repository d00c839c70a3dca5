"""Operations on floats: IEEE 754 as CPython uses it, with no flag that lets LLVM change a bit.

Functions of the C library are called by names of our own (see ``libraries``), so that LLVM neither
knows what they compute nor replaces them: ``pow(x, 2)`` by ``x * x`` is not the same bits.
"""

from collections.abc import Callable, Mapping

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.libraries import MATHEMATICS
from ufora_worker.native.llvm.slots import Operand, double

_INFINITY = double(float("inf"))
_ZERO = double(0.0)
#: The first float beyond 64-bit integers; -2**63 itself is one.
_LIMIT = 2.0**63


def binary(code: Code, name: str, left: Operand, right: Operand) -> Operand:
    """An instruction on two floats."""
    return code.value(f"{name} double {left}, {right}")


def compare(code: Code, predicate: str, left: Operand, right: Operand) -> Operand:
    """A comparison; those that begin with ``o`` are false for NaN, those with ``u`` true."""
    return code.value(f"fcmp {predicate} double {left}, {right}")


def magnitude(code: Code, value: Operand) -> Operand:
    """``abs(value)``."""
    return code.call("double", "llvm.fabs.f64", f"double {value}")


def finite(code: Code, value: Operand) -> Operand:
    """The value itself; bails for infinities and NaN."""
    code.guard(is_finite(code, value))
    return value


def is_finite(code: Code, value: Operand) -> Operand:
    """``math.isfinite(value)``."""
    return compare(code, "olt", magnitude(code, value), _INFINITY)


def library(code: Code, name: str, *arguments: Operand) -> Operand:
    """What the C library's function gives, unchecked."""
    return code.call(
        "double",
        f"ufora_{name}",
        *(f"double {argument}" for argument in arguments),
        attributes="nounwind willreturn memory(none)",
    )


def checked_library(code: Code, name: str, *arguments: Operand) -> Operand:
    """What ``math.<name>`` gives; bails where it may raise or meets what is not finite."""
    for argument in arguments:
        finite(code, argument)
    return finite(code, library(code, name, *arguments))


def checked_intrinsic(code: Code, name: str, *arguments: Operand) -> Operand:
    """As ``checked_library``, for functions that are exact, so that an instruction does."""
    for argument in arguments:
        finite(code, argument)
    typed = (f"double {argument}" for argument in arguments)
    return finite(code, code.call("double", f"llvm.{name}.f64", *typed))


# ---------------------------------------------------------------------- division


def truediv(code: Code, left: Operand, right: Operand) -> Operand:
    """``left / right``."""
    code.guard(compare(code, "une", right, _ZERO))
    return binary(code, "fdiv", left, right)


def mod(code: Code, left: Operand, right: Operand) -> Operand:
    """``left % right``, as CPython's ``float_rem`` computes it."""
    code.guard(compare(code, "une", right, _ZERO))
    return _signed_rest(code, library(code, "fmod", left, right), right)[0]


def _signed_rest(code: Code, rest: Operand, right: Operand) -> tuple[Operand, Operand]:
    """The remainder with the divisor's sign, and whether the divisor had to be added for it."""
    some = compare(code, "une", rest, _ZERO)
    signs = (compare(code, "olt", right, _ZERO), compare(code, "olt", rest, _ZERO))
    off = code.value(f"and i1 {some}, {code.value(f'xor i1 {signs[0]}, {signs[1]}')}")
    moved = code.select(off, "double", binary(code, "fadd", rest, right), rest)
    return code.select(some, "double", moved, copysign(code, _ZERO, right)), off


def floordiv(code: Code, left: Operand, right: Operand) -> Operand:
    """``left // right``, as CPython's ``_float_div_mod`` computes it."""
    code.guard(compare(code, "une", right, _ZERO))
    rest = library(code, "fmod", left, right)
    _, off = _signed_rest(code, rest, right)
    quotient = binary(code, "fdiv", binary(code, "fsub", left, rest), right)
    lower = binary(code, "fsub", quotient, double(1.0))
    quotient = code.select(off, "double", lower, quotient)
    floor = code.call("double", "llvm.floor.f64", f"double {quotient}")
    gap = compare(code, "ogt", binary(code, "fsub", quotient, floor), double(0.5))
    floor = code.select(gap, "double", binary(code, "fadd", floor, double(1.0)), floor)
    zero = copysign(code, _ZERO, binary(code, "fdiv", left, right))
    return code.select(compare(code, "une", quotient, _ZERO), "double", floor, zero)


def copysign(code: Code, size: Operand, sign: Operand) -> Operand:
    """``math.copysign(size, sign)``."""
    return code.call("double", "llvm.copysign.f64", f"double {size}", f"double {sign}")


# ---------------------------------------------------------------------- powers


def power(code: Code, base: Operand, exponent: Operand) -> Operand:
    """``base ** exponent``, as CPython's ``float_pow`` computes it: the C library's ``pow`` of the
    absolute value, with the sign that an odd exponent gives. A negative base with an exponent that
    is no integer is a complex number: bails."""
    finite(code, base), finite(code, exponent)
    integral = _is_integral(code, exponent)
    positive = compare(code, "oge", base, _ZERO)
    code.guard(code.value(f"or i1 {positive}, {integral}"))
    even = _is_integral(code, binary(code, "fmul", exponent, double(0.5)))
    odd = code.value(f"and i1 {integral}, {code.value(f'xor i1 {even}, true')}")
    result = library(code, "pow", magnitude(code, base), exponent)
    return finite(code, code.select(odd, "double", copysign(code, result, base), result))


def _is_integral(code: Code, value: Operand) -> Operand:
    return compare(code, "oeq", value, code.call("double", "llvm.floor.f64", f"double {value}"))


# ---------------------------------------------------------------------- to integers


def to_int(code: Code, value: Operand, rounding: str) -> Operand:
    """An integer by one of LLVM's roundings; bails for NaN and beyond 64 bits."""
    rounded = code.call("double", f"llvm.{rounding}.f64", f"double {value}")
    code.guard(compare(code, "oge", rounded, double(-_LIMIT)))
    code.guard(compare(code, "olt", rounded, double(_LIMIT)))
    return code.value(f"fptosi double {rounded} to i64")


Emitter = Callable[..., Operand]


def _binary(name: str) -> Emitter:
    return lambda code, left, right: binary(code, name, left, right)


def _compare(predicate: str) -> Emitter:
    return lambda code, left, right: compare(code, predicate, left, right)


def _to_int(rounding: str) -> Emitter:
    return lambda code, value: to_int(code, value, rounding)


def _library(name: str) -> Emitter:
    return lambda code, *arguments: checked_library(code, name, *arguments)


def _intrinsic(name: str) -> Emitter:
    return lambda code, *arguments: checked_intrinsic(code, name, *arguments)


_COMPARISONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_ROUNDINGS = {"to_int": "trunc", "floor": "floor", "ceil": "ceil", "round": "roundeven"}

EMITTERS: Mapping[str, Emitter] = {
    **{f"float.{name}": _binary(f"f{name}") for name in ("add", "sub", "mul")},
    **{f"float.{name}": _compare(predicate) for name, predicate in _COMPARISONS.items()},
    **{f"float.{name}": _to_int(rounding) for name, rounding in _ROUNDINGS.items()},
    **{f"math.{name}": _library(name) for name in MATHEMATICS if name != "hypot"},
    **{f"math.{name}": _intrinsic(name) for name in ("sqrt", "fabs", "copysign")},
    "float.truediv": truediv,
    "float.floordiv": floordiv,
    "float.mod": mod,
    "float.pow": power,
    "float.neg": lambda code, value: code.value(f"fneg double {value}"),
    "float.abs": magnitude,
    "float.to_bool": lambda code, value: compare(code, "une", value, _ZERO),
    "float.is_nan": lambda code, value: compare(code, "uno", value, value),
    "float.is_inf": lambda code, value: compare(code, "oeq", magnitude(code, value), _INFINITY),
    "float.is_finite": is_finite,
    "float.finite": finite,
}
