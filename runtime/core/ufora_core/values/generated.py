"""Methods that ``dataclass`` and ``namedtuple`` wrote into a class.

They have no source, and as byte code they would tie the client's version of Python to the
workers'. So they stay behind, and the same decorators write them again on the other side, from
the fields: into a class of their own, from which they are taken.
"""

from __future__ import annotations

import collections
import dataclasses
from types import FunctionType
from typing import Any

#: File name of code that ``dataclass`` and ``namedtuple`` compile.
_GENERATED = "<string>"


def generated_names(cls: type) -> list[str]:
    """Names of the methods of the class's own that can be written again."""
    if "__dataclass_params__" not in vars(cls) and not _is_named_tuple(cls):
        return []
    return [name for name, value in vars(cls).items() if _is_generated(value)]


def _is_generated(value: Any) -> bool:
    function = value.__func__ if type(value) is staticmethod else value
    if type(function) is not FunctionType:
        return False
    inner = getattr(function, "__wrapped__", function)
    return type(inner) is FunctionType and inner.__code__.co_filename == _GENERATED


def _is_named_tuple(cls: type) -> bool:
    return tuple in cls.__bases__ and "_fields" in vars(cls)


def write_again(cls: Any, names: list[str]) -> None:
    """Give the class these methods, which it had in the client."""
    model = _named_tuple_like(cls) if _is_named_tuple(cls) else _dataclass_like(cls)
    for name in names:
        method = vars(model)[name]
        function = method.__func__ if type(method) is staticmethod else method
        function.__qualname__ = f"{cls.__qualname__}.{name}"
        for cell in function.__closure__ or ():
            if cell.cell_contents is model:  # a frozen class asks who is being changed
                cell.cell_contents = cls
        type.__setattr__(cls, name, method)


def _named_tuple_like(cls: Any) -> type:
    make: Any = collections.namedtuple  # mypy wants literals
    model: Any = make(
        cls.__name__, cls._fields, defaults=list(cls._field_defaults.values()) or None
    )
    if "__annotations__" in vars(cls):
        model.__new__.__annotations__ = cls.__annotations__
    return model  # type: ignore[no-any-return]


def _dataclass_like(cls: Any) -> type:
    fields = [
        (field.name, _kind_of(field), _copy_of(field))
        for field in cls.__dataclass_fields__.values()
        if field._field_type is not dataclasses._FIELD_CLASSVAR  # type: ignore[attr-defined]
    ]
    params = cls.__dataclass_params__
    hooks = {"__post_init__": None} if hasattr(cls, "__post_init__") else {}
    model = dataclasses.make_dataclass(
        cls.__name__,
        fields,
        namespace=hooks,
        init=params.init,
        repr=params.repr,
        eq=params.eq,
        order=params.order,
        unsafe_hash=params.unsafe_hash,
        frozen=params.frozen,
    )
    for value in vars(model).values():
        if _is_generated(value):
            value.__module__ = cls.__module__
    return model


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
