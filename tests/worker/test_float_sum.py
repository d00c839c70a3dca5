"""``sum`` by the client's rule: the bits of that Python, not of the worker's."""

import sys
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ufora_worker.executor.interpreter import client_rules
from ufora_worker.loops.float_sum import ordered_sum, running_sum

OLD, NEW = (3, 11), (3, 12)
OWN = sys.version_info[:2]


def emulated(values: list[object], start: object) -> object:
    running = running_sum(start, OWN)
    running.add(values)
    return running.value


numbers = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.booleans()
    | st.floats(-1e3, 1e3)
    | st.sampled_from([2**63 - 1, -(2**63), 1e16, -1e16, 0.1, -0.0])
    | st.complex_numbers(max_magnitude=1e6)
)


@given(st.lists(numbers, max_size=30), st.sampled_from([0, 0.0, -0.0, 2**62, True, 1.5, 1j]))
@example([2**62, 2**62, 0.1, 0.2, 0.3], 0)
@example([1e16, 1, -1e16], 0)
@example([float("inf"), 1.0, float("-inf")], 0.0)
def test_emulated_rule_gives_the_bits_of_this_python(values: list[object], start: object) -> None:
    try:
        expected = repr(sum(values, start))  # type: ignore[call-overload]
    except OverflowError:
        with pytest.raises(OverflowError):
            emulated(values, start)
        return
    assert repr(emulated(values, start)) == expected


def exactly(compute: Callable[[], object]) -> str:
    try:
        return repr(compute())
    except (TypeError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("rule", [OLD, NEW])
@given(
    parts=st.lists(st.lists(numbers | st.just(Fraction(1, 3)), max_size=6), max_size=6),
    start=st.sampled_from([0, 0.0, -0.0, 2**62, 2**63, 1.5]),
)
@example([[-(2**63)], [0.1, 0.2], [0.3] * 5], 2**63)
@example([[-1, 2**63], [0.1], [-float(2**63)], [0.1] * 10], 0)
@example([[1e16], [1.0], [1], [-1e16]], 0)
def test_where_a_sum_is_cut_makes_no_difference(
    rule: tuple[int, int], parts: list[list[object]], start: object
) -> None:
    running = running_sum(start, rule)

    def cut() -> object:
        for part in parts:
            running.add(part)
        return running.value

    whole = [value for part in parts for value in part]
    assert exactly(cut) == exactly(lambda: ordered_sum(whole, start, rule))


@pytest.mark.parametrize("rule", [OLD, NEW])
def test_what_does_not_add_up_leaves_the_sum_as_it_was(rule: tuple[int, int]) -> None:
    running = running_sum(0, rule)
    running.add([1e16, 1.0])
    before = repr(running)
    with pytest.raises(TypeError, match="unsupported operand"):
        running.add([1.0, 2, "three"])
    with pytest.raises(OverflowError, match="int too large"):
        running.add([1.0, 10**400])
    assert repr(running) == before


@pytest.mark.parametrize("rule", [OLD, NEW])
def test_a_copy_goes_on_by_itself(rule: tuple[int, int]) -> None:
    running = running_sum(0.5, rule)
    other = running.copy()
    other.add([1.0])
    assert (running.value, other.value) == (0.5, 1.5)


@given(st.lists(numbers, max_size=6), st.sampled_from([2**63, -(2**63) - 1, 2**64]))
@example([-(2**63), 0.1, 0.2, 0.3], 2**63)
def test_a_start_beyond_a_machine_word_is_added_to_plainly(
    values: list[object], start: int
) -> None:
    assert exactly(lambda: emulated(values, start)) == exactly(
        lambda: sum(values, start)  # type: ignore[arg-type]
    )


def test_up_to_311_floats_are_added_plainly() -> None:
    assert ordered_sum([0.1] * 10, 0, OLD) == 0.9999999999999999


def test_from_312_on_rounding_errors_are_carried_along() -> None:
    assert ordered_sum([0.1] * 10, 0, NEW) == 1.0
    assert ordered_sum([1e16, 1.0, -1e16], 0, NEW) == 1.0


def test_from_312_on_ints_among_floats_are_not_compensated() -> None:
    assert ordered_sum([1e16, 1, -1e16], 0, NEW) == 0.0


def test_a_sum_of_ints_that_outgrew_a_machine_word_is_not_compensated_any_more() -> None:
    assert ordered_sum([2**63, -(2**63), *[0.1] * 10], 0, NEW) == 0.9999999999999999


@pytest.mark.parametrize("rule", [OLD, NEW])
def test_what_does_not_add_up_raises_what_sum_raises(rule: tuple[int, int]) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        ordered_sum([1, "a"], 0, rule)
    with pytest.raises(TypeError, match="can't sum strings"):
        ordered_sum(["a"], "", rule)


@pytest.mark.parametrize("rule", [OLD, NEW])
def test_objects_with_their_own_addition_are_added_in_order(rule: tuple[int, int]) -> None:
    assert ordered_sum([[1], [2], [3]], [], rule) == [1, 2, 3]


@pytest.mark.parametrize("python", [OLD, NEW])
def test_the_builtin_follows_the_rule_of_the_program_that_runs(python: tuple[int, int]) -> None:
    values = [1e16, 1.0, -1e16, 0.1]
    with client_rules(python, 1000):
        found = sum(values)
    assert found == ordered_sum(values, 0, python)
