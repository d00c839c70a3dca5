"""Whatever the split, the pieces of a loop fold to what Python gives."""

import builtins
import math
import sys
from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.float_sum import CompensatedSum, ordered_sum
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import Collected, accumulator, finish
from ufora_worker.loops.sums import Summed, join, total_of

PYTHON = sys.version_info[:2]

ints = st.integers(-3, 3) | st.integers(-(2**70), 2**70)
floats = st.floats() | st.sampled_from([0.0, -0.0, math.nan, 1e16, -1e16, 0.1])
mixtures = (
    st.lists(ints)
    | st.lists(floats)
    | st.lists(ints | floats)
    | st.lists(ints | st.booleans())
    | st.lists(st.text(max_size=2))
    | st.lists(ints | st.text(max_size=1))
    | st.lists(st.lists(st.integers(), max_size=2))
    | st.lists(ints | floats | st.complex_numbers(max_magnitude=10))
)


@st.composite
def splits(draw: st.DrawFn) -> tuple[list[Any], list[list[int]]]:
    """Values, and the bounds of the slices of each range."""
    values = draw(mixtures)
    bounds = sorted(draw(st.sets(st.integers(0, len(values)), max_size=8)) | {0, len(values)})
    ends = draw(st.sets(st.sampled_from(bounds))) | {len(values)}
    ranges: list[list[int]] = [[0]]
    for bound in bounds[1:]:
        ranges[-1].append(bound)
        if bound in ends and bound != len(values):
            ranges.append([bound])
    return values, ranges


def folded(kind: SiteKind, values: list[Any], ranges: list[list[int]], *operand: Any) -> Any:
    """Each range goes through an accumulator of its own, as on different executors."""
    segments: list[LiveSegment] = []
    for bounds in ranges:
        results = accumulator(kind)
        for lo, hi in pairwise(bounds):
            results.add(values[lo:hi], lo, hi)
        segments += results.segments
    return finish(kind, segments, operand, PYTHON, lambda lo, hi: values[lo:hi])


def summed_in_front(
    values: list[Any], ranges: list[list[int]], start: Any, python: tuple[int, int], packs: bool
) -> Any:
    """The first range is the owner's, who adds up as it goes; the others join it one by one."""
    results = Summed()
    results.begin(0, start, python)
    segments = results.segments
    for number, bounds in enumerate(ranges):
        part = Summed(keep_values=results.keep_values) if number else results
        for lo, hi in pairwise(bounds):
            if packs and hi > lo and set(map(type, values[lo:hi])) == {float}:
                part.add_doubles(array("d", values[lo:hi]), lo, hi)
            else:
                part.add(values[lo:hi], lo, hi)
        if number:
            segments += part.segments
            join(segments, lambda: None)
    return total_of(segments, start, python, lambda lo, hi: values[lo:hi], None)


def outcome(compute: Callable[[], Any]) -> str:
    """The result's type and bits, or the exception."""
    try:
        result = compute()
    except Exception as error:
        return repr(error)
    return f"{type(result)} {result!r}"


@pytest.mark.parametrize("kind", [SiteKind.SUM, SiteKind.MIN, SiteKind.MAX])
@given(split=splits())
def test_a_fold_gives_the_bits_and_errors_of_python(
    kind: SiteKind, split: tuple[list[Any], list[list[int]]]
) -> None:
    values, ranges = split
    expected = outcome(lambda: getattr(builtins, kind.value)(iter(values)))
    assert outcome(lambda: folded(kind, values, ranges)) == expected


@given(split=splits(), start=ints | floats | st.just([]) | st.just(True))
def test_a_sum_begins_at_its_start(split: tuple[list[Any], list[list[int]]], start: Any) -> None:
    values, ranges = split
    expected = outcome(lambda: sum(values, start))
    assert outcome(lambda: folded(SiteKind.SUM, values, ranges, start)) == expected


@pytest.mark.parametrize("python", [(3, 11), (3, 12)])
@given(
    split=splits(),
    start=ints | floats | st.sampled_from([True, 1j, (), ""]),
    packs=st.booleans(),
)
@example(([1e16, 1.0, 2, -1e16], [[0, 1, 2], [2, 3, 4]]), 0, True)
@example(([2**62, 2**62, 0.1, 0.2, 0.3], [[0, 1, 2, 5]]), 0, True)
@example(([0.1, 1, 2, 3, 0.1], [[0, 1], [1, 4, 5]]), 0, True)
@example(([1, 1e16, 1, 1], [[0, 1], [1, 2], [2, 4]]), 0, True)
@example(([1, 0.5, "a"], [[0, 1, 3]]), 0, False)
@example(([0.5, 10**400, 0.5], [[0, 1, 2, 3]]), 0, False)
def test_a_sum_that_is_added_up_as_it_goes_is_that_of_python(
    python: tuple[int, int],
    split: tuple[list[Any], list[list[int]]],
    start: Any,
    packs: bool,
) -> None:
    values, ranges = split
    expected = outcome(lambda: ordered_sum(values, start, python))
    assert outcome(lambda: summed_in_front(values, ranges, start, python, packs)) == expected


def test_terms_that_were_added_are_not_kept() -> None:
    results = Summed()
    results.begin(0, 0, (3, 12))
    for lo in range(0, 3000, 1000):
        results.add_doubles(array("d", [0.1] * 1000), lo, lo + 1000)
        results.add([], lo + 1000, lo + 1000)
    floats_kept = sum(len(each.value) for each in results.segments if each.form == "floats")
    assert floats_kept == 3000  # there is no native code to add them, and Python's is too slow
    results.fold = lambda: plainly
    results.add_doubles(array("d", [0.1]), 3000, 3001)
    assert [(each.form, each.lo, each.hi) for each in results.segments] == [("sum", 0, 3001)]


def test_objects_are_added_when_the_loop_is_over() -> None:
    """Their addition is code of the user's, which is not to run in the middle of the loop."""
    results = Summed()
    results.begin(0, 0, (3, 11))
    results.add([1, 2], 0, 2)
    results.add([Fraction(1, 2), Fraction(1, 3)], 2, 4)
    results.add([3, Fraction(1, 2), 4], 4, 7)
    assert [each.form for each in results.segments] == ["sum", "values"]
    found = total_of(results.segments, 0, (3, 11), lambda lo, hi: [], None)
    assert found == 1 + 2 + Fraction(5, 6) + 3 + Fraction(1, 2) + 4


def plainly(values: Any, total: float, error: float) -> tuple[float, float]:
    running = CompensatedSum(total, error)
    running.add(values)
    return running.total, running.error


@given(split=splits())
def test_min_of_nothing_is_its_default(split: tuple[list[Any], list[list[int]]]) -> None:
    values, ranges = split
    expected = outcome(lambda: min(values, default="none"))
    assert outcome(lambda: folded(SiteKind.MIN, values, ranges, "none")) == expected


@pytest.mark.parametrize("kind", [SiteKind.LIST, SiteKind.TUPLE, SiteKind.SET, SiteKind.FROZENSET])
@given(split=splits())
def test_a_collection_has_its_items_in_order(
    kind: SiteKind, split: tuple[list[Any], list[list[int]]]
) -> None:
    values, ranges = split
    expected = outcome(lambda: getattr(builtins, kind.value)(iter(values)))
    assert outcome(lambda: folded(kind, values, ranges)) == expected


@given(split=splits())
def test_a_dict_keeps_first_keys_and_last_values(split: tuple[list[Any], list[list[int]]]) -> None:
    values, ranges = split
    pairs = [(repr(value)[:1], value) for value in values]
    assert repr(folded(SiteKind.DICT, pairs, ranges)) == repr(dict(pairs))


@pytest.mark.parametrize("kind", [SiteKind.DICT, SiteKind.SET])
@given(split=splits())
def test_entries_of_a_comprehension_are_joined_in_order(
    kind: SiteKind, split: tuple[list[Any], list[list[int]]]
) -> None:
    values, ranges = split
    keys = [f"{len(repr(value))}" for value in values]
    segments: list[LiveSegment] = []
    for bounds in ranges:
        results = accumulator(kind)
        for lo, hi in pairwise(bounds):
            entries = dict(zip(keys[lo:hi], values[lo:hi], strict=True))
            results.add(entries if kind is SiteKind.DICT else dict.fromkeys(entries), lo, hi)
        segments += results.segments
    whole = finish(kind, segments, (), PYTHON, lambda lo, hi: [])
    expected = dict(zip(keys, values, strict=True)) if kind is SiteKind.DICT else set(keys)
    assert repr(whole) == repr(expected)


@given(split=splits())
def test_len_counts_every_value(split: tuple[list[Any], list[list[int]]]) -> None:
    values, ranges = split
    assert folded(SiteKind.COUNT, values, ranges) == len(values)


@pytest.mark.parametrize("kind", [SiteKind.ANY, SiteKind.ALL])
@given(decisions=st.lists(st.booleans(), max_size=6))
def test_a_search_ends_with_the_slice_that_decides_it(
    kind: SiteKind, decisions: list[bool]
) -> None:
    results = accumulator(kind)
    told = [results.add(decided, at, at + 1) for at, decided in enumerate(decisions)]
    assert told == decisions
    found = finish(kind, results.segments, (), PYTHON, lambda lo, hi: [])
    assert found is (any(decisions) if kind is SiteKind.ANY else not any(decisions))


@pytest.mark.parametrize("ranges", [[[0, 3]], [[0, 1], [1, 3]], [[0, 1, 3]], [[0, 2], [2, 3]]])
def test_a_number_that_is_none_hides_nothing_behind_it(ranges: list[list[int]]) -> None:
    values = [5.0, math.nan, 3.0]
    assert folded(SiteKind.MIN, values, ranges) == min(values) == 3.0


def test_totals_of_ints_are_not_used_after_a_float() -> None:
    values = [1e16, 1, 1, -1e16, 0.5]
    assert folded(SiteKind.SUM, values, [[0, 1], [1, 2, 3], [3, 5]]) == sum(values)


def test_ints_before_any_float_travel_as_one_total() -> None:
    results = accumulator(SiteKind.SUM)
    results.add([1, 2], 0, 2)
    results.add([3], 2, 3)
    assert results.segments == [LiveSegment("total", 0, 3, 6)]


def test_entries_join_those_before_them_as_in_python() -> None:
    results = Collected()
    results.add({1: "a", 2: "b"}, 0, 2)
    results.add_entries(zip([3, True], "cd", strict=True), 2, 4)
    results.add_entries({4: "e"}, 4, 5)
    results.add_entries({5: "f"}, 6, 7)
    assert [(each.form, each.lo, each.hi) for each in results.segments] == [
        ("entries", 0, 5),
        ("entries", 6, 7),
    ]
    assert repr(results.segments[0].value) == "{1: 'd', 2: 'b', 3: 'c', 4: 'e'}"
    assert results.shipping_ns > 0
