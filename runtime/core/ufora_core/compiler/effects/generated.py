"""Methods that ``dataclass`` and ``namedtuple`` write: they have no source, but what they do is
known from the class's fields."""

import collections
from types import FunctionType

from ufora_core.compiler.effects.frames import Arguments, Frame
from ufora_core.compiler.effects.kinds import BOOL, CONSTANT, STR, Value, part_of

#: File names of code that ``dataclass`` and ``namedtuple`` compile.
_GENERATED = ("<string>", collections.namedtuple.__code__.co_filename)
_COMPARISONS = frozenset({"__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__ne__"})


def is_generated(cls: type, function: FunctionType) -> bool:
    """True for a method that ``dataclass`` or ``namedtuple`` wrote for ``cls`` or a base."""
    inner = getattr(function, "__wrapped__", function)
    if type(inner) is not FunctionType or inner.__code__.co_filename not in _GENERATED:
        return False
    return any(
        "__dataclass_params__" in vars(owner) or _is_named_tuple(owner)
        for owner in cls.__mro__
        if function in _functions_of(owner)
    )


def _functions_of(cls: type) -> list[FunctionType]:
    found = [each.__func__ if type(each) is staticmethod else each for each in vars(cls).values()]
    return [each for each in found if type(each) is FunctionType]


def _is_named_tuple(cls: type) -> bool:
    return tuple in cls.__bases__ and "_fields" in vars(cls)


def run_generated(frame: Frame, cls: type, function: FunctionType, to: Arguments) -> Value | None:
    """What calling a generated special method gives; None when the method is not generated.

    Comparing, hashing and printing the fields is left to the caller's closed world: the same
    operations on the fields' values.
    """
    if not is_generated(cls, function):
        return None
    name = function.__name__
    if name in _COMPARISONS:
        return BOOL
    if name == "__repr__":
        return STR
    if name == "__hash__":
        return CONSTANT
    return part_of(frame.made(None, *to.all()))
