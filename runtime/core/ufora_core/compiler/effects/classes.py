"""What a class is to the proof: its instances' nature, and where its attributes come from.

Nothing here runs user code: attributes are looked up in the dictionaries of the classes.
"""

import abc
import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import operator
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum, auto


class Nature(Enum):
    """How the proof looks at instances of a class."""

    #: Immutable, and refers to nothing mutable.
    SCALAR = auto()
    #: A built-in container, whose items are looked at.
    CONTAINER = auto()
    #: An array of numbers.
    ARRAY = auto()
    #: Functions, classes, modules.
    CODE = auto()
    #: A class written in Python, whose methods are looked at.
    USER = auto()
    #: Taking items from it changes it.
    ITERATOR = auto()
    #: Nothing is known of it.
    OPAQUE = auto()


_SCALARS: frozenset[type] = frozenset(
    {
        *(int, float, complex, bool, str, bytes, range, slice, object),
        *(type(None), type(...), type(NotImplemented), re.Pattern, re.Match),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
        *(fractions.Fraction, decimal.Decimal),
    }
)
SEQUENCES: frozenset[type] = frozenset({list, tuple, collections.deque})
SETS: frozenset[type] = frozenset({set, frozenset})
MAPPINGS: frozenset[type] = frozenset(
    {dict, collections.Counter, collections.OrderedDict, collections.defaultdict}
)
_BUFFERS: frozenset[type] = frozenset({bytearray, array.array})
_CONTAINERS = SEQUENCES | SETS | MAPPINGS | _BUFFERS

LruCache: type = type(functools.lru_cache(len))
_CODE: frozenset[type] = frozenset(
    {
        *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType),
        *(types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType),
        *(types.ClassMethodDescriptorType, types.GenericAlias, types.UnionType),
        *(functools.partial, LruCache, staticmethod, classmethod, property),
        *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
    }
)

#: Metaclasses whose instances behave like ordinary classes.
_METACLASSES: frozenset[type] = frozenset({type, abc.ABCMeta, enum.EnumMeta, type(typing.Protocol)})
#: Classes of Python's own from which a user's class may inherit what it does not define.
_TRUSTED_BASES: frozenset[object] = frozenset(
    {
        *(object, int, float, complex, str, bytes),
        *_CONTAINERS,
        *(abc.ABC, typing.Generic, typing.Protocol),
        *(enum.Enum, enum.IntEnum, enum.Flag, enum.IntFlag, enum.StrEnum, enum.ReprEnum),
        *(getattr(collections.abc, name) for name in collections.abc.__all__),
    }
)
_WRITTEN_IN_C = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)


def nature(cls: type) -> Nature:
    """How to look at instances of ``cls`` (exactly; subclasses have a nature of their own)."""
    found = _natures().get(cls)
    if found is not None:
        return found
    if isinstance_of_class(cls):
        return Nature.CODE
    if cls in iterator_types():
        return Nature.ITERATOR
    numpy_nature = _numpy_nature(cls)
    if numpy_nature is not None:
        return numpy_nature
    if type(cls) not in _METACLASSES:
        return Nature.OPAQUE
    return Nature.USER if all(map(_may_inherit, cls.__mro__)) else Nature.OPAQUE


@functools.cache
def _natures() -> Mapping[type, Nature]:
    return {
        **dict.fromkeys(_SCALARS, Nature.SCALAR),
        **dict.fromkeys(_CONTAINERS, Nature.CONTAINER),
        **dict.fromkeys(_CODE, Nature.CODE),
    }


def isinstance_of_class(cls: type) -> bool:
    """True when instances of ``cls`` are classes that behave like ordinary ones."""
    return cls in _METACLASSES


@functools.cache
def iterator_types() -> frozenset[type]:
    """The built-in iterators."""
    empty: list[Iterator[object]] = [
        *(iter([]), iter(()), iter({}), iter(set()), iter(""), iter(b""), iter(range(0))),
        *(iter({}.values()), iter({}.items()), reversed([]), (each for each in "")),
    ]
    return frozenset({*map(type, empty), map, filter, zip, enumerate, reversed})


def is_written_in_python(cls: type) -> bool:
    """True for the result of a class statement (or ``namedtuple``, or ``dataclass``)."""
    for name, attribute in vars(cls).items():
        if type(attribute) in _WRITTEN_IN_C and attribute.__objclass__ is cls:
            return False
        if type(attribute) is types.GetSetDescriptorType and name not in _OWN_GETSETS:
            return False
        if name == "__new__" and type(attribute) is types.BuiltinFunctionType:
            return False
    return "__module__" in vars(cls)


#: CPython's flag of classes that are not part of the interpreter (Py_TPFLAGS_HEAPTYPE).
HEAP_TYPE = 1 << 9
_OWN_GETSETS = frozenset({"__dict__", "__weakref__"})


def is_trusted(cls: type) -> bool:
    """True for Python's own classes, whose attributes the tables describe."""
    built_in = not cls.__flags__ & HEAP_TYPE
    return cls in _TRUSTED_BASES or (built_in and issubclass(cls, BaseException))


def _may_inherit(cls: type) -> bool:
    return is_trusted(cls) or is_written_in_python(cls)


def _numpy_nature(cls: type) -> Nature | None:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if cls is numpy.ndarray:
        return Nature.ARRAY
    if cls in numpy_functions():
        return Nature.CODE
    if issubclass(cls, numpy.generic):
        # A void scalar is a view of its array, an object scalar may be anything.
        return Nature.OPAQUE if issubclass(cls, numpy.flexible) else Nature.SCALAR
    return Nature.SCALAR if issubclass(cls, numpy.dtype) else None


def numpy_functions() -> tuple[type, ...]:
    """The classes of NumPy's own functions."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return ()
    random = sys.modules.get("numpy.random")
    return (numpy.ufunc, type(numpy.sum), *(() if random is None else (type(random.default_rng),)))


def inputs_of_ufunc(name: str) -> int | None:
    """The number of inputs of NumPy's element-wise function of this name; None for others."""
    numpy = sys.modules["numpy"]
    found = vars(numpy).get(name.removeprefix("numpy."))
    return getattr(found, "nin", None)


@functools.cache
def _numpy_numbers(generic: type) -> frozenset[type]:
    """Every class of number that NumPy computes with."""
    found: set[type] = set()
    pending = [generic]
    while pending:
        cls = pending.pop()
        found.add(cls)
        pending.extend(type.__subclasses__(cls))
    return frozenset(each for each in found if each.__module__ == "numpy")


def array_types() -> frozenset[type]:
    """What an operation of NumPy on numbers returns: an array, or a number of NumPy's."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return frozenset()
    return _numpy_numbers(numpy.number) | {numpy.ndarray, numpy.bool_}


def look_up(cls: type, name: str) -> tuple[type, object] | None:
    """The attribute that instances of ``cls`` find in a class, and the class that defines it."""
    for owner in cls.__mro__:
        if name in owner.__dict__:
            return owner, owner.__dict__[name]
    return None


def look_up_user(cls: type, name: str) -> object | None:
    """The attribute, if a class written in Python by the user defines it."""
    found = look_up(cls, name)
    return found[1] if found is not None and not is_trusted(found[0]) else None


def default_decimal_context() -> bool:
    """True when decimal numbers compute here as they do in a new process."""
    now, new = decimal.getcontext(), decimal.DefaultContext
    settings = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")
    return all(getattr(now, name) == getattr(new, name) for name in settings)
