"""Operations on booleans and characters, and the wrapping of NumPy's scalars, which is nothing."""

import sys
from collections.abc import Callable, Mapping

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.slots import Operand, Operands

Emitter = Callable[..., Operand | Operands]

_UNSIGNED = {"eq": "eq", "ne": "ne", "lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge"}


def _pair(instruction: str) -> Emitter:
    return lambda code, left, right: code.value(f"{instruction} {left}, {right}")


def _same(code: Code, *value: Operand) -> Operands:
    return value


def character(code: Code, number: Operand) -> Operand:
    """``chr(number)``; an unsigned comparison covers negative numbers."""
    code.guard(code.value(f"icmp ule i64 {number}, {sys.maxunicode}"))
    return code.value(f"trunc i64 {number} to i32")


EMITTERS: Mapping[str, Emitter] = {
    "bool.not": lambda code, value: code.value(f"xor i1 {value}, true"),
    **{f"bool.{name}": _pair(f"{name} i1") for name in ("and", "or", "xor")},
    "bool.eq": _pair("icmp eq i1"),
    "bool.to_int": lambda code, value: code.value(f"zext i1 {value} to i64"),
    "char.chr": character,
    "char.ord": lambda code, value: code.value(f"zext i32 {value} to i64"),
    **{f"char.{name}": _pair(f"icmp {test} i32") for name, test in _UNSIGNED.items()},
    **{f"np.{kind}": _same for kind in ("int", "float", "bool")},
    **{
        f"np.{kind}.value": _same
        for kind in ("int", "float", "bool", "complex", "narrow_int", "narrow_float")
    },
}
