"""A connection to one listener elsewhere that finds out which of two tokens it takes.

Which end changes its token first is never known, so one whose handshake failed tries the other
token's key, with a new socket. What is to be sent waits here until a handshake succeeded: a socket
that is given up would take it along.
"""

import logging
from collections import deque
from collections.abc import Callable

import zmq

from ufora_core import curve
from ufora_core.handshakes import Happening, monitor_dialer
from ufora_core.sockets import (
    HIGH_WATER_MARK,
    Attach,
    Attached,
    Parts,
    endpoint_of,
    new_dealer,
)
from ufora_core.tokens import Tokens

log = logging.getLogger(__name__)

#: Failed handshakes in a row after which the log says so: each of two tokens had its turn.
_TELLING = 2


class Dialer:
    """One DEALER at a time. ``receive`` gets what arrives; ``on_change`` is told True when the
    connection is there and False when it broke."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        attach: Attach,
        tokens: Tokens,
        receive: Callable[[list[zmq.Frame]], None],
        on_change: Callable[[bool], None],
        *,
        peer: str,
        host: str,
        port: int,
        identity: str,
    ) -> None:
        """Begin to connect to ``host:port``; ``peer`` names who is there in the log.

        Raises:
            SettingsError: there is a token, and the ZeroMQ here was built without CURVE.
        """
        self.connected = False
        self._context = context
        self._attach = attach
        self._tokens = tokens
        self._receive = receive
        self._on_change = on_change
        self._peer = f"{peer} at {host}:{port}"
        self._endpoint = endpoint_of(host, port)
        self._identity = identity
        self._waiting: deque[Parts] = deque()
        #: Handshakes that failed since the last one that succeeded.
        self._failures = 0
        #: ZeroMQ does not try again after a peer whose kind of handshake is another one.
        self._given_up = False
        self._token = tokens.current.token
        self._dial()

    def send(self, parts: Parts) -> bool:
        """Put a message on its way; False when too much is waiting already."""
        self.tick()
        if self.connected:
            return self._line.send(parts)
        if len(self._waiting) >= HIGH_WATER_MARK:
            return False
        self._waiting.append(parts)
        return True

    def tick(self) -> None:
        """Try again where ZeroMQ does not; call it now and then."""
        if self._given_up:
            self._redial(self._token)

    def forget(self) -> None:
        """Drop what waits for a connection."""
        self._waiting.clear()

    def close(self, linger: int = 0) -> None:
        """End it; what waits to be sent by an open connection gets ``linger`` ms to leave."""
        # ZeroMQ's own thread would wait forever for a monitor whose reader is gone.
        self._socket.disable_monitor()
        self._monitor.close()
        self._line.close(linger)

    def _dial(self) -> None:
        self._socket = new_dealer(self._context, self._identity)
        if self._token is not None:
            curve.guard_dialer(self._socket, self._token)
        monitor = monitor_dialer(self._socket)
        self._socket.connect(self._endpoint)
        self._line: Attached = self._attach(self._socket, self._receive)
        self._monitor: Attached = self._attach(monitor, self._observe)

    def _redial(self, token: str | None) -> None:
        self._given_up = False
        self._token = token
        self.close()
        self._dial()

    def _observe(self, frames: list[zmq.Frame]) -> None:
        happening = Happening.of(frames)
        if happening.kind == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._connect()
        elif happening.failed:
            self._refused(happening)
        elif self.connected:
            # What arrived before the break belongs to what was asked before it.
            self._line.drain()
            self.connected = False
            self._on_change(False)

    def _connect(self) -> None:
        if self._failures >= _TELLING:
            log.info("%s lets us in now", self._peer)
        self.connected = True
        self._failures = 0
        while self._waiting:
            self._line.send(self._waiting.popleft())
        self._on_change(True)

    def _refused(self, happening: Happening) -> None:
        self._failures += 1
        if self._failures == _TELLING:
            log.warning("%s", self._advice(happening))
        self._given_up = happening.final
        # Every other time, so that a pause between two attempts comes in between.
        token = self._other_token()
        if self._failures % 2 and token != self._token:
            self._redial(token)

    def _other_token(self) -> str | None:
        accepted = self._tokens.current.accepted
        others = [each for each in accepted if each != self._token]
        return others[0] if others else self._token

    def _advice(self, happening: Happening) -> str:
        if self._token is None:
            return (
                f"{self._peer} lets nobody in without its token, or is no Ufora of this version; "
                "set UFORA_AUTH_TOKEN_FILE (or UFORA_AUTH_TOKEN) to the cluster's token; trying on"
            )
        if happening.mismatch:
            return (
                f"{self._peer} has no token, and this process connects only to who has its own; "
                "give both the same UFORA_AUTH_TOKEN_FILE (or UFORA_AUTH_TOKEN), or neither; "
                "trying on"
            )
        shown = " and ".join(self._tokens.current.fingerprints)
        return (
            f"{self._peer} refused our token (fingerprint {shown}); put the cluster's token into "
            "UFORA_AUTH_TOKEN_FILE, which is read again every second; trying on"
        )
