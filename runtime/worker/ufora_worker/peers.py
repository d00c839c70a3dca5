"""Worker to worker: the control port (30009) and the links to other workers' control ports."""

import logging
from collections.abc import Callable

import zmq

from ufora_core.errors import ProtocolError
from ufora_core.protocol.codec import decode_to_peer, encode
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.protocol.worker import ToPeer
from ufora_core.sockets import HandshakeWatch, bind_router, peer_of
from ufora_core.strangers import Strangers
from ufora_worker.events import Event, LinkBroken, PeerSaid
from ufora_worker.links import Link
from ufora_worker.poll_loop import PollLoop

log = logging.getLogger(__name__)

#: Messages read before other sockets get their turn.
_BURST = 200


class Peers:
    """Messages to and from other workers. What one sends goes by its own link, so each link carries
    messages one way."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        host: str,
        port: int,
        identity: str,
        report: Callable[[Event], None],
    ) -> None:
        self._context = context
        self._loop = loop
        self._identity = identity
        self._report = report
        self._links: dict[str, tuple[WorkerAddress, Link]] = {}
        self._router, self.port = bind_router(context, host, port, "UFORA_WORKER_BASE_PORT")
        self._strangers = Strangers(f"control port {self.port}")
        self._watch = HandshakeWatch(self._router, f"control port {self.port}")
        loop.watch(self._router, self._read)
        loop.watch(self._watch.socket, self._watch.drain)

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

    def tick(self) -> None:
        """Notice links that cannot be made."""
        for _, link in list(self._links.values()):
            link.tick()

    def close(self, linger_ms: int) -> None:
        """End all links, and stop listening."""
        for _, link in self._links.values():
            link.close(linger_ms)
        self._links.clear()
        self._loop.unwatch(self._router)
        self._loop.unwatch(self._watch.socket)
        self._router.disable_monitor()
        self._watch.socket.close(0)
        self._router.close(0)

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
            peer.host,
            peer.control_port,
            self._identity,
            lambda frames: None,
            on_change,
        )
        self._links[peer.name] = (peer, link)
        return link

    def _read(self) -> None:
        for _ in range(_BURST):
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                if len(frames) != 2:
                    raise ProtocolError(f"{len(frames)} frames instead of 2")
                messages = decode_to_peer(frames[1].buffer)
            except ProtocolError as error:
                self._strangers.note(peer_of(frames[-1]), f"garbage: {error}")
                continue
            for message in messages:
                self._report(PeerSaid(message))
