"""Verdicts on whole programs; each case ends with the comprehension in question."""

import ast
from pathlib import Path

import pytest

from cases import Case, load
from judging import Program
from ufora_core.compiler.effects.judgement import BROKEN, Verdict

CASES = Path(__file__).parent / "cases"


def _text(verdict: Verdict) -> str:
    return "pure" if verdict.pure else str(verdict.reason)


def _judged(case: Case) -> Verdict:
    """The verdict; definitions stay as they are, since others are judged and compiled by them."""
    program = Program(case.source)
    before = ast.dump(program.tree, include_attributes=True)
    verdict = program.judge()
    assert ast.dump(program.tree, include_attributes=True) == before
    return verdict


@pytest.mark.parametrize("case", load(CASES / "impure.txt"), ids=lambda case: case.name)
def test_what_others_could_notice_is_not_split(case: Case, request: pytest.FixtureRequest) -> None:
    verdict = _judged(case)
    case.check(_text(verdict), update=request.config.getoption("--update-cases"))
    assert not verdict.pure
    assert BROKEN not in _text(verdict)


@pytest.mark.parametrize("case", load(CASES / "pure.txt"), ids=lambda case: case.name)
def test_what_nobody_can_notice_is_split(case: Case, request: pytest.FixtureRequest) -> None:
    verdict = _judged(case)
    case.check(_text(verdict), update=request.config.getoption("--update-cases"))
    assert verdict.pure, _text(verdict)
