"""Translated programs give what CPython gives, item by item, or bail."""

from pathlib import Path

import pytest

from cases import Case, load
from random_functions import Writer
from translating import bails
from ufora_worker.native.ir.evaluator import TooManySteps
from ufora_worker.native.refusal import Refused

CASES = Path(__file__).parent / "cases"
_SCOPE = {"n": 5, "w": 0.5}


@pytest.mark.parametrize("case", load(CASES / "programs.txt"), ids=lambda case: case.name)
def test_a_program_gives_what_cpython_gives(case: Case, request: pytest.FixtureRequest) -> None:
    found = bails(case.source, **_SCOPE)
    case.check(f"bails: {found}", update=request.config.getoption("--update-cases"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", range(0, 400, 50))
def test_random_programs_give_what_cpython_gives(first: int) -> None:
    compared = 0
    for seed in range(first, first + 50):
        try:
            compared += 12 - len(bails(Writer(seed).module()))
        except (Refused, TooManySteps):
            continue
    assert compared > 50, "hardly any program is translated and runs without bails"
