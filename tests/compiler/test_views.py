"""Views give, by index and in slices, what Python's iterators give one after the other."""

import array
import collections
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_core.compiler.sites.views import Product, View, indexable, view_of
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder


@dataclass(frozen=True)
class Call:
    """``function(*operands, **keywords)``; operands may be such calls."""

    function: Callable[..., Any]
    operands: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)

    def iterator(self) -> Any:
        """What Python makes of it."""
        given = [each.iterator() if type(each) is Call else each for each in self.operands]
        return self.function(*given, **self.keywords)

    def view(self) -> View | None:
        """What the engine makes of it."""
        given = [each.view() if type(each) is Call else each for each in self.operands]
        return view_of(self.function, given, self.keywords)


numbers = st.floats(allow_nan=False)
values = st.integers() | st.text(max_size=1) | numbers
dicts = st.dictionaries(st.text(max_size=1), st.integers(), max_size=5)
sequences = st.one_of(
    st.lists(values, max_size=6),
    st.lists(values, max_size=6).map(tuple),
    st.builds(range, st.integers(-5, 5), st.integers(-5, 9), st.sampled_from([-2, -1, 1, 3])),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.binary(max_size=5).map(bytearray),
    st.lists(numbers, max_size=5).map(lambda items: array.array("d", items)),
    st.lists(numbers, max_size=5).map(np.array),
    dicts,
    dicts.map(lambda items: items.items()),
    st.lists(values, max_size=5).map(collections.deque),
)
bases = sequences | st.frozensets(st.integers(), max_size=5)


def calls_of(operand: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    """Calls of the functions that take any iterable."""
    several = st.lists(operand, max_size=3).map(tuple)
    whole, bound = st.integers(-(2**65), 2**65), st.none() | st.integers(0, 5)
    bounds = st.tuples(bound) | st.tuples(bound, bound) | st.tuples(bound, bound, st.integers(1, 3))
    cut = st.builds(lambda items, ends: (items, *ends), operand, bounds)
    return st.one_of(
        st.builds(Call, st.just(enumerate), st.tuples(operand, whole)),
        st.builds(Call, st.just(enumerate), st.tuples(operand), st.builds(dict, start=whole)),
        st.builds(Call, st.sampled_from([zip, itertools.chain, itertools.product]), several),
        st.builds(
            Call,
            st.just(itertools.product),
            st.tuples(operand),
            st.builds(dict, repeat=st.integers(0, 3)),
        ),
        st.builds(Call, st.just(itertools.islice), cut),
        st.builds(
            Call,
            st.just(itertools.chain.from_iterable),
            st.tuples(st.lists(bases, max_size=3)),
        ),
    )


reversals = st.builds(Call, st.just(reversed), st.tuples(sequences))
calls = reversals | st.recursive(calls_of(bases | reversals), calls_of, max_leaves=4)


def exactly(items: Iterable[Any]) -> list[str]:
    """Each item with its type."""
    return [f"{type(item)} {item!r}" for item in items]


def is_small(call: Call) -> bool:
    """Products of products have millions of items, and Python makes a tuple of each operand."""
    inner = [each for each in call.operands if type(each) is Call]
    view = call.view() if all(map(is_small, inner)) else None
    return view is not None and len(view) <= 500


small_calls = calls.filter(is_small)


@given(small_calls, st.data())
def test_a_view_is_the_list_of_what_the_iterator_gives(call: Call, data: st.DataObject) -> None:
    expected, view = exactly(call.iterator()), call.view()
    assert view is not None
    size = len(expected)
    assert len(view) == size
    assert exactly(view) == expected
    assert exactly(view[index] for index in range(-size, size)) == expected * 2
    lo, middle, hi = sorted(data.draw(st.tuples(*[st.integers(0, size)] * 3)))
    part = view[lo:hi]
    assert exactly(part) == exactly(part[i] for i in range(len(part))) == expected[lo:hi]
    assert exactly(part[middle - lo :]) == expected[middle:hi]
    with pytest.raises(IndexError):
        view[size]


@given(small_calls)
def test_a_view_travels(call: Call) -> None:
    view, encoder = call.view(), Encoder()
    assert view is not None
    item = encoder.item(view)
    arrived: Any = Decoder(encoder.graph(), lambda digest: encoder.blobs[digest]).value(item)
    assert type(arrived) is type(view)
    assert exactly(arrived) == exactly(call.iterator())


@given(bases)
def test_what_can_be_cut_is_what_it_was(base: Any) -> None:
    items = indexable(base)
    assert items is not None
    assert exactly(items[1:3]) == exactly(base)[1:3]


class Meters(list[int]):
    """A list that may give its items in a way of its own."""


@pytest.mark.parametrize(
    "iterable",
    [iter([1]), 5, Meters([1]), (x for x in "a"), np.array(1.0), range(2**70), None],
    ids=lambda iterable: type(iterable).__name__,
)
def test_nothing_else_can_be_cut(iterable: object) -> None:
    assert indexable(iterable) is None
    assert view_of(enumerate, (iterable,), {}) is None


@pytest.mark.parametrize(
    "call",
    [
        Call(enumerate, ("ab", True)),
        Call(enumerate, ("ab", "1")),
        Call(enumerate, ()),
        Call(enumerate, ("ab",), {"begin": 1}),
        Call(zip, ("ab", "abc"), {"strict": True}),
        Call(zip, ("ab", "ab"), {"strict": 1}),
        Call(reversed, ({1, 2},)),
        Call(reversed, (Call(zip, ("ab",)),)),
        Call(itertools.islice, ("ab", -1)),
        Call(itertools.islice, ("ab", 0, 2, 0)),
        Call(itertools.islice, ("ab",)),
        Call(itertools.product, ("ab",), {"repeat": -1}),
        Call(itertools.product, (range(2**40), range(2**40))),
        Call(itertools.chain, ("ab", 5)),
        Call(itertools.chain.from_iterable, ("ab",)),
        Call(map, (str, "ab")),
        Call(sorted, ("ab",)),
        Call(lambda items: items, ("ab",)),
    ],
    ids=str,
)
def test_whatever_may_fail_or_be_something_else_is_no_view(call: Call) -> None:
    assert call.view() is None


def test_zip_is_strict_when_all_parts_are_equally_long() -> None:
    view = view_of(zip, ("ab", [1, 2]), {"strict": True})
    assert view is not None
    assert list(view) == [("a", 1), ("b", 2)]


def test_views_of_huge_things_cost_nothing() -> None:
    view = view_of(itertools.product, (range(2**31), range(2**31)), {})
    assert isinstance(view, Product)
    assert view[2**61 + 5] == (2**30, 5)
    assert list(view[2**61 - 1 : 2**61 + 1]) == [(2**30 - 1, 2**31 - 1), (2**30, 0)]


def test_views_are_cut_in_steps_of_one() -> None:
    view = view_of(enumerate, ("abc",), {})
    assert view is not None
    with pytest.raises(ValueError, match="steps of 1, not of 2"):
        view[::2]


def test_items_of_a_view_keep_their_identity() -> None:
    thing = object()
    view = view_of(zip, ([thing], (thing,)), {})
    assert view is not None
    assert view[0][0] is view[0][1] is thing
    assert view[:1][0][0] is thing
