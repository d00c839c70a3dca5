"""Objects of other kinds arrive by their own recipe, shared parts shared."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import fractions
import functools
import io
import itertools
import logging
import operator
import pathlib
import random
import re
import sys
import types
import uuid
import weakref
from collections.abc import Callable
from typing import Any

import pytest

Copy = Callable[[object], Any]


class Custom:
    """Rebuilt by a recipe of its own."""

    def __init__(self, parts: list[int]) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return Custom, (self.parts,)


class Stateful:
    def __init__(self) -> None:
        self.kept, self.dropped = 1, 2

    def __getstate__(self) -> dict[str, int]:
        return {"kept": self.kept}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.kept, self.dropped = state["kept"], 0


class Row(list[int]):
    pass


class Registry(dict[str, int]):
    pass


class Linked:
    def __init__(self, *others: object) -> None:
        self.others = list(others)


@pytest.mark.parametrize(
    "value",
    [
        collections.deque([1, 2, 3], maxlen=5),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.Counter("abracadabra"),
        collections.ChainMap({"a": 1}, {"b": 2}),
        datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC),
        datetime.timedelta(days=3),
        decimal.Decimal("1.10"),
        fractions.Fraction(1, 3),
        pathlib.Path("a/b"),
        re.compile("a+", re.I),
        uuid.UUID(int=5),
        array.array("i", [1, 2]),
        types.SimpleNamespace(a=1),
        int | str,
        list[int],
        collections.abc.Callable[[int], str],
        operator.itemgetter(1),
        {1: 2}.keys() | set(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_of_the_standard_library_arrive(copy: Copy, value: Any) -> None:
    copied = copy(value)
    assert type(copied) is type(value)
    assert copied == value or repr(copied) == repr(value)


def test_default_dicts_keep_their_factory(copy: Copy) -> None:
    value: collections.defaultdict[str, list[int]] = collections.defaultdict(list, a=[1])
    copied = copy(value)
    copied["b"].append(2)
    assert copied == {"a": [1], "b": [2]}


def test_a_random_generator_goes_on_where_it_stands(copy: Copy) -> None:
    generator = random.Random(5)
    generator.random()
    copied = copy(generator)
    assert [copied.random() for _ in range(3)] == [generator.random() for _ in range(3)]


def test_iterators_arrive_where_they_stand(copy: Copy) -> None:
    iterator = iter([1, 2, 3])
    next(iterator)
    assert list(copy(iterator)) == [2, 3]
    assert list(itertools.islice(copy(itertools.count(5)), 2)) == [5, 6]
    assert list(copy(zip([1], "a", strict=False))) == [(1, "a")]


def test_in_memory_files_arrive_open_ones_do_not(copy: Copy) -> None:
    text = io.StringIO("abc")
    text.read(1)
    assert copy(text).read() == "bc"


def test_shared_parts_stay_shared_through_recipes(copy: Copy) -> None:
    parts = [1, 2]
    custom, plain, queue, partial = copy(
        (Custom(parts), parts, collections.deque([parts]), functools.partial(print, parts))
    )
    assert custom.parts is plain is queue[0] is partial.args[0]


def test_own_ways_of_pickling_are_followed(copy: Copy) -> None:
    copied = copy(Stateful())
    assert (copied.kept, copied.dropped) == (1, 0)


def test_subclasses_of_containers_arrive_with_attributes(copy: Copy) -> None:
    row = Row([1, 2])
    row.label = "x"  # type: ignore[attr-defined]
    copied = copy(row)
    assert (list(copied), copied.label, type(copied).__name__) == ([1, 2], "x", "Row")
    assert copy(Registry(a=1)) == {"a": 1}


def test_cycles_through_objects_and_containers_arrive(copy: Copy) -> None:
    one = Linked()
    queue: collections.deque[Any] = collections.deque()
    pair = (queue, one)
    queue.append(pair)
    one.others += [one, {one}, {one: pair}, queue]
    copied = copy(one)
    assert copied.others[0] is copied
    assert copied.others[1] == {copied}
    assert copied.others[2][copied][0] is copied.others[3]
    assert copied.others[3][0][1] is copied


def test_objects_that_hash_by_their_contents_are_keys_once_they_are_full(copy: Copy) -> None:
    @dataclasses.dataclass(eq=True, unsafe_hash=True)
    class Key:
        name: str
        owner: Any = dataclasses.field(default=None, hash=False, compare=False)

    key = Key("k")
    key.owner = {"table": {key: 1, (key, 2): 2}, "members": {key}}
    copied = copy(key)
    assert copied.owner["table"][copied] == 1
    assert copied.owner["table"][(copied, 2)] == 2
    assert copied in copied.owner["members"]


def test_singletons_of_installed_modules_stay_what_they_are(copy: Copy) -> None:
    for value in (dataclasses.MISSING, sys.stdout, logging.root, random._inst):
        assert copy(value) is value
    assert copy(logging.getLogger("a.b")) is logging.getLogger("a.b")


def test_what_has_no_recipe_travels_by_cloudpickle(copy: Copy) -> None:
    code = copy((lambda x: x + 1).__code__)
    assert types.FunctionType(code, {})(1) == 2
    assert bytes(copy(memoryview(b"abc"))) == b"abc"
    assert dict(copy(types.MappingProxyType({"a": 1}))) == {"a": 1}


def test_weak_references_follow_their_target(copy: Copy) -> None:
    target = Linked()
    reference, copied = copy((weakref.ref(target), target))
    assert reference() is copied
    cache: weakref.WeakValueDictionary[str, Linked] = weakref.WeakValueDictionary(a=target)
    assert copy((cache, target))[0]["a"].others == []
    gone = weakref.ref(Linked())
    assert copy(gone)() is None
