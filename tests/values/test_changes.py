"""What a block changes in place shows in the client's own objects."""

from __future__ import annotations

import array
import collections
import dataclasses
import io
import itertools
import random
import types
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ufora_core.errors import CoreError, UnappliedChangeError
from ufora_core.values import nodes
from ufora_core.values.nodes import Change

Journey = Any


class Account:
    kind = "plain"
    total: int

    def __init__(self) -> None:
        self.balance = 1
        self.log: list[str] = []


class Upgraded(Account):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1


@dataclasses.dataclass(frozen=True)
class Frozen:
    items: list[int]


class Stateful:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        return {"seen": list(self.seen)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


class Recipe:
    def __init__(self, x: int) -> None:
        self.x = x

    def __reduce__(self) -> tuple[Any, ...]:
        return Recipe, (self.x,)


counter = 0
settings_of_module = {"depth": 1}


def bump() -> int:
    global counter
    counter += 1
    settings_of_module["depth"] += 1
    return counter


def with_attribute() -> None:
    with_attribute.calls = getattr(with_attribute, "calls", 0) + 1  # type: ignore[attr-defined]


EVERYTHING = [
    [1, "a", 2.5, None, (1, 2)],
    list(range(100)),
    [float("nan"), -0.0],
    {"a": [1], 2: {3}},
    {1, "x", (1, 2), 2.0},
    bytearray(b"abc"),
    collections.deque([1], maxlen=3),
    collections.OrderedDict(a=1),
    collections.Counter("ab"),
    collections.defaultdict(list, a=[1]),
    array.array("d", [1.0]),
    np.arange(5),
    np.array([[1], "x"], dtype=object),
    np.ma.masked_array([1, 2], mask=np.array([False, True])),
    Account(),
    Slotted(),
    Frozen([1]),
    Stateful(),
    Recipe(1),
    random.Random(1),
    io.StringIO("text"),
    iter([1, 2]),
    itertools.count(1),
    types.SimpleNamespace(a=1),
    ValueError("x", [1]),
    bump,
    Account,
    slice(1, 2),
    range(5),
    (lambda: 1).__code__,
    np.dtype("f8"),
    np.random.default_rng(1),
]


@pytest.mark.parametrize("value", EVERYTHING, ids=lambda value: type(value).__name__)
def test_nothing_changed_means_no_change(journey: Journey, value: object) -> None:
    sent = journey.send([value, {"again": value}])
    assert journey.land(sent) == []


def _touch_list(value: list[Any]) -> None:
    value[0] = "new"
    value.append(value)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ([1, 2], lambda v: v.append([3])),
        ([1, 2], lambda v: v.reverse()),
        ([1], lambda v: v.__setitem__(0, 1.0)),
        ([1], lambda v: v.__setitem__(0, True)),
        ([0.0], lambda v: v.__setitem__(0, -0.0)),
        (list(range(100)), lambda v: v.__setitem__(5, 0.0)),
        (list(range(100)), lambda v: v.clear()),
        ({"a": 1}, lambda v: v.update(b=2)),
        ({"a": 1, "b": 2}, lambda v: v.update(a=v.pop("a"))),
        ({1: "x"}, lambda v: (v.clear(), v.update({True: "x"}))),
        ({1, 2}, lambda v: v.add((3,))),
        ({1}, lambda v: (v.clear(), v.add(1.0))),
        (bytearray(b"abc"), lambda v: v.extend(b"d" * 70_000)),
        (bytearray(b"x" * 70_000), lambda v: v.__setitem__(7, 1)),
        (collections.deque([1], maxlen=3), lambda v: v.extend([2, 3, 4])),
        (collections.OrderedDict(a=1, b=2), lambda v: v.move_to_end("a")),
        (collections.Counter("ab"), lambda v: v.update("b")),
        (collections.defaultdict(list), lambda v: v["x"].append(1)),
        (array.array("d", [1.0]), lambda v: v.append(2.0)),
        (types.SimpleNamespace(a=1), lambda v: setattr(v, "b", 2)),
    ],
)
def test_containers_show_the_change(
    journey: Journey, value: Any, change: Callable[[Any], None]
) -> None:
    sent = journey.send([value])
    assert sent.value[0] == value
    change(sent.value[0])
    journey.land(sent)
    assert repr(value) == repr(sent.value[0])


def test_new_objects_and_cycles_come_with_a_change(journey: Journey) -> None:
    value: list[Any] = [1]
    sent = journey.send(value)
    _touch_list(sent.value)
    sent.value.append({"fresh": sent.value})
    journey.land(sent)
    assert value[0] == "new" and value[1] is value and value[2]["fresh"] is value


def test_the_clients_objects_stay_the_same_objects(journey: Journey) -> None:
    inner = [1]
    value: Any = {"inner": inner, "other": []}
    sent = journey.send(value)
    sent.value["other"].append(sent.value["inner"])
    sent.value["inner"].append(2)
    assert len(journey.land(sent)) == 2
    assert value["other"][0] is inner and inner == [1, 2] and value["inner"] is inner


def test_arrays_show_the_change_in_place(journey: Journey) -> None:
    small, large = np.arange(5), np.zeros((200, 200))
    view = small[1:3]
    sent = journey.send([small, large, view])
    sent.value[0][1] = 77
    sent.value[1][5, 5] = 1.5
    assert len(journey.land(sent)) == 2
    assert small[1] == 77 and view[0] == 77 and large[5, 5] == 1.5


def test_object_arrays_show_the_change(journey: Journey) -> None:
    value: Any = np.array([1, "x"], dtype=object)
    sent = journey.send(value)
    sent.value[0] = [5]
    journey.land(sent)
    assert value[0] == [5]


def test_instances_show_attributes_set_deleted_and_slots(journey: Journey) -> None:
    account, slotted, frozen = Account(), Slotted(), Frozen([1])
    log = account.log
    sent = journey.send((account, slotted, frozen))
    a, s, f = sent.value
    a.log.append("paid")
    a.extra = f
    del a.balance
    s.b = 5
    del s.a
    f.items.append(2)
    journey.land(sent)
    assert account.log is log and log == ["paid"]
    assert account.extra is frozen and not hasattr(account, "balance")  # type: ignore[attr-defined]
    assert getattr(slotted, "b", None) == 5 and not hasattr(slotted, "a")
    assert frozen.items == [1, 2]


def test_an_object_may_change_its_class(journey: Journey) -> None:
    account = Account()
    sent = journey.send((account, Upgraded))
    sent.value[0].__class__ = sent.value[1]
    journey.land(sent)
    assert type(account) is Upgraded


def test_class_attributes_show_the_change(journey: Journey) -> None:
    sent = journey.send(Account)
    cls = sent.value
    cls.kind, cls.total = "special", 9
    del cls.__init__
    before = Account.__init__
    try:
        journey.land(sent)
        assert (Account.kind, Account.total) == ("special", 9)
        assert Account.__init__ is object.__init__
    finally:
        Account.__init__ = before  # type: ignore[method-assign]
        Account.kind = "plain"
        del Account.total


def test_global_names_show_the_change(journey: Journey) -> None:
    global counter
    counter = 5
    sent = journey.send(bump)
    assert sent.value() == 6
    journey.land(sent)
    assert counter == 6
    settings_of_module["depth"] = 1
    counter = 0


def test_names_deleted_and_new_names_show_but_not_exported_ones(journey: Journey) -> None:
    scope: dict[str, Any] = {"__name__": "user", "gone": 1, "kept": 2}
    exec("def f():\n    return gone, kept", scope)
    sent = journey.send(scope["f"])
    copied = sent.value.__globals__
    del copied["gone"]
    copied["fresh"] = [1]
    copied["assigned"] = 3
    [index] = [i for i, n in enumerate(sent.graph.nodes) if isinstance(n, nodes.Namespace)]
    journey.land(sent, {index: {"assigned"}})
    assert scope["fresh"] == [1]
    assert "gone" not in scope and "assigned" not in scope and scope["kept"] == 2


def test_shared_variables_show_the_change(journey: Journey) -> None:
    count, flag = 0, True

    def up() -> None:
        nonlocal count, flag
        count += 1
        del flag

    sent = journey.send(up)
    sent.value()
    journey.land(sent)
    assert count == 1
    with pytest.raises(NameError):
        _ = flag


def test_functions_show_attributes_and_defaults(journey: Journey) -> None:
    sent = journey.send(with_attribute)
    sent.value()
    sent.value.__defaults__ = ()
    journey.land(sent)
    assert with_attribute.calls == 1  # type: ignore[attr-defined]
    sent = journey.send(with_attribute)
    sent.value()
    journey.land(sent)
    assert with_attribute.calls == 2  # type: ignore[attr-defined]


def test_objects_with_state_of_their_own_show_the_change(journey: Journey) -> None:
    stateful, text, generator = Stateful(), io.StringIO(), random.Random(1)
    sent = journey.send((stateful, text, generator))
    sent.value[0].seen.append(4)
    sent.value[1].write("written")
    drawn = sent.value[2].random()
    journey.land(sent)
    assert stateful.seen == [4] and text.getvalue() == "written"
    assert generator.random() != drawn


def test_iterators_of_the_client_have_gone_as_far(journey: Journey) -> None:
    shared = [7, 8, 9]
    iterators = [iter(shared), iter("abc"), iter(range(3)), iter({1: 2, 3: 4}), itertools.count(5)]
    zipped = zip(iterators[0], iterators[1], strict=False)
    sent = journey.send([iterators, zipped])
    assert list(itertools.islice(sent.value[1], 2)) == [(7, "a"), (8, "b")]
    for iterator in sent.value[0][2:]:
        next(iterator)
    journey.land(sent)
    assert [next(each) for each in iterators] == [9, "c", 1, 3, 6]
    sent = journey.send(iterators)
    assert list(sent.value[2]) == [2]
    journey.land(sent)
    assert list(iterators[2]) == []


ITEMS = st.one_of(st.integers(-2, 2), st.sampled_from([True, False, 0.0, -0.0, 1.0, "1", None]))


@given(st.lists(ITEMS, max_size=5), st.lists(ITEMS, max_size=5))
@settings(max_examples=300)
def test_any_two_contents_are_told_apart_to_the_last_bit(
    journey: Journey, before: list[Any], after: list[Any]
) -> None:
    for make in (list, set, lambda items: dict.fromkeys(items, "x")):
        value = make(before)
        sent = journey.send(value)
        sent.value.clear()
        if isinstance(sent.value, list):
            sent.value.extend(after)
        else:
            sent.value.update(make(after))
        expected = sorted(map(repr, make(after)))
        journey.land(sent)
        assert sorted(map(repr, value)) == expected


def test_changes_survive_the_wire() -> None:
    change = Change(3, nodes.Namespace("m", ["a"], [1], ["b"]))
    data = msgspec.msgpack.encode(change)
    assert msgspec.msgpack.decode(data, type=Change) == change
    assert issubclass(UnappliedChangeError, CoreError)
