"""Worker to worker: the control port (30009) and the links to other workers' control ports."""

import logging
from collections.abc import Callable
from functools import partial

import zmq

from ufora_core.errors import ProtocolError
from ufora_core.listener import Listener
from ufora_core.protocol.codec import decode_to_peer, encode
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.protocol.worker import ToPeer
from ufora_core.sockets import peer_of
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens
from ufora_worker.state.events import Event, LinkBroken, PeerSaid
from ufora_worker.supervisor.links import Link
from ufora_worker.supervisor.poll_loop import PollLoop, PollSocket

log = logging.getLogger(__name__)


class Peers:
    """Messages to and from other workers. What one sends goes by its own link, so each link carries
    messages one way."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        tokens: Tokens,
        host: str,
        port: int,
        identity: str,
        report: Callable[[Event], None],
    ) -> None:
        self._context = context
        self._loop = loop
        self._tokens = tokens
        self._identity = identity
        self._report = report
        self._links: dict[str, tuple[WorkerAddress, Link]] = {}
        self._listener = Listener(
            context,
            partial(PollSocket, loop),
            tokens,
            self._on_frames,
            what="control port",
            host=host,
            port=port,
            variable="UFORA_WORKER_BASE_PORT",
        )
        self.port = self._listener.port
        self._strangers = Strangers(self._listener.name)

    def send(self, peer: WorkerAddress, message: ToPeer) -> None:
        """Send to a worker; the link is made when it is first needed."""
        if not self._link(peer).send(encode([message])):
            log.warning("worker=%s takes no more messages; its link is given up", peer.name)
            self.drop(peer.name)
            self._report(LinkBroken(peer.name))

    def drop(self, worker: str) -> None:
        """The worker is gone: end the link to it."""
        _, link = self._links.pop(worker, (None, None))
        if link is not None:
            link.close()

    def rekey(self) -> None:
        """Listen with the key of the current token."""
        self._listener.rekey()

    def tick(self) -> None:
        """Notice links that cannot be made."""
        for _, link in list(self._links.values()):
            link.tick()

    def close(self, linger_ms: int) -> None:
        """End all links, and stop listening."""
        for _, link in self._links.values():
            link.close(linger_ms)
        self._links.clear()
        self._listener.close()

    def _link(self, peer: WorkerAddress) -> Link:
        address, link = self._links.get(peer.name, (None, None))
        if link is not None and address == peer:
            return link
        self.drop(peer.name)

        def on_change(connected: bool) -> None:
            if not connected:
                self._report(LinkBroken(peer.name))

        link = Link(
            self._context,
            self._loop,
            self._tokens,
            lambda frames: None,
            on_change,
            peer=f"worker {peer.name}",
            host=peer.host,
            port=peer.control_port,
            identity=self._identity,
        )
        self._links[peer.name] = (peer, link)
        return link

    def _on_frames(self, frames: list[zmq.Frame]) -> None:
        try:
            if len(frames) != 2:
                raise ProtocolError(f"{len(frames)} frames instead of 2")
            messages = decode_to_peer(frames[1].buffer)
        except ProtocolError as error:
            self._strangers.note(peer_of(frames[-1]), f"garbage: {error}")
            return
        for message in messages:
            self._report(PeerSaid(message))
