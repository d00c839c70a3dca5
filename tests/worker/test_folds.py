"""Reducers at the root give what they give in the program."""

import ast
import functools
import itertools
import operator
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites.rewriting import Site, rewrite
from ufora_core.compiler.sites.slices import slice_function
from ufora_worker.loops.folds import Fold, needs_fold
from ufora_worker.loops.moments import Declined, Moment
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import accumulator


class Touchy:
    """Nobody may run code of its class."""

    def touched(self, *_: object) -> Any:
        raise AssertionError("code of the program's ran")

    __index__ = __len__ = __str__ = __getitem__ = __eq__ = __hash__ = touched


def site(text: str) -> Site:
    return rewrite(ast.parse(text))[0]


def segments(values: list[Any], bounds: list[int]) -> list[LiveSegment]:
    """Each part through an accumulator of its own, as on different executors."""
    found: list[LiveSegment] = []
    for lo, hi in pairwise([0, *bounds, len(values)]):
        results = accumulator(site("[x for x in xs]").kind)
        results.add(values[lo:hi], lo, hi)
        found += results.segments
    return found


def outcome(compute: Callable[[], Any]) -> str:
    try:
        return repr(compute())
    except Exception as error:
        return repr(error)


numbers = st.lists(st.integers(-9, 9) | st.sampled_from([0.5, -0.0, 1e300, "text", None]))


@given(numbers, st.sampled_from(["sorted", "min", "max"]), st.booleans())
def test_keys_that_were_computed_before_order_as_in_the_program(
    keys: list[Any], name: str, reverse: bool
) -> None:
    items = [object() for _ in keys]
    function: Any = {"sorted": sorted, "min": min, "max": max}[name]
    by_name = {"reverse": reverse} if name == "sorted" else {"default": None} if reverse else {}
    operand = tuple(by_name.values())
    written = ", ".join(f"{keyword}=k" for keyword in by_name)
    only = Fold(site(f"{name}(xs, key=f, {written})"), function, items)
    pairs = Fold(site(f"{name}((x for x in xs), key=f, {written})"), function)

    given_keys = dict(zip(map(id, items), keys, strict=True))
    expected = outcome(lambda: function(items, key=lambda item: given_keys[id(item)], **by_name))
    bounds = [len(keys) // 2]
    assert outcome(lambda: only(segments(keys, bounds), operand)) == expected
    both = list(zip(keys, items, strict=True))
    assert outcome(lambda: pairs(segments(both, bounds), operand)) == expected


def test_the_first_of_equal_keys_wins() -> None:
    items = [[1], [2], [3]]
    fold = Fold(site("max(xs, key=f)"), max, items)
    assert fold(segments([5, 7, 7], [1, 2]), ()) is items[1]


def test_a_loop_that_failed_compares_what_came_before() -> None:
    fold = Fold(site("max(xs, key=f)"), max, ["a", "b", "c"])
    assert fold(segments(["k1", "k2"], [1]), ()) == "b"


def test_an_operand_goes_where_it_was_written() -> None:
    plain = functools.partial(functools.reduce, operator.mul)
    assert Fold(site("reduce(f, (x for x in xs), k)"), plain)(segments([2, 3], [1]), (7,)) == 42
    assert Fold(site("deque(x for x in xs)"), deque)(segments([2, 2], [1]), ()) == deque([2, 2])


@pytest.mark.parametrize(
    ("text", "folds"),
    [
        ("sum(x for x in xs)", False),
        ("list(map(f, xs))", False),
        ("[x for x in xs]", False),
        ("collections.Counter(x for x in xs)", False),
        ("max((x for x in xs), key=f)", True),
        ("sorted(x for x in xs)", True),
        ("','.join(map(f, xs))", True),
    ],
)
def test_the_root_folds_what_its_kind_does_not_say(text: str, folds: bool) -> None:
    assert needs_fold(site(text)) is folds


# ---------------------------------------------------------------------- moments


def test_a_moment_tells_why_it_cannot_be_split() -> None:
    with pytest.raises(Declined, match=r"`math\.fsum` is not Python's own here"):
        Moment(site("math.fsum(x for x in xs)"), sum, [1]).count()
    with pytest.raises(Declined, match="iterates over a list_iterator"):
        Moment(site("sum(x for x in xs)"), sum, iter([1])).count()
    with pytest.raises(Declined, match="`map`, or a function like it"):
        Moment(site("sum(map(f, xs))"), sum, [1]).count()


def test_text_is_joined_by_text_and_nothing_else() -> None:
    class Text(str):
        pass

    joined = site("sep.join(str(x) for x in xs)")
    assert Moment(joined, ", ".join, [1, 2]).count() == 2
    others: list[object] = [Text().join, [].append, len]
    for other in others:
        with pytest.raises(Declined):
            Moment(joined, other, [1, 2]).count()


def test_keys_in_c_that_take_no_time_are_not_worth_a_division(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["b", "a"] * 50
    text = "sorted(xs, key=f)"
    clock = itertools.count(0, 1_000)
    monkeypatch.setattr("ufora_worker.loops.first_look.perf_counter_ns", lambda: next(clock))
    assert Moment(site(text), sorted, words, (len,)).is_cheap(words, 1000)
    assert not Moment(site(text), sorted, words, (lambda word: word,)).is_cheap(words, 1000)
    written = site("sorted((g(x) for x in xs), key=f)")
    assert not Moment(written, sorted, words, (len,)).is_cheap(words, 1000)
    slow = itertools.count(0, 1_000_000)
    monkeypatch.setattr("ufora_worker.loops.first_look.perf_counter_ns", lambda: next(slow))
    assert not Moment(site(text), sorted, words, (len,)).is_cheap(words, 1000)


@pytest.mark.parametrize(
    ("key", "items", "cheap"),
    [
        (operator.itemgetter(1), [(Touchy(), 1)] * 9, True),
        (operator.itemgetter(1, 0), [[1, Touchy()]] * 9, True),
        (len, [[Touchy()]] * 9, True),
        (str.lower, ["A", "b"] * 9, True),
        (abs, [1, 2], False),
        (operator.itemgetter(Touchy()), [(1, 2)] * 9, False),
        (operator.itemgetter(1), [Touchy()] * 9, False),
        (str, [Touchy()] * 9, False),
        (len, [Touchy()] * 9, False),
    ],
    ids=lambda value: "",
)
def test_what_only_looks_at_items_is_tried_before_anything_is_proved(
    key: Any, items: list[Any], cheap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, 1_000)
    monkeypatch.setattr("ufora_worker.loops.first_look.perf_counter_ns", lambda: next(clock))
    moment = Moment(site("sorted(words, key=key)"), sorted, items, (key,))
    assert moment.is_cheap(items, 1000, proved=False) is cheap


def test_items_that_fail_are_not_cheap() -> None:
    moment = Moment(site("sorted(xs, key=f)"), sorted, [1, 2], (len,))
    assert not moment.is_cheap([1, 2], 1000)


def test_code_of_a_site_takes_the_functions_that_its_iterable_calls() -> None:
    found = site("[g(x) for x in map(f, xs)]")
    names = ["g", *found.given_names]
    run = slice_function(found, "program.py", names, {})
    assert run([1, 2], lambda x: x + 1, lambda x: x * 10) == [11, 21]
