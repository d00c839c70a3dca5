"""A manager's front end without a cluster behind it: real sockets on loopback, scripted answers.

It runs in a thread of its own. What clients do is recorded; what they get is for the test to say.
"""

import asyncio
import json
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self

import socketio
from aiohttp import web

from ufora_core import __version__
from ufora_core.protocol import codec
from ufora_core.protocol.client import FromClient, ToClient
from ufora_core.protocol.version import VERSION
from ufora_core.store import digest_of

_HEADER = struct.Struct(">32sQ")

#: Answers a client's message with messages to it.
Reply = Callable[[FromClient], Sequence[ToClient]]


class FakeManager:
    """``with FakeManager(reply) as manager: connect(manager.url)``."""

    def __init__(
        self,
        reply: Reply = lambda message: (),
        *,
        token: str | None = None,
        refusal: str | None = None,
        protocol: int = VERSION,
        store: tuple[str, str] = ("", ""),
        port: int = 0,
        unanswered: int = 0,
    ) -> None:
        """Of the uploads, the first ``unanswered`` get no answer."""
        self.objects: dict[str, bytes] = {}
        self.received: list[FromClient] = []
        self.frames = 0
        self.sessions: list[str] = []
        self.uploads = 0
        self.unanswered = 0
        self._to_leave_unanswered = unanswered
        self._reply = reply
        #: The one token that is accepted, from now on; None: nobody needs one.
        self.token = token
        self._refusal = refusal
        self._protocol = protocol
        self._store = store
        self._port = port
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._arrived = threading.Condition()
        self._transports: list[asyncio.Transport] = []
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._server: Any

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def send(self, *messages: ToClient) -> None:
        """Send to every client."""
        self.send_raw(codec.encode(messages))

    def send_raw(self, frame: object) -> None:
        """Send whatever this is to every client."""
        asyncio.run_coroutine_threadsafe(self._server.emit("message", frame), self._loop).result()

    def break_links(self) -> None:
        """Drop every connection without a word."""

        async def abort() -> None:
            for transport in self._transports:
                transport.abort()
            self._transports.clear()

        asyncio.run_coroutine_threadsafe(abort(), self._loop).result()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; it is looked at whenever something has arrived."""
        with self._arrived:
            assert self._arrived.wait_for(condition, timeout=20)

    # ------------------------------------------------------------------ in the thread

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._server = socketio.AsyncServer(
            async_mode="aiohttp", async_handlers=False, cors_allowed_origins=[]
        )
        self._server.on("connect", self._on_connect)
        self._server.on("message", self._on_message)
        app = web.Application(middlewares=[self._guard], client_max_size=2**30)
        app.add_routes(
            [
                web.get("/api/v1/store", self._on_store),
                web.get("/api/v1/cluster", self._on_cluster),
                web.post("/api/v1/objects", self._on_upload),
                web.post("/api/v1/objects/missing", self._on_missing),
                web.get("/api/v1/objects/{digest}", self._on_download),
            ]
        )
        self._server.attach(app)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self._port = runner.addresses[0][1]
        self._started.set_result(None)
        await self._stop.wait()
        await self._server.shutdown()
        await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"error": "the token is not the one"}, status=401)
        if request.path.startswith("/socket.io") and request.transport is not None:
            self._transports.append(request.transport)
        response: web.StreamResponse = await handler(request)
        return response

    async def _on_connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        if self._refusal is not None:
            raise socketio.exceptions.ConnectionRefusedError(self._refusal)
        self._note(partial(self.sessions.append, auth["session"]))

    async def _on_message(self, sid: str, frame: bytes) -> None:
        self.frames += 1
        for message in codec.decode_from_client(frame):
            self._note(partial(self.received.append, message))
            answers = self._reply(message)
            if answers:
                await self._server.emit("message", codec.encode(answers), to=sid)

    async def _on_store(self, request: web.Request) -> web.Response:
        path, proof = self._store
        return web.json_response({"path": path, "proof": proof})

    async def _on_cluster(self, request: web.Request) -> web.Response:
        workers = [{"name": "worker-0", "executors": 2}]
        return web.json_response(
            {"release": __version__, "protocol": self._protocol, "workers": workers, "jobs": []}
        )

    async def _on_upload(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.unanswered < self._to_leave_unanswered:
            self._note(self._count_unanswered)
            await self._stop.wait()
        at = 0
        while at < len(body):
            digest, size = _HEADER.unpack_from(body, at)
            at += _HEADER.size
            content = body[at : at + size]
            at += size
            if digest_of(content) != digest.hex():
                return web.json_response({"error": "not what was promised"}, status=400)
            self.objects[digest.hex()] = content
        self.uploads += 1
        return web.json_response({"stored": []})

    async def _on_missing(self, request: web.Request) -> web.Response:
        digests = json.loads(await request.read())
        return web.json_response([each for each in digests if each not in self.objects])

    async def _on_download(self, request: web.Request) -> web.Response:
        content = self.objects.get(request.match_info["digest"])
        if content is None:
            return web.json_response({"error": "no worker has it"}, status=404)
        return web.Response(body=content)

    def _count_unanswered(self) -> None:
        self.unanswered += 1

    def _note(self, record: Callable[[], object]) -> None:
        with self._arrived:
            record()
            self._arrived.notify_all()
