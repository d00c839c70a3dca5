"""Classes of the user's arrive by value, and what comes back is of the client's own class."""

from __future__ import annotations

import abc
import ctypes
import functools
import threading
import typing
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import pytest

from ufora_core.errors import UnconvertibleValueError
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder

Copy = Callable[[object], Any]
T = TypeVar("T")

made: list[str] = []


class Base:
    registry: typing.ClassVar[list[str]] = []

    def __init_subclass__(cls, *, label: str, **keywords: Any) -> None:
        made.append(cls.__name__)


class Derived(Base, label="needed"):
    """Docs."""

    limit = 10

    def __init__(self, x: int) -> None:
        self.x = x

    @property
    def double(self) -> int:
        """Twice."""
        return self.x * 2

    @double.setter
    def double(self, value: int) -> None:
        self.x = value // 2

    @classmethod
    def make(cls) -> Derived:
        return cls(cls.limit)

    @staticmethod
    def plus(a: int, b: int) -> int:
        return a + b

    @functools.cached_property
    def costly(self) -> int:
        return self.x + 1

    class Nested:
        value = 5


class Slotted:
    __slots__ = ("__private", "a", "b")

    def __init__(self) -> None:
        self.a = 1
        self.__private = 2

    def private(self) -> int:
        return self.__private


class Lying:
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int


class Prop(property):
    pass


class Propertied:
    seven = Prop(lambda self: 7)


UserId = typing.NewType("UserId", int)


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    def area(self) -> float:
        return 4.0


@Shape.register
class Registered: ...


class Box(Generic[T]):
    def __init__(self, content: T) -> None:
        self.content = content


class IntBox(Box[int]): ...


class Sized(Protocol):
    def size(self) -> int: ...


class Meta(type):
    def __new__(mcs, name: str, bases: Any, body: Any, **more: Any) -> Any:
        made.append(f"meta {name}")
        return super().__new__(mcs, name, bases, body)

    def __call__(cls, *arguments: Any) -> Any:
        return ("called", super().__call__(*arguments))

    def describe(cls) -> str:
        return cls.__name__.lower()


class Made(metaclass=Meta):
    pass


class Named:
    def __set_name__(self, owner: type, name: str) -> None:
        made.append(f"named {name}")
        self.name = name

    def __get__(self, instance: object, owner: type) -> str:
        return f"<{self.name}>"


class Described:
    field = Named()


class Trouble(Exception):
    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"trouble {code}")
        self.code = code
        self.detail = detail


class Node:
    instances: typing.ClassVar[list[Node]] = []

    def __init__(self) -> None:
        Node.instances.append(self)

    def clone(self) -> Node:
        return Node()


def test_methods_properties_and_nested_classes_arrive(copy: Copy) -> None:
    cls = copy(Derived)
    assert cls is not Derived
    assert (cls.__name__, cls.__qualname__, cls.__module__) == (
        "Derived",
        "Derived",
        Derived.__module__,
    )
    assert cls.__doc__ == "Docs."
    value = cls.make()
    assert (value.x, value.double, cls.plus(1, 2), cls.Nested.value) == (10, 20, 3, 5)
    value.double = 50
    assert (value.x, value.costly, cls.double.__doc__) == (25, 26, "Twice.")


def test_nothing_that_ran_when_a_class_was_made_runs_again(copy: Copy) -> None:
    made.clear()
    cls, base = copy((Derived, Base))
    assert issubclass(cls, base) and cls.__bases__ == (base,)
    assert copy(Made).__name__ == "Made"
    assert copy(Described).field == "<field>"
    assert made == []


def test_metaclasses_of_the_users_work(copy: Copy) -> None:
    cls = copy(Made)
    assert cls.describe() == "made"
    assert cls()[0] == "called"


def test_slots_arrive_set_and_unset(copy: Copy) -> None:
    copied = copy(Slotted())
    assert (copied.a, copied.private()) == (1, 2)
    with pytest.raises(AttributeError):
        _ = copied.b
    with pytest.raises(AttributeError):
        copied.other = 1


def test_abstract_classes_stay_abstract(copy: Copy) -> None:
    shape, square, registered = copy((Shape, Square, Registered))
    with pytest.raises(TypeError, match="abstract"):
        shape()
    assert square().area() == 4.0
    assert isinstance(square(), shape)
    assert issubclass(registered, shape)
    assert not isinstance(5, shape)
    assert not issubclass(square, copy(Shape))


def test_generic_classes_and_protocols_arrive(copy: Copy) -> None:
    box = copy(IntBox(5))
    assert box.content == 5
    assert type(box).__orig_bases__[0].__args__ == (int,)
    assert copy(Box[int])(3).content == 3
    assert copy(Sized).__name__ == "Sized"


def test_exceptions_arrive_whatever_their_init_takes(copy: Copy) -> None:
    error = Trouble(5, detail="d")
    error.add_note("a note")
    try:
        raise error from ValueError("cause")
    except Trouble:
        pass
    copied = copy(error)
    assert (copied.args, copied.code, copied.detail) == (("trouble 5",), 5, "d")
    assert copied.__notes__ == ["a note"]
    assert type(copied.__cause__) is ValueError and copied.__cause__.args == ("cause",)
    assert copied.__suppress_context__ is True
    assert copied.__traceback__ is None


@pytest.mark.parametrize(
    "error",
    [
        KeyError("k"),
        OSError(2, "gone", "file.txt"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        StopIteration(5),
        SystemExit(3),
        ImportError("no", name="n", path="p"),
        SyntaxError("bad", ("f.py", 1, 2, "x =", 1, 3)),
        NameError("gone", name="missing"),
        AttributeError("gone", name="missing", obj=5),
        KeyboardInterrupt(),
        ExceptionGroup("all", [ValueError(1), TypeError(2)]),
    ],
)
def test_builtin_exceptions_arrive(copy: Copy, error: BaseException) -> None:
    copied = copy(error)
    assert type(copied) is type(error)
    assert repr(copied) == repr(error) and str(copied) == str(error)
    for name in (
        "errno",
        "filename",
        "value",
        "code",
        "name",
        "path",
        "lineno",
        "text",
        "start",
        "obj",
    ):
        assert getattr(copied, name, None) == getattr(error, name, None)


def test_classes_that_refer_to_themselves_arrive(copy: Copy) -> None:
    Node.instances.clear()
    node = Node()
    copied = copy(node)
    cls = type(copied)
    assert cls.instances == [copied]
    assert type(copied.clone()) is cls
    Node.instances.clear()


def test_instances_come_home_as_instances_of_the_very_class(journey: Any) -> None:
    sent = journey.send(Derived)
    home = journey.bring_back(sent, sent.value(7))
    assert type(home) is Derived and home.x == 7
    sent = journey.send(Trouble)
    error = journey.bring_back(sent, sent.value(1, detail=""))
    assert type(error) is Trouble and error.code == 1


def test_classes_come_home_without_a_program_too(journey: Any) -> None:
    sent = journey.send(Derived)
    encoder = Encoder(trackers=sent.decoder.trackers)  # as for a value kept by itself
    item = encoder.item(sent.value(1))
    home = Decoder(encoder.graph(), lambda _: b"", classes=journey.trackers).value(item)
    assert type(home) is Derived


def test_local_classes_arrive(copy: Copy) -> None:
    offset = 5

    class Local:
        def add(self, x: int) -> int:
            return x + offset

        def again(self) -> Local:
            return __class__()  # type: ignore[name-defined, no-any-return]

    copied = copy(Local())
    assert copied.again().add(1) == 6


class Slim(Exception):
    __slots__ = ("left", "right")


def test_slots_of_exceptions_arrive(copy: Copy) -> None:
    error: Any = Slim("text")
    error.left = [1]
    copied = copy(error)
    assert (copied.args, copied.left) == (("text",), [1])
    assert not hasattr(copied, "right")


def test_properties_know_their_names(copy: Copy) -> None:
    value = copy(Propertied())
    with pytest.raises(AttributeError, match="'seven' of 'Propertied'"):
        value.seven = 1


def test_odd_attributes_of_classes_arrive(copy: Copy) -> None:
    assert copy(Lying()).__class__ is int
    assert type(copy(Lying())).__name__ == "Lying"
    assert copy(Propertied()).seven == 7
    assert copy(UserId)(5) == 5 and copy(UserId).__supertype__ is int


def test_an_object_of_a_class_that_cannot_travel_stays_behind(copy: Copy) -> None:
    class Record(ctypes.Structure):
        _fields_: typing.ClassVar[Any] = [("x", ctypes.c_int)]
        lock = threading.Lock()

    copied = copy([Record, "rest"])
    assert copied[1] == "rest"
    with pytest.raises(UnconvertibleValueError):
        copied[0]()
