"""Units made by hand or from text, run as machine code; and values that find mistakes."""

from __future__ import annotations

import ctypes
import math
import random
import struct
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import Any

from ufora_worker.native.ir.meanings import Doubt, apply
from ufora_worker.native.ir.nodes import Atom, Const, Emit, Function, Let, Sink, Unit, Var
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.ir.parser import parse
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
    Type,
)
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.compile import compile_unit
from ufora_worker.native.llvm.entry import DEPTH_LIMIT, Entry
from ufora_worker.native.runs import Run, Status

INTEGERS = (
    *(0, 1, -1, 2, -2, 3, -3, 7, 10, -10, 63, 64, 65, 99, 100, -100, 101, 1000, 2**31 - 1, 2**31),
    *(-(2**31), 2**32 - 1, 2**32, 3037000499, 3037000500, 2**53 - 1, 2**53, 2**53 + 1, -(2**53)),
    *(-(2**53) - 1, 2**62, 2**62 + 12345, 2**63 - 2, 2**63 - 1, -(2**63) + 1, -(2**63)),
)
FLOATS = (
    *(0.0, -0.0, 0.1, -0.1, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 2.5, 3.0, -3.0, 3.5, 7.0, 100.0),
    *(0.49999999999999994, 1e-5, 1e22, 1e300, -1e300, 1.7976931348623157e308, 5e-324, -5e-324),
    *(2.2250738585072014e-308, 2.0**31, 2.0**53, 2.0**53 + 2, 2.0**62, 2.0**63, -(2.0**63)),
    *(9.223372036854775e18, -9.223372036854778e18, math.inf, -math.inf, math.nan, math.pi),
)
_CHARACTERS = ("\0", "a", "b", "\x7f", "\xff", "\u20ac", "\U0010ffff")
_SMALL_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -3.25, 1e-200, 1e200, math.inf, math.nan)
_COMPLEXES = tuple(complex(a, b) for a in _SMALL_FLOATS for b in _SMALL_FLOATS)


class Listener:
    """Attention for tests: a word, and answers for the callback."""

    def __init__(self) -> None:
        self.word = ctypes.c_int64(0)
        self.address = ctypes.addressof(self.word)
        self.calls = 0
        #: What the callback answers.
        self.answers: list[int] = []
        self.callback = ctypes.CFUNCTYPE(ctypes.c_int64)(self._answer)

    def _answer(self) -> int:
        self.calls += 1
        return self.answers.pop(0) if self.answers else 0


def entry_of(text: str | Unit, *, depth_limit: int = DEPTH_LIMIT) -> Entry:
    """Machine code of a unit, which is verified first."""
    unit = parse(text) if isinstance(text, str) else text
    verify(unit)
    return compile_unit(unit, None, depth_limit=depth_limit)


def run(entry: Entry, lo: int, hi: int, *words: int, columns: Columns | None = None) -> Run:
    """Run items with nobody interfering."""
    return entry.run(lo, hi, words, columns, Listener())


def words_of(value: Any) -> list[int]:
    """A scalar as words."""
    if isinstance(value, complex):
        return [*words_of(value.real), *words_of(value.imag)]
    if isinstance(value, float):
        return list(struct.unpack("<q", struct.pack("<d", value)))
    return [ord(value) if isinstance(value, str) else int(value)]


class NativeOperation:
    """One operation as machine code: some operands come at run time, others are constants."""

    def __init__(self, op: str, takes: Sequence[Atom | Type], gives: Scalar, *, safe: bool) -> None:
        operands = [
            take if isinstance(take, Const) else Var(f"x{number}", _type(take))
            for number, take in enumerate(takes)
        ]
        parameters = tuple(operand for operand in operands if isinstance(operand, Var))
        target = Var("%result", gives)
        item = Function(
            "item",
            (Var("%index", INT), *parameters),
            None,
            (Let(target, op, tuple(operands), safe=safe), Emit(target)),
        )
        self._entry = compile_unit(Unit((item,), Sink.COLUMNS, gives), None)
        self._columns = Columns.for_type(gives, 1)
        self._attention = Listener()

    def __call__(self, *values: Any) -> Any:
        """The result, or None for a bail."""
        words = [word for value in values for word in words_of(value)]
        run = self._entry.run(0, 1, words, self._columns, self._attention)
        if run.status is Status.BAILED:
            assert (run.next, run.count) == (0, 0)
            return None
        assert (run.status, run.next, run.count) == (Status.DONE, 1, 1)
        return run.columns[0][0].item()


def _type(take: Atom | Type) -> Type:
    assert not isinstance(take, Var | Const)
    return take


def expected(op: str, *values: Any) -> Any:
    """What CPython makes of it, or None where the operation should bail."""
    try:
        result = apply(op, list(values), OPERATIONS[op].gives)
    except Doubt:
        return None
    return ord(result) if isinstance(result, str) else result


def bits(value: Any) -> Any:
    """Equal for results that are the same to a user: all NaNs are one, 0.0 and -0.0 are not."""
    if isinstance(value, complex):
        return bits(value.real), bits(value.imag)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    return value


# ---------------------------------------------------------------------- samples


def any_integer(random: random.Random) -> int:
    """All sizes are equally likely."""
    return random.choice((1, -1)) * random.getrandbits(random.randrange(1, 64))


def any_float(random: random.Random) -> float:
    """Often of ordinary size, sometimes any bits."""
    if random.random() < 0.2:
        return float(struct.unpack("<d", random.randbytes(8))[0])
    return random.choice((1, -1)) * random.random() * 10.0 ** random.randint(-6, 6)


_EDGES: dict[Scalar, tuple[Any, ...]] = {
    BOOL: (False, True),
    INT: INTEGERS,
    FLOAT: FLOATS,
    COMPLEX: _COMPLEXES,
    CHAR: _CHARACTERS,
}
_RANDOM: dict[Scalar, Callable[[random.Random], Any]] = {
    BOOL: lambda random: random.random() < 0.5,
    INT: any_integer,
    FLOAT: any_float,
    COMPLEX: lambda random: complex(any_float(random), any_float(random)),
    CHAR: lambda random: chr(random.choice((random.randrange(128), random.randrange(0xD800)))),
}
_PLAIN = {
    NUMPY_BOOL: BOOL,
    NUMPY_INT: INT,
    NUMPY_FLOAT: FLOAT,
    NUMPY_COMPLEX: COMPLEX,
    NUMPY_NARROW_INT: INT,
    NUMPY_NARROW_FLOAT: FLOAT,
}


def samples(op: str, count: int) -> list[tuple[Any, ...]]:
    """Edge values in all combinations (or many), and ``count`` random ones."""
    chance = random.Random(op)
    takes = [_PLAIN.get(take, take) for take in OPERATIONS[op].takes]
    edges = list(product(*(_EDGES[take] for take in takes)))
    if len(edges) > 2 * count:
        edges = chance.sample(edges, 2 * count)
    return edges + [tuple(_RANDOM[take](chance) for take in takes) for _ in range(count)]


@cache
def native_operation(op: str, *, safe: bool = False) -> NativeOperation:
    """An operation with all operands at run time."""
    operation = OPERATIONS[op]
    return NativeOperation(op, operation.takes, operation.gives, safe=safe)
