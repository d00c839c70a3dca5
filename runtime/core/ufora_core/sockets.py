"""ZeroMQ sockets as the manager and the workers use them.

The only module of the core that needs pyzmq (extra ``sockets``); the client never imports it.
"""

import logging
import os
import socket

import zmq
from zmq.utils.monitor import recv_monitor_message

from ufora_core.errors import CoreError

log = logging.getLogger(__name__)

#: Frames that may wait for a peer that does not read; past it the peer counts as lost.
HIGH_WATER_MARK = 100_000


class PortTaken(CoreError):
    """A port that the process must listen on is in use."""


def bind_router(
    context: zmq.Context[zmq.Socket[bytes]], host: str, port: int, variable: str
) -> tuple[zmq.Socket[bytes], int]:
    """A ROUTER that listens on ``host:port`` (0: a free port), and the port it got.

    Raises:
        PortTaken: naming the port and the variable that chooses another.
    """
    router = context.socket(zmq.ROUTER)
    _configure(router)
    # A peer that starts again under the same name takes over from its dead connection.
    router.setsockopt(zmq.ROUTER_HANDOVER, 1)
    try:
        router.bind(f"tcp://{host}:{port or '*'}")
    except zmq.ZMQError as error:
        router.close(0)
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; stop what uses the port, or choose "
            f"another one with {variable}"
        ) from None
    endpoint = router.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return router, int(endpoint.rsplit(b":", 1)[1].rstrip(b"\0"))


def connect_dealer(
    context: zmq.Context[zmq.Socket[bytes]], host: str, port: int, identity: str
) -> zmq.Socket[bytes]:
    """A DEALER to a ROUTER elsewhere; it connects, and reconnects, in the background."""
    dealer = new_dealer(context, identity)
    dealer.connect(f"tcp://{host}:{port}")
    return dealer


def new_dealer(context: zmq.Context[zmq.Socket[bytes]], identity: str) -> zmq.Socket[bytes]:
    """A DEALER that is not connected yet, for whoever wants to watch it from the start."""
    dealer = context.socket(zmq.DEALER)
    _configure(dealer)
    dealer.setsockopt(zmq.IDENTITY, identity.encode()[:255])
    dealer.setsockopt(zmq.RECONNECT_IVL, 50)
    dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
    return dealer


def _configure(sock: zmq.Socket[bytes]) -> None:
    sock.setsockopt(zmq.LINGER, 0)
    sock.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
    sock.setsockopt(zmq.RCVHWM, HIGH_WATER_MARK)
    sock.setsockopt(zmq.IPV6, 1)
    sock.setsockopt(zmq.HANDSHAKE_IVL, 5000)
    sock.setsockopt(zmq.HEARTBEAT_IVL, 2000)
    sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)


_FAILURES = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)


class HandshakeWatch:
    """Logs each peer once that connects to a listening socket and does not speak ZeroMQ.

    ZeroMQ itself drops such connections before a message is made of them; without this nobody
    would hear of it.
    """

    def __init__(self, sock: zmq.Socket[bytes], what: str) -> None:
        self._what = what
        self._peers: dict[int, str] = {}
        self._logged: set[str] = set()
        self._failed = False
        self.socket = sock.get_monitor_socket(
            zmq.EVENT_ACCEPTED
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_DISCONNECTED
            | zmq.EVENT_CLOSED
        )

    def drain(self) -> None:
        """Read what happened since the last call; call it when ``socket`` is readable."""
        while self.socket.poll(0):
            event = recv_monitor_message(self.socket)
            kind, descriptor = event["event"], event["value"]
            if kind == zmq.EVENT_ACCEPTED:
                self._peers[descriptor] = _peer_name(descriptor)
            elif kind in _FAILURES:
                # It carries an error number; the end of the very connection follows at once.
                self._failed = True
            elif descriptor in self._peers:
                peer = self._peers.pop(descriptor)
                if self._failed:
                    self._log(peer)
                self._failed = False

    def _log(self, peer: str) -> None:
        if peer not in self._logged:
            self._logged.add(peer)
            log.warning("%s: %s does not speak our protocol; ignored", self._what, peer)


def peer_of(frame: zmq.Frame) -> str:
    """Address of the peer that sent a frame."""
    return str(frame.get("Peer-Address")).removeprefix("::ffff:")


def _peer_name(descriptor: int) -> str:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as duplicate:
            host, *_ = duplicate.getpeername()
    except (OSError, ValueError):
        return "a peer that is gone already"
    return str(host).removeprefix("::ffff:")
