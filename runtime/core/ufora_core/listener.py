"""A port on which peers are listened to, with the key that follows from the current token.

ZeroMQ copies the keys when a socket is bound, so another token takes another socket. ``unbind``
would keep the old one's connections half alive: their peers hear nothing of it, and what they send
is lost. So the old socket is closed, and its peers notice at once and come back with the new key.
That is what replacing a token is for, too: who has only the old one is out. The port itself stays
open meanwhile; it belongs to this class, and each ROUTER gets a duplicate of its descriptor.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from ufora_core import curve
from ufora_core.handshakes import HandshakeWatch, Happening, monitor_listener
from ufora_core.sockets import Attach, Attached, Parts, PortTaken, endpoint_of, new_router
from ufora_core.tokens import Tokens

#: Connections that may wait to be accepted.
_BACKLOG = 256
#: Time for the last messages to leave by a socket that is replaced, in milliseconds.
_LAST_WORDS_MS = 500


@dataclass(frozen=True, slots=True)
class _Open:
    """A ROUTER, what tells of its handshakes, and the token whose key it has."""

    socket: zmq.Socket[bytes]
    router: Attached
    monitor: Attached
    token: str | None

    def close(self, linger: int) -> None:
        # ZeroMQ's own thread would wait forever for a monitor whose reader is gone.
        self.socket.disable_monitor()
        self.monitor.close()
        self.router.close(linger)


class Listener:
    """One port, open from the start; ``receive`` gets what arrives."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        attach: Attach,
        tokens: Tokens,
        receive: Callable[[list[zmq.Frame]], None],
        *,
        what: str,
        host: str,
        port: int,
        variable: str,
    ) -> None:
        """Listen on ``host:port`` (0: a free port).

        ``what`` names the port in the log.

        Raises:
            PortTaken: naming the port and the variable that chooses another.
            SettingsError: there is a token, and the ZeroMQ here was built without CURVE.
        """
        self._context = context
        self._attach = attach
        self._tokens = tokens
        self._receive = receive
        self._host = host
        self._port = _listen(host, port, variable)
        #: The port, also where a free one was asked for.
        self.port: int = self._port.getsockname()[1]
        #: How the log calls it.
        self.name = f"{what} {self.port}"
        self._watch = HandshakeWatch(self.name, self.port)
        try:
            self._open = self._router()
        except BaseException:
            self._port.close()
            raise

    def send(self, parts: Parts) -> bool:
        """Put a message on its way; False when the peer's queue is full."""
        return self._open.router.send(parts)

    def rekey(self) -> bool:
        """Go over to the current token's key, if it is another one: all peers connect anew.

        Returns whether that was so.
        """
        if self._tokens.current.token == self._open.token:
            return False
        old, self._open = self._open, self._router()
        old.router.drain()
        old.close(_LAST_WORDS_MS)
        return True

    def close(self, linger: int = 0) -> None:
        """Stop listening; what waits to be sent gets ``linger`` ms to leave."""
        self._open.close(linger)
        self._port.close()

    def _router(self) -> _Open:
        token = self._tokens.current.token
        router = new_router(self._context)
        try:
            if token is not None:
                curve.guard_listener(router, token)
            router.setsockopt(zmq.USE_FD, os.dup(self._port.fileno()))
            monitor = monitor_listener(router)
            router.bind(endpoint_of(self._host, self.port))
        except BaseException:
            router.close(0)
            raise
        guarded = token is not None

        def observe(frames: list[zmq.Frame]) -> None:
            rotating = len(self._tokens.current.accepted) > 1
            self._watch.observe(Happening.of(frames), guarded=guarded, rotating=rotating)

        return _Open(
            router, self._attach(router, self._receive), self._attach(monitor, observe), token
        )


def _listen(host: str, port: int, variable: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        listening = socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both
        )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise PortTaken(
            f"cannot listen on {host}:{port}: {reason}; stop what uses the port, or choose "
            f"another one with {variable}"
        ) from None
    listening.setblocking(False)
    return listening
