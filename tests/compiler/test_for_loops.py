"""``for`` statements taken apart: what an item computes, and what the fold does with it."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from cases import Case, load
from ufora_core.compiler.for_loops.rules import NotSplit
from ufora_core.compiler.for_loops.statement import ForLoop, taken_apart
from ufora_core.compiler.sites.rewriting import rewrite
from ufora_core.compiler.sites.site import Site
from ufora_core.values.functions import source_of
from ufora_worker.for_loops.items import item_function

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("case", load(CASES / "for_loops.txt"), ids=lambda case: case.name)
def test_a_loop_taken_apart(case: Case, request: pytest.FixtureRequest) -> None:
    (loop,) = ast.parse(case.source).body
    assert isinstance(loop, ast.For)
    try:
        text = _describe(taken_apart(loop))
    except NotSplit as reason:
        text = f"# not split, line {reason.line}: {reason.message}"
    case.check(text, update=request.config.getoption("--update-cases"))


def _describe(loop: ForLoop) -> str:
    lines: list[str] = []
    if loop.total is not None and loop.terms is not None:
        lines += [f"# adds up {loop.total.name}: {ast.unparse(loop.terms.comprehension)}"]
        lines += map(ast.unparse, loop.terms.item)
    if loop.total is not None and loop.total.perhaps:
        lines += [f"# perhaps assigned: {', '.join(loop.total.perhaps)}"]
    if loop.halves is not None and loop.records is not None:
        lines += [f"# records: {ast.unparse(loop.records.comprehension)}"]
        lines += map(ast.unparse, loop.records.item)
        lines += ["# fold", *map(ast.unparse, loop.halves.fold)]
        lines += [
            f"# changes {target.name}, which is a {_names(target.types)}"
            + (f" of {_names(target.inner)}" if target.inner else "")
            for target in loop.halves.targets
        ]
        if loop.halves.breaks:
            lines += ["# may end early"]
        if loop.halves.immutable:
            positions = ", ".join(f".{each}" for each in sorted(loop.halves.immutable))
            lines += [f"# immutable: {positions}"]
    if loop.turns is not None:
        found = f", found at the end: {_listed(loop.turns.found)}" if loop.turns.found else ""
        lines += [f"# turn after turn, of {_listed(loop.turns.state)}{found}"]
        lines += map(ast.unparse, loop.turns.function(ast.Name("ITEM", ast.Load())))
    if not loop.runs_apart and loop.why is not None:
        lines += [f"# not apart, line {loop.why.line}: {loop.why.message}"]
    return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _names(types: tuple[type, ...]) -> str:
    return " or ".join(each.__name__ for each in types)


def test_a_rewritten_loop_asks_the_engine_and_keeps_what_was_written() -> None:
    source = "for x in xs:\n    y = f(x)\n    total += y\nelse:\n    print(total)"
    text, site = _rewritten(source)
    assert (
        text
        == f"""\
if __ufora_closed_0__:
{_indented(source)}
else:
    for total in __ufora_totals__(0, xs):
        pass
    for x, y in __ufora_left__():
        pass
    for x in __ufora_first__():
        y = f(x)
        total += y
    else:
        .0.0 = None
        try:
            for x, (.0.0,) in __ufora_records__():
                y = .0.0
                total += y
            else:
                for x in __ufora_rest__():
                    y = f(x)
                    total += y
                else:
                    print(total)
        finally:
            del .0.0"""
    )
    assert (site.line, site.column, site.loop is not None) == (1, 0, True)


def test_a_loop_that_works_on_variables_begins_as_written_and_goes_on_turn_after_turn() -> None:
    source = "for x in xs:\n    a = f(a)\n    if a == 1:\n        break\nelse:\n    print(a)"
    text, site = _rewritten(source)
    assert (
        text
        == f"""\
if __ufora_closed_0__:
{_indented(source)}
else:
    for x in __ufora_first__(0, xs):
        a = f(a)
        if a == 1:
            break
    else:
        for x, a, .0.broken in __ufora_turns__():
            if .0.broken:
                del .0.broken
                break
            del .0.broken
        else:
            for x in __ufora_rest__():
                a = f(a)
                if a == 1:
                    break
            else:
                print(a)"""
    )
    assert site.loop is not None
    assert not site.loop.runs_apart


def _rewritten(source: str) -> tuple[str, Site]:
    """The program of one statement as it asks the engine, and its site."""
    tree = ast.parse(source)
    (site,) = rewrite(tree)
    return ast.unparse(tree), site


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def test_statements_keep_their_places() -> None:
    tree = ast.parse("\n\nfor x in xs:\n    y = f(x)\n\n\n    out.append(y)")
    rewrite(tree)
    assert {
        (node.lineno, ast.unparse(node)) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    } == {(7, "out.append(y)")}


def test_loops_in_class_bodies_stay_as_they_are() -> None:
    assert rewrite(ast.parse("class A:\n    for x in xs:\n        out.append(f(x))")) == []


def test_an_items_function_stands_in_the_lines_of_the_loop() -> None:
    source = """\


for x in xs:
    # a comment

    y = f(x)
    if y:

        z = g(y)
    else:
        z = 0
    out.append(h(z))
"""
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.For)
    part = taken_apart(node).records
    assert part is not None
    function = item_function(
        node.target, [], part.item, filename="program.py", mangle="", namespace={}
    )
    found = source_of(function.__code__)
    assert found is not None
    lines = found.text.splitlines()
    assert (found.filename, found.line) == ("program.py", 3)
    assert lines[6 - 3].strip() == "y = f(x)"
    assert lines[9 - 3].strip() == "z = g(y)"
    assert "h(z)" in lines[12 - 3] or "h(z)" in lines[12 - 3 + 1]


def test_an_items_function_has_the_private_names_of_the_class_around_it() -> None:
    (node,) = ast.parse("for x in xs:\n    y = self.__f(__g(x))\n    out.append(y)").body
    assert isinstance(node, ast.For)
    part = taken_apart(node).records
    assert part is not None
    namespace: dict[str, object] = {"_A__g": lambda x: x + 1}
    function = item_function(
        node.target, ["self"], part.item, filename="p.py", mangle="A", namespace=namespace
    )
    thing = type("Thing", (), {"_A__f": lambda self, x: x * 10})()
    assert function(3, thing) == 40
