"""The HTTP side of port 30000: health, figures, the cluster as JSON, orders, and objects in bulk.

Every answer that is no success is ``{"error": sentence}``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ufora_core.errors import StoreError
from ufora_core.protocol.parts import Payload
from ufora_manager import metrics
from ufora_manager.access import Access
from ufora_manager.administration import Administration
from ufora_manager.complaints import current_peer
from ufora_manager.errors import TransferError
from ufora_manager.object_access import ObjectAccess
from ufora_manager.uploads import BrokenUpload, Upload


@dataclass(frozen=True, slots=True)
class Answers:
    """What the routes need from the rest of the manager."""

    objects: ObjectAccess
    #: Objects are here, and a job that needs them is about to come.
    announce: Callable[[tuple[Payload, ...]], None]
    administration: Administration
    #: Why the manager is not ready; None when it is.
    unready: Callable[[], str | None]
    proof: str


#: A kubelet's probes carry no token and name the pod's address; these say nothing but how it is.
_HEALTH_PATHS = ("/healthz", "/readyz")


def guard(access: Access) -> Middleware:
    """A middleware that turns away whoever ``access`` refuses, websockets included."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        own = transport.get_extra_info("sockname") if transport is not None else None
        peer = request.remote
        if request.path in _HEALTH_PATHS and request.method in ("GET", "HEAD"):
            return await handler(request)
        refusal = access.refusal(peer, request.headers, own[0] if own else "")
        if refusal is not None:
            headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
            return _error(refusal.status, refusal.message, headers)
        current_peer.set(peer or "a peer that is gone already")
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _error(error.status, f"{request.method} {request.path}: {error.reason}")

    return check


def add_routes(app: web.Application, answers: Answers) -> None:
    """Serve everything but socket.io."""
    routes = _Routes(answers)
    app.add_routes(
        [
            web.get("/healthz", routes.health),
            web.get("/readyz", routes.readiness),
            web.get("/metrics", routes.metrics),
            web.get("/api/v1/cluster", routes.cluster),
            web.post("/api/v1/workers/{name}/retire", routes.retire),
            web.delete("/api/v1/workers/{name}/retire", routes.unretire),
            web.get("/api/v1/store", routes.store),
            web.post("/api/v1/objects", routes.upload),
            web.post("/api/v1/objects/missing", routes.missing),
            web.get("/api/v1/objects/{digest}", routes.download),
        ]
    )


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an order to retire."""

    exit: bool = True


class _Routes:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._store = answers.objects.store

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readiness(self, _: web.Request) -> web.Response:
        reason = self._answers.unready()
        if reason is not None:
            return _error(503, reason)
        return web.json_response({"status": "ready"})

    async def cluster(self, _: web.Request) -> web.Response:
        return web.json_response(self._answers.administration.cluster())

    async def metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": metrics.CONTENT_TYPE}
        return web.Response(body=self._answers.administration.metrics().encode(), headers=headers)

    async def retire(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            order = msgspec.json.decode(body, type=_Order) if body.strip() else _Order()
        except msgspec.DecodeError as error:
            return _error(400, f'the body is no {{"exit": true}} or {{"exit": false}}: {error}')
        facts = self._answers.administration.retire(request.match_info["name"], exit=order.exit)
        return web.json_response(facts, status=202)

    async def unretire(self, request: web.Request) -> web.Response:
        facts = self._answers.administration.unretire(request.match_info["name"])
        return web.json_response(facts)

    async def store(self, _: web.Request) -> web.Response:
        directory = str(self._store.directory.resolve())
        return web.json_response({"path": directory, "proof": self._answers.proof})

    async def upload(self, request: web.Request) -> web.Response:
        upload = Upload(self._store)
        try:
            while True:
                # readchunk gives what the socket gave; read would join pieces first.
                data, end_of_chunk = await request.content.readchunk()
                if not data and not end_of_chunk:
                    break
                upload.feed(data)
            stored = upload.finish()
        except BrokenUpload as error:
            return _error(400, str(error))
        except StoreError as error:
            return _error(507, str(error))
        finally:
            upload.abort()
        self._answers.announce(tuple(stored))
        return web.json_response({"stored": [each.digest for each in stored]})

    async def missing(self, request: web.Request) -> web.Response:
        try:
            digests = json.loads(await request.read())
            here = [each for each in digests if each in self._store]
        except (ValueError, TypeError, StoreError) as error:
            return _error(400, f"the body is no JSON list of digests: {error}")
        sizes = (self._store.path(each).stat().st_size for each in here)
        self._answers.announce(tuple(map(Payload, here, sizes)))
        return web.json_response([each for each in digests if each not in here])

    async def download(self, request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        try:
            await self._answers.objects.obtain(digest)
            path = self._store.path(digest)
        except (TransferError, StoreError) as error:
            return _error(404, str(error))
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": message}, status=status, headers=headers)
