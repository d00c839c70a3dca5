"""Dataclasses, named tuples and enumerations arrive, whatever Python wrote into them."""

from __future__ import annotations

import collections
import dataclasses
import enum
import inspect
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import Function, Graph

Copy = Callable[[object], Any]


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)


@dataclasses.dataclass(slots=True)
class Slim:
    x: int


@dataclasses.dataclass(frozen=True)
class Timed:
    x: int
    factor: dataclasses.InitVar[int] = 1
    seconds: int = dataclasses.field(default=60, init=False)
    limit: typing.ClassVar[int] = 9

    def __post_init__(self, factor: int) -> None:
        object.__setattr__(self, "x", self.x * factor)


@dataclasses.dataclass(order=True, kw_only=True)
class Keyed:
    key: str = ""


@dataclasses.dataclass(order=True)
class Ordered(Keyed):
    number: int

    def __repr__(self) -> str:
        return f"<{self.number}>"


class Pair(NamedTuple):
    left: int
    right: str = "r"

    def both(self) -> str:
        return f"{self.left}{self.right}"


Plain = collections.namedtuple("Plain", "a b")


class Color(enum.Enum):
    RED = 1
    GREEN = "g"
    ALSO_RED = 1  # noqa: PIE796 - an alias

    def shout(self) -> str:
        return self.name + "!"


class Planet(enum.Enum):
    EARTH = (5.9, 6.3)
    MARS = (0.6, 3.3)

    def __init__(self, mass: float, radius: float) -> None:
        self.mass = mass

    @property
    def heavy(self) -> bool:
        return self.mass > 1


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Access(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


def test_dataclasses_arrive(copy: Copy) -> None:
    cls = copy(Point)
    value = copy(Point(1, 2.0, ["a"]))
    assert (value.x, value.y, value.tags) == (1, 2.0, ["a"])
    assert repr(value) == repr(Point(1, 2.0, ["a"]))
    assert cls(1) == cls(1, 0.5) and cls(1) < cls(2)
    assert [field.name for field in dataclasses.fields(cls)] == ["x", "y", "tags"]
    assert dataclasses.replace(cls(1), x=5).x == 5
    assert hash(cls(1)) == hash(cls(1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.x = 3
    assert copy(Slim(4)) == copy(Slim)(4) or copy(Slim(4)).x == 4


def test_named_tuples_arrive(copy: Copy) -> None:
    pair = copy(Pair(1))
    assert pair == (1, "r")
    assert (pair.both(), pair._replace(left=2).left, type(pair)._fields) == (
        "1r",
        2,
        ("left", "right"),
    )
    assert copy(Plain(1, 2)).b == 2


def test_enumerations_arrive_with_their_members(copy: Copy) -> None:
    cls, red, alias = copy((Color, Color.RED, Color.ALSO_RED))
    assert red is cls.RED is alias is cls(1)
    assert [member.name for member in cls] == ["RED", "GREEN"]
    assert cls.GREEN.shout() == "GREEN!"
    assert copy(Planet.EARTH).heavy is True
    assert copy(Planet).MARS.mass == 0.6
    assert copy(Number.TWO) + 1 == 3
    both = copy(Access.READ | Access.WRITE)
    assert type(both).READ in both and both.value == 3


def test_enumeration_members_come_home_as_the_very_same(journey: Any) -> None:
    for member in (Color.RED, Planet.MARS, Number.ONE, Access.WRITE | Access.READ):
        sent = journey.send([member])
        assert journey.bring_back(sent, [sent.value[0]])[0] is member


def on_another_python(value: object) -> Any:
    """The value where byte code of this Python does not fit."""
    encoder = Encoder()
    item = encoder.item(value)
    found = [
        msgspec.structs.replace(node, python="2.7") if isinstance(node, Function) else node
        for node in encoder.graph().nodes
    ]
    return Decoder(Graph(found), lambda _: b"").value(item)


@pytest.mark.parametrize("same_python", [True, False])
def test_generated_methods_do_what_they_did(copy: Copy, same_python: bool) -> None:
    if not same_python:
        copy = on_another_python
    timed = copy(Timed)
    value = timed(2, factor=5)
    assert (value.x, value.seconds) == (10, 60)
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.x = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.x
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.other = 1
    assert repr(value) == repr(Timed(2, factor=5)) and hash(value) == hash(timed(2, factor=5))
    assert inspect.signature(timed).parameters.keys() == inspect.signature(Timed).parameters.keys()
    ordered = copy(Ordered)
    assert ordered(1, key="b") > ordered(1, key="a") and ordered(2) > ordered(1)
    assert ordered.__init__.__qualname__ == "Ordered.__init__"
    assert copy(Pair)(left=5) == (5, "r") and copy(Plain)(1, b=2) == Plain(1, 2)
    assert copy(Slim)(4) != copy(Slim)(4) and copy(Slim)(4).x == 4
    annotations = timed.__init__.__annotations__
    assert annotations == Timed.__init__.__annotations__
    assert timed.__init__.__globals__ is timed.__post_init__.__globals__
