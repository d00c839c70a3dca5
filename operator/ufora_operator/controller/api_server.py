"""The API server over HTTP: ``Kube`` on the connection and credentials of ``kubernetes.aio``.

Its generated classes are left out: a settled round reads a dozen lists, and plain JSON costs a
fraction of their time and memory.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from kubernetes.aio.client.api_client import ApiClient

from ufora_operator.controller.budget import CallBudget
from ufora_operator.controller.fence import Fence
from ufora_operator.controller.kinds import Kind, Manifest, Ref, ref_of
from ufora_operator.controller.metrics import Metrics
from ufora_operator.errors import KubeError
from ufora_operator.names import FIELD_MANAGER

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"

#: A 429 without Retry-After, in seconds; and the longest that one is believed.
_USUAL_RETRY_AFTER = 1.0
_LONGEST_RETRY_AFTER = 60.0

_REASONS = {404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}


class ApiServer:
    """A connection to the API server. Every call is bounded in time, rate and, if it writes, by
    the fence: after the Lease was lost nothing is sent any more. Without a fence it is for the
    Lease itself."""

    def __init__(
        self,
        client: ApiClient,
        *,
        budget: CallBudget,
        fence: Fence | None,
        metrics: Metrics,
        timeout: float = 10.0,
    ) -> None:
        self._client = client
        self._budget = budget
        self._fence = fence
        self._metrics = metrics
        self._timeout = timeout

    async def get(self, ref: Ref) -> Manifest | None:
        """See ``Kube.get``."""
        return await self._unless_missing("get", ref, "GET", ref.path)

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[Manifest]:
        """See ``Kube.list``."""
        query = {"labelSelector": _selector(labels), "fieldSelector": _selector(fields)}
        call = f"list {kind} {namespace}"
        answer = await self._call(call, "GET", kind.path(namespace), query=query)
        items: list[Manifest] = answer.get("items") or []
        for item in items:  # the elements of a list do not say what they are
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.name)
        return items

    async def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        """See ``Kube.apply``."""
        ref = ref_of(manifest)
        path = f"{ref.path}/status" if status else ref.path
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._call(
            f"apply {ref}", "PATCH", path, query=query, body=manifest, content=_APPLY
        )

    async def create(self, manifest: Manifest) -> Manifest:
        """See ``Kube.create``."""
        ref = ref_of(manifest)
        query = {"fieldManager": FIELD_MANAGER}
        path = ref.kind.path(ref.namespace)
        return await self._call(f"create {ref}", "POST", path, query=query, body=manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        """See ``Kube.replace``."""
        ref = ref_of(manifest)
        query = {"fieldManager": FIELD_MANAGER}
        return await self._call(f"update {ref}", "PUT", ref.path, query=query, body=manifest)

    async def patch(self, ref: Ref, patch: Manifest) -> Manifest | None:
        """See ``Kube.patch``."""
        query = {"fieldManager": FIELD_MANAGER}
        return await self._unless_missing(
            "patch", ref, "PATCH", ref.path, query=query, body=patch, content=_MERGE
        )

    async def delete(self, ref: Ref, uid: str) -> bool:
        """See ``Kube.delete``."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            await self._call(f"delete {ref}", "DELETE", ref.path, body=options)
        except KubeError as error:
            if error.code in (404, 409):
                return False
            raise
        return True

    async def serves(self, kind: Kind) -> bool:
        """Whether the API server has the kind at all."""
        try:
            found = await self._call(f"discover {kind}", "GET", kind.root)
        except KubeError as error:
            if error.code == 404:
                return False
            raise
        return any(each.get("name") == kind.plural for each in found.get("resources", ()))

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _unless_missing(
        self, verb: str, ref: Ref, method: str, path: str, **options: Any
    ) -> Manifest | None:
        try:
            return await self._call(f"{verb} {ref}", method, path, **options)
        except KubeError as error:
            if error.code == 404 and not error.namespace_terminates:
                return None
            raise

    async def _call(
        self,
        call: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = _JSON,
    ) -> Manifest:
        await self._budget.take()
        # Asked for after the wait, and the time left is the write's own limit.
        limit = self._timeout
        if self._fence is not None and method != "GET":
            limit = self._fence.check(call, limit)
        code = 0
        try:
            async with asyncio.timeout(limit):
                code, headers, data = await self._send(method, path, query or {}, body, content)
        except TimeoutError:
            raise KubeError(call, 0, "Timeout", f"no answer within {limit:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise KubeError(call, 0, "Unreachable", str(error) or type(error).__name__) from error
        finally:
            self._metrics.api_requests.labels(call.partition(" ")[0], str(code)).inc()
        if code >= 300:
            raise self._refused(call, code, headers, data)
        return _decoded(call, code, data)

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Manifest | None, content: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Accept": _JSON, "Content-Type": content}
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        asked = urlencode({name: value for name, value in query.items() if value})
        url = f"{self._client.configuration.host}{path}" + (f"?{asked}" if asked else "")
        answer = await self._client.rest_client.request(  # type: ignore[no-untyped-call]
            method, url, headers=headers, body=body, _request_timeout=self._timeout
        )
        return answer.status, answer.headers, await answer.read()

    def _refused(self, call: str, code: int, headers: Mapping[str, str], data: bytes) -> KubeError:
        try:
            status = msgspec.json.decode(data, type=dict[str, Any])
        except msgspec.MsgspecError:
            status = {"message": data[:200].decode(errors="replace")}
        retry_after = _seconds(headers.get("Retry-After"))
        if code == 429:
            retry_after = _USUAL_RETRY_AFTER if retry_after is None else retry_after
            self._budget.hold(retry_after)
        reason = status.get("reason") or _REASONS.get(code, "Error")
        return KubeError(call, code, str(reason), str(status.get("message", "")), retry_after)


def _decoded(call: str, code: int, data: bytes) -> Manifest:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise KubeError(call, code, "BadAnswer", f"the body is not JSON: {error}") from error


def _selector(wanted: Mapping[str, str] | None) -> str:
    return ",".join(f"{name}={value}" for name, value in (wanted or {}).items())


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else min(max(float(text), 0.0), _LONGEST_RETRY_AFTER)
    except ValueError:  # a date: as good as none
        return None
