"""Every operation as machine code gives CPython's bits, or bails."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import pytest

from machine_code import NativeOperation, bits, expected, native_operation, samples
from ufora_worker.native.ir.nodes import Const
from ufora_worker.native.ir.operations import OPERATIONS, STRUCTURAL
from ufora_worker.native.ir.types import FLOAT, INT, Scalar
from ufora_worker.native.llvm.supported import supported

SUPPORTED = sorted(supported() - STRUCTURAL)
COUNT = 2000

#: Where native code bails although CPython has a result: nobody needs it, or it would be in doubt.
NEEDLESS: dict[str, Callable[..., bool]] = {
    "int.lshift": lambda value, count: value == 0 and count > 63,
    "int.mod": lambda left, right: left == -(2**63) and right == -1,
    "float.pow": lambda *values: not all(map(math.isfinite, values)),
    "math.hypot": lambda x, y: not 2.0**-1022 <= max(abs(x), abs(y)) < 2.0**1022,
    "complex.abs": lambda value: not cmath.isfinite(value),
    "complex.powi": lambda value, exponent: not cmath.isfinite(value**exponent),
}


def test_all_operations_are_supported_here() -> None:
    assert supported() == set(OPERATIONS) | STRUCTURAL


def check(
    op: str, native: NativeOperation, values: tuple[Any, ...], given: tuple[Any, ...]
) -> None:
    """Compare one case; ``given`` are those of the operands that come at run time."""
    got, wanted = native(*given), expected(op, *values)
    if got is None:
        needed = wanted is None or (op in NEEDLESS and NEEDLESS[op](*values))
        assert needed, f"{op}{values} bails, and is {wanted!r} in CPython"
        return
    assert wanted is not None, f"{op}{values} gave {got!r}, and CPython has no plain result"
    assert bits(got) == bits(_plain(wanted)), f"{op}{values} gave {got!r}, not {wanted!r}"


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else getattr(value, "item", lambda: value)()


@pytest.mark.parametrize("op", SUPPORTED)
def test_an_operation_gives_what_cpython_gives(op: str) -> None:
    for case in samples(op, COUNT):
        check(op, native_operation(op), case, case)


@pytest.mark.parametrize("op", [op for op in SUPPORTED if OPERATIONS[op].bails])
def test_an_operation_that_was_proved_safe_gives_the_same(op: str) -> None:
    native = native_operation(op, safe=True)
    for case in samples(op, COUNT // 2):
        if expected(op, *case) is not None and native_operation(op)(*case) is not None:
            check(op, native, case, case)


#: Operations that take short cuts for a constant as the last operand, and such constants.
CONSTANTS: dict[str, tuple[Scalar, tuple[float, ...]]] = {
    "int.floordiv": (INT, (1, 2, 3, -1, -2, 10, 2**32, 2**62, -(2**63), 0)),
    "int.mod": (INT, (1, 2, 3, -1, -2, 10, 2**32, 2**62, -(2**63), 0)),
    "int.pow": (INT, (0, 1, 2, 3, 4, 5, 7, 10, 62, 63, 64, 100, -1)),
    "int.lshift": (INT, (0, 1, 31, 63, 64, -1)),
    "int.rshift": (INT, (0, 1, 31, 63, 64, -1)),
    "int.mul": (INT, (0, 1, -1, 2, 3, 4, 5, 6, 8, 9, 2**40)),
    "float.pow": (FLOAT, (0.0, 0.5, 1.0, 2.0, 3.0, -1.0, -2.0)),
    "float.mod": (FLOAT, (1.0, -1.0, 2.0, 0.1, 0.0)),
    "float.truediv": (FLOAT, (1.0, 2.0, 3.0, 0.0)),
    "complex.powi": (INT, (0, 1, 2, 3, -1, -2, 7, 100, -100, 101)),
    "int.mul_add_and": (INT, (2**31 - 1, 2**62, -1)),
    "int.mul_add_mod": (INT, (2**31 - 1, 2**61 - 1, 10, 1, 0)),
}


@pytest.mark.parametrize(
    ("op", "constant"), [(op, each) for op, (_, all) in CONSTANTS.items() for each in all]
)
def test_an_operation_with_a_constant_gives_what_cpython_gives(op: str, constant: float) -> None:
    operation = OPERATIONS[op]
    takes: list[Any] = [*operation.takes[:-1], Const(CONSTANTS[op][0], constant)]
    native = NativeOperation(op, takes, operation.gives, safe=False)
    for case in samples(op, 200):
        check(op, native, (*case[:-1], constant), case[:-1])


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 6, 8, 9])
def test_a_multiple_bails_exactly_where_it_leaves_64_bits(factor: int) -> None:
    native = NativeOperation("int.mul", [INT, Const(INT, factor)], INT, safe=False)
    for edge in (2**63 // factor, -(2**63) // factor):
        for value in range(edge - 2, edge + 3):
            check("int.mul", native, (value, factor), (value,))
