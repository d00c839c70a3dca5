"""The clients' way in: socket.io, one event ``message``, one batch of messages a frame.

A *session* is a client across reconnects. What the scheduler says to it during one turn of the loop
leaves as one frame; while its link is down nothing is kept, since a client that comes back asks
again for every job that it still waits for.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import socketio

from ufora_core.errors import ProtocolError, VersionMismatch
from ufora_core.protocol.client import CancelJob, FromClient, JobOutput, Release, Submit, ToClient
from ufora_core.protocol.codec import decode_from_client, encode
from ufora_core.protocol.version import check_peer
from ufora_core.strangers import Strangers
from ufora_manager.complaints import LibraryComplaints, current_peer, quiet_logger
from ufora_manager.scheduler import events

log = logging.getLogger(__name__)

#: A client that answers no ping for this long (interval + time-out, in seconds) has lost its link.
#: One that was killed is noticed at once, by its closed connection; this is for machines that
#: vanished, and long enough for a client whose threads are held up by one long call into C.
PING_INTERVAL, PING_TIMEOUT = 5, 20
#: Jobs of a client that is away for longer are stopped, whatever it said, in seconds.
_LONGEST_ABSENCE = 3600.0
#: Longest frame taken from a client: some dozens of inline payloads.
_LONGEST_FRAME = 16 * 1024 * 1024
#: Frames to clients are split near this size; websocket clients take 4 MiB by default.
_FRAME_BYTES = 1024 * 1024
#: Longest text of one output message, in characters.
_TEXT_PIECE = 200_000


class _Greeting(msgspec.Struct, frozen=True):
    """What a client says about itself when it connects."""

    protocol: int
    session: str
    release: str = "of unknown release"
    #: Seconds for which it tries to come back when its link breaks; None: the manager's own rule.
    returns_within: float | None = None


class _Client:
    """One connection of a session, and what waits to be sent to it."""

    def __init__(self, sid: str, session: str, peer: str) -> None:
        self.sid = sid
        self.session = session
        self.peer = peer
        self.outbox: list[ToClient] = []
        self.filled = asyncio.Event()
        self.pump: asyncio.Task[None] | None = None


class FrontEnd:
    """Sessions and their connections; ``report`` gets the clients' events."""

    def __init__(self, report: Callable[[events.Event], None], strangers: Strangers) -> None:
        self._loop = asyncio.get_running_loop()
        self._report = report
        self._strangers = strangers
        self._by_sid: dict[str, _Client] = {}
        self._by_session: dict[str, _Client] = {}
        complaints = LibraryComplaints(strangers, "frames that are no socket.io")
        logger = quiet_logger("socketio", complaints, logging.ERROR)
        self.server = socketio.AsyncServer(
            async_mode="aiohttp",
            async_handlers=False,  # messages of one client are handled in their order
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            max_http_buffer_size=_LONGEST_FRAME,
            cors_allowed_origins=[],  # ``access`` looks at origins, on all routes
            logger=logger,
            engineio_logger=logger,
        )
        self.server.on("connect", self._on_connect)
        self.server.on("disconnect", self._on_disconnect)
        self.server.on("message", self._on_message)

    def send(self, session: str, message: ToClient) -> None:
        """Put a message on its way; dropped while the session's client is away."""
        client = self._by_session.get(session)
        if client is not None:
            client.outbox.append(message)
            client.filled.set()

    async def close(self) -> None:
        """Send what waits, then end all connections."""
        for client in list(self._by_sid.values()):
            await self._empty(client)
            await self.server.disconnect(client.sid)
        await self.server.shutdown()

    # ---------------------------------------------------------------------- coming and going

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        try:
            greeting = msgspec.convert(auth, _Greeting)
            check_peer("this client", greeting.protocol, greeting.release)
        except msgspec.ValidationError as error:
            self._strangers.note(current_peer.get(), f"a socket.io greeting without {error}")
            raise socketio.exceptions.ConnectionRefusedError(
                "this is a Ufora manager; a client names its protocol, release and session"
            ) from None
        except VersionMismatch as mismatch:
            raise socketio.exceptions.ConnectionRefusedError(str(mismatch)) from None
        client = _Client(sid, greeting.session, current_peer.get())
        former = self._by_session.get(client.session)
        self._by_sid[sid] = self._by_session[client.session] = client
        client.pump = self._loop.create_task(self._send_batches(client))
        if former is not None:
            await self._drop(former)
        within = greeting.returns_within
        if within is not None:
            within = min(max(within, 0.0), _LONGEST_ABSENCE)
        self._report(events.SessionConnected(self._loop.time(), client.session, within))

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        client = self._by_sid.pop(sid, None)
        if client is None:
            return
        if client.pump is not None:
            client.pump.cancel()
        if self._by_session.get(client.session) is client:
            del self._by_session[client.session]
            self._report(events.SessionGone(self._loop.time(), client.session))

    async def _drop(self, client: _Client) -> None:
        """The session has a newer connection: this one was broken and did not know it yet."""
        log.info("session=%s connected again", client.session)
        await self.server.disconnect(client.sid)

    # ---------------------------------------------------------------------- messages in

    async def _on_message(self, sid: str, frame: Any = None, *_: Any) -> None:
        client = self._by_sid.get(sid)
        if client is None:
            return
        try:
            if not isinstance(frame, bytes):
                raise ProtocolError(f"a {type(frame).__name__} instead of bytes")
            messages = decode_from_client(frame)
        except ProtocolError as error:
            self._strangers.note(client.peer, f"garbage: {error}")
            return
        for message in messages:
            self._report(_event_of(message, client.session, self._loop.time()))

    # ---------------------------------------------------------------------- messages out

    async def _send_batches(self, client: _Client) -> None:
        while True:
            await client.filled.wait()
            await self._empty(client)

    async def _empty(self, client: _Client) -> None:
        client.filled.clear()
        messages, client.outbox = client.outbox, []
        for frame in frames_of(messages):
            await self.server.emit("message", frame, to=client.sid)


def frames_of(messages: Sequence[ToClient]) -> Iterator[bytes]:
    """The messages in order, in frames of a size that every client takes."""
    pieces = [piece for message in messages for piece in _pieces_of(message)]
    return _halved(pieces) if pieces else iter(())


def _halved(messages: Sequence[ToClient]) -> Iterator[bytes]:
    frame = encode(messages)
    if len(frame) <= _FRAME_BYTES or len(messages) == 1:
        yield frame
        return
    middle = len(messages) // 2
    yield from _halved(messages[:middle])
    yield from _halved(messages[middle:])


def _pieces_of(message: ToClient) -> Iterator[ToClient]:
    if not isinstance(message, JobOutput) or len(message.text) <= _TEXT_PIECE:
        yield message
        return
    for start in range(0, len(message.text), _TEXT_PIECE):
        text = message.text[start : start + _TEXT_PIECE]
        at = None if message.at is None else message.at + start
        yield JobOutput(job=message.job, stream=message.stream, text=text, at=at)


def _event_of(message: FromClient, session: str, now: float) -> events.Event:
    match message:
        case Submit():
            return events.JobSubmitted(
                *(now, session, message.job, message.program, message.needs, message.title),
                heard=message.heard,
            )
        case CancelJob():
            return events.JobCancelled(now, session, message.job)
        case Release():
            return events.ObjectsReleased(now, session, message.digests)
