"""What stands for a value that nothing can carry: it raises as soon as it is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ufora_core.errors import UnconvertibleValueError
from ufora_core.values import nodes
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder
    from ufora_core.values.encode import Encoder

#: The methods behind operators, builtins and statements. ``__hash__`` is left alone, so that a set
#: of such values can exist, and ``__class__`` comes with ``__getattribute__``.
_TOUCHES = (
    *("__getattribute__", "__setattr__", "__delattr__", "__dir__", "__call__", "__reduce_ex__"),
    *("__repr__", "__str__", "__bytes__", "__format__", "__bool__", "__fspath__", "__reduce__"),
    *("__len__", "__length_hint__", "__iter__", "__next__", "__reversed__", "__contains__"),
    *("__getitem__", "__setitem__", "__delitem__", "__enter__", "__exit__"),
    *("__await__", "__aiter__", "__anext__", "__aenter__", "__aexit__"),
    *("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"),
    *("__neg__", "__pos__", "__abs__", "__invert__", "__complex__", "__int__", "__float__"),
    *("__index__", "__round__", "__trunc__", "__floor__", "__ceil__"),
    *("__instancecheck__", "__subclasscheck__", "__mro_entries__", "__copy__", "__deepcopy__"),
)
_OPERATORS = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"),
    *("lshift", "rshift", "and", "xor", "or"),
)


def _touch(self: object, *arguments: object, **keywords: object) -> NoReturn:
    node = node_of(self)
    error = UnconvertibleValueError(_message(node))
    error.__dict__["placeholder"] = node
    raise error


def _message(node: nodes.Placeholder) -> str:
    subject = f"the value of {node.variable}" if node.variable else "a value"
    where = f" at {node.where}" if node.where else ""
    if node.in_cluster:
        return (
            f"{subject} (a {node.type}) was made in the cluster and stayed there: {node.reason}. "
            f"Use it inside of the block, or let the block assign what it gives, such as a list."
        )
    return (
        f"{subject} (a {node.type}) is used in the cluster, but stayed in the client{where}: "
        f"{node.reason}. Make it inside of the block, or pass on what it holds instead."
    )


def _methods() -> dict[str, Callable[..., NoReturn]]:
    names = [*_TOUCHES]
    for operator in _OPERATORS:
        names += [f"__{operator}__", f"__r{operator}__", f"__i{operator}__"]
    return dict.fromkeys(names, _touch)


class Unconvertible:
    """Stands for a value that stayed where it was made; any use raises UnconvertibleValueError."""

    __slots__ = ("__weakref__", "_node")

    _node: nodes.Placeholder


for _name, _method in _methods().items():
    setattr(Unconvertible, _name, _method)
Unconvertible.__hash__ = object.__hash__  # type: ignore[method-assign]


def unconvertible(node: nodes.Placeholder) -> Unconvertible:
    """The object that stands for the value which ``node`` describes."""
    value = object.__new__(Unconvertible)
    object.__setattr__(value, "_node", node)
    return value


def unconvertible_like(error: UnconvertibleValueError) -> Unconvertible:
    """Stands for an object that could not be made, since that touched what stayed behind."""
    return unconvertible(error.__dict__["placeholder"])


def node_of(value: object) -> nodes.Placeholder:
    """What an ``Unconvertible`` says about the value that it stands for."""
    node = object.__getattribute__(value, "_node")
    assert isinstance(node, nodes.Placeholder)
    return node


def _encode(encoder: Encoder, value: Unconvertible) -> nodes.Placeholder:
    return node_of(value)


def _make(decoder: Decoder, node: nodes.Placeholder) -> Unconvertible:
    return unconvertible(node)


ENCODERS: dict[type, Callable[[Encoder, Any], nodes.AnyNode]] = {Unconvertible: _encode}
STEPS: dict[type, Steps] = {nodes.Placeholder: Steps(_make)}
