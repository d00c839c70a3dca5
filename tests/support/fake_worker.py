"""A worker that does only what a test tells it to, over real sockets."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

import zmq

from ufora_core import __version__
from ufora_core.dialer import Dialer
from ufora_core.listener import Listener
from ufora_core.protocol import codec
from ufora_core.protocol.data import CHUNK_SIZE, Chunk, ChunkTaken, DataReply, Fetch, Unknown
from ufora_core.protocol.parts import Message, Payload, WorkerAddress
from ufora_core.protocol.version import VERSION
from ufora_core.protocol.worker import Hello, PlaceRoot, RootDone
from ufora_core.store import digest_of
from ufora_core.tokens import Tokens, TokenSource
from ufora_manager.loop_socket import LoopSocket

T = TypeVar("T", bound=Message)

NO_TOKENS = TokenSource()

#: Longest wait for a message, in seconds; it only ever runs out when a test fails.
PATIENCE = 10.0


class FakeWorker:
    """Speaks to a manager's registry port and serves a data port.

    ``objects`` is its store. ``answer``, when set, is called with each ``PlaceRoot``.
    """

    def __init__(
        self,
        registry_port: int,
        name: str = "w0",
        executors: int = 2,
        tokens: TokenSource = NO_TOKENS,
    ) -> None:
        self.name = name
        self.executors = executors
        self.objects: dict[str, bytes] = {}
        self.pushed: dict[str, bytearray] = {}
        #: Chunks that were given out or taken.
        self.chunks = 0
        self.answer: Callable[[PlaceRoot], None] | None = None
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.tokens = Tokens(tokens)
        #: True for each connection to the manager that was made, False for each that broke.
        self.links: list[bool] = []
        self._registry_port = registry_port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        attach = partial(LoopSocket, loop)
        self._registry = Dialer(
            self._context,
            attach,
            self.tokens,
            self._on_message,
            self.links.append,
            peer="the manager",
            host="127.0.0.1",
            port=self._registry_port,
            identity=self.name,
        )
        self._data = Listener(
            self._context,
            attach,
            self.tokens,
            self._on_request,
            what="data port",
            host="127.0.0.1",
            port=0,
            variable="",
        )
        self.address = WorkerAddress(self.name, "127.0.0.1", 1, self._data.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._registry.close()
        self._data.close()
        self._context.term()

    def rekey(self) -> None:
        """Look at the token files, and go over to another key if there is one."""
        self.tokens.refresh()
        self._data.rekey()

    def send(self, *messages: Message) -> None:
        """Send one frame to the manager."""
        self.send_raw(codec.encode(messages))

    def send_raw(self, *frames: bytes) -> None:
        """Send any bytes to the registry port."""
        self._registry.send(frames)

    def hello(self, **changes: Any) -> Hello:
        """This worker's first message."""
        facts: dict[str, Any] = {
            "protocol": VERSION,
            "release": __version__,
            "python": "3.11",
            "address": self.address,
            "executors": self.executors,
            "incarnation": "one",
        }
        return Hello(**(facts | changes))

    async def next(self, kind: type[T]) -> T:
        """The next message of this type; others before it are passed over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.inbox.get()
                if isinstance(message, kind):
                    return message

    def done(self, job: str, value: bytes = b"done") -> RootDone:
        """The end of a root with a small result."""
        return RootDone(job=job, result=Payload(digest_of(value), len(value), value))

    def _on_message(self, frames: list[zmq.Frame]) -> None:
        for message in codec.decode_to_worker(frames[-1].buffer):
            if self.answer is not None and isinstance(message, PlaceRoot):
                self.answer(message)
            self.inbox.put_nowait(message)

    def _on_request(self, frames: list[zmq.Frame]) -> None:
        peer = frames[0].bytes
        for request in codec.decode_data_request(frames[1].buffer):
            self.chunks += 1
            if isinstance(request, Fetch):
                self._serve(peer, request)
            else:
                self._take(peer, request, frames[2].bytes)

    def _serve(self, peer: bytes, request: Fetch) -> None:
        found = self.objects.get(request.digest)
        reply: DataReply
        data = b""
        if found is None:
            reply = Unknown(digest=request.digest, reason="no such object")
        else:
            data = found[request.offset : request.offset + CHUNK_SIZE]
            reply = Chunk(digest=request.digest, offset=request.offset, size=len(found))
        self._data.send((peer, codec.encode([reply]), data))

    def _take(self, peer: bytes, chunk: Chunk, data: bytes) -> None:
        held = self.pushed.setdefault(chunk.digest, bytearray())
        if chunk.digest not in self.objects:
            if chunk.offset == 0:
                held.clear()  # a transfer may begin again
            assert chunk.offset == len(held), "chunks out of order"
            held += data
            if len(held) == chunk.size:
                self.objects[chunk.digest] = bytes(held)
        taken = ChunkTaken(digest=chunk.digest, received=len(held))
        self._data.send((peer, codec.encode([taken])))
