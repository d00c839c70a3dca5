"""Stages: iterators of computed items, taken apart and put together again."""

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites.iterables import (
    VIEW,
    desugared,
    function_names,
    functions_of,
    source_of,
    viewed,
)
from ufora_core.compiler.sites.stages import Deferred, Stage, as_written, call
from ufora_core.compiler.trees import clone


def twice(x: Any) -> Any:
    return x * 2


def first(x: Any, *others: Any) -> Any:
    return x


def truth(x: Any) -> bool:
    return bool(x)


def spread(x: Any) -> list[Any]:
    return [x] * (len(repr(x)) % 3)


NAMES = {
    "twice": twice,
    "first": first,
    "truth": truth,
    "spread": spread,
    "islice": itertools.islice,
    "starmap": itertools.starmap,
    "itertools": itertools,
    "xs": [3, 0, 1, 2],
    "ys": (5, 0, 7),
    "text": "abcd",
}

_bases = st.sampled_from(["xs", "ys", "text", "range(4)", "reversed(xs)", "zip(xs, ys)"])


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    forms = [
        *("map(twice, {0})", "map(first, {0}, {1})", "filter(truth, {0})", "filter(None, {0})"),
        *("zip({0}, {1})", "zip({0})", "enumerate({0})", "enumerate({0}, 7)"),
        *("starmap(first, zip({0}, {1}))", "itertools.starmap(first, enumerate({0}))"),
        *("itertools.chain({0}, {1})", "itertools.chain.from_iterable(map(spread, {0}))"),
        *("islice({0}, 2)", "itertools.islice({0}, 0, 3, 1)", "islice({0}, None)"),
        *("islice({0}, 9)", "islice({0}, 1, 3)", "islice({0}, 0, None, 2)"),
    ]
    return st.builds(lambda form, *of: form.format(*of), st.sampled_from(forms), inner, inner)


iterables = st.recursive(_bases, _around, max_leaves=5)


def evaluated(node: ast.expr, **names: object) -> Any:
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "program.py", "eval")
    return eval(code, {**NAMES, **names})


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def asked(text: str) -> Any:
    """What the engine gets to see of an iterable."""
    return evaluated(viewed(source_of(parsed(text)), lambda node: node), **{VIEW: call})


@given(iterables)
def test_an_iterable_that_is_left_alone_gives_what_it_gave(text: str) -> None:
    assert list(as_written(asked(text))) == list(evaluated(parsed(text)))


@given(iterables, st.integers(0, 3))
def test_the_iterator_over_a_part_of_the_items_goes_on_from_there(text: str, begin: int) -> None:
    found = asked(text)
    if not isinstance(found, Deferred) or not isinstance(found.source, Stage):
        return
    stage = found.source
    before = list(stage.iterator(stage.items[:begin]))
    after = list(stage.iterator(stage.items[begin:]))
    assert before + after == list(evaluated(parsed(text)))


@given(iterables, st.sampled_from([None, "[(x, k) for x in ITEMS if k]", "[x for x, y in ITEMS]"]))
def test_a_desugared_comprehension_gives_what_was_written(text: str, around: str | None) -> None:
    found, source = asked(text), source_of(parsed(text))
    functions = (
        found.source.functions
        if isinstance(found, Deferred) and isinstance(found.source, Stage)
        else ()
    )
    if not source.staged or len(functions) != len(functions_of(source)):
        return
    written: Any = None if around is None else parsed(around)
    item_by_item = clone(desugared(source, written))
    item_by_item.generators[0].iter = ast.Name("ITEMS", ast.Load())
    given = dict(zip(function_names(len(functions)), functions, strict=True))
    left = outcome(lambda: list(evaluated(item_by_item, ITEMS=found.source.items, k=1, **given)))
    if written is None:
        written = parsed("[x for x in ITEMS]")
    assert left == outcome(lambda: evaluated(written, ITEMS=evaluated(parsed(text)), k=1))


def outcome(compute: Callable[[], object]) -> str:
    try:
        return repr(compute())
    except Exception as error:
        return repr(error)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("map(twice, xs)", 4),
        ("zip(xs, map(twice, ys))", 3),
        ("zip(map(twice, ys), xs)", 3),
        ("enumerate(map(twice, text), 3)", 4),
        ("map(first, filter(truth, xs))", 4),
        ("islice(map(twice, xs), 3)", 3),
        ("islice(map(twice, range(9)), None, 3)", 3),
        ("islice(zip(xs, map(twice, ys)), 2)", 2),
        ("enumerate(islice(map(first, map(twice, xs), text), 0, 9))", 4),
        ("itertools.chain.from_iterable(filter(truth, map(spread, xs)))", 4),
    ],
)
def test_what_a_stage_computes_from_is_cut_by_index(text: str, number: int) -> None:
    found = asked(text)
    assert isinstance(found.source, Stage)
    assert len(found.source.items) == number


@pytest.mark.parametrize(
    "text",
    [
        # The longer part would compute an item in vain, which shows if that raises.
        "zip(map(twice, xs), ys)",
        "map(first, map(twice, xs), ys)",
        "zip(map(twice, xs), map(twice, ys), strict=True)",
        # Nobody knows how many items there will be.
        "zip(filter(None, xs), ys)",
        "enumerate(filter(None, xs))",
        "map(twice, iter(xs))",
        "enumerate(map(twice, xs), True)",
        "itertools.chain(map(twice, xs), ys)",
        # What is left out at first is computed as well.
        "islice(map(twice, xs), 1, 3)",
        "islice(map(twice, xs), None, None, 2)",
        "islice(filter(truth, xs), 2)",
        "islice(itertools.chain.from_iterable(map(spread, xs)), 2)",
        "zip(itertools.chain.from_iterable(map(spread, xs)), range(1))",
        "twice(xs)",
    ],
)
def test_anything_else_is_called_as_it_stands(text: str) -> None:
    assert not isinstance(asked(text), Deferred)


def test_nothing_is_called_before_the_loop_runs() -> None:
    seen: list[int] = []
    found = call(map, seen.append, [1, 2])
    assert isinstance(found, Deferred)
    assert isinstance(found.source, Stage)
    assert found.source.functions == (seen.append,)
    assert seen == []
    iterator = found.iterator
    assert isinstance(iterator, Iterator)
    next(iterator)
    assert seen == [1]


def test_a_call_that_fails_fails_as_written() -> None:
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        call(zip, [1], 5)
    with pytest.raises(TypeError, match="must have at least two arguments"):
        call(map, twice)
