"""Waits for ZeroMQ sockets and plain descriptors together, in one thread."""

import time
from collections.abc import Callable
from math import ceil

import zmq

Source = int | zmq.Socket[bytes]
Callback = Callable[[], None]


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
