"""Elements of two-dimensional arrays are read by way of their rows."""

from pathlib import Path

import numpy as np
import pytest

from cases import Case, load
from ufora_worker.native.ir.evaluator import evaluate
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.printer import text
from ufora_worker.native.matrices import read_by_rows
from ufora_worker.native.optimise import optimise

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", load(CASES / "matrices.txt"), ids=lambda case: case.name)
def test_what_becomes_of_two_indices(case: Case, request: pytest.FixtureRequest) -> None:
    optimised = optimise(parse(case.source))
    case.check(text(optimised), update=request.config.getoption("--update-cases"))


@pytest.mark.parametrize("column", [-4, -3, 0, 2, 3])
def test_an_element_is_the_same_by_way_of_its_row(column: int) -> None:
    unit = parse(
        "unit columns of float\n\n"
        "def item(%index: int, table: float:f8[,], column: int):\n"
        "    %1: float = array.get table, %index, column\n"
        "    emit %1\n"
    )
    table = np.arange(6.0).reshape(2, 3)
    one, other = (evaluate(each, 0, 3, [table, column]) for each in (unit, read_by_rows(unit)))
    assert repr(one) == repr(other)
