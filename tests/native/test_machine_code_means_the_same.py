"""Machine code of random units does what the reference evaluator says, to the bit."""

import math
import struct
from typing import Any

import pytest

import random_units
from machine_code import Listener
from ufora_worker.native.ir.evaluator import Limits, TooManySteps, evaluate
from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.compile import compile_unit
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.optimise import optimise
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.translate.capture import pack

#: Random units that a run of the tests looks at, in so many parts; items of each, and inputs.
UNITS, BATCH, ITEMS, INPUTS = 400, 50, 6, 3
#: What the evaluator does not finish is not tried natively: it might never end.
LIMITS = Limits(steps=5000)


@pytest.mark.parametrize("optimised", [False, True], ids=["as written", "optimised"])
@pytest.mark.parametrize("first", range(0, UNITS, BATCH))
def test_machine_code_of_a_random_unit_means_the_same(first: int, optimised: bool) -> None:
    for seed in range(first, first + BATCH):
        check(seed, optimised=optimised)


def check(seed: int, *, optimised: bool) -> None:
    """Compare all runs of the unit of this seed."""
    written = random_units.unit(seed)
    entries: dict[Any, Entry] = {}
    for attempt in range(INPUTS):
        values = random_units.values(written, seed * INPUTS + attempt)
        unit = random_units.knowing(written, values, ITEMS)
        if optimised:
            unit = optimise(unit)
        known = (unit.spans, unit.dense)
        if known not in entries:
            entries[known] = compile_unit(unit, None, depth_limit=LIMITS.depth)
        try:
            _compare(unit, entries[known], values, f"unit {seed}, input {attempt}")
        except TooManySteps:
            continue


def _compare(unit: Unit, entry: Entry, values: list[Any], name: str) -> None:
    """Run all items, past those that bail."""
    parameters = unit.functions[0].parameters[1:]
    packed = [pack(each.type, value) for each, value in zip(parameters, values, strict=True)]
    words = [word for each in packed for word in each.words]
    columns = Columns.for_unit(unit, 5000) if unit.sink.fills_columns else None
    index = 0
    while index < ITEMS:
        wanted = evaluate(unit, index, ITEMS, values, limits=LIMITS)
        got = entry.run(index, ITEMS, words, columns, Listener())
        assert _facts(unit, got) == _facts(unit, wanted), name
        index = wanted.next + 1 if wanted.status is Status.BAILED else ITEMS


def _facts(unit: Unit, run: Run) -> tuple[Any, ...]:
    """All that a run says, so that it can be compared: floats by their bits, but every NaN."""
    columns = tuple(tuple(_bits(value) for value in column) for column in run.columns)
    decides = unit.sink in (Sink.ANY, Sink.ALL)
    count = None if decides else run.count
    return run.status, run.next, count, run.total, _bits(run.best), columns, tuple(run.ends)


def _bits(value: Any) -> Any:
    if isinstance(value, complex):
        return _bits(value.real), _bits(value.imag)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    return None if value is None else int(value)
