"""The transport of a real cluster: messages over socket.io, objects over HTTP or a shared folder.

Everything runs in one daemon thread with its own event loop. Callers append to an outbox and go
on; the thread puts whatever waits into one frame, so a thousand small messages cost a few frames.
When the link breaks, the thread connects again with the same session id, and gives up after
``timeout`` seconds.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any, TypeVar

from pyfora._errors import ConnectionError, PyforaError, VersionError
from pyfora._http import HttpApi, Unreachable
from pyfora._link import Link
from pyfora._outbox import Outbox
from pyfora._transport import Receiver
from ufora_core import __version__
from ufora_core.errors import ProtocolError, StoreError, VersionMismatch
from ufora_core.protocol import codec
from ufora_core.protocol.client import FromClient
from ufora_core.protocol.version import VERSION, check_peer
from ufora_core.store import Buffer, ObjectStore, shares

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Pause before the second attempt to connect, and the longest one, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


class SocketIoTransport:
    """A link to the manager at ``url`` (see ``Transport``)."""

    def __init__(self, url: str, *, token: str | None, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._http = HttpApi(url, token)
        self._auth = {
            "protocol": VERSION,
            "release": __version__,
            "session": secrets.token_hex(16),
        }
        self._outbox = Outbox()
        self._woken = False
        self._ended = False
        self._store: ObjectStore | None = None
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="pyfora-network", daemon=True)
        # Set by the thread before ``_started`` is, and constant from then on.
        self._receiver: Receiver
        self._loop: asyncio.AbstractEventLoop
        self._wake: asyncio.Event
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def url(self) -> str:
        """Address of the manager."""
        return self._url

    def start(self, receiver: Receiver) -> None:
        """Connect within the timeout; see ``Transport.start``."""
        self._receiver = receiver
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self.close()
            raise

    def send(self, messages: Sequence[FromClient]) -> None:
        """Queue the messages for the next frame."""
        self._outbox.put(messages)
        if not self._woken:
            self._woken = True
            self._call_soon(self._wake.set)

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Ask the manager, which keeps those that it has for the program about to come."""
        wanted = list(digests)
        return self._wait(lambda: self._http.missing(wanted))

    def upload(self, objects: Mapping[str, Buffer]) -> None:
        """Write into the shared folder, else send one body."""
        if self._store is None:
            return self._wait(lambda: self._http.upload(objects))
        for digest, content in objects.items():
            self._store.put_at(digest, [content])
        return None

    def download(self, digest: str) -> Future[Buffer]:
        """Map the object from the shared folder, else fetch it."""
        if self._store is not None:
            try:
                found: Future[Buffer] = Future()
                found.set_result(self._store.open_private(digest))
                return found
            except StoreError:
                pass  # a worker on another machine has it; the manager will get it from there
        return self._begin(lambda: self._http.download(digest))

    def get_json(self, path: str) -> object:
        """Ask the manager over HTTP."""
        return self._wait(lambda: self._http.get_json(path))

    def close(self) -> None:
        """Send what waits, say goodbye, stop the thread."""
        self._closing = True
        if not self._thread.is_alive():
            return
        if self._task is not None:
            self._call_soon(self._task.cancel)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # ------------------------------------------------------------------ from other threads

    def _call_soon(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:
            _log.debug("the link to %s is closed already", self._url)

    def _begin(self, call: Callable[[], Awaitable[T]]) -> "Future[T]":
        """Run an idempotent request in the thread, again and again while the link is down."""
        work = self._persist(call)
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            failed: Future[T] = Future()
            failed.set_exception(self._closed())
            return failed

    def _wait(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return self._begin(call).result()
        except CancelledError:
            raise self._closed() from None

    def _closed(self) -> ConnectionError:
        return ConnectionError(f"the connection to {self._url} is closed; connect again")

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            _log.exception("the link to %s failed", self._url)
            self._fail(ConnectionError(f"the link to {self._url} failed: {error!r}"))

    def _fail(self, error: PyforaError) -> None:
        if not self._started.done():
            self._started.set_exception(error)
        elif isinstance(error, ConnectionError):
            self._receiver.on_lost(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._task = asyncio.current_task()
        if self._closing:
            return
        async with self._http:
            try:
                link = await self._connect()
                self._started.set_result(None)
                while True:
                    await self._serve(link)
                    _log.info("the link to %s broke; connecting again", self._url)
                    link = await self._connect()
                    self._receiver.on_reconnected()
            except PyforaError as error:
                self._fail(error)
            finally:
                self._ended = True

    async def _serve(self, link: Link) -> None:
        """Send what is queued until the link breaks; on the way out, send what is left."""
        link.on_lost = self._wake.set
        try:
            while not link.lost:
                self._woken = False
                for frame in self._outbox.frames():
                    await link.send(frame)
                await self._wake.wait()
                self._wake.clear()
        finally:
            if not link.lost:
                for frame in self._outbox.frames():
                    await link.send(frame)
            await link.close()

    async def _connect(self) -> Link:
        """A link, or the error that a user understands. Waits for a manager that is not up yet."""
        deadline = self._loop.time() + self._timeout
        pause = _FIRST_PAUSE
        reason = "no answer"
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._attempt()
            except Unreachable as error:
                reason = str(error)
            except TimeoutError:
                pass
            if self._loop.time() + pause >= deadline:
                raise ConnectionError(
                    f"no Ufora manager can be reached at {self._url} ({reason}; tried for "
                    f"{self._timeout:g} s); start one with `ufora-manager`, check the address, "
                    "or leave it out: pyfora.connect() starts a cluster on this machine"
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _attempt(self) -> Link:
        # The plain request first: its answer tells strangers, tokens and managers apart, which a
        # failed websocket handshake does not.
        answer = await self._http.get_json("/api/v1/store")
        self._store = _shared_store(answer)
        link = Link(self._http, self._on_frame)
        try:
            await link.open(self._auth)
        except ConnectionError:
            await self._check_version()
            raise
        return link

    async def _check_version(self) -> None:
        """Versions that differ are the usual reason of a refusal, and the manager tells its own."""
        about = await self._http.get_json("/api/v1/cluster")
        try:
            check_peer(f"the manager at {self._url}", int(about["protocol"]), str(about["release"]))
        except VersionMismatch as mismatch:
            raise VersionError(str(mismatch)) from None
        except (KeyError, TypeError, ValueError):
            pass  # it refused for a reason of its own, and has said so

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        deadline: float | None = None
        while not self._ended:
            try:
                return await call()
            except Unreachable as error:
                deadline = deadline or self._loop.time() + self._timeout
                if self._loop.time() + _LONGEST_PAUSE > deadline:
                    raise ConnectionError(
                        f"the manager at {self._url} cannot be reached any more: {error}"
                    ) from None
            await asyncio.sleep(_LONGEST_PAUSE)
        raise self._closed()

    def _on_frame(self, frame: object) -> None:
        if not isinstance(frame, bytes):
            _log.warning("ignored a frame of %s from %s", type(frame).__name__, self._url)
            return
        try:
            messages = codec.decode_to_client(frame)
        except ProtocolError as error:
            _log.warning("ignored a frame from %s: %s", self._url, error)
            return
        self._receiver.on_messages(messages)


def _shared_store(answer: Any) -> ObjectStore | None:
    """The manager's own store, when this process can read and write its folder."""
    if not isinstance(answer, dict):
        return None
    path, proof = str(answer.get("path", "")), str(answer.get("proof", ""))
    try:
        return ObjectStore(Path(path)) if shares(path, proof) else None
    except StoreError:
        return None
