"""Operations on 64-bit integers, with Python's signs and a bail wherever Python's result is larger.

A wrapped result is never used: every check stands before what depends on it. Where an operation was
proved safe the checks are left out and LLVM is told so (``nsw``), but not in a branch that may be
computed without being taken: the proof is about the branch.
"""

from collections.abc import Callable, Mapping
from functools import partial

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.slots import Operand, Operands, integer

_LEAST = -(2**63)
#: Up to here every integer is a float.
_EXACT = 2**53
#: Constant exponents up to here are multiplied out.
_UNROLLED = range(64)
#: Factors that take no multiplication.
_SMALL_FACTORS = (2, 3, 4, 5, 8, 9)


def arithmetic(code: Code, name: str, left: Operand, right: Operand) -> Operand:
    """``add``, ``sub`` or ``mul``; bails when the result leaves 64 bits."""
    if code.safe:
        flag = " nsw" if code.always_counts else ""
        return code.value(f"{name}{flag} i64 {left}, {right}")
    if name == "mul" and (factor := _small_factor(left, right)):
        return _multiple(code, *factor)
    intrinsic = f"llvm.s{name}.with.overflow.i64"
    pair = code.call("{i64,i1}", intrinsic, f"i64 {left}", f"i64 {right}")
    code.guard(_not(code, code.value(f"extractvalue {{i64,i1}} {pair}, 1")))
    return code.value(f"extractvalue {{i64,i1}} {pair}, 0")


def _small_factor(left: Operand, right: Operand) -> tuple[Operand, int] | None:
    """The other factor and the small one, if one is."""
    for other, factor in ((left, integer(right)), (right, integer(left))):
        if factor in _SMALL_FACTORS:
            return other, factor
    return None


def _multiple(code: Code, value: Operand, factor: int) -> Operand:
    """A small multiple, which the processor adds up while the operand itself is looked at."""
    least, most = -(2**63 // factor), (2**63 - 1) // factor
    above = plain(code, "sub", value, str(least))
    code.guard(compare(code, "ule", above, str(most - least)))
    return plain(code, "mul", value, str(factor))


def plain(code: Code, name: str, left: Operand, right: Operand) -> Operand:
    """An instruction that wraps or cannot overflow."""
    return code.value(f"{name} i64 {left}, {right}")


def compare(code: Code, predicate: str, left: Operand, right: Operand) -> Operand:
    """A comparison (``slt``, ``ult``, ``eq`` ...)."""
    return code.value(f"icmp {predicate} i64 {left}, {right}")


def _not(code: Code, condition: Operand) -> Operand:
    return code.value(f"xor i1 {condition}, true")


def _both(code: Code, first: Operand, second: Operand) -> Operand:
    return code.value(f"and i1 {first}, {second}")


# ---------------------------------------------------------------------- division


def power_of_two(operand: Operand) -> int | None:
    """The exponent, for a literal that is a power of two."""
    number = integer(operand)
    return number.bit_length() - 1 if number and number > 0 == number & (number - 1) else None


def _divide(code: Code, left: Operand, right: Operand) -> tuple[Operand, Operand, Operand]:
    """Quotient and remainder as C has them, and whether Python's differ: where the remainder is
    not 0 and has the other sign than the divisor."""
    code.guard(compare(code, "ne", right, "0"))
    code.guard(
        code.value(
            f"or i1 {compare(code, 'ne', left, str(_LEAST))}, {compare(code, 'ne', right, '-1')}"
        )
    )
    quotient, remainder = plain(code, "sdiv", left, right), plain(code, "srem", left, right)
    apart = compare(code, "slt", plain(code, "xor", remainder, right), "0")
    return quotient, remainder, _both(code, compare(code, "ne", remainder, "0"), apart)


def floordiv(code: Code, left: Operand, right: Operand) -> Operand:
    """``left // right``."""
    shift = power_of_two(right)
    if shift is not None:
        return plain(code, "ashr", left, str(shift))
    quotient, _, off = _divide(code, left, right)
    return plain(code, "add", quotient, code.value(f"sext i1 {off} to i64"))


def mod(code: Code, left: Operand, right: Operand) -> Operand:
    """``left % right``."""
    if power_of_two(right) is not None:
        return plain(code, "and", left, str(int(right) - 1))
    _, remainder, off = _divide(code, left, right)
    return plain(code, "add", remainder, code.select(off, "i64", right, "0"))


def truediv(code: Code, left: Operand, right: Operand) -> Operand:
    """``left / right``. Beyond 2**53 CPython rounds the quotient of the exact operands: bails."""
    code.guard(compare(code, "ne", right, "0"))
    return code.value(f"fdiv double {to_float_exact(code, left)}, {to_float_exact(code, right)}")


def to_float(code: Code, value: Operand) -> Operand:
    """``float(value)``: rounds to nearest, ties to even."""
    return code.value(f"sitofp i64 {value} to double")


def to_float_exact(code: Code, value: Operand) -> Operand:
    """As ``to_float``, where that does not round."""
    moved = plain(code, "add", value, str(_EXACT))
    code.guard(compare(code, "ule", moved, str(2 * _EXACT)))
    return to_float(code, value)


# ---------------------------------------------------------------------- signs and bits


def neg(code: Code, value: Operand) -> Operand:
    """``-value``."""
    return arithmetic(code, "sub", "0", value)


def absolute(code: Code, value: Operand) -> Operand:
    """``abs(value)``."""
    code.guard(compare(code, "ne", value, str(_LEAST)))
    return code.call("i64", "llvm.abs.i64", f"i64 {value}", "i1 true")


def magnitude(code: Code, value: Operand) -> Operand:
    """``abs(value)`` as an unsigned number, which always fits."""
    return code.call("i64", "llvm.abs.i64", f"i64 {value}", "i1 false")


def lshift(code: Code, value: Operand, count: Operand) -> Operand:
    """``value << count``; unsigned comparison covers negative counts."""
    code.guard(compare(code, "ult", count, "64"))
    shifted = plain(code, "shl", value, count)
    code.guard(compare(code, "eq", plain(code, "ashr", shifted, count), value))
    return shifted


def rshift(code: Code, value: Operand, count: Operand) -> Operand:
    """``value >> count``; all counts from 63 up leave the sign."""
    code.guard(compare(code, "sge", count, "0"))
    capped = code.call("i64", "llvm.umin.i64", f"i64 {count}", "i64 63")
    return plain(code, "ashr", value, capped)


def bit_length(code: Code, value: Operand) -> Operand:
    """``value.bit_length()``."""
    zeros = code.call("i64", "llvm.ctlz.i64", f"i64 {magnitude(code, value)}", "i1 false")
    return plain(code, "sub", "64", zeros)


def bit_count(code: Code, value: Operand) -> Operand:
    """``value.bit_count()``, which is that of the absolute value."""
    return code.call("i64", "llvm.ctpop.i64", f"i64 {magnitude(code, value)}")


# ---------------------------------------------------------------------- powers and roots


def power(code: Code, base: Operand, exponent: Operand) -> Operand:
    """``base ** exponent`` by squaring. A square is only taken where it becomes a factor of the
    result, so it overflows only if the result does."""
    known = integer(exponent)
    if known is not None and known in _UNROLLED:
        return _unrolled_power(code, base, known)
    code.guard(compare(code, "sge", exponent, "0"))
    odd = partial(_multiply_if_odd, code)

    def step(result: Operand, square: Operand, rest: Operand) -> Operands:
        return (
            odd(result, square, rest),
            arithmetic(code, "mul", square, square),
            plain(code, "lshr", rest, "1"),
        )

    result, square, rest = code.repeat(
        "i64", ("1", base, exponent), lambda _, __, rest: compare(code, "ugt", rest, "1"), step
    )
    return odd(result, square, rest)


def _multiply_if_odd(code: Code, result: Operand, square: Operand, rest: Operand) -> Operand:
    odd = code.value(f"trunc i64 {rest} to i1")
    return code.choose(odd, "i64", lambda: arithmetic(code, "mul", result, square), lambda: result)


def _unrolled_power(code: Code, base: Operand, exponent: int) -> Operand:
    result, square = "1", base
    while exponent:
        if exponent & 1:
            result = square if result == "1" else arithmetic(code, "mul", result, square)
        exponent >>= 1
        if exponent:
            square = arithmetic(code, "mul", square, square)
    return result


def isqrt(code: Code, value: Operand) -> Operand:
    """``math.isqrt(value)``: the float root is off by one at most (its relative error is below
    2**-52 and the root below 2**32), and squares near 2**63 still fit in 64 unsigned bits."""
    code.guard(compare(code, "sge", value, "0"))
    root = code.call("double", "llvm.sqrt.f64", f"double {to_float(code, value)}")
    guess = code.value(f"fptosi double {root} to i64")
    high = compare(code, "ugt", plain(code, "mul", guess, guess), value)
    guess = plain(code, "add", guess, code.value(f"sext i1 {high} to i64"))
    above = plain(code, "add", guess, "1")
    low = compare(code, "ule", plain(code, "mul", above, above), value)
    return code.select(low, "i64", above, guess)


def gcd(code: Code, left: Operand, right: Operand) -> Operand:
    """``math.gcd(left, right)`` by Stein's binary algorithm (J. Stein, 1967); bails for 2**63."""
    first, second = magnitude(code, left), magnitude(code, right)
    either = plain(code, "or", first, second)
    some = _both(code, compare(code, "ne", first, "0"), compare(code, "ne", second, "0"))
    result = code.choose(
        some, "i64", lambda: _binary_gcd(code, first, second, either), lambda: either
    )
    code.guard(compare(code, "sge", result, "0"))
    return result


def _binary_gcd(code: Code, first: Operand, second: Operand, either: Operand) -> Operand:
    def odd_part(value: Operand) -> Operand:
        return plain(code, "lshr", value, _trailing_zeros(code, value))

    def step(small: Operand, large: Operand) -> Operands:
        odd = odd_part(large)
        least = code.call("i64", "llvm.umin.i64", f"i64 {small}", f"i64 {odd}")
        most = code.call("i64", "llvm.umax.i64", f"i64 {small}", f"i64 {odd}")
        return least, plain(code, "sub", most, least)

    divisor, _ = code.repeat(
        "i64", (odd_part(first), second), lambda _, large: compare(code, "ne", large, "0"), step
    )
    return plain(code, "shl", divisor, _trailing_zeros(code, either))


def _trailing_zeros(code: Code, value: Operand) -> Operand:
    return code.call("i64", "llvm.cttz.i64", f"i64 {value}", "i1 true")


Emitter = Callable[..., Operand]

_SIGNED = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}


def _named(emit: Callable[[Code, str, Operand, Operand], Operand], name: str) -> Emitter:
    return lambda code, left, right: emit(code, name, left, right)


EMITTERS: Mapping[str, Emitter] = {
    **{f"int.{name}": _named(arithmetic, name) for name in ("add", "sub", "mul")},
    **{f"int.{name}": _named(plain, name) for name in ("and", "or", "xor")},
    **{f"int.{name}": _named(compare, predicate) for name, predicate in _SIGNED.items()},
    "int.floordiv": floordiv,
    "int.mod": mod,
    "int.truediv": truediv,
    "int.pow": power,
    "int.lshift": lshift,
    "int.rshift": rshift,
    "int.neg": neg,
    "int.abs": absolute,
    "int.invert": lambda code, value: plain(code, "xor", value, "-1"),
    "int.bit_length": bit_length,
    "int.bit_count": bit_count,
    "int.isqrt": isqrt,
    "int.gcd": gcd,
    "int.to_bool": lambda code, value: compare(code, "ne", value, "0"),
    "int.to_float": to_float,
    "int.to_float_exact": to_float_exact,
}
