"""What the proof knows of a value: who else can see it, and what it may be.

``Reach`` answers the one question that matters for a store: was this object made by the item
itself, so that nobody else can notice a change of it?
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import final


class Reach(IntEnum):
    """Who can see a value. Joining two values takes the higher one."""

    #: Nothing in it can ever change: numbers, strings, tuples of such.
    IMMUTABLE = 0
    #: Made by this item, with everything that can be reached from it.
    OWN = 1
    #: Made by this item, but what it contains may exist outside.
    SHELL = 2
    #: May exist outside of the item: captured, global, or an unknown part of such a thing.
    SHARED = 3


@final
class Known:
    """A concrete object, compared by identity (its own ``__eq__`` is user code)."""

    __slots__ = ("object",)

    def __init__(self, value: object) -> None:
        self.object = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Known and other.object is self.object

    def __hash__(self) -> int:
        return id(self.object)


@dataclass(frozen=True, slots=True)
class Value:
    """An abstract value; None for ``types`` and ``objects`` means that anything is possible."""

    reach: Reach
    #: The exact classes of which it may be an instance.
    types: frozenset[type] | None = None
    #: The very objects that it may be: functions, classes, modules, instances from outside.
    objects: tuple[Known, ...] | None = None
    #: What its items are; only for containers from outside, whose contents cannot change.
    inner: "Value | None" = None


#: The value of an expression that never finishes, and of a variable before its first binding.
NOTHING = Value(Reach.IMMUTABLE, frozenset())
#: Some immutable value.
CONSTANT = Value(Reach.IMMUTABLE)
#: Anything at all.
ANYTHING = Value(Reach.SHARED)

#: Objects that a value may be, before it is better to say that it may be any.
_MOST_OBJECTS = 8

_INTS = frozenset({int, bool})
NUMBERS = frozenset({int, bool, float, complex})


def constant(*types: type) -> Value:
    """An immutable value of one of these classes."""
    return Value(Reach.IMMUTABLE, frozenset(types))


INT = constant(int)
BOOL = constant(bool)
STR = constant(str)
NONE = constant(type(None))


def join(*values: Value) -> Value:
    """A value that may be any of these."""
    result = NOTHING
    for value in values:
        result = _join(result, value)
    return result


def _join(left: Value, right: Value) -> Value:
    if left == right or right == NOTHING:
        return left
    if left == NOTHING:
        return right
    types = None if left.types is None or right.types is None else left.types | right.types
    inner = None
    if left.inner is not None and right.inner is not None:
        inner = _join(left.inner, right.inner)
    return Value(max(left.reach, right.reach), types, _joined_objects(left, right), inner)


def _joined_objects(left: Value, right: Value) -> tuple[Known, ...] | None:
    if is_exactly(left, type(None)) or is_exactly(right, type(None)):
        # None can neither be called nor has it attributes of interest.
        return left.objects or right.objects
    if left.objects is None or right.objects is None:
        return None
    objects = tuple(dict.fromkeys((*left.objects, *right.objects)))
    return objects if len(objects) <= _MOST_OBJECTS else None


def is_exactly(value: Value, *types: type) -> bool:
    """True when ``value`` can be an instance of nothing but ``types``."""
    return bool(value.types) and value.types is not None and value.types <= frozenset(types)


def widest(values: Iterable[Value]) -> Reach:
    """The highest reach among the values."""
    return max((value.reach for value in values), default=Reach.IMMUTABLE)


def is_made_here(value: Value) -> bool:
    """True when the item made the object itself and may change it unseen."""
    return value.reach in (Reach.OWN, Reach.SHELL)


def arithmetic(operator: str, left: Value, right: Value) -> Value | None:
    """The result of ``left operator right`` when both are immutable, else None."""
    if left.reach is not Reach.IMMUTABLE or right.reach is not Reach.IMMUTABLE:
        return None
    if left == NOTHING or right == NOTHING:
        return NOTHING
    if left.types is None or right.types is None:
        return CONSTANT
    types = left.types | right.types
    if types <= _INTS and operator != "**":
        return constant(float) if operator == "/" else INT
    return constant(*NUMBERS) if types <= NUMBERS else CONSTANT


def part_of(value: Value) -> Value:
    """Something that can be reached from ``value``: an item, an attribute."""
    if value.inner is not None:
        return value.inner
    if value.reach is Reach.IMMUTABLE:
        return CONSTANT
    return Value(Reach.OWN) if value.reach is Reach.OWN else ANYTHING
