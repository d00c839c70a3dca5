"""Fusion: products that are cut down at once become one operation."""

from pathlib import Path

import pytest

from cases import Case, load
from ufora_worker.native.ir.evaluator import evaluate
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.printer import text
from ufora_worker.native.optimise import optimise
from ufora_worker.native.runs import Status

CASES = Path(__file__).parent / "cases"

GENERATOR = """
unit total of int

def item(%index: int):
    %1: int = int.mul %index, 6364136223846793005
    %2: int = int.add %1, 1442695040888963407
    %3: int = int.and %2, 9223372036854775807
    emit %3
"""


@pytest.mark.parametrize("case", load(CASES / "fusion.txt"), ids=lambda case: case.name)
def test_what_a_unit_becomes(case: Case, request: pytest.FixtureRequest) -> None:
    optimised = optimise(parse(case.source))
    case.check(text(optimised), update=request.config.getoption("--update-cases"))


def test_a_fused_product_does_not_bail() -> None:
    unit = parse(GENERATOR)
    assert evaluate(unit, 0, 10, []).status is Status.BAILED
    run = evaluate(optimise(unit), 0, 10, [])
    steps = (i * 6364136223846793005 + 1442695040888963407 for i in range(10))
    assert (run.status, run.total) == (Status.DONE, sum(step & 2**63 - 1 for step in steps))


def test_a_unit_with_nothing_to_fuse_keeps_its_functions() -> None:
    unit = parse("unit count of int\n\ndef item(%index: int):\n    emit %index\n")
    assert optimise(unit) == unit
