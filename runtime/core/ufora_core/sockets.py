"""ZeroMQ sockets as the manager and the workers use them.

``listener``, ``dialer``, ``curve``, ``handshakes`` and this module are the parts of the core that
need pyzmq (extra ``sockets``); the client never imports them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import zmq

from ufora_core.errors import CoreError

#: Frames that may wait for a peer that does not read; past it the peer counts as lost.
HIGH_WATER_MARK = 100_000

Parts = Sequence[bytes | memoryview]


class PortTaken(CoreError):
    """A port that the process must listen on is in use."""


class Attached(Protocol):
    """A socket that hangs on the loop of its process: what arrives is handed on as it comes."""

    def send(self, parts: Parts) -> bool:
        """Put a message on its way, without waiting; False when the peer's queue is full."""

    def drain(self) -> None:
        """Hand on everything that is here already."""

    def close(self, linger: int = 0) -> None:
        """Leave the loop and close the socket; what waits gets ``linger`` ms to leave."""


#: Hangs a socket on the loop of its process; the callable gets each message.
Attach = Callable[[zmq.Socket[bytes], Callable[[list[zmq.Frame]], None]], Attached]


def new_router(context: zmq.Context[zmq.Socket[bytes]]) -> zmq.Socket[bytes]:
    """A ROUTER that is not bound yet."""
    router = context.socket(zmq.ROUTER)
    _configure(router)
    # A peer that starts again under the same name takes over from its dead connection.
    router.setsockopt(zmq.ROUTER_HANDOVER, 1)
    return router


def new_dealer(context: zmq.Context[zmq.Socket[bytes]], identity: str) -> zmq.Socket[bytes]:
    """A DEALER that is not connected yet; once it is told to, it tries in the background."""
    dealer = context.socket(zmq.DEALER)
    _configure(dealer)
    dealer.setsockopt(zmq.IDENTITY, identity.encode()[:255])
    dealer.setsockopt(zmq.RECONNECT_IVL, 50)
    dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
    return dealer


def endpoint_of(host: str, port: int) -> str:
    """How ZeroMQ writes an address."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _configure(sock: zmq.Socket[bytes]) -> None:
    sock.setsockopt(zmq.LINGER, 0)
    sock.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
    sock.setsockopt(zmq.RCVHWM, HIGH_WATER_MARK)
    sock.setsockopt(zmq.IPV6, 1)
    sock.setsockopt(zmq.HANDSHAKE_IVL, 5000)
    sock.setsockopt(zmq.HEARTBEAT_IVL, 2000)
    sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)


def peer_of(frame: zmq.Frame) -> str:
    """Address of the peer that sent a frame."""
    return str(frame.get("Peer-Address")).removeprefix("::ffff:")
