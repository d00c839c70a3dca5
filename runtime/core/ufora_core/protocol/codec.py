"""Bytes <-> messages: one typed decoder a direction, several messages a frame.

A frame is one msgpack array of messages, so that a sender may put together what waits.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ufora_core.errors import ProtocolError
from ufora_core.protocol.client import FromClient, ToClient
from ufora_core.protocol.data import DataReply, DataRequest
from ufora_core.protocol.executor import FromExecutor, ToExecutor
from ufora_core.protocol.parts import Message
from ufora_core.protocol.worker import ToManager, ToPeer, ToWorker

_encoder = msgspec.msgpack.Encoder()


def encode(messages: Sequence[Message]) -> bytes:
    """One frame with these messages, in order."""
    return _encoder.encode(list(messages))


def _decoder_of(union: Any, direction: str) -> Callable[[bytes | memoryview], list[Any]]:
    decoder = msgspec.msgpack.Decoder(list[union])

    def decode(frame: bytes | memoryview) -> list[Any]:
        try:
            return decoder.decode(frame)
        except msgspec.DecodeError as error:
            raise ProtocolError(f"{len(frame)} bytes are no {direction} message: {error}") from None

    return decode


decode_from_client: Callable[[bytes | memoryview], list[FromClient]]
decode_to_client: Callable[[bytes | memoryview], list[ToClient]]
decode_to_manager: Callable[[bytes | memoryview], list[ToManager]]
decode_to_worker: Callable[[bytes | memoryview], list[ToWorker]]
decode_to_peer: Callable[[bytes | memoryview], list[ToPeer]]
decode_data_request: Callable[[bytes | memoryview], list[DataRequest]]
decode_data_reply: Callable[[bytes | memoryview], list[DataReply]]
decode_to_executor: Callable[[bytes | memoryview], list[ToExecutor]]
decode_from_executor: Callable[[bytes | memoryview], list[FromExecutor]]

decode_from_client = _decoder_of(FromClient, "client-to-manager")
decode_to_client = _decoder_of(ToClient, "manager-to-client")
decode_to_manager = _decoder_of(ToManager, "worker-to-manager")
decode_to_worker = _decoder_of(ToWorker, "manager-to-worker")
decode_to_peer = _decoder_of(ToPeer, "worker-to-worker")
decode_data_request = _decoder_of(DataRequest, "data request")
decode_data_reply = _decoder_of(DataReply, "data reply")
decode_to_executor = _decoder_of(ToExecutor, "supervisor-to-executor")
decode_from_executor = _decoder_of(FromExecutor, "executor-to-supervisor")
