"""Compares what machine code makes of items with what CPython makes of them.

What native code yields for the items that it does has to be what CPython yields, type by type and
bit by bit; an item that raises in CPython has to bail. Any NaN is mostly as good as any other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from machine_code import Listener
from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.segments import objects, rows

#: Values that one call collects at most.
CAPACITY = 8192

#: What the items yield in CPython, or raise.
Expected = Sequence[list[Any] | Exception]


class Different(AssertionError):
    """Native code gives something else than CPython."""


@dataclass(slots=True)
class Outcome:
    """What came of one program."""

    accepted: bool = False
    #: Items that native code did, and those that it left to CPython.
    items: int = 0
    bailed: int = 0
    #: It took too long, or too much memory, in CPython.
    abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Native:
    """Machine code of a site, with the values that it is given."""

    unit: Unit
    entry: Entry
    words: Sequence[int]
    columns: Columns | None
    #: The sign of a NaN counts.
    signed: bool

    def run(self, lo: int, hi: int) -> Run:
        """Run these items, or as many of them as possible."""
        return self.entry.run(lo, hi, self.words, self.columns, _LISTENER)


_LISTENER = Listener()


def compare(native: Native, expected: Expected) -> Outcome:
    """Run all items, going on behind each that bails.

    Raises:
        Different: a value is not CPython's.
    """
    outcome = Outcome(accepted=True)
    lo = 0
    while lo < len(expected):
        run = native.run(lo, len(expected))
        _judge(native, run, lo, expected)
        outcome.items += run.next - lo
        lo = run.next
        if run.status is Status.BAILED:
            outcome.bailed += 1
            lo += 1
        elif run.status is Status.FULL and run.count == 0:
            raise Different(f"item {lo} emits more than {CAPACITY} values")
    return outcome


def narrowed(native: Native, items: Sequence[object], expected: Expected) -> Different | None:
    """The difference that the first item alone makes; None where no single one does."""
    for index, item in enumerate(items):
        run = native.run(index, index + 1)
        if run.status is Status.BAILED:
            continue
        try:
            _judge(native, run, index, expected)
        except Different as different:
            return Different(f"item {item!r}: {different}")
    return None


def _judge(native: Native, run: Run, lo: int, expected: Expected) -> None:
    """Look at all that a run says."""
    wanted: list[Any] = []
    for index in range(lo, run.next):
        values = expected[index]
        if isinstance(values, Exception):
            raise Different(f"item {index} raises {values!r}, and native code does not bail")
        wanted += values
    got, wanted = _facts(native.unit, run, wanted)
    if len(got) != len(wanted):
        raise Different(f"items {lo} to {run.next} yield {wanted}, and natively {got}")
    for one, other in zip(got, wanted, strict=True):
        if not same(one, other, signed=native.signed):
            raise Different(f"items {lo} to {run.next} yield {other!r}, and natively {one!r}")


def _facts(unit: Unit, run: Run, wanted: list[Any]) -> tuple[list[Any], list[Any]]:
    """What the run says, and what it should say where these are the values."""
    match unit.sink:
        case Sink.TOTAL:
            return [run.total], [sum(wanted)]
        case Sink.COUNT:
            return [run.count], [len(wanted)]
        case Sink.LEAST | Sink.GREATEST:
            best_of = min if unit.sink is Sink.LEAST else max
            return [run.best], [best_of(wanted) if wanted else None]
        case Sink.ANY | Sink.ALL:
            decides = unit.sink is Sink.ANY
            return [run.status is Status.DECIDED], [decides in wanted]
        case Sink.ROWS:
            return list(rows(unit.emits, run)), wanted
        case _:
            return list(objects(unit.emits, run.columns)), wanted


def same(one: object, other: object, *, signed: bool = False) -> bool:
    """Whether two values are the same to a user: class and bits, but all NaNs are one, or two where
    they are signed."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(*pair, signed=signed) for pair in pairs)
    if isinstance(one, complex) and isinstance(other, complex):
        return same((one.real, one.imag), (other.real, other.imag), signed=signed)
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other):
            equal = not signed or math.copysign(1, one) == math.copysign(1, other)
            return math.isnan(one) and math.isnan(other) and equal
        return one.hex() == other.hex()
    return bool(one == other)
