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


def generated_methods(cls: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods of the class's own that can be written again, each by its name."""
    if "__dataclass_params__" in vars(cls) or _is_named_tuple(cls):
        for name, value in vars(cls).items():
            function = _written(value)
            if function is not None and function.__code__.co_filename == _GENERATED:
                yield name, function


def _written(value: Any) -> FunctionType | None:
    """The function of a method, without what is wrapped around it."""
    function = value.__func__ if type(value) is staticmethod else value
    inner = getattr(function, "__wrapped__", function) if type(function) is FunctionType else None
    return inner if type(inner) is FunctionType else None


def _is_named_tuple(cls: type) -> bool:
    return tuple in cls.__bases__ and "_fields" in vars(cls)


def stand_in() -> None:
    """Has the code of such a method until its class is complete."""


def write_again(cls: Any, names: list[str]) -> None:
    """Give methods of the class their code, if that did not fit."""
    waiting = [name for name in names if _waits(vars(cls).get(name))]
    if waiting:
        model = _named_tuple_like(cls) if _is_named_tuple(cls) else _dataclass_like(cls)
        for name in waiting:
            _replace(cls, name, model)


def _waits(value: Any) -> bool:
    function = _written(value)
    return function is not None and function.__code__ is stand_in.__code__


def _replace(cls: Any, name: str, model: Any) -> None:
    method = vars(cls)[name]
    before, like = _written(method), _written(vars(model)[name])
    assert before is not None and like is not None
    for cell in like.__closure__ or ():
        if cell.cell_contents is model:  # a frozen class asks who is being changed
            cell.cell_contents = cls
    function: Any = FunctionType(
        like.__code__, before.__globals__, before.__name__, before.__defaults__, like.__closure__
    )
    for attribute in ("__kwdefaults__", "__annotations__", "__qualname__", "__module__", "__doc__"):
        setattr(function, attribute, getattr(before, attribute))
    if type(method) is staticmethod:
        type.__setattr__(cls, name, staticmethod(function))
    elif method is before:
        type.__setattr__(cls, name, function)
    else:
        method.__wrapped__ = function
        for cell in method.__closure__:
            if cell.cell_contents is before:
                cell.cell_contents = function


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
