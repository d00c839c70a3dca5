"""The data port (30010): gives out objects of the store, and takes those that are pushed."""

from collections.abc import Sequence
from functools import partial

import zmq

from ufora_core.errors import ProtocolError, StoreError
from ufora_core.listener import Listener
from ufora_core.protocol.codec import decode_data_request, encode
from ufora_core.protocol.data import (
    CHUNK_SIZE,
    Chunk,
    ChunkTaken,
    DataReply,
    DataRequest,
    Fetch,
    Unknown,
)
from ufora_core.sockets import peer_of
from ufora_core.store import ObjectStore, Sink
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens
from ufora_worker.supervisor.poll_loop import PollLoop, PollSocket

#: Requests answered before other sockets get their turn: 8 MiB, some milliseconds.
_BURST = 8
#: Objects that may arrive at once; past it the one that began first is dropped.
_MOST_ARRIVING = 64

Reply = tuple[DataReply, Sequence[memoryview]]


class _Arrival:
    """An object that somebody pushes here."""

    def __init__(self, sink: Sink, size: int) -> None:
        self.sink = sink
        self.size = size
        self.received = 0


class DataPort:
    """Serves one store. Every request is answered at once, so nothing is remembered of a peer but
    the objects that it is in the middle of pushing."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        tokens: Tokens,
        host: str,
        port: int,
        store: ObjectStore,
    ) -> None:
        self._store = store
        self._arriving: dict[tuple[bytes, str], _Arrival] = {}
        self._listener = Listener(
            context,
            partial(PollSocket, loop, burst=_BURST),
            tokens,
            self._on_message,
            what="data port",
            host=host,
            port=port,
            variable="UFORA_WORKER_BASE_PORT",
        )
        self.port = self._listener.port
        self._strangers = Strangers(self._listener.name)

    def rekey(self) -> None:
        """Listen with the key of the current token."""
        self._listener.rekey()

    def close(self) -> None:
        """Stop listening; what was arriving is thrown away."""
        for key in list(self._arriving):
            self._give_up(key)
        self._listener.close()

    def _on_message(self, frames: list[zmq.Frame]) -> None:
        try:
            self._answer_all(frames)
        except ProtocolError as error:
            self._strangers.note(peer_of(frames[-1]), f"garbage: {error}")

    def _answer_all(self, frames: list[zmq.Frame]) -> None:
        if len(frames) not in (2, 3):
            raise ProtocolError(f"{len(frames)} frames instead of 2 or 3")
        identity = frames[0].bytes
        data = frames[2].buffer if len(frames) == 3 else memoryview(b"")
        for request in decode_data_request(frames[1].buffer):
            message, buffers = self._answer(identity, request, data)
            parts: list[bytes | memoryview] = [identity, encode([message]), *buffers]
            if not self._listener.send(parts):
                return  # the peer does not read; it will ask again or give up

    def _answer(self, identity: bytes, request: DataRequest, data: memoryview) -> Reply:
        try:
            if isinstance(request, Fetch):
                return self._chunk(request)
            return ChunkTaken(
                digest=request.digest, received=self._take(identity, request, data)
            ), ()
        except StoreError as error:
            self._give_up((identity, request.digest))
            return Unknown(digest=request.digest, reason=str(error)), ()

    def _chunk(self, request: Fetch) -> Reply:
        data = self._store.open(request.digest)
        if not 0 <= request.offset <= len(data):
            raise StoreError(f"object {request.digest[:12]} has {len(data)} bytes")
        part = data[request.offset : request.offset + CHUNK_SIZE]
        return Chunk(digest=request.digest, offset=request.offset, size=len(data)), (part,)

    # ------------------------------------------------------------------ pushes

    def _take(self, identity: bytes, chunk: Chunk, data: memoryview) -> int:
        """Store a chunk; the number of bytes that are here."""
        if chunk.digest in self._store:
            self._give_up((identity, chunk.digest))
            return chunk.size
        key = (identity, chunk.digest)
        if chunk.offset == 0:
            self._begin(key, chunk.size)
        arrival = self._arriving.get(key)
        if arrival is None or chunk.offset != arrival.received:
            raise StoreError(f"the chunk at {chunk.offset} is not the next one; start again")
        if arrival.received + len(data) > arrival.size:
            raise StoreError(f"more than the promised {arrival.size} bytes arrived; start again")
        arrival.sink.write(data)
        arrival.received += len(data)
        if arrival.received == arrival.size:
            del self._arriving[key]
            arrival.sink.commit()
        return arrival.received

    def _begin(self, key: tuple[bytes, str], size: int) -> None:
        self._give_up(key)
        if len(self._arriving) >= _MOST_ARRIVING:
            self._give_up(next(iter(self._arriving)))
        self._arriving[key] = _Arrival(self._store.writer(key[1]), size)

    def _give_up(self, key: tuple[bytes, str]) -> None:
        arrival = self._arriving.pop(key, None)
        if arrival is not None:
            arrival.sink.discard()
