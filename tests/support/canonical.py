"""The canonical form of values: two values with the same form cannot be told apart by a program.

A form is flat: the path to each part (``people[0].name``) with a text that says what stands there.
Types are exact, floats are compared by their bits, dicts by their order. An object that was met
before, on another path, is described by that path, so that a form shows what is one object.
"""

from __future__ import annotations

import contextlib
import copyreg
import enum
import functools
import inspect
import struct
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from ufora_core.errors import UnconvertibleValueError

#: A part of an object: what its path has behind the object's own, and the part itself.
Part = tuple[str, object]

#: Flag of classes that a class statement makes (and of some that C makes at run time).
_DEFINED_IN_PYTHON = 1 << 9
_FUNCTION_PARTS = (
    "__module__",
    "__doc__",
    "__defaults__",
    "__kwdefaults__",
    "__dict__",
)
#: Longer sequences of plain values are described so many items at a time.
_LONG = 64
#: Attributes of classes that Python keeps for itself, or whose order it does not define.
_CLASS_INTERNALS = frozenset(
    {"__dict__", "__weakref__", "_abc_impl", "__slotnames__", "__static_attributes__"}
)
#: What exceptions have beside their arguments and ``__dict__``, if they have it.
_EXCEPTION_PARTS = (
    "name",
    "value",
    "errno",
    "filename",
    "__cause__",
    "__context__",
    "__suppress_context__",
)


def canonical(values: Mapping[str, object], namespace: dict[str, object]) -> dict[str, str]:
    """The form of ``values`` together, in the order of their names.

    ``namespace`` are the global names of the module they belong to: its classes and functions are
    described in full, those of other modules by name. Raises TypeError for an object that nothing
    is known of.
    """
    form: dict[str, str] = {}
    places: dict[int, str] = {}
    alive: list[object] = []  # an id is unique as long as its object lives
    describer = _Describer(namespace)
    pending: list[Part] = [(name, values[name]) for name in sorted(values, reverse=True)]
    while pending:
        path, value = pending.pop()
        try:
            text, parts, has_identity = describer.describe(value)
        except UnconvertibleValueError as error:
            text, parts, has_identity = f"left behind: {error}", (), True
        if has_identity and id(value) in places:
            form[path] = f"the same as {places[id(value)]}"
            continue
        if has_identity:
            places[id(value)] = path
        alive.append(value)
        form[path] = text
        pending.extend((path + label, part) for label, part in reversed(list(parts)))
    return form


class _Describer:
    """Says what one object is: its text, its parts, and whether its identity counts."""

    def __init__(self, namespace: dict[str, object]) -> None:
        self._namespace = namespace

    def describe(self, value: object) -> tuple[str, Iterable[Part], bool]:
        kind = type(value)
        if kind in _ATOMS:
            return _atom(value), (), False
        if self._is_importable(value):
            return f"{_name_of(value)} by name", (), False
        if kind in (tuple, frozenset, slice, types.MappingProxyType):
            return kind.__name__, _content(value), False
        if isinstance(value, type):
            return f"class {value.__qualname__}", self._class(value), True
        if isinstance(value, types.FunctionType):
            return f"function {value.__qualname__}", self._function(value), True
        parts = _content(value)
        if self._is_importable(kind) or not kind.__flags__ & _DEFINED_IN_PYTHON:
            return _name_of(kind), parts, True
        return "instance", [(".__class__", kind), *parts], True

    def _is_importable(self, value: object) -> bool:
        """Whether every process finds this very object by its name in some other module."""
        if type(value).__module__ == self._namespace["__name__"]:
            return False  # its attributes may be computed
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str):
            return False
        if module == self._namespace["__name__"] or module not in sys.modules:
            return False
        try:
            return functools.reduce(getattr, name.split("."), sys.modules[module]) is value
        except AttributeError:
            return False

    def _class(self, value: type) -> Iterator[Part]:
        yield ".__class__", type(value)
        yield ".__bases__", value.__bases__
        for name, attribute in vars(value).items():
            if name not in _CLASS_INTERNALS:
                yield f".{name}", attribute

    def _function(self, function: types.FunctionType) -> Iterator[Part]:
        yield ".__code__", function.__code__
        yield ".__globals__ are the module's", function.__globals__ is self._namespace
        # ``functools.wraps`` lets two functions have one dict of annotations, which is no matter.
        yield ".__annotations__", tuple(function.__annotations__.items())
        for name in _FUNCTION_PARTS:
            yield f".{name}", getattr(function, name)
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        yield from ((f" with {name}", cell) for name, cell in cells)


def _name_of(value: Any) -> str:
    module = value.__module__
    return value.__qualname__ if module == "builtins" else f"{module}.{value.__qualname__}"


# ------------------------------------------------------------------------------ without parts


def _float(value: float) -> str:
    # ``hex`` would show all NaNs alike.
    return value.hex() if value == value else struct.pack(">d", value).hex()


def _builtin(value: Any) -> str:
    owner = value.__self__
    named = owner.__name__ if isinstance(owner, types.ModuleType | type) else repr(owner)
    return f"{named}.{value.__qualname__}"


def _code(code: types.CodeType) -> str:
    """All that the compiler made of a function's text."""
    constants = [
        _code(each) if isinstance(each, types.CodeType) else _constant(each)
        for each in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    flags = code.co_flags & ~inspect.CO_NESTED  # that tells where the text stood, no more
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    place = f"{code.co_qualname} at line {code.co_firstlineno} of {code.co_filename}"
    return f"{place} {counts} {names} {constants} {code.co_code.hex()}"


def _constant(value: object) -> str:
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


_ATOMS: dict[type, Callable[[Any], str]] = {
    type(None): repr,
    bool: repr,
    int: hex,  # not repr, which has a limit of 4300 digits
    float: _float,
    complex: lambda value: f"{_float(value.real)} {_float(value.imag)}",
    str: repr,
    bytes: repr,
    range: repr,
    # NumPy's numbers are told apart as little as Python's.
    np.bool: repr,
    np.int64: repr,
    np.float64: lambda value: _float(float(value)),
    type(...): repr,
    type(NotImplemented): repr,
    types.ModuleType: lambda module: module.__name__,
    types.BuiltinFunctionType: _builtin,
    types.MethodWrapperType: lambda value: f"{value.__objclass__.__name__}.{value.__name__}",
    types.WrapperDescriptorType: lambda value: f"{value.__objclass__.__name__}.{value.__name__}",
    types.MethodDescriptorType: lambda value: f"{value.__objclass__.__name__}.{value.__name__}",
    types.ClassMethodDescriptorType: lambda value: value.__qualname__,
    types.GetSetDescriptorType: lambda value: value.__name__,
    types.MemberDescriptorType: lambda value: value.__name__,
    types.CodeType: _code,
}


def _atom(value: object) -> str:
    kind = type(value)
    return f"{kind.__name__} {_ATOMS[kind](value)}"


# ------------------------------------------------------------------------------ with parts


def _content(value: object) -> list[Part]:
    """What an object holds: as the builtin that it derives from, by recipe, as attributes."""
    kind = type(value)
    base = next(each for each in kind.__mro__ if each in _CONTENTS or _has_recipe(each))
    if base not in _CONTENTS:
        return _reduced(value)
    if base is object and not kind.__flags__ & _DEFINED_IN_PYTHON and kind is not object:
        raise TypeError(f"nothing is known of {value!r}, so that it could be compared")
    # (Some wrappers of methods have copies of the function's attributes, others have not.)
    attributes = {} if base in (staticmethod, classmethod) else getattr(value, "__dict__", {})
    named = [(f".{name}", attributes[name]) for name in sorted(attributes)]
    return [*_CONTENTS[base](value), *named, *_slots(value)]


def _has_recipe(base: type) -> bool:
    """Whether it is a class of a library that says how its instances are built."""
    if base in copyreg.dispatch_table:
        return True
    if not {"__reduce__", "__reduce_ex__"} & vars(base).keys() or issubclass(base, BaseException):
        return False
    module = sys.modules.get(base.__module__)
    builtin = not base.__flags__ & _DEFINED_IN_PYTHON
    return builtin or getattr(module, base.__name__, None) is base


def _reduced(value: object) -> list[Part]:
    recipe = copyreg.dispatch_table.get(type(value))
    reduced: Any = recipe(value) if recipe is not None else value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return [(" is", reduced)]
    # Of the five parts the last two are iterators over items and over pairs.
    parts = [list(part) if index > 2 and part else part for index, part in enumerate(reduced)]
    return [(f".reduced[{index}]", part) for index, part in enumerate(parts)]


def _items(values: Iterable[object]) -> list[Part]:
    items = list(values)
    if len(items) > _LONG and all(map(_is_flat, items)):
        starts = range(0, len(items), _LONG)
        return [(f"[{lo}:{lo + _LONG}]", _flat(tuple(items[lo : lo + _LONG]))) for lo in starts]
    return [(f"[{index}]", value) for index, value in enumerate(items)]


def _is_flat(value: object) -> bool:
    kind = type(value)
    return kind in _ATOMS or (kind is tuple and all(map(_is_flat, cast(Any, value))))


def _flat(value: object) -> str:
    """The text of a value without identity."""
    return f"({', '.join(map(_flat, value))})" if isinstance(value, tuple) else _atom(value)


def _pairs(mapping: Any) -> Iterator[Part]:
    pairs = list(dict.items(mapping) if isinstance(mapping, dict) else mapping.items())
    if len(pairs) > _LONG and all(map(_is_flat, pairs)):
        yield from _items(pairs)
        return
    for index, (key, value) in enumerate(pairs):
        yield f" key {index}", key
        shown = repr(key) if type(key) in (str, int) else f"key {index}"
        yield f"[{shown}]", value


def _members(values: Any) -> list[Part]:
    """A set has no order that a program could count on."""
    base = frozenset if isinstance(values, frozenset) else set
    return _items(sorted(base.__iter__(values), key=lambda each: (type(each).__name__, repr(each))))


def _array(array: Any) -> list[Part]:
    held = array.ravel().tolist() if array.dtype.hasobject else array.tobytes()
    return [
        (".dtype", repr(array.dtype)),
        (".shape", array.shape),
        (".writeable", bool(array.flags.writeable)),
        (".data", held),
    ]


def _exception(error: Any) -> list[Part]:
    named = [name for name in _EXCEPTION_PARTS if hasattr(error, name)]
    return [(".args", error.args), *((f".{name}", getattr(error, name)) for name in named)]


def _cell(cell: Any) -> list[Part]:
    try:
        return [(".cell_contents", cell.cell_contents)]
    except ValueError:
        return []


def _slots(value: object) -> Iterator[Part]:
    for base in type(value).__mro__:
        if "__slots__" not in vars(base):
            continue
        for name, slot in vars(base).items():
            if isinstance(slot, types.MemberDescriptorType):
                with contextlib.suppress(AttributeError):  # nothing is assigned
                    yield f".{name}", slot.__get__(value)


def _attributes(*names: str) -> Callable[[Any], list[Part]]:
    return lambda value: [(f".{name}", getattr(value, name)) for name in names]


#: Builtin class -> the parts of its instances, and of those of classes that derive from it.
_CONTENTS: dict[type, Callable[[Any], Iterable[Part]]] = {
    list: lambda value: _items(list.__iter__(value)),
    tuple: lambda value: _items(tuple.__iter__(value)),
    dict: _pairs,
    types.MappingProxyType: _pairs,
    set: _members,
    frozenset: _members,
    slice: _attributes("start", "stop", "step"),
    bytearray: lambda value: [(" holds", bytes(value))],
    int: lambda value: [(" is", int.__index__(value))],
    float: lambda value: [(" is", float.__add__(value, -0.0))],
    str: lambda value: [(" is", str.__str__(value))],
    bytes: lambda value: [(" is", bytes.__getitem__(value, slice(None)))],
    np.ndarray: _array,
    np.generic: lambda value: [(".dtype", repr(value.dtype)), (".data", value.tobytes())],
    BaseException: _exception,
    property: _attributes("fget", "fset", "fdel", "__doc__"),
    staticmethod: _attributes("__func__"),
    classmethod: _attributes("__func__"),
    types.MethodType: _attributes("__func__", "__self__"),
    types.CellType: _cell,
    weakref.ref: lambda value: [("()", value())],
    functools.partial: _attributes("func", "args", "keywords"),
    type(functools.lru_cache(_cell)): lambda value: [("()", value.cache_parameters())],
    enum.Enum: lambda value: (),
    object: lambda value: (),
}
