"""Verdicts on whole blocks: may they run again from their beginning?"""

import ast
from pathlib import Path

import pytest

from cases import Case, load
from judging import FILENAME, Program
from ufora_core.compiler.effects.definitions import definition_at
from ufora_core.compiler.effects.judgement import BROKEN, BlockScope, Verdict, judge_block

CASES = Path(__file__).parent / "cases" / "repeatable.txt"


def verdict_on(source: str, *, in_function: bool = False) -> Verdict:
    before, after = source.split("----\n")
    program = Program(f"{before}\npass")
    statements = ast.parse(after).body
    body = ast.FunctionDef("block", ast.arguments([], [], None, [], [], None, []), statements, [])
    assigned = definition_at(body).own_names
    variables = program.namespace if in_function else {}
    scope = BlockScope(
        {} if in_function else program.namespace, variables, assigned, not in_function
    )
    return judge_block(statements, scope, source_of=program.source_of, filename=FILENAME)


@pytest.mark.parametrize("case", load(CASES), ids=lambda case: case.name)
def test_a_block_is_repeatable_if_nobody_could_notice(
    case: Case, request: pytest.FixtureRequest
) -> None:
    verdict = verdict_on(case.source)
    text = "repeatable" if verdict.pure else str(verdict.reason)
    case.check(text, update=request.config.getoption("--update-cases"))
    assert BROKEN not in text


def test_variables_of_a_function_are_not_read_by_other_functions() -> None:
    source = "k = 1\ndef f(x):\n    return x + k\n----\nk = 2\nresult = f(k)\n"
    assert verdict_on(source, in_function=True).pure
    assert not verdict_on(source).pure
