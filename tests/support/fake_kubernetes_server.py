"""The fake API server over HTTP, with the faults of a real one: answers that are late, wrong,
broken off or never come, watches that freeze, and history that is forgotten."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from fake_kubernetes import KINDS, Change, FakeStore, Refusal, matches
from ufora_operator.controller.kinds import OPTIONAL, Kind, Manifest, Ref

#: Kinds that are only named: kopf does not start without them.
NAMED = (
    Kind("v1", "Namespace", "namespaces"),
    Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of a call: an answer of this status; ``reset``: none; ``delay``: a late one.

    ``after``: the call has its effect, and only its answer is lost."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    delay: float = 0.0
    slow_body: bool = False
    after: bool = False


def no_fault(_: web.Request) -> Fault | None:
    return None


@dataclass(slots=True)
class FakeServer:
    """Serves a store. ``fault`` decides about every call; ``calls`` has what was asked."""

    store: FakeStore
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind not in OPTIONAL)
    fault: Callable[[web.Request], Fault | None] = no_fault
    calls: list[tuple[str, str]] = field(default_factory=list)
    #: Watches send nothing any more, not even bookmarks, while this is set.
    frozen: bool = False
    #: Watches from a version before this one are answered by 410.
    forgotten: int = 0
    url: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell_watches(self) -> None:
        """Something in the store has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every call comes here."""
        self.calls.append((request.method, request.path))
        fault = self.fault(request)
        if fault is None:
            return await self._answered(request)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.after:
            await self._answered(request)
        if fault.reset:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault.slow_body:
            return await _never_ending(request)
        if fault.status:
            body = {"kind": "Status", "code": fault.status, "message": "a fault of the test"}
            return web.json_response(body, status=fault.status, headers=fault.headers)
        return await self._answered(request)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        try:
            discovered = self._discovered(request.path)
            if discovered is not None:
                return web.json_response(discovered)
            kind, namespace, name, part = self._place(request.path)
            if name is None and request.query.get("watch") == "true":
                return await self._watched(request, kind, namespace)
            body = json.loads(await request.text() or "{}")
            answer = self._done(request, kind, namespace, name, part, body)
        except Refusal as refusal:
            status = {
                "kind": "Status",
                "code": refusal.code,
                "reason": refusal.reason,
                "message": refusal.message,
            }
            return web.json_response(status, status=refusal.code)
        if request.method != "GET":
            self.tell_watches()
        return web.json_response(answer)

    def _done(
        self,
        request: web.Request,
        kind: Kind,
        namespace: str | None,
        name: str | None,
        part: str,
        body: Manifest,
    ) -> Manifest:
        if request.method == "GET" and name is None:
            labels, fields = (
                _selected(request, "labelSelector"),
                _selected(request, "fieldSelector"),
            )
            found = self.store.list(kind, namespace, labels, fields)
            version = {"resourceVersion": str(self.store.version)}
            return {"kind": f"{kind}List", "metadata": version, "items": found}
        assert namespace is not None
        ref = Ref(kind, namespace, name or body["metadata"]["name"])
        if request.method == "GET":
            return self.store.get(ref)
        if request.method == "POST":
            return self.store.create(ref, body)
        if request.method == "PUT":
            return self.store.replace(ref, body)
        if request.method == "DELETE":
            self.store.delete(ref, (body.get("preconditions") or {}).get("uid"))
            return {"kind": "Status", "status": "Success"}
        if request.content_type == "application/apply-patch+yaml":
            assert request.query["force"] == "true"
            manager = request.query["fieldManager"]
            return self.store.apply(ref, body, manager, status=part == "status")
        return self.store.patch(ref, body)

    def _place(self, path: str) -> tuple[Kind, str | None, str | None, str]:
        for kind in self.kinds:
            if path == f"{kind.root}/{kind.plural}":
                return kind, None, None, ""
            if not path.startswith(f"{kind.root}/namespaces/"):
                continue
            namespace, plural, *rest = path.removeprefix(f"{kind.root}/namespaces/").split("/")
            if plural == kind.plural:
                return kind, namespace, rest[0] if rest else None, rest[1] if rest[1:] else ""
        raise Refusal(404, "NotFound", f"the server could not find {path}")

    def _discovered(self, path: str) -> Manifest | None:
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            groups = {kind.group: kind.version for kind in (*self.kinds, *NAMED) if kind.group}
            return {
                "groups": [
                    {"name": group, "versions": [each], "preferredVersion": each}
                    for group, version in groups.items()
                    for each in [{"version": version, "groupVersion": f"{group}/{version}"}]
                ]
            }
        found = [kind for kind in (*self.kinds, *NAMED) if kind.root == path]
        if not found:
            return None
        verbs = ["get", "list", "watch", "create", "patch", "update", "delete"]
        return {
            "resources": [
                {
                    "name": kind.plural,
                    "singularName": kind.name.lower(),
                    "kind": kind.name,
                    "namespaced": kind not in NAMED,
                    "verbs": verbs,
                }
                for kind in found
            ]
        }

    async def _watched(
        self, request: web.Request, kind: Kind, namespace: str | None
    ) -> web.StreamResponse:
        seen = int(request.query.get("resourceVersion") or 0)
        labels = _selected(request, "labelSelector")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if seen < self.forgotten:
            gone = {"kind": "Status", "code": 410, "reason": "Expired"}
            await _send(response, {"type": "ERROR", "object": gone})
            return response
        while True:
            changed = self._changed
            if not self.frozen:
                # Versions count from 1, so this is everything after the version that was seen.
                for change in self.store.log[seen:]:
                    if _concerns(change, kind, namespace, labels):
                        await _send(response, {"type": change.type, "object": change.object})
                seen = self.store.version
                metadata = {"resourceVersion": str(seen)}
                bookmark = {"kind": kind.name, "metadata": metadata}
                await _send(response, {"type": "BOOKMARK", "object": bookmark})
            await changed.wait()


@asynccontextmanager
async def serving(server: FakeServer) -> AsyncIterator[FakeServer]:
    """The server on a free port of this machine; ``server.url`` says where."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


def _concerns(change: Change, kind: Kind, namespace: str | None, labels: dict[str, str]) -> bool:
    here = change.ref.kind == kind and namespace in (None, change.ref.namespace)
    return here and matches(change.object, labels)


def _selected(request: web.Request, name: str) -> dict[str, str]:
    pairs = [each.partition("=") for each in request.query.get(name, "").split(",") if each]
    return {key: value for key, _, value in pairs}


async def _send(response: web.StreamResponse, event: Manifest) -> None:
    await response.write(json.dumps(event).encode() + b"\n")


async def _never_ending(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"{")
    await asyncio.Event().wait()
    return response
