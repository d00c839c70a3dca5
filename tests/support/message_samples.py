"""One instance of every message, made from its types, so that no message is forgotten."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import msgspec

from ufora_core.protocol import client, data, executor, worker
from ufora_core.protocol.parts import Message

DIRECTIONS: dict[str, Any] = {
    "client to manager": client.FromClient,
    "manager to client": client.ToClient,
    "worker to manager": worker.ToManager,
    "manager to worker": worker.ToWorker,
    "worker to worker": worker.ToPeer,
    "data request": data.DataRequest,
    "data reply": data.DataReply,
    "supervisor to executor": executor.ToExecutor,
    "executor to supervisor": executor.FromExecutor,
}


def messages(union: Any) -> Iterator[type[Message]]:
    """The message types of one direction, in the order in which they are declared."""
    yield from get_args(union) or (union,)


def sample(message: type[Any]) -> Any:
    """An instance with a recognisable value in every field."""
    return message(
        **{
            field.name: _value(field.type, field.name)
            for field in msgspec.inspect.type_info(message).fields  # type: ignore[attr-defined]
        }
    )


def _value(type_info: Any, name: str) -> Any:
    match type_info:
        case msgspec.inspect.StructType(cls=cls):
            return sample(cls)
        case msgspec.inspect.UnionType(types=types):
            chosen = [each for each in types if not isinstance(each, msgspec.inspect.NoneType)]
            return _value(chosen[0], name)
        case msgspec.inspect.VarTupleType(item_type=item):
            return (_value(item, name),)
        case msgspec.inspect.TupleType(item_types=items):
            return tuple(_value(each, name) for each in items)
        case msgspec.inspect.LiteralType(values=values):
            return values[0]
        case _:
            return _PLAIN[type(type_info)](name)


_PLAIN: dict[type, Callable[[str], Any]] = {
    msgspec.inspect.BoolType: lambda name: True,
    msgspec.inspect.IntType: len,
    msgspec.inspect.FloatType: lambda name: len(name) + 0.5,
    msgspec.inspect.StrType: str,
    msgspec.inspect.BytesType: str.encode,
}
