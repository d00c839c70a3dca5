"""HTTP beside the messages: objects in bulk, and questions about the cluster.

An upload is one body of many objects, each ``[32-byte digest][8-byte big-endian size][bytes]``; it
is written straight from the objects' own memory. Every request may be repeated, so a broken
connection (``Unreachable``) is the caller's to retry; every other error is final.
"""

import json
import os
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Self

import aiohttp

from pyfora._credentials import Credentials
from pyfora._errors import AuthenticationError, ConnectionError, LostObject
from ufora_core.store import Buffer

#: Bytes handed to the socket at once: large enough to run at its speed, small enough that messages
#: on the other connection are never held up for more than a few milliseconds.
_PIECE = 1024 * 1024

_HEADER = struct.Struct(">32sQ")

#: Seconds without a byte from the peer after which a request counts as broken.
_SILENCE = 60.0


class Unreachable(Exception):
    """The request did not get through; the same request may get through later."""


def body_size(objects: Mapping[str, Buffer]) -> int:
    """Number of bytes of an upload of these objects."""
    return sum(_HEADER.size + memoryview(each).nbytes for each in objects.values())


async def body_of(objects: Mapping[str, Buffer]) -> AsyncIterator[bytes | memoryview]:
    """The body of an upload, piece by piece and without a copy."""
    for digest, content in objects.items():
        view = memoryview(content).cast("B")
        yield _HEADER.pack(bytes.fromhex(digest), view.nbytes)
        for start in range(0, view.nbytes, _PIECE):
            yield view[start : start + _PIECE]


class HttpApi:
    """The manager's HTTP side. Used in one event loop, as an asynchronous context manager."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = url
        self._credentials = credentials

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries now."""
        return self._credentials.headers

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=_SILENCE)
        self.session = aiohttp.ClientSession(
            timeout=timeout, read_bufsize=_PIECE, auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def get_json(self, path: str) -> Any:
        """The JSON at ``path``.

        Raises:
            ConnectionError: what answers is no Ufora manager, or it failed.
        """
        return self._json(await self._request("GET", path))

    async def missing(self, digests: Iterable[str]) -> list[str]:
        """Those of the objects that the manager lacks."""
        body = json.dumps(list(digests)).encode()
        answer = self._json(await self._request("POST", "/api/v1/objects/missing", body))
        if not isinstance(answer, list):
            raise self._stranger("it answered with something else than a list")
        return [str(each) for each in answer]

    async def upload(self, objects: Mapping[str, Buffer]) -> None:
        """Send the objects; returns when the manager has stored them."""
        await self._request(
            "POST", "/api/v1/objects", body_of(objects), {"Content-Length": str(body_size(objects))}
        )

    async def download(self, digest: str) -> bytearray:
        """The object's bytes."""
        return await self._request("GET", f"/api/v1/objects/{digest}")

    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | AsyncIterator[bytes | memoryview] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytearray:
        token = self._credentials.token
        carried = {**self.headers, **(headers or {})}
        try:
            async with self.session.request(
                method, self.url + path, data=body, headers=carried, allow_redirects=False
            ) as response:
                content = await _content_of(response)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(_why(error)) from None
        if response.status == 401 and self._credentials.refused(token):
            raise Unreachable("the token was replaced")
        self._check(response.status, path, content)
        self._credentials.accepted()
        return content

    def _check(self, status: int, path: str, content: bytearray) -> None:
        if status in (401, 403):
            raise AuthenticationError(
                f"the manager at {self.url} refused this client ({_sentence(content)}); pass its "
                "token as pyfora.connect(url, token=...) or set UFORA_AUTH_TOKEN"
            )
        if status in (502, 503, 504):
            raise Unreachable(f"HTTP {status}: {_sentence(content)}")
        if status == 404 and path.startswith("/api/v1/objects/"):
            raise LostObject(
                f"the manager at {self.url} has lost object {path[-64:][:12]}: {_sentence(content)}"
            )
        if status in (400, 405, 413, 500, 507):
            raise ConnectionError(
                f"the manager at {self.url} could not serve {path} (HTTP {status}): "
                f"{_sentence(content)}"
            )
        if status != 200:
            raise self._stranger(f"it answered HTTP {status} to {path}")

    def _json(self, content: bytearray) -> Any:
        try:
            return json.loads(content)
        except ValueError:
            raise self._stranger("it answered with something else than JSON") from None

    def _stranger(self, why: str) -> ConnectionError:
        return ConnectionError(
            f"what listens at {self.url} is no Ufora manager: {why}; check the address and port"
        )


async def _content_of(response: aiohttp.ClientResponse) -> bytearray:
    """The whole body, read into one buffer of the right size when the size is known."""
    size = response.content_length
    content = bytearray(size or 0)
    at = 0
    async for piece in response.content.iter_any():
        content[at : at + len(piece)] = piece
        at += len(piece)
    if size is not None and response.status == 200 and at != size:
        raise aiohttp.ClientPayloadError(f"{at} of {size} bytes arrived")
    return content


def _why(error: BaseException) -> str:
    """One phrase for what the operating system or the peer did."""
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno or 0  # below 0: the host's name was not found
        return (os.strerror(code) if code > 0 else str(error.os_error)).lower()
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return str(error) or type(error).__name__


def _sentence(content: bytearray) -> str:
    """What the peer said, fit for the middle of a message of ours."""
    text = bytes(content[:2000]).decode("utf-8", "replace")
    try:
        answer = json.loads(text)
        text = str(answer["error"]) if isinstance(answer, dict) and "error" in answer else text
    except ValueError:
        pass
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:200] or "no reason given"
