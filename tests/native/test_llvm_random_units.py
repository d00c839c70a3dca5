"""Random units do as machine code what the reference evaluator says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import random_units
from machine_code import bits, entry_of, run
from ufora_worker.native.ir.evaluator import Limits, TooManySteps, evaluate
from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.ir.printer import text
from ufora_worker.native.llvm import machine
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.weights import Weights
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.translate.capture import pack

GROUPS = 8
UNITS = 10
ITEMS = 8
#: The evaluator counts all calls, native code only those of recursive functions.
DEPTHS = (Limits(steps=50_000), Limits(steps=50_000, depth=120))


def summary(run: Run) -> object:
    best = None if run.best is None else bits(run.best)
    columns = [[bits(_plain(value)) for value in column] for column in run.columns]
    return run.next, run.count, run.total, best, columns, list(run.ends)


def _plain(value: Any) -> Any:
    value = getattr(value, "item", lambda: value)()
    return int(value) if isinstance(value, bool) else value


def agrees(unit: Unit, lo: int, got: Run, values: Sequence[Any], limits: Limits) -> bool:
    """True where the evaluator comes to the same; native code may bail where it does not."""
    wanted = evaluate(unit, lo, ITEMS, values, limits=limits)
    if got.status is Status.BAILED and wanted.next > got.next:
        wanted = evaluate(unit, lo, got.next, values, limits=limits)
        wanted.status = Status.BAILED
    return (got.status, summary(got)) == (wanted.status, summary(wanted))


def check(seed: int) -> tuple[int, int]:
    """Run items in intervals that begin where the one before ended; gives how many items native
    code did, and how many it bailed."""
    unit = random_units.unit(seed)
    values = random_units.values(unit, seed)
    packed = [
        pack(parameter.type, value)
        for parameter, value in zip(unit.functions[0].parameters[1:], values, strict=True)
    ]
    words = [word for each in packed for word in each.words]
    entry = entry_of(unit, depth_limit=50)
    columns = Columns.for_unit(unit, 5000) if unit.sink.fills_columns else None
    lo, done, bailed = 0, 0, 0
    while lo < ITEMS:
        try:
            evaluate(unit, lo, ITEMS, values, limits=DEPTHS[1])
        except TooManySteps:
            break
        got = run(entry, lo, ITEMS, *words, columns=columns)
        assert any(agrees(unit, lo, got, values, limits) for limits in DEPTHS), text(unit)
        done, bailed = done + got.next - lo, bailed + (got.status is Status.BAILED)
        lo = got.next + 1
    return done, bailed


@pytest.mark.parametrize("group", range(GROUPS))
def test_a_random_unit_does_what_the_evaluator_says(
    group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Weights, "strip_length", lambda self, body: 1 + group % 5)
    if group % 2:
        monkeypatch.setattr(machine, "THOROUGH", 0)
    outcomes = [check(seed) for seed in range(group * UNITS, (group + 1) * UNITS)]
    assert sum(done for done, _ in outcomes) > 0
