"""A ZeroMQ socket inside the asyncio loop, without ``zmq.asyncio`` (which costs six times as much).

ZeroMQ's descriptor is edge-triggered: it says once that something happened and then nothing until
the socket was emptied. So every wake-up drains the socket, and each send looks again, since it may
have taken notice of what came in.
"""

import asyncio
import logging
from collections.abc import Callable

import zmq

from ufora_core.sockets import Parts

log = logging.getLogger(__name__)

#: Messages read before other tasks get their turn.
_BURST = 200


def descriptor_of(sock: zmq.Socket[bytes]) -> int:
    """The descriptor that becomes readable when something happened to the socket."""
    descriptor = sock.getsockopt(zmq.FD)
    assert isinstance(descriptor, int)
    return descriptor


class LoopSocket:
    """Reads multipart messages as they come; sends without waiting (see
    ``ufora_core.sockets.Attached``)."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: zmq.Socket[bytes],
        receive: Callable[[list[zmq.Frame]], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._receive = receive
        self._descriptor = descriptor_of(sock)
        loop.add_reader(self._descriptor, self._read)
        loop.call_soon(self._read)

    def send(self, parts: Parts) -> bool:
        """Put a message on its way; False when the peer's queue is full."""
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return False
        if self._readable():
            self._loop.call_soon(self._read)
        return True

    def drain(self) -> None:
        """Hand on everything that is here already."""
        while self._read_one():
            pass

    def close(self, linger: int = 0) -> None:
        """Stop reading and close the socket; what waits gets ``linger`` ms to leave."""
        if not self._socket.closed:
            self._loop.remove_reader(self._descriptor)
            self._socket.close(linger)

    def _readable(self) -> bool:
        events = self._socket.getsockopt(zmq.EVENTS)
        assert isinstance(events, int)
        return bool(events & zmq.POLLIN)

    def _read(self) -> None:
        for _ in range(_BURST):
            if not self._read_one():
                return
        self._loop.call_soon(self._read)

    def _read_one(self) -> bool:
        """Hand on one message; False when there is none, or the last one had the socket closed."""
        if self._socket.closed:
            return False
        try:
            frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        try:
            self._receive(frames)
        except Exception:
            # An exception here would leave the socket undrained, and so deaf for good.
            log.exception("a message could not be handled")
        return True
