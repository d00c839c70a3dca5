"""A client that does only what a test tells it to, over real sockets."""

import asyncio
import io
import struct
from typing import Any, Self, TypeVar

import aiohttp
import socketio

from ufora_core import __version__
from ufora_core.protocol import codec
from ufora_core.protocol.client import Submit
from ufora_core.protocol.parts import Message, Payload
from ufora_core.protocol.version import VERSION
from ufora_core.store import digest_of

T = TypeVar("T", bound=Message)

#: Longest wait for a message, in seconds; it only ever runs out when a test fails.
PATIENCE = 10.0


def upload_body(*objects: bytes) -> bytes:
    """Objects as the body of one upload."""
    return b"".join(
        struct.pack(">32sQ", bytes.fromhex(digest_of(each)), len(each)) + each for each in objects
    )


class TurnedAway(Exception):
    """The manager refused the client; the message is the manager's."""


class FakeClient:
    """One session at a manager: socket.io and HTTP."""

    def __init__(self, web_port: int, session: str = "s", **auth: Any) -> None:
        self.url = f"http://127.0.0.1:{web_port}"
        self.auth = {"protocol": VERSION, "release": __version__, "session": session} | auth
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.frames: list[bytes] = []
        self.refusals: list[object] = []
        self.gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(self.url)
        self.socket = socketio.AsyncClient(reconnection=False, http_session=self.http)
        self.socket.on("message", self._on_frame)
        self.socket.on("disconnect", self._on_disconnect)
        self.socket.on("connect_error", self.refusals.append)
        try:
            await self.socket.connect(self.url, auth=self.auth, transports=["websocket"])
        except socketio.exceptions.ConnectionError:
            await self.close()
            raise TurnedAway(str(self.refusals)) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Say goodbye."""
        await self.socket.disconnect()
        await self.http.close()

    async def send(self, *messages: Message) -> None:
        """Send one frame."""
        await self.socket.emit("message", codec.encode(messages))

    async def submit(self, job: str, program: bytes = b"program", *needs: Payload) -> None:
        """Submit a small program."""
        payload = Payload(digest_of(program), len(program), program)
        await self.send(Submit(job=job, program=payload, needs=needs, title="a.py:1"))

    async def upload(self, *objects: bytes) -> None:
        """Bring objects to the manager over HTTP."""
        body = io.BytesIO(upload_body(*objects))
        async with self.http.post("/api/v1/objects", data=body) as response:
            assert response.status == 200

    async def next(self, kind: type[T]) -> T:
        """The next message of this type; others before it are passed over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.inbox.get()
                if isinstance(message, kind):
                    return message

    def _on_frame(self, frame: bytes) -> None:
        self.frames.append(frame)
        for message in codec.decode_to_client(frame):
            self.inbox.put_nowait(message)

    def _on_disconnect(self, *_: object) -> None:
        self.gone.set()
