"""Translation as text: source and the IR that it becomes, or the reason why it does not."""

import ast
import time
from pathlib import Path

import pytest

from cases import Case, load
from judging import Program
from translating import SiteCase, translated
from ufora_worker.loops.float_sum import PLAIN
from ufora_worker.native.ir.evaluator import evaluate
from ufora_worker.native.ir.printer import text
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.llvm.supported import supported
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.translate import site
from ufora_worker.native.translate.site import translate_call
from ufora_worker.native.translate.unit import Translation

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    "case",
    [each for path in sorted(CASES.glob("translate_*.txt")) for each in load(path)],
    ids=lambda case: f"{case.path.stem}: {case.name}",
)
def test_what_becomes_of_source(case: Case, request: pytest.FixtureRequest) -> None:
    program = SiteCase(case.source, {"n": 5, "w": 0.5})
    before = ast.dump(program.program.tree, include_attributes=True)
    found: Translation | Refusal
    try:
        found = program.translation(python=PLAIN)  # the same text, whatever runs this
    except Refused as refused:
        found = refused.refusal
    # Others are translated from the same definitions.
    assert ast.dump(program.program.tree, include_attributes=True) == before
    if isinstance(found, Refusal):
        edit = f"\n    {found.edit}" if found.edit else ""
        out = f"refused: {found.filename}:{found.line}: {found.message}{edit}"
    else:
        verify(found.unit)
        out = text(found.unit)
    case.check(out, update=request.config.getoption("--update-cases"))


def _refusal(source: str) -> str:
    found = translated(source)
    assert isinstance(found, Refusal), text(found.unit)
    return found.message


def test_the_text_is_the_same_for_other_values_of_local_variables() -> None:
    source = "[x * n for x in range(n, n + 100)]\n"
    one, other = translated(source, n=900), translated(source, n=1000)
    assert not isinstance(one, Refusal)
    assert not isinstance(other, Refusal)
    assert text(one.unit) == text(other.unit)
    assert (one.values, other.values) == ((900, 900), (1000, 1000))


def test_two_equal_local_variables_are_two_parameters() -> None:
    source = "[x * a + b for x in range(9)]\n"
    one, other = translated(source, a=700, b=700), translated(source, a=700, b=701)
    assert not isinstance(one, Refusal)
    assert not isinstance(other, Refusal)
    assert text(one.unit) == text(other.unit)


def test_a_function_of_a_megabyte_is_refused_at_once() -> None:
    lines = "".join(f"    x = x + {i}\n" for i in range(65_000))
    program = Program(f"def f(x):\n{lines}    return x\n[f(x) for x in range(3)]\n")
    started = time.process_time()
    with pytest.raises(Refused, match="too long"):
        translate_call(program.namespace["f"], [1], source_of=program.source_of)
    assert time.process_time() - started < 0.1


def test_a_loop_that_reaches_too_much_code_is_refused() -> None:
    lines = "".join(f"    x = x + {i}\n" for i in range(1_500))
    functions = "".join(f"def f{i}(x):\n{lines}    return x\n" for i in range(3))
    assert "more code" in _refusal(f"{functions}[f0(x) + f1(x) + f2(x) for x in range(3)]\n")


def test_functions_that_call_each_other_too_deep_are_refused() -> None:
    functions = "".join(f"def f{i}(x):\n    return f{i + 1}(x)\n" for i in range(60))
    last = "def f60(x):\n    return x\n"
    assert "more than 40 deep" in _refusal(f"{functions}{last}[f0(x) for x in range(3)]\n")


def test_an_expression_that_nests_too_deep_is_refused() -> None:
    source = f"def f(x):\n    return {'- ' * 900}x\n[f(x) for x in range(3)]\n"
    assert "nests too deeply" in _refusal(source)


def test_a_call_is_a_loop_of_one_item() -> None:
    program = Program(
        "def f(a, xs, b=2):\n    return a * b + xs[0]\n[f(x, [1]) for x in range(3)]\n"
    )
    found = translate_call(program.namespace["f"], [20, [5, 6]], source_of=program.source_of)
    verify(found.unit)
    run = evaluate(found.unit, 0, 1, found.values)
    assert run.columns == [[45]]


def test_what_a_library_of_the_machine_does_otherwise_than_cpython_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without = supported() - {"math.sin", "float.mod"}
    monkeypatch.setattr(site, "supported", lambda: without)
    message = "the last bits of `{}` would not be those of Python here"
    source = "import math\ndef f(x):\n    return {}\n[f(x * 0.1) for x in range(9)]\n"
    assert _refusal(source.format("math.sin(x)")) == message.format("math.sin")
    assert _refusal(source.format("x % 0.3")) == message.format("float.mod")
    assert not isinstance(translated(source.format("math.cos(x) * 2")), Refusal)


def test_functions_without_source_are_refused() -> None:
    program = Program("def f(a):\n    return a\n[f(x) for x in range(3)]\n")
    with pytest.raises(Refused, match="`f` has no source here"):
        translate_call(program.namespace["f"], [1], source_of=lambda code: None)
