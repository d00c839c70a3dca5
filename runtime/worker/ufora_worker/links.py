"""A connection to one ROUTER elsewhere, which tells when it comes and goes.

ZeroMQ reconnects by itself and drops in silence what was on its way when the connection broke, so
whoever relies on a message must hear of every break. A link that stays away is reported as broken
too, once for each time that something was sent in vain.
"""

from collections.abc import Callable

import zmq
from zmq.utils.monitor import recv_monitor_message

from ufora_core.sockets import new_dealer
from ufora_worker.poll_loop import PollLoop

#: Seconds in which a connection must be made before what was sent counts as lost.
CONNECT_SECONDS = 5.0
#: Messages read before other sockets get their turn.
_BURST = 200


class Link:
    """One DEALER. ``on_frames`` gets what arrives; ``on_change`` is told True when the connection
    is there and False when it broke, or could not be made."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        host: str,
        port: int,
        identity: str,
        on_frames: Callable[[list[zmq.Frame]], None],
        on_change: Callable[[bool], None],
    ) -> None:
        self.connected = False
        self._loop = loop
        self._on_frames = on_frames
        self._on_change = on_change
        self._waiting_since: float | None = None
        self._socket = new_dealer(context, identity)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        )
        self._socket.connect(f"tcp://{host}:{port}")
        loop.watch(self._socket, self._read)
        loop.watch(self._monitor, self._observe)

    def send(self, *parts: bytes | memoryview) -> bool:
        """Put a message on its way; False when too much is waiting already."""
        if not self.connected and self._waiting_since is None:
            self._waiting_since = self._loop.now()
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def tick(self) -> None:
        """Report a connection that could not be made in time."""
        since = self._waiting_since
        if since is not None and self._loop.now() - since > CONNECT_SECONDS:
            self._waiting_since = None
            self._on_change(False)

    def close(self, linger_ms: int = 0) -> None:
        """End the link; what waits to be sent gets so long to leave."""
        self._loop.unwatch(self._socket)
        self._loop.unwatch(self._monitor)
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(linger_ms)

    def _read(self) -> None:
        for _ in range(_BURST):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._on_frames(frames)
            if self._socket.closed:
                return

    def _observe(self) -> None:
        while not self._monitor.closed and self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            self.connected = event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._waiting_since = None
            self._on_change(self.connected)
