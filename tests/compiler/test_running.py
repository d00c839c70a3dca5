"""Running totals that are computed beforehand are those that Python computes as it goes."""

import itertools
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites import running
from ufora_core.compiler.sites.running import Running
from ufora_core.compiler.sites.stages import as_written, call
from ufora_core.compiler.sites.views import indexable, size_of

FUNCTIONS: list[Any] = [None, operator.add, operator.mul, operator.xor, min, max, pow, abs]
numbers = st.integers() | st.booleans() | st.floats() | st.sampled_from([2**63 - 1, 10**400])


def exactly(values: list[Any]) -> list[tuple[type, str]]:
    return [(type(each), repr(each)) for each in values]


@given(
    st.lists(numbers | st.just("text"), max_size=20),
    st.sampled_from(FUNCTIONS),
    st.none() | numbers,
)
def test_what_is_there_beforehand_is_what_python_gives(
    items: list[Any], function: Any, initial: Any
) -> None:
    found = Running(items, function, initial)
    values = found.values()
    if values is not None:
        written = itertools.accumulate(items, function, initial=initial)
        assert exactly(values) == exactly(list(written))
        assert len(found) == len(values)


def test_numbers_are_worth_it() -> None:
    assert Running(range(5), None).values() == [0, 1, 3, 6, 10]
    assert Running([0.5, 2], operator.mul, 3).values() == [3, 1.5, 3.0]
    assert Running((), None).values() == []


@pytest.mark.parametrize(
    ("items", "function"),
    [
        (["a", "b"], None),
        ([1, "b"], None),
        ([1, 2], lambda a, b: a),
        ([1, 2], operator.pow),
        ([1.5, 2], operator.or_),
        (range(2, 600), operator.mul),
    ],
    ids=["text", "mixed", "a function of the user's", "powers", "no such operator", "too large"],
)
def test_what_shows_or_grows_or_fails_is_left_to_the_loop(items: Any, function: Any) -> None:
    assert Running(items, function).values() is None


def test_more_than_fits_is_left_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_ITEMS", 3)
    assert Running([1, 2, 3], None).values() == [1, 3, 6]
    assert Running([1, 2, 3], None, 0).values() is None


def test_a_call_of_accumulate_is_read() -> None:
    deferred = call(itertools.accumulate, [3, 1], max, initial=2)
    assert deferred.source == Running([3, 1], max, 2)
    assert size_of(deferred.source) == 3
    assert indexable(deferred.source) == [2, 3, 3]
    assert list(call(enumerate, deferred).source) == [(0, 2), (1, 3), (2, 3)]
    assert list(as_written(call(enumerate, call(itertools.accumulate, "ab")))) == [
        (0, "a"),
        (1, "ab"),
    ]


def test_a_call_of_accumulate_over_an_iterator_is_none_of_ours() -> None:
    assert type(call(itertools.accumulate, iter([1]))) is itertools.accumulate
    assert type(call(itertools.accumulate, call(map, abs, [1]))) is itertools.accumulate
