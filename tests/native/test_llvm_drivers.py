"""What becomes of emitted values, and that an item that does not end well leaves nothing."""

from __future__ import annotations

import math

import numpy
import pytest

from machine_code import entry_of, run, words_of
from ufora_worker.native.ir.types import BOOL, CHAR, COMPLEX, FLOAT, INT, Array, Tuple
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.weights import Weights
from ufora_worker.native.runs import Status

GREATEST = 2**63 - 1


def emitting(sink: str, type: str, body: str, parameters: str = "") -> str:
    return f"unit {sink} of {type}\n\ndef item(%index: int{parameters}):\n" + "\n".join(
        f"    {line}" for line in body.splitlines()
    )


BAILING_AT_5 = """%1: bool = int.eq %index, 5
%2: int = int.mul %index, 2
emit %2
emit %index
if %1:
    bail 'here' @1"""


def test_a_total_goes_beyond_64_bits() -> None:
    done = run(entry_of(emitting("total", "int", "emit x", ", x: int")), 0, 1000, GREATEST)
    assert (done.status, done.next, done.count) == (Status.DONE, 1000, 1000)
    assert done.total == 1000 * GREATEST


SMALL_TERMS = """%1: int = int.mod %index, 3
small emit -4294967296
%2: bool = int.to_bool %1
if %2:
    small emit %1
%3: int = int.sub %index, 700
%4: int = int.floordiv 1, %3"""


@pytest.mark.parametrize("strip", [1, 7, 1 << 16])
def test_small_terms_are_added_up_strip_by_strip(
    strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Weights, "strip_length", lambda self, body: strip)
    entry = entry_of(emitting("total", "int", SMALL_TERMS))
    first, second = run(entry, 0, 1000), run(entry, 701, 10**5)
    assert (first.status, first.next) == (Status.BAILED, 700)
    assert (second.status, second.next) == (Status.DONE, 10**5)
    for done, items in ((first, range(700)), (second, range(701, 10**5))):
        assert done.total == sum(i % 3 - 2**32 for i in items)
        assert done.count == sum(1 + (i % 3 > 0) for i in items)


def test_a_total_of_small_terms_goes_beyond_64_bits() -> None:
    body = "\n".join(["small emit 4294967296"] * 1024)
    done = run(entry_of(emitting("total", "int", body)), 0, 2**22)
    assert done.total == 2**22 * 2**10 * 2**32


def test_terms_in_a_loop_are_too_many_to_be_added_up_in_64_bits() -> None:
    body = "for i: int in range(0, 8388608, 1):\n    small emit 4294967296"
    assert run(entry_of(emitting("total", "int", body)), 0, 300).total == 300 * 2**23 * 2**32


def test_an_array_that_is_too_short_for_the_items_is_refused() -> None:
    text = emitting("total", "int", "%1: int = array.len xs, 0\nemit %1", ", n: int, xs: int:i8[]")
    entry = entry_of(text.replace("\n", "\nspans xs\n", 1))
    assert run(entry, 0, 3, 1, 0, 3, 8).total == 9
    with pytest.raises(ValueError, match="too short for item 3"):
        run(entry, 2, 4, 1, 0, 3, 8)


def test_a_total_may_be_far_below_0() -> None:
    done = run(entry_of(emitting("total", "int", "emit x", ", x: int")), 0, 1000, -GREATEST - 1)
    assert done.total == -1000 * 2**63


def test_a_total_of_bools_counts_the_true_ones() -> None:
    body = "%1: int = int.mod %index, 3\n%2: bool = int.eq %1, 0\nemit %2"
    assert run(entry_of(emitting("total", "bool", body)), 0, 10).total == 4


@pytest.mark.parametrize(("sink", "result"), [("total", 30), ("least", 0), ("greatest", 8)])
def test_an_item_that_bails_leaves_nothing(sink: str, result: int) -> None:
    done = run(entry_of(emitting(sink, "int", BAILING_AT_5)), 0, 10)
    assert (done.status, done.next, done.count) == (Status.BAILED, 5, 10)
    assert result == (done.total if sink == "total" else done.best)


def test_an_item_that_bails_leaves_nothing_in_columns() -> None:
    columns = Columns.for_type(INT, 100)
    done = run(entry_of(emitting("columns", "int", BAILING_AT_5)), 3, 10, columns=columns)
    assert (done.status, done.next, done.count) == (Status.BAILED, 5, 4)
    assert done.columns[0].tolist() == [6, 3, 8, 4]


def test_no_item_is_done_of_an_empty_interval() -> None:
    entry = entry_of(emitting("total", "int", "emit %index"))
    for lo, hi in ((0, 0), (7, 7), (9, 3)):
        done = run(entry, lo, hi)
        assert (done.status, done.next, done.count, done.total) == (Status.DONE, lo, 0, 0)


@pytest.mark.parametrize(("capacity", "items"), [(0, 0), (1, 0), (2, 1), (5, 2), (6, 3), (7, 3)])
def test_an_item_that_does_not_fit_is_not_done(capacity: int, items: int) -> None:
    entry = entry_of(emitting("columns", "int", "emit %index\nemit -1"))
    columns = Columns.for_type(INT, capacity)
    done = run(entry, 0, 3, columns=columns)
    assert done.status is (Status.DONE if items == 3 else Status.FULL)
    assert (done.next, done.count) == (items, 2 * items)
    assert done.columns[0].tolist() == [value for item in range(items) for value in (item, -1)]


IN_ROWS = """for i: int in range(0, %index, 1):
    emit i
endrow
%1: bool = int.eq %index, 2
if %1:
    endrow"""


def test_rows_end_where_the_item_says_so() -> None:
    columns = Columns.for_type(INT, 20, rows=True)
    done = run(entry_of(emitting("rows", "int", IN_ROWS)), 0, 5, columns=columns)
    assert done.columns[0].tolist() == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3]
    assert done.ends == [0, 1, 3, 3, 6, 10]


@pytest.mark.parametrize(("capacity", "items"), [(0, 0), (1, 1), (3, 2), (4, 3), (9, 4), (10, 5)])
def test_rows_that_do_not_fit_are_not_done(capacity: int, items: int) -> None:
    columns = Columns.for_type(INT, capacity, rows=True)
    done = run(entry_of(emitting("rows", "int", IN_ROWS)), 0, 5, columns=columns)
    assert done.status is (Status.DONE if items == 5 else Status.FULL)
    assert done.next == items
    assert done.ends == [0, 1, 3, 3, 6, 10][: items + (items > 2)]


def test_an_item_that_bails_leaves_no_row() -> None:
    columns = Columns.for_type(INT, 20, rows=True)
    body = f"endrow\n{BAILING_AT_5}\nendrow"
    done = run(entry_of(emitting("rows", "int", body)), 3, 10, columns=columns)
    assert (done.status, done.next, done.ends) == (Status.BAILED, 5, [0, 2, 2, 4])


def test_each_leaf_has_a_column_of_its_kind() -> None:
    kinds = Tuple((BOOL, Tuple((CHAR, COMPLEX)), FLOAT))
    body = """%1: float = int.to_float %index
%2: complex = complex.make %1, -0.5
%3: (char, complex) = tuple.make 'q', %2
%4: bool = int.to_bool %index
%5: (bool, (char, complex), float) = tuple.make %4, %3, %1
emit %5"""
    columns = Columns.for_type(kinds, 4)
    done = run(entry_of(emitting("columns", str(kinds), body)), 0, 3, columns=columns)
    assert [column.dtype.str[1:] for column in done.columns] == ["u1", "u4", "c16", "f8"]
    assert done.columns[0].tolist() == [0, 1, 1]
    assert done.columns[1].tolist() == [ord("q")] * 3
    assert done.columns[2].tolist() == [0 - 0.5j, 1 - 0.5j, 2 - 0.5j]
    assert done.columns[3].tolist() == [0.0, 1.0, 2.0]


FROM_ARRAY = "%1: {0} = array.get values, %index\nemit %1"


def best_of(sink: str, values: list[float]) -> tuple[Status, float | None]:
    kind, storage = ("float", "f8") if any(isinstance(v, float) for v in values) else ("int", "i8")
    text = emitting(sink, kind, FROM_ARRAY.format(kind), f", values: {kind}:{storage}[]")
    array = numpy.array(values, storage)
    done = run(entry_of(text), 0, len(values), array.ctypes.data, len(values), 8)
    return done.status, done.best


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 2],
        [-5],
        [GREATEST, -GREATEST - 1, 0],
        [2.5, -1.0, 1e300],
        [0.0, -0.0],
        [-0.0, 0.0],
        [math.inf, -math.inf],
    ],
)
def test_the_leftmost_best_value_wins(values: list[float]) -> None:
    for sink, reference in (("least", min), ("greatest", max)):
        status, best = best_of(sink, values)
        assert status is Status.DONE
        assert words_of(best) == words_of(reference(values)), sink
        assert type(best) is type(values[0])


def test_nan_among_values_to_compare_bails() -> None:
    status, best = best_of("least", [2.0, 1.0, math.nan, 0.0])
    assert (status, best) == (Status.BAILED, 1.0)


def test_the_best_of_nothing_is_none() -> None:
    done = run(entry_of(emitting("least", "int", "pass")), 0, 5)
    assert (done.status, done.count, done.best) == (Status.DONE, 0, None)


def test_the_best_of_bools_is_a_bool() -> None:
    body = "%1: bool = int.to_bool %index\nemit %1"
    entry = entry_of(emitting("greatest", "bool", body))
    assert run(entry, 0, 3).best is True
    assert run(entry, 0, 1).best is False


@pytest.mark.parametrize(("sink", "test"), [("any", "int.eq"), ("all", "int.ne")])
def test_the_item_that_decides_is_the_last(sink: str, test: str) -> None:
    body = f"%1: bool = {test} %index, 6\nemit %1"
    entry = entry_of(emitting(sink, "bool", body))
    done = run(entry, 1, 100)
    assert (done.status, done.next) == (Status.DECIDED, 7)
    assert run(entry, 7, 100).status is Status.DONE


def test_nothing_after_the_decision_is_done_in_the_item() -> None:
    body = "%1: bool = int.eq %index, 2\nemit %1\nif %1:\n    bail 'too far' @1"
    done = run(entry_of(emitting("any", "bool", body)), 0, 9)
    assert (done.status, done.next) == (Status.DECIDED, 3)


def test_values_are_counted() -> None:
    body = (
        "%1: int = int.and %index, 1\n%2: bool = int.to_bool %1\nif %2:\n    emit 2.5\n    emit 3.5"
    )
    done = run(entry_of(emitting("count", "float", body)), 0, 11)
    assert (done.status, done.count) == (Status.DONE, 10)


def test_bounds_of_parameters_are_believed_and_nothing_else() -> None:
    text = emitting("total", "int", "%1: int = int.add x, %index\nemit %1", ", x: int")
    for bounds in ("-4 to 3", f"{-(2**63)} to {2**63 - 1}", f"0 to {2**63 - 1}", "3 to 3"):
        bounded = text.replace("\n\ndef", f"\nbounds x: {bounds}\n\ndef", 1)
        assert run(entry_of(bounded), 0, 3, 3).total == 12


def test_a_parameter_that_an_item_sets_is_itself_again_for_the_next() -> None:
    text = emitting("columns", "int", "x: int = int.add x, %index\nemit x", ", x: int")
    done = run(entry_of(text), 0, 4, 10, columns=Columns.for_type(INT, 4))
    assert done.columns[0].tolist() == [10, 11, 12, 13]


def test_wrong_numbers_of_words_and_columns_are_refused() -> None:
    entry = entry_of(emitting("total", "int", "emit x", ", x: int"))
    with pytest.raises(ValueError, match="got 2 words from item 0 on, and takes 1 words"):
        run(entry, 0, 1, 2, 3)
    with pytest.raises(ValueError, match="from item -1 on"):
        run(entry, -1, 1, 2)
    with pytest.raises(ValueError, match="got 1 columns and fills 0"):
        run(entry, 0, 1, 2, columns=Columns.for_type(INT, 1))
    with pytest.raises(TypeError, match="cannot be emitted"):
        Columns.for_type(Array(INT, "i8"), 1)
