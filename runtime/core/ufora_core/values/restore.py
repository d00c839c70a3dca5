"""What recipes call on the other side to rebuild objects (see ``objects``); setting state."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
import typing
import weakref
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any

from ufora_core.errors import ValueGraphError

#: Attributes of an exception that are not in its ``__dict__``, in the order of setting them:
#: ``__cause__`` also sets ``__suppress_context__``.
_EXCEPTION_SLOTS = ("args", "__cause__", "__context__", "__suppress_context__")


#: Flags of a class: made when the program ran; cannot be changed, or called, as only C may say.
_HEAP_TYPE, _IMMUTABLE, _UNCALLABLE = 1 << 9, 1 << 8, 1 << 7


def is_defined_in_python(kind: type) -> bool:
    """Whether a class was made by a ``class`` statement or a call of ``type``."""
    return kind.__flags__ & (_HEAP_TYPE | _IMMUTABLE | _UNCALLABLE) == _HEAP_TYPE


def _builtin_class(kind: type) -> Any:
    return next(base for base in kind.__mro__ if not is_defined_in_python(base))


def read_exception(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What ``new_exception`` and ``set_state`` take to rebuild an exception."""
    builtin = _builtin_class(type(error))
    recipe = builtin.__reduce__(error)
    members = _members(type(error)).items()
    state = {name: member.__get__(error) for name, member in members if _is_set(error, member)}
    state.update({name: getattr(error, name) for name in _EXCEPTION_SLOTS})
    if len(recipe) > 2 and isinstance(recipe[2], dict):
        state.update(recipe[2])
    return recipe[1], state


def _members(kind: type) -> dict[str, MemberDescriptorType]:
    """What an exception stores beside its ``args`` and ``__dict__``: ``NameError.name``, slots."""
    return {
        name: value
        for base in reversed(kind.__mro__)
        for name, value in vars(base).items()
        if type(value) is MemberDescriptorType and name not in _EXCEPTION_SLOTS
    }


def _is_set(error: BaseException, member: MemberDescriptorType) -> bool:
    try:
        value = member.__get__(error)
    except AttributeError:
        return False
    # In C, unset is None, and being set to None is something else.
    return value is not None or is_defined_in_python(member.__objclass__)


def new_exception(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """An exception as the builtin class under it makes it: the user's ``__init__`` need not take
    what ``args`` holds, and has run already."""
    builtin = _builtin_class(kind)
    if not issubclass(builtin, BaseException):
        raise ValueGraphError(f"{kind.__qualname__} is no class of exceptions")
    error = builtin.__new__(kind, *arguments)
    builtin.__init__(error, *arguments)
    assert isinstance(error, BaseException)
    return error


def new_wrapper(kind: type, parts: tuple[Any, ...]) -> object:
    """An instance of a subclass of ``property``, ``staticmethod`` or ``classmethod``, past the
    ``__init__`` of the user's, which need not take these."""
    builtin = _builtin_class(kind)
    if builtin not in (property, staticmethod, classmethod):
        raise ValueGraphError(f"{kind.__qualname__} wraps no functions")
    wrapper: object = builtin.__new__(kind)
    builtin.__init__(wrapper, *parts)
    return wrapper


def set_state(value: Any, state: Any) -> None:
    """Give a new object its state, as unpickling does."""
    if isinstance(value, BaseException) and isinstance(state, dict):
        _set_exception_state(value, dict(state))
        return
    setter = getattr(value, "__setstate__", None)
    if setter is not None:
        setter(state)
        return
    slots: Any = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        vars(value).update({sys.intern(name): each for name, each in state.items()})
    if slots:
        for name, each in slots.items():
            object.__setattr__(value, name, each)


def _set_exception_state(error: BaseException, state: dict[str, Any]) -> None:
    for name, member in _members(type(error)).items():
        if name in state:
            with contextlib.suppress(AttributeError, TypeError):  # a few can only be read
                member.__set__(error, state.pop(name))
    special = [(name, state.pop(name)) for name in _EXCEPTION_SLOTS if name in state]
    if type(error).__setstate__ is not BaseException.__setstate__:
        error.__setstate__(state)
    else:
        BaseException.__setstate__(error, state)
    for name, each in special:
        BaseException.__setattr__(error, name, each)


def with_cache(function: Callable[..., Any], maxsize: int | None, typed: bool) -> object:
    """``functools.lru_cache``, empty."""
    return functools.lru_cache(maxsize, typed)(function)


def new_reference(target: object, *key: object) -> object:
    """A weak reference without its callback; a dead one if there is no target."""
    referred = _Gone() if target is None else target
    return weakref.KeyedRef(referred, _ignore, *key) if key else weakref.ref(referred)


class _Gone:
    """What a dead reference referred to."""


def _ignore(reference: object) -> None:
    pass


def dataclass_parameters(values: dict[str, bool]) -> object:
    """``__dataclass_params__``, as far as this version of Python has them."""
    parameters: Any = object.__new__(dataclasses._DataclassParams)  # type: ignore[attr-defined]
    for name in type(parameters).__slots__:
        setattr(parameters, name, values.get(name, False))
    return parameters


def type_variable(
    arguments: tuple[Any, ...], bound: Any, covariant: bool, contravariant: bool, module: str
) -> object:
    """A ``typing.TypeVar``."""
    variable = typing.TypeVar(  # type: ignore[misc]  # mypy wants literals
        *arguments, bound=bound, covariant=covariant, contravariant=contravariant
    )
    variable.__module__ = module
    return variable
