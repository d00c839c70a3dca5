"""Calls that stand side by side: which become a site, what of, and that nothing else changes."""

import ast
import textwrap

import pytest

from ufora_core.compiler.sites import rewriting
from ufora_core.compiler.sites.calls import Definition, definition, definitions_in, worthwhile
from ufora_core.compiler.sites.rewriting import Site, SiteKind, rewrite

SLOW = frozenset({"f", "g", "h"})


def found_in(source: str) -> list[Site]:
    found = rewrite(ast.parse(source), slow=SLOW)
    return [site for site in found if site.kind is SiteKind.CALLS]


def counts_in(source: str) -> list[int]:
    """How many calls each site has."""
    return [site.calls.count for site in found_in(source) if site.calls is not None]


def _in_function(source: str) -> str:
    return "def function():\n" + textwrap.indent(source, "    ")


def calls_in(source: str) -> list[str]:
    """For each site the comprehension that stands for its calls."""
    return [ast.unparse(site.comprehension) for site in found_in(source)]


@pytest.mark.parametrize(
    "source",
    [
        "r = f(x) + g(y)",
        "r = (f(x), g(y))",
        "r = [f(x), g(y)]",
        "r = {f(x), g(y)}",
        "r = {'a': f(x), k: g(y)}",
        "r = ({'a': f(x)}, g(y))",
        "r = k(f(x), g(y))",
        "r = k(f(x), 1, y=g(y))",
        "r = f(x) < g(y)",
        "r = -f(x) * g(y)",
        "a = f(x)\nb = g(y)",
        "def k():\n    a = f(x)\n    b = g(y)\n    return a + b",
        "if k:\n    a = f(x)\n    b = g(y)",
        "r = a.f(x) + a.b.g(y)",
    ],
)
def test_calls_that_stand_side_by_side_are_one_site(source: str) -> None:
    assert counts_in(source) == [2]


@pytest.mark.parametrize(
    "source",
    [
        "r = f(x) and g(y)",
        "r = f(x) if g(y) else 0",
        "r = f(x) < g(y) < h(z)",
        "r = f(x) + k.attribute + g(y)",
        "r = [f(x), k[0], g(y)]",
        "r = (f(x), k(), g(y))",
        "r = ({f(x)}, g(y))",
        "r = ({k: f(x)}, g(y))",
        "r = {'a': f(x), **k, 'b': g(y)}",
        "r = {" + ", ".join(f"{i}: k" for i in range(14)) + ", 14: f(x), 15: g(y)}",
        "r = (f(x), (k := 1), g(y))",
        "a = f(x)\nb = g(a)",
        "a = f(x)\nk()\nb = g(y)",
        "a = b = f(x)\nc = g(y)",
    ],
)
def test_calls_with_something_between_them_or_that_need_the_other_stand_alone(
    source: str,
) -> None:
    assert set(counts_in(source)) == {1}
    assert counts_in(_in_function(source)) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("r = f(x)", 1),
        ("f(x)", 1),
        ("return_ = k(1, f(x))", 1),
        ("for i in k():\n    print(i)\n    r = f(i)", 1),
        ("while f(x):\n    pass", 1),
        ("r = f(g(x))", 1),
        ("r = f(k(x)) + g(k(y))", 0),
        ("r = f(*x) + g(**y)", 0),
        ("r = k(x) + k(y)", 0),
        ("r = lambda: f(x)", 0),
        ("r = {k: f(x) for k in y if z}", 0),
        ("class A:\n    a = f(x)\n    b = g(y)\n    c = f(x) + g(y)", 0),
    ],
)
def test_a_call_of_the_block_itself_is_a_site(source: str, count: int) -> None:
    assert counts_in(source) == [1] * count
    assert counts_in(_in_function(source)) == []


def test_the_items_of_a_site_are_its_calls_in_order() -> None:
    (text,) = calls_in("r = [f(x), g(y - 1), h(z[2:], k=w)]")
    assert text == (
        "[f(x) if __ufora_call__ == 0 else g(y - 1) if __ufora_call__ == 1 else "
        "h(z[2:], k=w) for __ufora_call__ in range(3)]"
    )


def test_a_name_that_a_later_call_reads_begins_another_group() -> None:
    assert calls_in("a = f(x)\nb = g(y)\nc = f(a)\nd = g(z)") == [
        "[f(x) if __ufora_call__ == 0 else g(y) for __ufora_call__ in range(2)]",
        "[f(a) if __ufora_call__ == 0 else g(z) for __ufora_call__ in range(2)]",
    ]


def test_values_that_are_operated_on_between_calls_are_marked() -> None:
    marks = [found_in(text)[0].calls for text in ("r = f(x) + g(y)", "r = f(x) + g(y) + h(z)")]
    assert [mark is not None and mark.mixed for mark in marks] == [False, True]


def test_the_rewritten_program() -> None:
    tree = ast.parse("r = f(x) + g(y)\na = f(x)\nb = g(y)")
    rewrite(tree, slow=SLOW)
    assert ast.unparse(tree) == (
        "r = f(x) + g(y) if __ufora_closed_1__ or __ufora_alone__(1) else "
        "__ufora_value__(f)(x) + __ufora_value__(g)(y)\n"
        "if __ufora_closed_0__ or __ufora_alone__(0):\n"
        "    a = f(x)\n    b = g(y)\n"
        "else:\n    a = __ufora_value__(f)(x)\n    b = __ufora_value__(g)(y)"
    )
    compile(tree, "program.py", "exec")


def test_functions_that_loop_or_recur_and_those_that_call_them_may_take_long() -> None:
    tree = ast.parse(
        "def loops():\n    for x in y: pass\n"
        "def squeezes():\n    return [x for x in y]\n"
        "def recurs(n):\n    return recurs(n - 1)\n"
        "def calls():\n    return loops()\n"
        "def quick(x):\n    return x + 1\n"
    )
    assert worthwhile(definitions_in(tree)) == {"loops", "squeezes", "recurs", "calls"}
    assert worthwhile([definition("w", "while x: pass", ())]) == {"w"}
    assert worthwhile([Definition("q", False, frozenset({"print"}))]) == frozenset()


def test_without_such_functions_nothing_is_rewritten() -> None:
    source = "r = f(x) + g(y)"
    tree = ast.parse(source)
    assert rewrite(tree) == [] and ast.unparse(tree) == source
    assert rewriting.ALONE == "__ufora_alone__"
