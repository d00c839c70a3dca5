"""Methods that ``dataclass`` and ``namedtuple`` wrote into a class.

They have no source, and byte code would tie the client's version of Python to the workers'. Where
it does not fit, the same decorators write them again, from the fields, into a class of their own;
the code is taken from there, everything else about a method has travelled.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from types import FunctionType
from typing import Any

#: File name of code that ``dataclass`` and ``namedtuple`` compile.
_GENERATED = "<string>"


def generated_methods(cls: type) -> Iterator[tuple[str, list[FunctionType]]]:
    """The methods of the class's own that can be written again, each with the functions that it
    consists of."""
    if is_dataclass_itself(cls) or _is_named_tuple(cls):
        for name, value in vars(cls).items():
            functions = list(_layers(value))
            if functions and functions[-1].__code__.co_filename == _GENERATED:
                yield name, functions


def is_dataclass_itself(cls: type) -> bool:
    """Whether the class, and not only a base of it, is a dataclass."""
    return "__dataclass_params__" in vars(cls)


def _is_named_tuple(cls: type) -> bool:
    return tuple in cls.__bases__ and "_fields" in vars(cls)


def _layers(method: Any) -> Iterator[FunctionType]:
    """The function of a method, and what it wraps."""
    function = method.__func__ if type(method) is staticmethod else method
    while type(function) is FunctionType:
        yield function
        function = function.__dict__.get("__wrapped__")


def stand_in() -> None:
    """Has the code of such a method until its class is complete."""


def write_again(cls: Any, names: list[str]) -> None:
    """Give methods of the class their code, if that did not fit."""
    waiting = [name for name in names if _waits(vars(cls).get(name))]
    if waiting:
        model = _named_tuple_like(cls) if _is_named_tuple(cls) else _dataclass_like(cls)
        for name in waiting:
            method = _with_code_of(vars(model)[name], vars(cls)[name], {model: cls})
            type.__setattr__(cls, name, method)


def _waits(method: Any) -> bool:
    return any(function.__code__ is stand_in.__code__ for function in _layers(method))


def _with_code_of(like: Any, method: Any, classes: dict[type, type]) -> Any:
    """``method`` with the code and closure of ``like``."""
    if type(method) is staticmethod:
        return staticmethod(_with_code_of(like.__func__, method.__func__, classes))
    for cell in like.__closure__ or ():
        if type(cell.cell_contents) is type:  # a frozen class asks who is being changed
            cell.cell_contents = classes.get(cell.cell_contents, cell.cell_contents)
    # What wraps a method belongs to the standard library, and so do the names that it uses.
    variables = like.__globals__ if "__wrapped__" in like.__dict__ else method.__globals__
    function = FunctionType(
        like.__code__, variables, method.__name__, method.__defaults__, like.__closure__
    )
    for attribute in ("__kwdefaults__", "__annotations__", "__qualname__", "__module__", "__doc__"):
        setattr(function, attribute, getattr(method, attribute))
    function.__dict__.update(like.__dict__)
    return function


def _named_tuple_like(cls: Any) -> Any:
    make: Any = collections.namedtuple  # mypy wants literals
    return make(cls.__name__, cls._fields)


def _dataclass_like(cls: Any) -> Any:
    fields = [
        (field.name, _kind_of(field), _copy_of(field))
        for field in cls.__dataclass_fields__.values()
        if field._field_type is not dataclasses._FIELD_CLASSVAR  # type: ignore[attr-defined]
    ]
    params = cls.__dataclass_params__
    return dataclasses.make_dataclass(
        cls.__name__,
        fields,
        namespace={"__post_init__": None} if hasattr(cls, "__post_init__") else {},
        init=params.init,
        repr=params.repr,
        eq=params.eq,
        order=params.order,
        unsafe_hash=params.unsafe_hash,
        frozen=params.frozen,
    )


def _kind_of(field: Any) -> Any:
    """What tells a field that is only a parameter of ``__init__``; other types do not matter."""
    is_parameter = field._field_type is dataclasses._FIELD_INITVAR  # type: ignore[attr-defined]
    return dataclasses.InitVar[object] if is_parameter else object


def _copy_of(field: Any) -> Any:
    return dataclasses.field(
        default=field.default,
        default_factory=field.default_factory,
        init=field.init,
        repr=field.repr,
        hash=field.hash,
        compare=field.compare,
        kw_only=field.kw_only,
    )
