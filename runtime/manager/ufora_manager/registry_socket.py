"""The registry port (30002): workers say hello, and from then on all their messages go this way.

Bytes become events here, and messages of the scheduler become bytes. A ROUTER identity stands for
a worker once its hello was accepted; whoever speaks before that is asked to introduce itself.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import zmq

from ufora_core.errors import ProtocolError, VersionMismatch
from ufora_core.listener import Listener
from ufora_core.protocol.codec import decode_to_manager, encode
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.protocol.version import check_peer
from ufora_core.protocol.worker import (
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Introduce,
    Refused,
    ToManager,
    ToWorker,
    Welcome,
)
from ufora_core.sockets import peer_of
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens
from ufora_manager.loop_socket import LoopSocket
from ufora_manager.scheduler import events
from ufora_manager.worker_messages import event_of, foreign_hello, joined

log = logging.getLogger(__name__)

#: Time for the last messages to leave when the manager stops, in milliseconds.
_LAST_WORDS_MS = 200
#: Seconds that messages wait for a worker when the port's key changed; it is back in a tenth of
#: one. Later than that the scheduler may have given its roots to somebody else.
_AWAY_SECONDS = 1.0


@dataclass(slots=True)
class _Link:
    """A registered worker's end of the line."""

    identity: bytes
    address: WorkerAddress
    incarnation: str
    shares_store: bool
    #: Set once the worker has seen its welcome, and so has said whether it shares the store.
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    outbox: list[ToWorker] = field(default_factory=list)
    #: When the port changed its key, until the worker has said hello again; what is sent waits.
    away_since: float | None = None


def at_once(callback: Callable[[], None]) -> None:
    """Call back now: there is no journal to wait for."""
    callback()


class Registry:
    """The workers' way in; ``report`` gets their events."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[zmq.Socket[bytes]],
        tokens: Tokens,
        welcome: Welcome,
        report: Callable[[events.Event], None],
        strangers: Strangers,
        after_written: Callable[[Callable[[], None]], None] = at_once,
    ) -> None:
        """A heartbeat is answered ``after_written``, when the journal has all that came before it:
        with the answer, the worker forgets how the roots ended that it has reported."""
        self._loop = loop
        self._after_written = after_written
        self._context = context
        self._tokens = tokens
        self._welcome = welcome
        self._report = report
        self._strangers = strangers
        self._by_identity: dict[bytes, _Link] = {}
        self._by_name: dict[str, _Link] = {}
        self._unsent: dict[str, _Link] = {}
        self._listener: Listener | None = None
        self.port = 0

    # ---------------------------------------------------------------------- life

    def bind(self, host: str, port: int) -> None:
        """Listen; PortTaken when the port is in use."""
        self._listener = Listener(
            self._context,
            partial(LoopSocket, self._loop),
            self._tokens,
            self._on_frames,
            what="registry port",
            host=host,
            port=port,
            variable="UFORA_MANAGER_PORT",
        )
        self.port = self._listener.port

    @property
    def bound(self) -> bool:
        """True while workers can reach the port."""
        return self._listener is not None

    def rekey(self) -> None:
        """Listen with the key of the current token; all workers say hello again.

        What is sent to a worker before it has done so waits for its hello.
        """
        self._flush()
        if self._listener is not None and self._listener.rekey():
            now = self._loop.time()
            for link in self._by_name.values():
                link.away_since = now

    def close(self) -> None:
        """Send what waits, and stop listening."""
        if self._listener is None:
            return
        self._flush()
        self._listener.close(_LAST_WORDS_MS)
        self._listener = None

    # ---------------------------------------------------------------------- workers, by name

    def send(self, worker: str, message: ToWorker) -> None:
        """Put a message on its way; one for a worker that is gone is dropped.

        Messages of one turn of the loop leave in one frame.
        """
        link = self._by_name.get(worker)
        if link is None:
            return
        link.outbox.append(message)
        if link.away_since is None:
            if not self._unsent:
                self._loop.call_soon(self._flush)
            self._unsent[worker] = link

    def address(self, worker: str) -> WorkerAddress | None:
        """Where the worker is; None when it is gone."""
        link = self._by_name.get(worker)
        return link.address if link is not None else None

    async def shares_store(self, worker: str) -> bool:
        """Whether the worker uses the manager's own store; waits until it has said so."""
        link = self._by_name.get(worker)
        if link is None:
            return False
        await link.settled.wait()
        return link.shares_store

    def drop(self, worker: str) -> None:
        """Forget a worker; should it speak again, it is asked to introduce itself."""
        link = self._by_name.pop(worker, None)
        if link is not None:
            link.settled.set()
            self._by_identity.pop(link.identity, None)

    # ---------------------------------------------------------------------- bytes in and out

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for link in unsent.values():
            messages, link.outbox = link.outbox, []
            self._post(link.identity, *messages)

    def _post(self, identity: bytes, *messages: ToWorker) -> None:
        if self._listener is not None and not self._listener.send((identity, encode(messages))):
            log.warning("worker=%r takes no more messages; %d dropped", identity, len(messages))

    def _on_frames(self, frames: list[zmq.Frame]) -> None:
        identity, payload = frames[0].bytes, frames[-1]
        try:
            if len(frames) != 2:
                raise ProtocolError(f"{len(frames)} frames instead of 2")
            messages = decode_to_manager(payload.buffer)
        except ProtocolError as error:
            self._on_garbage(identity, payload, error)
            return
        for message in messages:
            self._on_message(identity, message)

    def _on_garbage(self, identity: bytes, payload: zmq.Frame, error: ProtocolError) -> None:
        hello = foreign_hello(payload.buffer)
        if hello is not None:
            try:
                check_peer("this worker", hello.protocol, hello.release)
            except VersionMismatch as mismatch:
                self._refuse(identity, str(mismatch))
                return
        self._strangers.note(f"{peer_of(payload)} ({identity[:40]!r})", f"garbage: {error}")

    def _on_message(self, identity: bytes, message: ToManager) -> None:
        if isinstance(message, Hello):
            self._on_hello(identity, message)
            return
        link = self._by_identity.get(identity)
        if link is None:
            self._post(identity, Introduce())
            return
        if isinstance(message, Heartbeat):
            if message.incarnation != link.incarnation:
                self._post(identity, Introduce())
                return
            link.settled.set()
            name = link.address.name
            self._after_written(lambda: self._answer(name, link))
        self._report(event_of(message, link.address.name, self._loop.time()))

    def _answer(self, name: str, link: _Link) -> None:
        if self._by_name.get(name) is link:
            self.send(name, HeartbeatSeen())

    def _on_hello(self, identity: bytes, hello: Hello) -> None:
        name = hello.address.name
        try:
            check_peer(f"worker {name}", hello.protocol, hello.release)
        except VersionMismatch as mismatch:
            self._refuse(identity, str(mismatch))
            return
        if not name or hello.executors < 1:
            self._refuse(identity, f"worker {name!r} has {hello.executors} executors; 1 at least")
            return
        link = self._by_identity.get(identity)
        if link is not None and self._only_tells_of_store(link, hello):
            link.shares_store = hello.shares_store
            link.settled.set()
            return
        self._register(identity, hello)
        self._report(joined(hello, self._loop.time()))

    @staticmethod
    def _only_tells_of_store(link: _Link, hello: Hello) -> bool:
        """After its welcome a worker repeats its hello when it finds that it shares the store."""
        same = (link.address, link.incarnation) == (hello.address, hello.incarnation)
        return same and hello.shares_store and not link.shares_store

    def _register(self, identity: bytes, hello: Hello) -> None:
        name = hello.address.name
        waiting = self._waiting_for(hello)
        self.drop(name)
        link = _Link(identity, hello.address, hello.incarnation, hello.shares_store)
        if hello.shares_store:
            link.settled.set()
        self._by_identity[identity] = self._by_name[name] = link
        for message in (self._welcome, *waiting):
            self.send(name, message)

    def _waiting_for(self, hello: Hello) -> list[ToWorker]:
        """What waited for this hello, if it came soon enough for it to be of use."""
        link = self._by_name.get(hello.address.name)
        if link is None or link.away_since is None or link.incarnation != hello.incarnation:
            return []
        return link.outbox if self._loop.time() - link.away_since < _AWAY_SECONDS else []

    def _refuse(self, identity: bytes, reason: str) -> None:
        log.warning("worker=%r refused: %s", identity[:40], reason)
        self._post(identity, Refused(reason=reason))
