"""The reference evaluator: control flow, sinks, bails, and every operation's meaning."""

import math
from typing import Any

import numpy as np
import pytest

from ufora_worker.native.ir.evaluator import (
    Bailed,
    Limits,
    NotSafe,
    TooManySteps,
    call,
    evaluate,
)
from ufora_worker.native.ir.meanings import Doubt, apply
from ufora_worker.native.ir.operations import OPERATIONS, STRUCTURAL
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.types import INT, Array, Scalar
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.runs import Run, Status


def run(sink: str, body: str, lo: int, hi: int, *values: Any, parameters: str = "") -> Run:
    unit = parse(f"unit {sink}\n\ndef item(%index: int{parameters}):\n{body}")
    verify(unit)
    return evaluate(unit, lo, hi, list(values))


# ---------------------------------------------------------------------- sinks


def test_a_total_is_that_of_any_size() -> None:
    done = run("total of int", "    emit 9223372036854775807\n    emit %index", 0, 4)
    assert done == Run(Status.DONE, 4, count=8, total=4 * (2**63 - 1) + 6)


def test_of_equals_the_leftmost_is_best() -> None:
    body = "    %1: float = array.get xs, %index\n    emit %1"
    for sink in ("least of float", "greatest of float"):
        done = run(sink, body, 0, 2, [-0.0, 0.0], parameters=", xs: float:f8[]")
        assert repr(done.best) == "-0.0"


def test_of_nothing_there_is_no_best() -> None:
    assert run("least of int", "    return", 0, 3) == Run(Status.DONE, 3)


def test_nan_has_no_place_in_an_order() -> None:
    body = "    %1: float = array.get xs, %index\n    emit %1"
    done = run("least of float", body, 0, 3, [2.0, math.nan, 1.0], parameters=", xs: float:f8[]")
    assert (done.status, done.next, done.best) == (Status.BAILED, 1, 2.0)


@pytest.mark.parametrize(("sink", "op"), [("any", "eq"), ("all", "ne")])
def test_what_decides_ends_the_item_and_the_loop(sink: str, op: str) -> None:
    body = f"    %1: bool = int.{op} %index, 2\n    emit %1\n    %2: bool = int.gt %index, 1\n"
    body += "    if %2:\n        bail 'never here'"
    assert run(f"{sink} of bool", body, 0, 9).status is Status.DECIDED
    assert run(f"{sink} of bool", body, 0, 9).next == 3


def test_columns_have_one_sequence_for_each_leaf() -> None:
    body = "    %1: (int, (char, float)) = tuple.make %index, %2\n    emit %1"
    body = f"    %2: (char, float) = tuple.make 'a', 0.5\n{body}"
    done = run("columns of (int, (char, float))", body, 3, 5)
    assert done.columns == [[3, 4], [97, 97], [0.5, 0.5]]
    assert run("columns of (int, float)", "    return", 0, 2).columns == [[], []]


def test_a_bailed_item_leaves_nothing() -> None:
    body = "    emit %index\n    %1: int = int.floordiv 6, %2\n    emit %1"
    body = f"    %2: int = int.sub 2, %index\n{body}"
    assert run("total of int", body, 0, 9) == Run(Status.BAILED, 2, count=4, total=0 + 3 + 1 + 6)


# ---------------------------------------------------------------------- control


def test_else_of_a_loop_runs_unless_it_was_left() -> None:
    body = """
    for i: int in range(0, 3, 1):
        %1: bool = int.eq i, %index
        if %1:
            break
        continue
    else:
        emit 100
    emit %index
"""
    assert run("columns of int", body, 2, 4).columns == [[2, 100, 3]]


def test_the_head_of_a_loop_runs_before_each_test_also_after_continue() -> None:
    body = """
    n: int = copy 0
    loop:
        n: int = int.add n, 1
        %1: bool = int.lt n, 4
    while %1:
        emit n
        continue
    else:
        emit -1
"""
    assert run("columns of int", body, 0, 1).columns == [[1, 2, 3, -1]]


@pytest.mark.parametrize("limits", ["0, 7, 3", "5, -4, -4", "3, 3, 1", "3, 0, 1"])
def test_a_for_loop_is_that_over_a_range(limits: str) -> None:
    body = f"    for i: int in range({limits}):\n        emit i"
    expected = list(range(*map(int, limits.split(", "))))
    assert run("columns of int", body, 0, 1).columns == [expected]


def test_a_step_of_0_bails() -> None:
    body = "    for i: int in range(0, 1, 0):\n        pass"
    assert run("count of int", body, 0, 1).status is Status.BAILED


FACTORIAL = """
unit total of int

def item(%index: int):
    %1: int = call factorial(%index)
    emit %1

def factorial(n: int) -> int:
    %1: bool = int.le n, 0
    if %1:
        return 1
    %2: int = int.sub n, 1
    %3: int = call factorial(%2)
    %4: int = int.mul n, %3 @7
    return %4
"""


def test_a_function_calls_itself_until_the_result_does_not_fit() -> None:
    unit = parse(FACTORIAL)
    assert call(unit, "factorial", [20]) == math.factorial(20)
    with pytest.raises(Bailed, match="line 7: the result does not fit in 64 bits") as caught:
        call(unit, "factorial", [21])
    assert caught.value.line == 7
    assert evaluate(unit, 0, 30, []).next == 21


def test_calls_bail_when_they_are_too_deep() -> None:
    unit = parse(FACTORIAL)
    assert call(unit, "factorial", [3], limits=Limits(depth=4)) == 6
    with pytest.raises(Bailed, match="too deep"):
        call(unit, "factorial", [4], limits=Limits(depth=4))


def test_the_item_function_gives_what_it_emits() -> None:
    assert call(parse(FACTORIAL), "item", [5]) == 120


def test_a_loop_without_end_is_given_up() -> None:
    unit = parse("unit count of int\ndef item(%index: int):\n    while True:\n        pass")
    with pytest.raises(TooManySteps):
        evaluate(unit, 0, 1, [], limits=Limits(steps=100))


def test_a_value_outside_its_bounds_is_refused() -> None:
    unit = parse("unit count of int\nbounds n: 0 to 7\ndef item(%index: int, n: int):\n    return")
    assert evaluate(unit, 0, 1, [7]).status is Status.DONE
    with pytest.raises(ValueError, match="n is 8, outside 0 to 7"):
        evaluate(unit, 0, 1, [8])


def test_an_index_outside_its_bounds_is_refused() -> None:
    unit = parse("unit count of int\nbounds %index: 0 to 7\ndef item(%index: int):\n    return")
    assert evaluate(unit, 0, 8, []).status is Status.DONE
    with pytest.raises(ValueError, match="%index is 8, outside 0 to 7"):
        evaluate(unit, 0, 9, [])


def test_a_wrong_proof_comes_out() -> None:
    text = "    %1: int = safe int.mul %index, 9223372036854775807\n    emit %1"
    unit = parse(f"unit total of int\ndef item(%index: int):\n{text}")
    assert evaluate(unit, 0, 2, []).total == 2**63 - 1
    with pytest.raises(NotSafe, match="does not fit"):
        evaluate(unit, 2, 3, [])


# ---------------------------------------------------------------------- operations


def test_every_operation_has_a_meaning() -> None:
    for name in OPERATIONS.keys() | STRUCTURAL:
        with pytest.raises((TypeError, Doubt, IndexError)):
            apply(name, ["not", "operands", "of", "it", "at", "all"], INT)


@pytest.mark.parametrize(
    ("op", "args", "result"),
    [
        ("int.floordiv", [-7, 2], -4),
        ("int.mod", [-7, 2], 1),
        ("int.floordiv", [-(2**63), -1], None),
        ("int.mod", [-(2**63), -1], None),
        ("int.mod", [1, 0], None),
        ("int.truediv", [2**53, 3], 2**53 / 3),
        ("int.truediv", [2**53 + 1, 3], None),
        ("int.pow", [2, 62], 2**62),
        ("int.pow", [2, -1], None),
        ("int.pow", [3, 10**9], None),
        ("int.pow", [-1, 10**9 + 1], -1),
        ("int.powmod", [3, 10**9, -7], pow(3, 10**9, -7)),
        ("int.lshift", [1, 63], None),
        ("int.lshift", [-1, 63], -(2**63)),
        ("int.lshift", [0, 64], None),
        ("int.rshift", [-1, 10**6], -1),
        ("int.rshift", [1, -1], None),
        ("int.mul_add_and", [2**62, 2**62, -1, 255], 255),
        ("int.mul_add_and", [1, 1, 1, -1], None),
        ("int.mul_add_mod", [2**62, -(2**62), 5, 1000], (5 - 2**124) % 1000),
        ("int.gcd", [-(2**63), 0], None),
        ("int.to_float_exact", [-(2**53) - 1], None),
        ("float.pow", [-8.0, 1 / 3], None),
        ("float.mod", [-1.0, 3.0], 2.0),
        ("float.to_int", [2.0**63], None),
        ("float.to_int", [-(2.0**63)], -(2**63)),
        ("float.round", [2.5], 2),
        ("math.sqrt", [-1.0], None),
        ("math.exp", [1000.0], None),
        ("math.fabs", [math.inf], None),
        ("complex.truediv", [1j, 0j], None),
        ("complex.powi", [2j, 101], None),
        ("char.chr", [0x110000], None),
    ],
)
def test_an_operation_gives_pythons_result_or_bails(op: str, args: list[Any], result: Any) -> None:
    gives = OPERATIONS[op].gives
    if result is None:
        with pytest.raises(Doubt):
            apply(op, args, gives)
    else:
        got = apply(op, args, gives)
        assert (type(got), got) == (type(result), result)


@pytest.mark.parametrize(
    ("array", "indices", "element", "result"),
    [
        ([1, 2, 3], [-3], INT, 1),
        ([1, 2, 3], [3], INT, None),
        ([1, 2, 3], [-4], INT, None),
        (b"ab", [1], INT, 98),
        ("ab", [-1], Scalar("char"), "b"),
        (np.arange(6.0).reshape(2, 3), [-1, 0], Scalar("np.float64"), np.float64(3.0)),
        (np.arange(6.0).reshape(2, 3), [0, 3], Scalar("np.float64"), None),
        (np.array([7], "i2"), [0], Scalar("np.narrow_int"), 7),
    ],
)
def test_an_element_is_found_as_python_finds_it(
    array: Any, indices: list[int], element: Scalar, result: Any
) -> None:
    if result is None:
        with pytest.raises(Doubt, match="no such element"):
            apply("array.get", [array, *indices], element)
    else:
        got = apply("array.get", [array, *indices], element)
        assert (type(got), got) == (type(result), result)


def test_lengths_and_slices_of_arrays() -> None:
    table = np.arange(6).reshape(2, 3)
    assert [apply("array.len", [table, each], INT) for each in (0, 1)] == [2, 3]
    assert apply("array.len", [[[], []], 1], INT) == 0
    text, floats = Array(Scalar("char"), "u1"), Array(Scalar("np.float64"), "f8", 2)
    assert apply("array.slice", ["abcdef", 5, 3, -2], text) == ["f", "d", "b"]
    assert apply("array.slice", [table, 1, 0, 1], floats).shape == (0, 3)
