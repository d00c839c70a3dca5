"""Objects that this worker needs from other workers' data ports."""

from collections.abc import Callable
from dataclasses import dataclass

import zmq

from ufora_core.errors import ProtocolError, StoreError
from ufora_core.protocol.codec import decode_data_reply, encode
from ufora_core.protocol.data import CHUNK_SIZE, Chunk, DataReply, Fetch, Unknown
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.store import ObjectStore, Sink
from ufora_core.tokens import Tokens
from ufora_worker.state.commands import FetchObjects
from ufora_worker.state.events import Event, ObjectsHere, ObjectsMissing
from ufora_worker.supervisor.links import Link
from ufora_worker.supervisor.poll_loop import PollLoop

#: Bytes under way at once: they fill a fast network's round trip.
WINDOW = 8 * CHUNK_SIZE
#: Seconds without a chunk after which a transfer is given up.
STALLED_SECONDS = 20.0


@dataclass(slots=True)
class _Transfer:
    """One object on its way here."""

    source: str
    sink: Sink
    moved_at: float
    size: int = 1  # until the first chunk tells; one chunk is always asked for
    asked: int = 0
    written: int = 0


class Fetches:
    """Transfers from all peers. ``report`` gets one event for each ticket, unless cancelled."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        tokens: Tokens,
        store: ObjectStore,
        identity: str,
        report: Callable[[Event], None],
    ) -> None:
        self._context = context
        self._loop = loop
        self._tokens = tokens
        self._store = store
        self._identity = identity
        self._report = report
        self._links: dict[str, tuple[WorkerAddress, Link]] = {}
        #: Digests that each ticket still waits for.
        self._tickets: dict[int, list[str]] = {}
        self._transfers: dict[str, _Transfer] = {}

    def start(self, command: FetchObjects) -> None:
        """Bring here what is not here yet."""
        try:
            missing = [x for x in command.objects if x.digest not in self._store]
        except StoreError as error:
            self._report(ObjectsMissing(command.ticket, str(error)))
            return
        if not missing:
            self._report(ObjectsHere(command.ticket))
        elif command.source is None:
            # The manager pushes what a root needs before it places the root.
            self._report(ObjectsMissing(command.ticket, f"object {missing[0].digest[:12]} is gone"))
        else:
            self._tickets[command.ticket] = list(dict.fromkeys(x.digest for x in missing))
            self._begin(command.ticket, command.source)

    def cancel(self, ticket: int) -> None:
        """Nobody waits for this ticket any more; what is under way may still arrive."""
        self._tickets.pop(ticket, None)

    def tick(self) -> None:
        """Give up what has stalled."""
        now = self._loop.now()
        for digest, transfer in list(self._transfers.items()):
            if now - transfer.moved_at > STALLED_SECONDS:
                self._fail(digest, f"nothing came from {transfer.source} for {STALLED_SECONDS:g} s")
        for _, link in list(self._links.values()):
            link.tick()

    def drop(self, worker: str) -> None:
        """The worker is gone, and so are the transfers from it."""
        _, link = self._links.pop(worker, (None, None))
        if link is not None:
            link.close()
        self._fail_all(worker, "left the cluster")

    def close(self) -> None:
        """Give up everything, in silence."""
        self._tickets.clear()
        for worker in list(self._links):
            self.drop(worker)

    # ------------------------------------------------------------------ transfers

    def _begin(self, ticket: int, source: WorkerAddress) -> None:
        link = self._link(source)
        for digest in self._tickets[ticket]:
            if digest in self._transfers:
                continue
            try:
                sink = self._store.writer(digest)
            except StoreError as error:
                self._miss(digest, str(error))
                return
            transfer = _Transfer(source.name, sink, self._loop.now())
            self._transfers[digest] = transfer
            self._ask(link, digest, transfer)

    def _ask(self, link: Link, digest: str, transfer: _Transfer) -> None:
        while transfer.asked < transfer.size and transfer.asked - transfer.written < WINDOW:
            link.send(encode([Fetch(digest=digest, offset=transfer.asked)]))
            transfer.asked += CHUNK_SIZE

    def _on_frames(self, worker: str, frames: list[zmq.Frame]) -> None:
        try:
            replies = decode_data_reply(frames[0].buffer)
        except ProtocolError as error:
            self._fail_all(worker, f"sent garbage: {error}")
            return
        data = frames[1].buffer if len(frames) > 1 else memoryview(b"")
        for reply in replies:
            self._on_reply(worker, reply, data)

    def _on_reply(self, worker: str, reply: DataReply, data: memoryview) -> None:
        transfer = self._transfers.get(reply.digest)
        if transfer is None or transfer.source != worker:
            return  # given up before
        if isinstance(reply, Unknown):
            self._fail(reply.digest, f"{worker} says: {reply.reason}")
        elif not isinstance(reply, Chunk):
            self._fail(reply.digest, f"{worker} answered with {reply}")
        elif reply.offset == transfer.written:  # others were asked for before the link broke
            self._write(reply, transfer, data)

    def _write(self, chunk: Chunk, transfer: _Transfer, data: memoryview) -> None:
        digest = chunk.digest
        transfer.size = chunk.size
        transfer.written += len(data)
        if transfer.written < chunk.size and len(data) < CHUNK_SIZE:
            self._fail(digest, f"{transfer.source} sent a short chunk")
            return
        try:
            transfer.sink.write(data)
        except StoreError as error:
            self._fail(digest, str(error))
            return
        if transfer.written >= chunk.size:
            self._commit(digest, transfer)
            return
        transfer.moved_at = self._loop.now()
        _, link = self._links[transfer.source]
        self._ask(link, digest, transfer)

    def _commit(self, digest: str, transfer: _Transfer) -> None:
        del self._transfers[digest]
        try:
            transfer.sink.commit()
        except StoreError as error:
            self._miss(digest, str(error))
            return
        for ticket, missing in list(self._tickets.items()):
            if digest in missing:
                missing.remove(digest)
                if not missing:
                    del self._tickets[ticket]
                    self._report(ObjectsHere(ticket))

    def _fail(self, digest: str, reason: str) -> None:
        self._transfers.pop(digest).sink.discard()
        self._miss(digest, reason)

    def _fail_all(self, worker: str, reason: str) -> None:
        for digest, transfer in list(self._transfers.items()):
            if transfer.source == worker:
                self._fail(digest, f"{worker} {reason}")

    def _miss(self, digest: str, reason: str) -> None:
        """Tell everybody who waits for this object that it does not come."""
        for ticket, missing in list(self._tickets.items()):
            if digest in missing:
                del self._tickets[ticket]
                self._report(ObjectsMissing(ticket, f"object {digest[:12]}: {reason}"))

    def _link(self, source: WorkerAddress) -> Link:
        address, link = self._links.get(source.name, (None, None))
        if link is not None and address == source:
            return link
        self.drop(source.name)

        def on_change(connected: bool) -> None:
            if not connected:
                self._fail_all(source.name, "cannot be reached, or the link to it broke")

        link = Link(
            self._context,
            self._loop,
            self._tokens,
            lambda frames: self._on_frames(source.name, frames),
            on_change,
            peer=f"worker {source.name}",
            host=source.host,
            port=source.data_port,
            identity=self._identity,
        )
        self._links[source.name] = (source, link)
        return link
