"""Integer operations that go through 128 bits.

LLVM has no instruction sequence for a 128-bit remainder and calls ``__umodti3`` of the compiler's
run-time library, which code that is linked in memory does not have. It is called here by a name of
our own (see ``libraries``), and only where the dividend really is beyond 64 bits.
"""

from collections.abc import Callable, Mapping

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.integers import compare, magnitude, mod, plain
from ufora_worker.native.llvm.slots import Operand, Operands


def mul_add_and(
    code: Code, left: Operand, right: Operand, addend: Operand, mask: Operand
) -> Operand:
    """``(left * right + addend) & mask``: with a mask that is not negative only the low 64 bits
    matter, which wrapping arithmetic gives."""
    code.guard(compare(code, "sge", mask, "0"))
    product = plain(code, "mul", left, right)
    return plain(code, "and", plain(code, "add", product, addend), mask)


def mul_add_mod(
    code: Code, left: Operand, right: Operand, addend: Operand, modulus: Operand
) -> Operand:
    """``(left * right + addend) % modulus`` for a positive modulus."""
    code.guard(compare(code, "sgt", modulus, "0"))
    product = code.value(
        f"mul nsw i128 {_widen(code, 'sext', left)}, {_widen(code, 'sext', right)}"
    )
    total = code.value(f"add nsw i128 {product}, {_widen(code, 'sext', addend)}")
    low = code.value(f"trunc i128 {total} to i64")
    fits = code.value(f"icmp eq i128 {_widen(code, 'sext', low)}, {total}")
    return code.choose(
        fits,
        "i64",
        lambda: mod(code, low, modulus),
        lambda: _wide_mod(code, total, modulus),
    )


def _wide_mod(code: Code, total: Operand, modulus: Operand) -> Operand:
    size = code.call("i128", "llvm.abs.i128", f"i128 {total}", "i1 true")
    rest = _remainder(code, size, modulus)
    negative = code.value(f"icmp slt i128 {total}, 0")
    off = code.value(f"and i1 {negative}, {compare(code, 'ne', rest, '0')}")
    return code.select(off, "i64", plain(code, "sub", modulus, rest), rest)


def powmod(code: Code, base: Operand, exponent: Operand, modulus: Operand) -> Operand:
    """``pow(base, exponent, modulus)`` by squaring; the result has the modulus's sign."""
    code.guard(compare(code, "ne", modulus, "0"))
    code.guard(compare(code, "sge", exponent, "0"))
    size = magnitude(code, modulus)

    def product(left: Operand, right: Operand) -> Operand:
        wide = code.value(
            f"mul nuw i128 {_widen(code, 'zext', left)}, {_widen(code, 'zext', right)}"
        )
        high = code.value(f"icmp ugt i128 {wide}, {2**64 - 1}")
        return code.choose(
            high,
            "i64",
            lambda: _remainder(code, wide, size),
            lambda: plain(code, "urem", code.value(f"trunc i128 {wide} to i64"), size),
        )

    def step(result: Operand, square: Operand, rest: Operand) -> Operands:
        odd = code.value(f"trunc i64 {rest} to i1")
        return (
            code.choose(odd, "i64", lambda: product(result, square), lambda: result),
            product(square, square),
            plain(code, "lshr", rest, "1"),
        )

    start = (plain(code, "urem", "1", size), _unsigned_rest(code, base, size), exponent)
    result, _, _ = code.repeat(
        "i64", start, lambda _, __, rest: compare(code, "ne", rest, "0"), step
    )
    negative = compare(code, "slt", modulus, "0")
    off = code.value(f"and i1 {negative}, {compare(code, 'ne', result, '0')}")
    return plain(code, "add", result, code.select(off, "i64", modulus, "0"))


def _unsigned_rest(code: Code, value: Operand, size: Operand) -> Operand:
    """``value % size`` for an unsigned size."""
    rest = plain(code, "urem", magnitude(code, value), size)
    negative = compare(code, "slt", value, "0")
    off = code.value(f"and i1 {negative}, {compare(code, 'ne', rest, '0')}")
    return code.select(off, "i64", plain(code, "sub", size, rest), rest)


def _remainder(code: Code, dividend: Operand, divisor: Operand) -> Operand:
    """Unsigned 128 by 64 bits."""
    rest = code.call(
        "i128",
        "ufora_umodti3",
        f"i128 {dividend}",
        f"i128 {_widen(code, 'zext', divisor)}",
        attributes="nounwind willreturn memory(none)",
    )
    return code.value(f"trunc i128 {rest} to i64")


def _widen(code: Code, how: str, value: Operand) -> Operand:
    return code.value(f"{how} i64 {value} to i128")


EMITTERS: Mapping[str, Callable[..., Operand]] = {
    "int.mul_add_and": mul_add_and,
    "int.mul_add_mod": mul_add_mod,
    "int.powmod": powmod,
}
