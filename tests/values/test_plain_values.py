"""Numbers, text, bytes and containers arrive as what they were, to the last bit and reference."""

from __future__ import annotations

import gc
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ufora_core.values.packed import shared_nans

Copy = Callable[[object], Any]

ANY_TEXT = st.text(st.characters(), max_size=20)  # lone surrogates, too

NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=-(2**64), max_value=2**64),
    st.floats(),
    st.complex_numbers(),
    st.booleans(),
)
ATOMS = st.one_of(
    st.none(), NUMBERS, ANY_TEXT, st.binary(max_size=20), st.just(Ellipsis), st.just(NotImplemented)
)
HASHABLE = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
VALUES = st.recursive(
    ATOMS
    | st.builds(bytearray, st.binary(max_size=9))
    | st.builds(range, st.integers(), st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(HASHABLE, inner, max_size=5),
        st.sets(HASHABLE, max_size=5),
        st.builds(slice, inner, inner, inner),
    ),
    max_leaves=15,
)


def same(one: Any, other: Any) -> bool:
    """Equality that tells ``1`` from ``True``, ``0.0`` from ``-0.0`` and one NaN from another."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, set | frozenset):
        left = list(other)
        return len(one) == len(left) and all(any(same(x, y) for y in left) for x in one)
    if isinstance(one, slice):
        return same([one.start, one.stop, one.step], [other.start, other.stop, other.step])
    return bool(one == other)


@given(VALUES)
@settings(max_examples=300)
def test_any_plain_value_arrives_as_it_was(copy: Copy, value: object) -> None:
    assert same(copy(value), value)


@pytest.mark.parametrize("found", [None, {}, {"abs": 1}])
def test_a_dict_of_other_builtins_is_a_dict(copy: Copy, found: object) -> None:
    names = {"__builtins__": found, None: 1}
    assert copy(names) == names


@given(st.lists(st.floats(), min_size=33) | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=33))
def test_long_lists_of_one_type_arrive_as_they_were(copy: Copy, values: list[Any]) -> None:
    assert same(copy(values), values)
    assert same(copy(tuple(values)), tuple(values))


@pytest.mark.parametrize("odd", [True, 2**63, 1, "x", -0.0])
def test_one_other_item_in_a_long_list_stays_what_it_is(copy: Copy, odd: object) -> None:
    values = [*range(50), odd, *range(50)]
    assert same(copy(values), values)
    floats = [*map(float, range(50)), odd]
    assert same(copy(floats), floats)


def test_nan_keeps_its_payload_wherever_it_stands(copy: Copy) -> None:
    payload = struct.unpack("d", struct.pack("Q", 0x7FF8_0000_DEAD_BEEF))[0]
    for value in (payload, [payload], (payload,) * 40, {1: payload}, complex(payload, -0.0)):
        assert same(copy(value), value)


@pytest.mark.parametrize("length", [3, 40])
def test_one_nan_stays_one_and_two_stay_two(copy: Copy, length: int) -> None:
    one, two = float("nan"), float("nan")
    values = [one, two, one, *map(float, range(length))]
    again: Any = copy([values, tuple(values), {one: two}, one])
    copied, other = again[0][:2]
    assert copied is not other
    for container in again[:2]:
        assert [container[0] is copied, container[1] is other, container[2] is copied] == [True] * 3
    assert again[2][copied] is other
    assert again[3] is copied


def test_nans_of_modules_are_those_of_the_modules(copy: Copy) -> None:
    values = [math.nan, np.nan, *map(float, range(40))]
    assert copy(math.nan) is math.nan
    first, second, *_ = copy(values)
    assert first is math.nan
    assert second is np.nan


def test_nans_that_nothing_else_has_stay_packed() -> None:
    values = [*map(float, range(40)), math.inf, -math.inf]
    fresh = [*values, *(float(text) for text in ("nan", "nan"))]
    assert shared_nans(values) == []
    assert shared_nans(fresh) == []
    shared = fresh[-1]
    assert shared_nans(fresh) == [43]
    assert shared_nans((*values, shared, shared)) == [42, 43]


@pytest.mark.parametrize("size", [10, 70_000, 200_000])
def test_long_text_and_bytes_arrive(copy: Copy, size: int) -> None:
    for value in ("ä" * size, "\ud800" * size, b"\xff" * size, bytearray(b"ab" * size)):
        assert same(copy(value), value)


class Graphs:
    """Lists, dicts and tuples that refer to each other in any way, cycles included."""

    def __init__(self, shapes: list[tuple[str, list[int]]]) -> None:
        objects: list[Any] = [[] if kind != "dict" else {} for kind, _ in shapes]
        for position, (kind, _) in enumerate(shapes):
            if kind == "tuple":  # a tuple of what came before and of what is filled later
                objects[position] = tuple(objects[i % len(objects)] for i in shapes[position][1])
        for value, (kind, links) in zip(objects, shapes, strict=True):
            targets = [objects[link % len(objects)] for link in links]
            if kind == "list":
                value.extend(targets)
            elif kind == "dict":
                value.update(enumerate(targets))
        self.objects = objects


def shape_of(value: object) -> list[tuple[str, list[object]]]:
    """The graph below a value, with objects numbered as they are met."""
    numbers: dict[int, int] = {}
    found: list[tuple[str, list[object]]] = []
    stack, kept = [value], []
    while stack:
        each: Any = stack.pop()
        if id(each) in numbers:
            continue
        numbers[id(each)] = len(numbers)
        kept.append(each)
        children = list(each.values()) if isinstance(each, dict) else list(each)
        stack.extend(reversed(children))
    for each in kept:
        children = list(each.values()) if isinstance(each, dict) else list(each)
        found.append((type(each).__name__, [numbers[id(child)] for child in children]))
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["list", "dict", "tuple"]), st.lists(st.integers(0, 9), max_size=4)
        ),
        min_size=1,
        max_size=10,
    )
)
@settings(max_examples=300)
def test_shared_and_cyclic_references_stay_what_they_are(
    copy: Copy, shapes: list[tuple[str, list[int]]]
) -> None:
    objects = Graphs(shapes).objects
    assert shape_of(copy(objects)) == shape_of(objects)


def test_a_tuple_may_contain_itself_by_way_of_a_list(copy: Copy) -> None:
    value: Any = ([], "end")
    value[0].append(value)
    copied = copy(value)
    assert copied[0][0] is copied
    assert copied[1] == "end"


def test_a_key_of_a_dict_is_full_before_it_is_hashed(copy: Copy) -> None:
    inner: list[Any] = []
    value = {(1, frozenset({(2, 3)})): inner}
    inner.append(value)
    copied = copy(value)
    assert copied[(1, frozenset({(2, 3)}))][0] is copied


def test_a_very_deep_value_arrives(copy: Copy) -> None:
    value: Any = []
    for turn in range(100_000):
        value = (value,) if turn % 2 else [value]
    copied, depth = copy(value), 0
    while copied:
        copied, depth = copied[0], depth + 1
    assert depth == 100_000
    gc.collect()


def test_equal_values_of_other_types_stay_apart_in_containers(copy: Copy) -> None:
    value = {"int": 1, "float": 1.0, "bool": True, "zero": 0.0, "minus": -0.0}
    copied = copy(value)
    assert same(copied, value)
    assert math.copysign(1, copied["minus"]) == -1
