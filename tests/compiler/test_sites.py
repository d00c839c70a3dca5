"""Sites: which expressions they are, and that a rewritten program does what the original did."""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import Case, load
from site_programs import FAILING, PROGRAMS
from small_engine import Engine, builtin_names
from ufora_core.compiler.sites.rewriting import Site, rewrite
from ufora_core.compiler.sites.slices import INLINED, WRAPPER, slice_code, slice_function

CASES = Path(__file__).parent / "cases"

# ---------------------------------------------------------------------- text cases


@pytest.mark.parametrize("case", load(CASES / "sites.txt"), ids=lambda case: case.name)
def test_sites_of_a_program(case: Case, request: pytest.FixtureRequest) -> None:
    tree = ast.parse(case.source)
    found = rewrite(tree)
    compile(tree, "program.py", "exec")
    lines = [ast.unparse(tree), "", *map(_describe, found)]
    case.check("\n".join(lines), update=request.config.getoption("--update-cases"))


def _describe(site: Site) -> str:
    parts = [f"# {site.index}: {site.kind.name} at {site.line}:{site.column}"]
    parts.append("reads " + (", ".join(site.free) or "nothing"))
    for name in ("kept", "enclosing"):
        names = sorted(getattr(site, name))
        if names:
            parts.append(f"{name} {', '.join(names)}")
    parts += [word for word in ("eager", "operand") if getattr(site, word)]
    if site.functions:
        parts.append(f"calls {', '.join(site.functions)}")
    if site.key:
        parts.append(f"key {site.key}" + (" (and nothing else)" if site.only_keys else ""))
    if site.reducer is not None and not site.reducer.built_in:
        parts.append(f"folded by {site.reducer.name}")
    if site.comprehension is not site.written and (site.functions or site.key):
        parts.append(f"item by item {ast.unparse(site.comprehension)}")
    return "; ".join(parts)


def _run(source: str, how: str, filename: str = "program.py") -> Mapping[str, Any]:
    """The names that a program leaves, run as written (``original``) or rewritten."""
    tree = ast.parse(source)
    namespace: dict[str, Any] = {"__name__": "program"}
    if how == "original":
        exec(compile(tree, filename, "exec"), namespace)
        return namespace
    engine = Engine(rewrite(tree), takes=how == "taken", closed=how == "plain")
    namespace["engine"] = engine
    with builtin_names(**engine.names):
        exec(compile(tree, filename, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("how", ["plain", "declined", "taken"])
@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_rewritten_programs_give_what_they_gave(source: str, how: str) -> None:
    expected = _run(source, "original")["result"]
    assert repr(_run(source, how)["result"]) == repr(expected)


@pytest.mark.parametrize(
    ("program", "taken"),
    [
        ("reducers", range(18)),
        ("views", range(11)),
        # How many items a filter leaves is not known beforehand, so there is nothing to zip with.
        ("called functions", [*range(10), 11]),
        ("keys", range(10)),
        ("other reducers", range(14)),
        ("all items at once", [*range(7), 8]),
        ("the first", range(5)),
        ("running totals", range(7)),
        ("an accumulate that is none", [2]),
    ],
)
def test_loops_are_taken_where_they_can_be(program: str, taken: Iterable[int]) -> None:
    assert _run(PROGRAMS[program], "taken")["engine"].taken == list(taken)


@pytest.mark.parametrize("how", ["plain", "declined", "taken"])
@pytest.mark.parametrize("source", FAILING.values(), ids=FAILING.keys())
def test_rewritten_programs_fail_as_they_did(source: str, how: str) -> None:
    expected = _failure(source, "original")
    assert _failure(source, how) == expected


def _failure(source: str, how: str) -> tuple[type, str]:
    with pytest.raises(
        (
            ArithmeticError,
            LookupError,
            NameError,
            TypeError,
            ValueError,
            RuntimeError,
            StopIteration,
        )
    ) as caught:
        _run(f"{source}\nf()", how)
    return type(caught.value), str(caught.value)


# ---------------------------------------------------------------------- slices


def _site(source: str) -> Site:
    return rewrite(ast.parse(source))[0]


def test_any_stops_at_the_item_that_decides() -> None:
    run = slice_function(_site("any(f(x) for x in xs)"), "program.py", ["f"], {})
    seen: list[int] = []

    def f(x: int) -> bool:
        seen.append(x)
        return x == 2

    assert run([1, 2, 3], f) is True
    assert seen == [1, 2]


def test_all_stops_at_the_item_that_decides() -> None:
    run = slice_function(_site("all(x for x in xs)"), "program.py", [], {})
    assert run([1, 0, 1]) is True
    assert run([1, 1]) is False


def test_next_stops_at_the_first_value() -> None:
    run = slice_function(_site("next(f(x) for x in xs if x)"), "program.py", ["f"], {})
    seen: list[int] = []

    def f(x: int) -> int:
        seen.append(x)
        return x - 2

    assert run([0, 2, 3], f) == (0,)
    assert seen == [2]
    assert run([0, 0], f) == ()


def test_dict_comprehensions_give_dicts() -> None:
    run = slice_function(_site("{x % 2: x for x in xs}"), "program.py", [], {})
    assert run([3, 2, 1]) == {1: 1, 0: 2}


def test_globals_of_a_slice_are_those_of_the_namespace_at_that_time() -> None:
    namespace: dict[str, object] = {"k": 1}
    run = slice_function(_site("[x * k for x in xs]"), "program.py", [], namespace)
    assert run([1]) == [1]
    namespace["k"] = 5
    assert run([1]) == [5]


def test_slices_mangle_private_names_as_their_class_does() -> None:
    tree = ast.parse("class __A:\n def f(self):\n  return [self.__x + __y for _ in xs]")
    (site,) = rewrite(tree)
    assert site.free == ("_A__y", "self")
    run = slice_function(site, "program.py", ["self"], {"_A__y": 2})

    class Thing:
        _A__x = 1

    assert run([0], Thing()) == [3]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sum(1 // x\n    for x in xs)", "<genexpr>"),
        ("[1 // x for x in xs]", "<listcomp>"),
        ("{1 // x for x in xs}", "<setcomp>"),
        ("{1 // x: x for x in xs}", "<dictcomp>"),
        ("all(1 // x for x in xs)", "<genexpr>"),
    ],
)
def test_tracebacks_of_slices_look_like_the_original(source: str, name: str) -> None:
    site = _site(f"\n\n{source}")
    run = slice_function(site, "program.py", [], {})
    with pytest.raises(ZeroDivisionError) as caught:
        run([1, 0])
    frames = [
        (frame.f_code.co_name, line)
        for frame, line in _frames(caught.value)
        if frame.f_code.co_filename == "program.py"
    ]
    inlined = sys.version_info >= (3, 12) and not source.startswith(("sum", "all"))
    assert frames == [(INLINED if inlined else name, 3)]


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def test_the_wrapper_around_a_generator_has_a_file_name_of_its_own() -> None:
    code = slice_code(_site("sum(x for x in xs)"), "program.py", [], exact=True)
    assert code.co_filename == WRAPPER


def test_positions_of_the_original_are_kept() -> None:
    source = "value = sum(f(x) for x in xs)\n"
    with pytest.raises(TypeError) as caught:
        _run(f"f, xs = None, [1]\n{source}", "declined")
    *_, (frame, line) = _frames(caught.value)
    assert (frame.f_code.co_name, line) == ("<genexpr>", 2)


def test_local_names_are_told_from_globals_by_the_code_that_runs() -> None:
    tree = ast.parse("def f(a):\n b = 1\n def g():\n  return [a + b + c for _ in xs]\n return g")
    (site,) = rewrite(tree)
    namespace: dict[str, Any] = {}
    exec(compile(tree, "program.py", "exec"), namespace)
    function: FunctionType = namespace["f"](1)
    assert site.free == ("a", "b", "c")
    assert site.local_names(function.__code__) == ("a", "b")
    assert site.local_names(compile("a", "program.py", "exec")) == ()


def test_expressions_that_nest_too_deeply_stay_as_they_are() -> None:
    terms = " + ".join(["x"] * 900)
    tree = ast.parse(f"a = {terms}\nb = [{terms} for x in xs]\nc = [x for x in xs]")
    assert [site.line for site in rewrite(tree)] == [3]


def test_numbering_goes_on_where_it_is_told_to() -> None:
    assert [site.index for site in rewrite(ast.parse("[x for x in xs]"), first=7)] == [7]


# ---------------------------------------------------------------------- any expression

_NAMES = st.sampled_from(["k", "m", "xs"])


def _iterables(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    views = st.sampled_from(["enumerate({})", "reversed([*{}])", "zip({0}, {0})", "map(str, {})"])
    plain = st.one_of(st.just("xs"), st.just("range(m)"), inner.map(lambda e: f"[{e}, 1, 2]"))
    return plain | st.builds(lambda view, items: view.format(items), views, plain)


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = st.one_of(inner, st.sampled_from(["? * k", "(?, m)", "[? for ? in range(?)]"]))
    nest = st.builds(
        lambda element, items, name: f"{element.replace('?', name)} for {name} in {items}",
        element,
        _iterables(inner),
        st.sampled_from(["x", "y"]),
    )
    wrap = st.sampled_from(
        [
            *("[{}]", "{{{}}}", "list({})", "tuple({})", "len([{}])", "any({})", "all({})"),
            *("sorted(map(str, ({})))", "str([{}])", "max(({}), default=k, key=str)"),
            *("list(map(repr, [{}]))", "','.join(map(str, [{}]))", "sorted(({}), key=repr)"),
            *("list(zip(xs, map(str, [{}])))", "min([{}], key=repr, default=m)"),
            *("list(filter(None, [{}]))", "list(enumerate(map(str, [{}]), k))"),
        ]
    )
    return st.one_of(
        st.builds(lambda form, body: form.format(body), wrap, nest),
        st.builds("({} or {})".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
    )


@given(st.recursive(_NAMES, _expressions, max_leaves=8), st.sampled_from(["function", "module"]))
def test_any_expression_gives_what_it_gave(expression: str, where: str) -> None:
    setup = "k, m, xs = 3, 4, [1, 2, 3, 2]"
    if where == "function":
        source = f"def f():\n    {setup}\n    return {expression}\n"
        source += "try:\n    result = f()\nexcept Exception as e:\n    result = type(e), str(e)"
    else:
        source = f"{setup}\ntry:\n    result = {expression}\n"
        source += "except Exception as e:\n    result = type(e), str(e)"
    expected = repr(_run(source, "original")["result"])
    for how in ("plain", "declined", "taken"):
        assert repr(_run(source, how)["result"]) == expected
