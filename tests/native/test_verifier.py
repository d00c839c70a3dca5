"""The verifier names the rule that a unit breaks, and where."""

from pathlib import Path

import pytest

from cases import Case, load
from ufora_worker.native.ir.nodes import Const, Emit, Function, Sink, Unit, Var
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.types import CHAR, FLOAT, INT, Tuple, Type
from ufora_worker.native.ir.verifier import Malformed, verify

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", load(CASES / "verifier.txt"), ids=lambda case: case.name)
def test_what_is_wrong_with_a_unit(case: Case, request: pytest.FixtureRequest) -> None:
    try:
        verify(parse(case.source))
        found = "well formed"
    except Malformed as error:
        found = str(error)
    case.check(found, update=request.config.getoption("--update-cases"))


@pytest.mark.parametrize(
    ("type", "value"),
    [(INT, True), (INT, 1.0), (INT, 2**63), (FLOAT, 1), (CHAR, 0x110000), (Tuple((INT,)), 1)],
)
def test_a_constant_of_another_class_than_its_type_is_malformed(type: Type, value: float) -> None:
    item = Function("item", (Var("%index", INT),), None, (Emit(Const(type, value)),))
    with pytest.raises(Malformed):
        verify(Unit((item,), Sink.COUNT, type))


def test_a_unit_without_functions_is_malformed() -> None:
    with pytest.raises(Malformed, match="no item function"):
        verify(Unit((), Sink.COUNT, INT))
