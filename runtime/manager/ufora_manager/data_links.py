"""The manager as a client of the workers' data ports (30010): objects go there and come from there.

Several chunks of a transfer are under way at once (``WINDOW``), several transfers share a link, and
each has its own time limit, so a worker that died holds up nobody but those who want it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from weakref import WeakValueDictionary

import zmq

from ufora_core.dialer import Dialer
from ufora_core.errors import ProtocolError, StoreError
from ufora_core.protocol.codec import decode_data_reply, encode
from ufora_core.protocol.data import CHUNK_SIZE, Chunk, ChunkTaken, DataReply, Fetch, Unknown
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.store import ObjectStore, Sink
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens
from ufora_manager.errors import ObjectUnknown, TransferError
from ufora_manager.loop_socket import LoopSocket

#: Bytes of one transfer under way at once: 8 MiB fill a fast network's round trip.
WINDOW = 8 * CHUNK_SIZE
#: Times that a transfer is begun when its link breaks again and again.
_ATTEMPTS = 3
#: Seconds without an answer after which a transfer is given up.
STALLED_AFTER = 20.0

_Answer = tuple[DataReply, memoryview] | Exception


class DataLinks:
    """Transfers to and from all workers. A link is made when it is first needed."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        tokens: Tokens,
        store: ObjectStore,
        *,
        manager: str,
        strangers: Strangers,
    ) -> None:
        self._context = context
        self._tokens = tokens
        self._store = store
        self._manager = manager
        self._strangers = strangers
        self._links: dict[str, _Link] = {}

    async def push(self, worker: WorkerAddress, digest: str) -> None:
        """Bring an object of the manager's store to a worker.

        Raises:
            TransferError: the object or the worker is gone, or the worker could not store it.
        """
        link = self._link(worker)
        async with link.turn(digest):
            try:
                data = self._store.open(digest)
            except StoreError as error:
                raise TransferError(str(error)) from None
            await _in_spite_of_breaks(lambda: link.push(digest, data))

    async def fetch(self, worker: WorkerAddress, digest: str) -> None:
        """Bring a worker's object into the manager's store.

        Raises:
            TransferError: the worker is gone or lacks the object, or it could not be stored.
        """
        link = self._link(worker)
        async with link.turn(digest):
            if digest in self._store:
                return  # somebody else wanted it, and was served while this one waited
            try:
                await _in_spite_of_breaks(lambda: self._fetch(link, digest))
            except StoreError as error:
                raise TransferError(str(error)) from None

    async def _fetch(self, link: "_Link", digest: str) -> None:
        sink = self._store.writer(digest)
        try:
            await link.fetch(digest, sink)
        except BaseException:
            sink.discard()
            raise
        sink.commit()

    def drop(self, worker: str) -> None:
        """A worker is gone: what is under way with it fails."""
        link = self._links.pop(worker, None)
        if link is not None:
            link.close()

    def close(self) -> None:
        """End all links."""
        for worker in list(self._links):
            self.drop(worker)

    def _link(self, worker: WorkerAddress) -> "_Link":
        link = self._links.get(worker.name)
        if link is not None and link.address == worker:
            return link
        self.drop(worker.name)
        link = self._links[worker.name] = _Link(
            self._context, self._tokens, worker, self._manager, self._strangers
        )
        return link


class _Broken(Exception):
    """The link broke in the middle of a transfer; what was on its way is lost."""


async def _in_spite_of_breaks(transfer: Callable[[], Awaitable[None]]) -> None:
    """Begin a transfer again when the link breaks, as it does when a token is replaced."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await transfer()
        except _Broken:
            continue
    try:
        return await transfer()
    except _Broken as error:
        raise TransferError(str(error)) from None


class _Link:
    """The data link to one worker; transfers of different objects share it."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        tokens: Tokens,
        address: WorkerAddress,
        manager: str,
        strangers: Strangers,
    ) -> None:
        self.address = address
        self._strangers = strangers
        #: A lock lives as long as somebody holds it or waits for it.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        #: Answers to the transfer of each object, or why there are none.
        self._answers: dict[str, asyncio.Queue[_Answer]] = {}
        #: Objects whose transfer has to begin again, and may not know yet.
        self._broken: set[str] = set()
        self._dialer = Dialer(
            context,
            partial(LoopSocket, asyncio.get_running_loop()),
            tokens,
            self._on_frames,
            self._on_change,
            peer=f"worker {address.name}",
            host=address.host,
            port=address.data_port,
            identity=manager,
        )

    def turn(self, digest: str) -> asyncio.Lock:
        """Transfers of one object come one after the other."""
        return self._turns.setdefault(digest, asyncio.Lock())

    async def push(self, digest: str, data: memoryview) -> None:
        """Send all of ``data``; return when the worker has it."""
        size, taken = len(data), 0
        with self._conversation(digest):
            for offset in range(0, max(size, 1), CHUNK_SIZE):
                while offset - taken >= WINDOW:
                    taken = await self._next_taken(digest)
                if taken == size > 0:
                    return  # the worker had it before
                part = data[offset : offset + CHUNK_SIZE]
                self._send(Chunk(digest=digest, offset=offset, size=size), part)
            while await self._next_taken(digest) < size:
                pass

    async def fetch(self, digest: str, sink: Sink) -> None:
        """Write all of the worker's object into ``sink``; the caller commits it."""
        asked = written = 0
        size = 1  # until the first chunk says more; one chunk is always asked for
        with self._conversation(digest):
            while written < size:
                while asked < size and asked - written < WINDOW:
                    self._send(Fetch(digest=digest, offset=asked))
                    asked += CHUNK_SIZE
                chunk, data = await self._next(digest)
                if not isinstance(chunk, Chunk) or chunk.offset != written:
                    raise TransferError(self._about(digest, f"sent {chunk!r} out of order"))
                sink.write(data)
                written, size = written + len(data), chunk.size
                if written < size and len(data) < CHUNK_SIZE:
                    raise TransferError(self._about(digest, "sent a short chunk"))

    def close(self) -> None:
        """The worker is gone: all transfers fail."""
        self._fail_all(TransferError, "left the cluster")
        self._dialer.close()

    @contextmanager
    def _conversation(self, digest: str) -> Iterator[None]:
        self._answers[digest] = asyncio.Queue()
        try:
            yield
        finally:
            del self._answers[digest]
            self._broken.discard(digest)

    def _send(self, message: Chunk | Fetch, data: memoryview | None = None) -> None:
        if message.digest in self._broken:
            # It would wait for the new connection, and be in the way of those who begin again.
            raise _Broken(self._about(message.digest, "broke the link"))
        parts: list[bytes | memoryview] = [encode([message])]
        if data is not None:
            parts.append(data)
        if not self._dialer.send(parts):
            raise TransferError(self._about(message.digest, "takes no more messages"))

    async def _next_taken(self, digest: str) -> int:
        reply, _ = await self._next(digest)
        if not isinstance(reply, ChunkTaken):
            raise TransferError(self._about(digest, f"answered with {reply!r}"))
        return reply.received

    async def _next(self, digest: str) -> tuple[DataReply, memoryview]:
        try:
            answer = await asyncio.wait_for(self._answers[digest].get(), STALLED_AFTER)
        except TimeoutError:
            silence = f"did not answer for {STALLED_AFTER:.0f} s"
            raise TransferError(self._about(digest, silence)) from None
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer[0], Unknown):
            raise ObjectUnknown(self._about(digest, f"says: {answer[0].reason}"))
        return answer

    def _about(self, digest: str, what: str) -> str:
        address = self.address
        return (
            f"object {digest[:12]} could not be moved: worker {address.name} "
            f"({address.host}:{address.data_port}) {what}"
        )

    def _on_change(self, connected: bool) -> None:
        if not connected:
            self._broken.update(self._answers)
            self._fail_all(_Broken, "broke the link")

    def _fail_all(self, kind: type[Exception], what: str) -> None:
        for digest, answers in self._answers.items():
            answers.put_nowait(kind(self._about(digest, what)))

    def _on_frames(self, frames: list[zmq.Frame]) -> None:
        try:
            replies = decode_data_reply(frames[0].buffer)
        except ProtocolError as error:
            peer = f"{self.address.host}:{self.address.data_port}"
            self._strangers.note(peer, f"garbage: {error}")
            return
        data = frames[1].buffer if len(frames) > 1 else memoryview(b"")
        for reply in replies:
            answers = self._answers.get(reply.digest)
            if answers is not None:
                answers.put_nowait((reply, data))
