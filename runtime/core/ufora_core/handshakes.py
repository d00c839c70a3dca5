"""What ZeroMQ tells of handshakes: those that fail never become a message, only an event."""

import errno
import itertools
import logging
import os
import socket
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import parse_monitor_message

log = logging.getLogger(__name__)

#: Peers remembered; past it they are logged again.
_REMEMBERED = 10_000

#: Somebody connected and hung up: a probe that looks whether the port is open.
_HUNG_UP = (errno.EPIPE, errno.ECONNRESET)
_FAILURES = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)

_LISTENING = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CLOSED
)
_DIALING = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_DISCONNECTED
)

#: Stands for a peer whose connection had ended before its address was asked for.
_GONE = "a peer that is gone already"

_numbers = itertools.count()


def monitor_listener(sock: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """A socket with the events that ``HandshakeWatch`` wants."""
    return _monitor(sock, _LISTENING)


def monitor_dialer(sock: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """A socket with what happens to the one connection of a DEALER."""
    return _monitor(sock, _DIALING)


def _monitor(sock: zmq.Socket[bytes], events: int) -> zmq.Socket[bytes]:
    # pyzmq would name it by the socket's descriptor, which may be that of one just closed.
    return sock.get_monitor_socket(events, f"inproc://handshakes-{next(_numbers)}")


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: its kind (``zmq.EVENT_...``) and a number, whose meaning hangs on the kind."""

    kind: int
    number: int

    @classmethod
    def of(cls, frames: list[zmq.Frame]) -> "Happening":
        """The event in a message of a monitor."""
        event = parse_monitor_message([frame.bytes for frame in frames])
        return cls(event["event"], event["value"])

    @property
    def failed(self) -> bool:
        """The handshake failed."""
        return self.kind in _FAILURES

    @property
    def final(self) -> bool:
        """ZeroMQ does not try this handshake again."""
        return self.kind == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL

    @property
    def mismatch(self) -> bool:
        """The handshake failed since only one of the two ends has a token."""
        return (
            self.kind == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            and self.number == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
        )

    @property
    def hung_up(self) -> bool:
        """The peer went away in the middle of its handshake, or before it began one."""
        no_detail = self.kind == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
        return no_detail and self.number in _HUNG_UP

    @property
    def wrong_key(self) -> bool:
        """The peer has a token, and it is not that of the listener."""
        return (
            self.kind == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            and self.number == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
        )

    def story(self, guarded: bool) -> str:
        """What a peer did whose handshake with a listener of ours failed."""
        if self.hung_up:
            return "hung up before it had proved anything, as a probe of the port does"
        if self.wrong_key or self.mismatch:
            if guarded:
                return "has no valid token"
            return "does not speak our protocol, or has a token and there is none here"
        return "does not speak our protocol"


class HandshakeWatch:
    """Logs each peer once that connects to a listener and does not get through the handshake.

    ZeroMQ itself drops such connections before a message is made of them; without this nobody
    would hear of it.
    """

    def __init__(self, what: str, port: int) -> None:
        """``what`` names the listener on ``port`` in the log."""
        self._what = what
        self._port = port
        self._peers: dict[int, str] = {}
        self._logged: dict[tuple[int, str, str], None] = {}
        self._failure: Happening | None = None

    def observe(self, happening: Happening, *, guarded: bool, rotating: bool) -> None:
        """Take note of an event of a listener, which has a token if ``guarded``.

        While one token replaces another (``rotating``), who has the other one is refused and then
        comes back with the right one, which is nothing to warn of.
        """
        if happening.kind == zmq.EVENT_ACCEPTED:
            self._peers[happening.number] = _peer_name(happening.number, self._port)
        elif happening.failed:
            # It carries an error number; the end of the very connection follows at once.
            self._failure = happening
        else:
            peer = self._peers.pop(happening.number, None)
            failure, self._failure = self._failure, None
            if peer is not None and failure is not None:
                expected = failure.hung_up or (rotating and failure.wrong_key)
                level = logging.INFO if expected else logging.WARNING
                self._log(level, peer, failure.story(guarded))

    def _log(self, level: int, peer: str, story: str) -> None:
        if peer == _GONE and any(each[::2] == (level, story) for each in self._logged):
            return
        if (level, peer, story) in self._logged:
            return
        if len(self._logged) >= _REMEMBERED:
            self._logged.clear()
        self._logged[level, peer, story] = None
        log.log(level, "%s: %s %s; refused, and not logged again", self._what, peer, story)


def _peer_name(descriptor: int, port: int) -> str:
    """Address of the peer of a connection to ``port``.

    ZeroMQ owns the descriptor, and may have closed it by now; its number may even stand for
    something else, another connection or no socket at all.
    """
    try:
        duplicate = os.dup(descriptor)
    except OSError:
        return _GONE
    try:
        connection = socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        return _GONE
    with connection:
        try:
            if connection.getsockname()[1] != port:
                return _GONE
            return str(connection.getpeername()[0]).removeprefix("::ffff:")
        except (OSError, IndexError):
            return _GONE
