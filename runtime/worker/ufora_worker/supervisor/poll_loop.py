"""Waits for ZeroMQ sockets and plain descriptors together, in one thread."""

import time
from collections.abc import Callable
from math import ceil

import zmq

from ufora_core.sockets import Parts

Source = int | zmq.Socket[bytes]
Callback = Callable[[], None]

#: Messages read from one socket before others get their turn.
_BURST = 200


class PollLoop:
    """Who is called when what can be read or written. A source may be removed at any time."""

    def __init__(self) -> None:
        self._poller = zmq.Poller()
        self._callbacks: dict[Source, tuple[Callback, Callback | None]] = {}

    #: The clock of everything that hangs on this loop, in seconds.
    now = staticmethod(time.monotonic)

    def watch(
        self, source: Source, on_readable: Callback, on_writable: Callback | None = None
    ) -> None:
        """Start, or change, watching. A callback of a ZeroMQ socket must empty it or leave the
        rest for the next turn; both are fine, since its readiness is asked for each turn."""
        flags = zmq.POLLIN if on_writable is None else zmq.POLLIN | zmq.POLLOUT
        self._callbacks[source] = (on_readable, on_writable)
        self._poller.register(source, flags)

    def unwatch(self, source: Source) -> None:
        """Stop watching; one that is not watched is fine."""
        if self._callbacks.pop(source, None) is not None:
            self._poller.unregister(source)

    def turn(self, seconds: float) -> None:
        """Wait at most so long for something, and call back for everything that is ready."""
        for source, flags in self._poller.poll(max(0, ceil(seconds * 1000))):
            # An earlier callback of this turn may have removed the source.
            readable, writable = self._callbacks.get(source, (None, None))
            if flags & ~zmq.POLLOUT and readable is not None:
                readable()
            if flags & zmq.POLLOUT and writable is not None and source in self._callbacks:
                writable()


class PollSocket:
    """A ZeroMQ socket on a loop: reads multipart messages as they come, and sends without waiting
    (see ``ufora_core.sockets.Attached``)."""

    def __init__(
        self,
        loop: PollLoop,
        sock: zmq.Socket[bytes],
        receive: Callable[[list[zmq.Frame]], None],
        burst: int = _BURST,
    ) -> None:
        """``burst`` messages are read before other sockets get their turn."""
        self._loop = loop
        self._socket = sock
        self._receive = receive
        self._burst = burst
        loop.watch(sock, self._read)

    def send(self, parts: Parts) -> bool:
        """Put a message on its way; False when the peer's queue is full."""
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def drain(self) -> None:
        """Hand on everything that is here already."""
        while self._read_one():
            pass

    def close(self, linger: int = 0) -> None:
        """Leave the loop and close the socket; what waits gets ``linger`` ms to leave."""
        self._loop.unwatch(self._socket)
        self._socket.close(linger)

    def _read(self) -> None:
        for _ in range(self._burst):
            if not self._read_one():
                return

    def _read_one(self) -> bool:
        """Hand on one message; False when there is none, or the last one had the socket closed."""
        if self._socket.closed:
            return False
        try:
            frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        self._receive(frames)
        return True
