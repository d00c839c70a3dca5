"""A connection to one ROUTER elsewhere, which tells when it comes and goes.

ZeroMQ reconnects by itself and drops in silence what was on its way when the connection broke, so
whoever relies on a message must hear of every break. A link that stays away is reported as broken
too, once for each time that something was sent in vain.
"""

from collections.abc import Callable
from functools import partial

import zmq

from ufora_core.dialer import Dialer
from ufora_core.tokens import Tokens
from ufora_worker.supervisor.poll_loop import PollLoop, PollSocket

#: Seconds in which a connection must be made before what was sent counts as lost.
CONNECT_SECONDS = 5.0


class Link:
    """One connection. ``on_frames`` gets what arrives; ``on_change`` is told True when it is there
    and False when it broke, or could not be made."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        tokens: Tokens,
        on_frames: Callable[[list[zmq.Frame]], None],
        on_change: Callable[[bool], None],
        *,
        peer: str,
        host: str,
        port: int,
        identity: str,
    ) -> None:
        """Begin to connect to ``peer`` at ``host:port``, as ``identity``."""
        self._loop = loop
        self._on_change = on_change
        self._waiting_since: float | None = None
        self._dialer = Dialer(
            context,
            partial(PollSocket, loop),
            tokens,
            on_frames,
            self._changed,
            peer=peer,
            host=host,
            port=port,
            identity=identity,
        )

    @property
    def connected(self) -> bool:
        """True while the other end is there."""
        return self._dialer.connected

    def send(self, *parts: bytes | memoryview) -> bool:
        """Put a message on its way; False when too much is waiting already."""
        if not self.connected and self._waiting_since is None:
            self._waiting_since = self._loop.now()
        return self._dialer.send(parts)

    def tick(self) -> None:
        """Report a connection that could not be made in time, and go on trying."""
        self._dialer.tick()
        since = self._waiting_since
        if since is not None and self._loop.now() - since > CONNECT_SECONDS:
            self._waiting_since = None
            self._dialer.forget()
            self._on_change(False)

    def close(self, linger_ms: int = 0) -> None:
        """End the link; what waits to be sent gets so long to leave."""
        self._dialer.close(linger_ms)

    def _changed(self, connected: bool) -> None:
        self._waiting_since = None
        self._on_change(connected)
