"""Many tuples of one make travel as columns, and nothing of it shows."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.nodes import Bytes, Column, Graph, Ref

Copy = Callable[[object], Any]
Journey = Any

SCALARS = {
    "ints": st.integers(-(2**63), 2**63 - 1),
    "any ints": st.integers(),
    "floats": st.floats(),
    "numbers": st.integers(-5, 5) | st.floats(allow_nan=False) | st.booleans(),
    "texts": st.text(max_size=5) | st.none(),
    "others": st.lists(st.integers(), max_size=1) | st.complex_numbers(allow_nan=False),
}
#: Rows of up to three columns, in each of which there is one of these kinds.
ROWS = st.lists(st.sampled_from(sorted(SCALARS)), min_size=1, max_size=3).flatmap(
    lambda kinds: st.lists(st.tuples(*(SCALARS[kind] for kind in kinds)), min_size=30, max_size=40)
)


def told_apart(value: Any) -> object:
    """Something equal for equal values of one class only, to the last bit."""
    if isinstance(value, list | tuple):
        return type(value), [told_apart(each) for each in value]
    if isinstance(value, float):
        return struct.pack("d", value)
    return type(value), value


def kinds(journey: Journey, value: object) -> list[type]:
    return [type(node) for node in journey.send(value).graph.nodes]


@given(ROWS)
@settings(max_examples=200)
def test_rows_of_any_kind_arrive_as_they_were(copy: Copy, rows: list[tuple[Any, ...]]) -> None:
    assert told_apart(copy(rows)) == told_apart(rows)
    assert told_apart(copy(tuple(rows))) == told_apart(tuple(rows))


def test_a_long_list_of_tuples_is_one_node(journey: Journey) -> None:
    assert kinds(journey, [(n, n / 7, str(n), n % 2 == 0) for n in range(100)]) == [nodes.Table]
    assert kinds(journey, tuple((n,) for n in range(100))) == [nodes.Table]


@pytest.mark.parametrize("odd", [(1,), (1, 2, 3), [1, 2], (2**64, 1), (1, math.nan), (1, [2]), ()])
def test_one_other_row_and_they_are_sent_one_by_one(journey: Journey, odd: Any) -> None:
    rows = [*((n, n + 1) for n in range(50)), odd]
    sent = journey.send(rows)
    assert told_apart(sent.value) == told_apart(rows)
    assert nodes.Table not in {type(node) for node in sent.graph.nodes}


class Touchy:
    def __ne__(self, other: object) -> bool:
        raise AssertionError("nobody may compare this")


@pytest.mark.parametrize("item", [Touchy(), np.arange(3), [1], (1, 2)])
def test_objects_in_rows_and_dicts_are_not_compared(copy: Copy, item: Any) -> None:
    rows, entries = copy(([(n, item) for n in range(50)], {n: item for n in range(50)}))
    assert [row[0] for row in rows] == list(entries) == list(range(50))
    assert {type(row[1]).__name__ for row in rows} == {type(item).__name__}


@given(
    st.sampled_from([st.integers(), st.text(max_size=5)]).flatmap(
        lambda keys: st.lists(keys, min_size=33, max_size=36, unique=True)
    ),
    st.sampled_from(sorted(SCALARS)),
    st.data(),
)
@settings(max_examples=50)
def test_long_dicts_arrive_as_they_were(
    copy: Copy, keys: list[Any], kind: str, data: st.DataObject
) -> None:
    entries = {key: data.draw(SCALARS[kind]) for key in keys}
    there = copy(entries)
    assert told_apart(list(there)) == told_apart(list(entries))
    assert told_apart(list(there.values())) == told_apart(list(entries.values()))


def test_a_long_dict_of_numbers_is_one_node(journey: Journey) -> None:
    assert kinds(journey, {n: n / 7 for n in range(100)}) == [nodes.Entries]
    assert kinds(journey, {str(n): None for n in range(100)}) == [nodes.Entries]
    assert kinds(journey, {n: math.nan if n == 7 else 0.5 for n in range(100)})[0] is nodes.Dict


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries.clear(),
        lambda entries: entries.update(x=1),
        lambda entries: entries.__setitem__(5, -0.0),
        lambda entries: entries.__setitem__(5, entries.pop(5)),
        lambda entries: entries.__setitem__(5, [1]),
        lambda entries: entries.pop(49),
    ],
)
def test_a_changed_dict_shows_at_home(journey: Journey, change: Callable[[Any], None]) -> None:
    entries: dict[Any, Any] = dict.fromkeys(range(50), 0.0)
    expected = dict(entries)
    change(expected)
    sent = journey.send(entries)
    change(sent.value)
    assert len(journey.land(sent)) == 1
    assert told_apart(list(entries.items())) == told_apart(list(expected.items()))


def test_a_dict_that_was_only_read_is_no_change(journey: Journey) -> None:
    sent = journey.send({n: str(n) for n in range(50)})
    sent.value[3] = "".join("3")
    assert journey.land(sent) == []


def test_a_row_is_one_object_wherever_it_stands(copy: Copy) -> None:
    rows = [(n, float(n)) for n in range(50)]
    others = [(n, float(n)) for n in range(50)]
    table, first, pairs, beside, last = copy((rows, rows[0], {1: others[7]}, others, rows[49]))
    assert first is table[0]
    assert last is table[49]
    assert pairs[1] is beside[7]
    assert (table, beside) == (rows, others)


def test_lists_that_share_their_rows_share_them_there(copy: Copy) -> None:
    rows = [(n, n) for n in range(50)]
    one, other = copy((rows, rows[::-1]))
    assert all(a is b for a, b in zip(one, reversed(other), strict=True))


def test_a_tuple_that_is_in_a_list_twice_is_so_there(copy: Copy) -> None:
    rows = [(n, n) for n in range(50)] + [(7, 8)] * 2
    there = copy(rows)
    assert there == rows
    assert there[50] is there[51]


class Forgetful:
    """Clears a list as soon as it is looked at, and travels as a new tuple."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows

    def __reduce__(self) -> Any:
        self.rows.clear()
        return list, ([(n, -n) for n in range(20)],)


def test_rows_of_a_list_that_is_cleared_meanwhile_are_still_told_apart(copy: Copy) -> None:
    rows = [(n, n) for n in range(50)]
    assert copy([Forgetful(rows), rows])[0] == [(n, -n) for n in range(20)]


def test_new_rows_of_a_list_at_home_are_one_object_each(journey: Journey) -> None:
    rows: list[Any] = []
    firsts: list[Any] = []
    sent = journey.send((rows, firsts))
    there, there_first = sent.value
    there.extend((n, n + 1) for n in range(50))
    there_first.append(there[3])
    assert len(journey.land(sent)) == 2
    assert rows == [(n, n + 1) for n in range(50)]
    assert firsts[0] is rows[3]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.reverse(),
        lambda rows: rows.append((1, 2.0, "x")),
        lambda rows: rows.append(3),
        lambda rows: rows.clear(),
        lambda rows: rows.__setitem__(5, (5, 5, "5")),
        lambda rows: rows.__setitem__(5, (5, -0.0, "5")),
    ],
)
def test_a_changed_table_shows_at_home(journey: Journey, change: Callable[[Any], None]) -> None:
    rows: list[Any] = [(n, 0.0, str(n)) for n in range(50)]
    expected = list(rows)
    change(expected)
    sent = journey.send(rows)
    change(sent.value)
    assert len(journey.land(sent)) == 1
    assert told_apart(rows) == told_apart(expected)


def test_a_table_that_was_only_read_is_no_change(journey: Journey) -> None:
    rows = [(n, 0.5 * n, None) for n in range(50)]
    sent = journey.send(rows)
    assert sum(row[0] for row in sent.value) == 1225
    sent.value[3] = (3, 1.5, None)
    assert journey.land(sent) == []


def column(count: int) -> Column:
    return Column("q", Bytes(8 * count, bytes(8 * count)))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([nodes.Table("list", [])], "make no rows"),
        ([nodes.Table("list", [column(2), column(3)])], "columns of [2, 3] items make no rows"),
        ([nodes.Table("set", [column(2)])], "no set can be packed"),
        ([nodes.Table("list", [Column("x", Bytes(0, b""))])], "packed as 'x'"),
        ([nodes.Table("list", [Column(items=[Ref(0)])])], "before itself"),
        ([nodes.Entries(column(2), column(3))], "a dict of 2 keys and 3 values"),
        ([nodes.Row(Ref(1), 2), nodes.Table("list", [column(2)])], "has no row 2"),
        ([nodes.Row(Ref(1), 0), nodes.Set([1])], "a set has no row 0"),
    ],
)
def test_tables_that_make_no_sense_are_named(found: list[Any], text: str) -> None:
    with pytest.raises(ValueGraphError) as raised:
        Decoder(Graph(found), lambda _: b"").value(Ref(0))
    assert text in str(raised.value)
