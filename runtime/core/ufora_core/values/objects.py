"""Instances of any class: by their attributes, by their own recipe (``__reduce_ex__``), by
cloudpickle, or not at all."""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
import enum
import functools
import io
import threading
import types
import typing
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

import cloudpickle

from ufora_core.values import nodes
from ufora_core.values.contents import recipe_by_contents
from ufora_core.values.functions import PYTHON
from ufora_core.values.modules import is_installed, user_modules
from ufora_core.values.nodes import AnyNode
from ufora_core.values.restore import (
    dataclass_parameters,
    is_defined_in_python,
    new_exception,
    new_reference,
    new_wrapper,
    read_exception,
    type_variable,
    with_cache,
)

if TYPE_CHECKING:
    from ufora_core.values.encode import Encoder

Handler = Callable[["Encoder", Any], AnyNode]

#: Own methods of these names mean that a class's instances are more than their attributes.
_CUSTOM = (
    "__reduce_ex__",
    "__reduce__",
    "__getstate__",
    "__setstate__",
    "__getnewargs_ex__",
    "__getnewargs__",
)


def is_plain(value: object) -> bool:
    """Whether the object is its ``__dict__`` and slots and nothing else."""
    kind = type(value)
    if kind in copyreg.dispatch_table:
        return False
    if not all(map(is_defined_in_python, kind.__mro__[:-1])):
        return False
    if any(getattr(kind, name, None) is not getattr(object, name, None) for name in _CUSTOM):
        return False
    try:
        object.__reduce_ex__(value, 4)  # looks for memory that no attribute accounts for
    except TypeError:
        return False
    return True


def slots_of(kind: type) -> Sequence[str]:
    """Names of the slots of a class and its bases, as they are stored."""
    found = _slots.get(kind)
    if found is None:
        found = _slots[kind] = tuple(
            name
            for base in reversed(kind.__mro__)
            for name, value in vars(base).items()
            if type(value) is MemberDescriptorType
        )
    return found


#: Those of classes that were asked for: there may be many instances.
_slots: weakref.WeakKeyDictionary[type, tuple[str, ...]] = weakref.WeakKeyDictionary()


def handler_for(value: object) -> Handler:
    """How instances of the class of ``value`` are encoded, which has no encoder of its own."""
    kind = type(value)
    if issubclass(kind, threading.Thread | io.IOBase) and kind not in (io.BytesIO, io.StringIO):
        return _encode_placeholder
    if kind in _RECIPES or issubclass(kind, enum.Enum) or not is_plain(value):
        return encode_by_recipe
    return encode_instance


def _has_builtin_reduce(kind: type[BaseException]) -> bool:
    """Whether no class of the user's says how to rebuild its exceptions."""
    return kind not in copyreg.dispatch_table and not any(
        name in vars(base)
        for base in kind.__mro__
        if is_defined_in_python(base)
        for name in _CUSTOM
    )


# ------------------------------------------------------------------------------ by attributes


def encode_instance(encoder: Encoder, value: Any) -> AnyNode:
    """An object that is its attributes."""
    kind = type(value)
    if is_installed(kind.__module__):
        named = encoder.names.singleton(value)
        if named is not None:
            return named
    attributes = getattr(value, "__dict__", {})
    if not all(type(name) is str and name.isascii() for name in attributes):
        return encode_by_recipe(encoder, value)
    return _by_attributes(encoder, value)


def _by_attributes(encoder: Encoder, value: Any) -> AnyNode:
    kind, attributes = type(value), getattr(value, "__dict__", {})
    slots = [name for name in slots_of(kind) if _has(value, name)]
    return nodes.Instance(
        encoder.ref(kind),
        list(attributes),
        list(map(encoder.ref, attributes.values())),
        slots,
        [encoder.ref(object.__getattribute__(value, name)) for name in slots],
    )


def _has(value: object, slot: str) -> bool:
    try:
        object.__getattribute__(value, slot)
    except AttributeError:
        return False
    return True


# ------------------------------------------------------------------------------ by recipe


def recipe_of(value: Any) -> Any:
    """How to rebuild an object: a name, or a call with its arguments, state, items and pairs.

    Raises whatever the object's own methods raise.
    """
    kind = type(value)
    if issubclass(kind, enum.Enum):
        return _recipe_of_member(value)
    if issubclass(kind, BaseException) and _has_builtin_reduce(kind):
        arguments, state = read_exception(value)
        return new_exception, (kind, arguments), state
    if kind in _RECIPES:
        return _RECIPES[kind](value)
    if issubclass(kind, property | staticmethod | classmethod):
        return _recipe_of_wrapper(value)
    return _reduce(value)


def _recipe_of_member(value: enum.Enum) -> tuple[Any, ...]:
    kind = type(value)
    if value._name_ is not None and kind.__members__.get(value._name_) is value:
        return getattr, (kind, value._name_)
    return kind, (value._value_,)  # a combination of flags


def _recipe_of_wrapper(value: Any) -> tuple[Any, ...]:
    """Of an instance of a subclass of ``property`` and its like."""
    is_property = issubclass(type(value), property)
    parts = (value.fget, value.fset, value.fdel) if is_property else (value.__func__,)
    return new_wrapper, (type(value), parts), getattr(value, "__dict__", None) or None


def _reduce(value: Any) -> Any:
    reducer = copyreg.dispatch_table.get(type(value))
    if reducer is not None:
        return reducer(value)
    if type(value).__module__ != "itertools":
        return recipe_by_contents(value, value.__reduce_ex__(4))
    with _without_deprecations():
        return value.__reduce_ex__(4)


@contextlib.contextmanager
def _without_deprecations() -> Iterator[None]:
    """The recipes of itertools go with Python 3.14; until then they work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def encode_by_recipe(encoder: Encoder, value: Any) -> AnyNode:
    """An object by what its class says about rebuilding it; by cloudpickle if it says nothing."""
    if is_installed(type(value).__module__):
        named = encoder.names.singleton(value)
        if named is not None:
            return named
    try:
        recipe = recipe_of(value)
    except Exception as error:  # the user's own method may raise anything
        return _encode_pickled(encoder, value, error)
    if isinstance(recipe, str):
        return encoder.names.of(value, recipe) or _encode_nameless(encoder, value)
    if not isinstance(recipe, tuple) or not 2 <= len(recipe) <= 5:
        return _encode_pickled(encoder, value)
    call, arguments, state, items, pairs = (*recipe, None, None, None)[:5]
    return nodes.Reduced(
        encoder.ref(call),
        encoder.part(arguments),
        encoder.part(state),
        encoder.part(None if items is None else list(items)),
        encoder.part(None if pairs is None else list(pairs)),
    )


def _encode_nameless(encoder: Encoder, value: Any) -> AnyNode:
    """An object that means to be found by a name, but belongs to the user: a ``NewType``."""
    if all(map(is_defined_in_python, type(value).__mro__[:-1])):
        return _by_attributes(encoder, value)
    return _encode_pickled(encoder, value)


#: Not the same in all versions of Python.
_DATACLASS_PARAMETERS: type = dataclasses._DataclassParams  # type: ignore[attr-defined]

#: Recipes for what Python itself does not know how to rebuild.
_RECIPES: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    types.MappingProxyType: lambda value: (types.MappingProxyType, (dict(value),)),
    functools.cached_property: lambda value: (
        functools.cached_property,
        (value.func,),
        {"attrname": value.attrname, "__doc__": value.__doc__},
    ),
    functools._lru_cache_wrapper: lambda value: (
        with_cache,
        (value.__wrapped__, *value.cache_parameters().values()),
        {name: each for name, each in vars(value).items() if name != "__wrapped__"},
    ),
    _DATACLASS_PARAMETERS: lambda value: (
        dataclass_parameters,
        ({name: getattr(value, name) for name in slots_of(type(value))},),
    ),
    weakref.ReferenceType: lambda value: (new_reference, (value(),)),
    weakref.KeyedRef: lambda value: (new_reference, (value(), value.key)),
    typing.ForwardRef: lambda value: (typing.ForwardRef, (value.__forward_arg__,)),
    typing.ParamSpec: lambda value: (typing.ParamSpec, (value.__name__,)),
    typing.TypeVarTuple: lambda value: (typing.TypeVarTuple, (value.__name__,)),
    typing.TypeVar: lambda value: (
        type_variable,
        (
            (value.__name__, *value.__constraints__),
            value.__bound__,
            value.__covariant__,
            value.__contravariant__,
            value.__module__,
        ),
    ),
}

# ------------------------------------------------------------------------------ the last resorts


def _encode_pickled(encoder: Encoder, value: Any, error: Exception | None = None) -> AnyNode:
    try:
        data = pickled(value)
    except Exception as second:  # whatever a class's own code raises
        return encoder.placeholder(value, str(error or second))
    return nodes.Pickled(encoder.bytes_of(data), type(value).__qualname__, PYTHON)


def pickled(value: object) -> bytes:
    """``value`` by cloudpickle, what is the user's own by value."""
    modules = [module for module in user_modules() if module.__name__ != "__main__"]
    registered = []
    try:
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
            registered.append(module)
        with _without_deprecations():
            data: bytes = cloudpickle.dumps(value)
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)
    return data


def encode_pickled(encoder: Encoder, value: Any) -> AnyNode:
    """An object that only cloudpickle understands, or a placeholder."""
    return _encode_pickled(encoder, value)


def _encode_placeholder(encoder: Encoder, value: Any) -> AnyNode:
    standard_stream = encoder.names.in_module("sys", value)
    return standard_stream or encoder.placeholder(value, "it belongs to the client's process")
