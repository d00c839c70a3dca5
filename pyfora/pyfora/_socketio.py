"""The transport of a real cluster: messages over socket.io, objects over HTTP or a shared folder.

Everything runs in one daemon thread with its own event loop. Callers append to an outbox and go
on; the thread puts whatever waits into one frame, so a thousand small messages cost a few frames.
When the link breaks, the thread connects again with the same session id, says again what may have
been lost, and gives up after ``reconnect_seconds``.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from pyfora._credentials import Credentials
from pyfora._dialling import Dialler
from pyfora._errors import ConnectionError, PyforaError
from pyfora._http import HttpApi
from pyfora._link import Link
from pyfora._outbox import Outbox
from pyfora._requests import Requests
from pyfora._transport import Receiver
from ufora_core.errors import ProtocolError, StoreError
from ufora_core.protocol import codec
from ufora_core.protocol.client import FromClient
from ufora_core.store import Buffer, ObjectStore
from ufora_core.tokens import TokenSource

T = TypeVar("T")

_log = logging.getLogger(__name__)


class SocketIoTransport:
    """A link to the manager at ``url`` (see ``Transport``)."""

    def __init__(
        self,
        url: str,
        *,
        token: TokenSource | str | None,
        timeout: float,
        reconnect_seconds: float = 60.0,
    ) -> None:
        """``timeout`` is for the first link, ``reconnect_seconds`` for each after it."""
        self._url = url
        source = token if isinstance(token, TokenSource) else TokenSource(token or None)
        self._http = HttpApi(url, Credentials(source))
        self._requests = Requests(url, reconnect_seconds)
        self._dialler = Dialler(
            self._http,
            timeout=timeout,
            reconnect_seconds=reconnect_seconds,
            on_frame=self._on_frame,
            on_lost=self._on_link_lost,
        )
        self._outbox = Outbox()
        self._woken = False
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
        store = self._dialler.store
        if store is not None:
            _write(store, objects)
        else:
            self._wait(lambda: self._http.upload(objects))

    def download(self, digest: str) -> Future[Buffer]:
        """Map the object from the shared folder, else fetch it."""
        store = self._dialler.store
        if store is not None:
            try:
                found: Future[Buffer] = Future()
                found.set_result(store.open_private(digest))
                return found
            except StoreError:
                pass  # a worker on another machine has it; the manager will get it from there
        return self._requests.begin(lambda: self._http.download(digest))

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

    def _wait(self, call: Callable[[], Awaitable[T]]) -> T:
        answer = self._requests.begin(call)
        try:
            return answer.result()
        except BaseException:
            answer.cancel()  # Ctrl-C: nobody waits for it any more
            raise

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            _log.exception("the link to %s failed", self._url)
            self._fail(ConnectionError(f"the link to {self._url} failed: {error!r}"))
        finally:
            closed = f"the connection to {self._url} is closed; connect again"
            self._requests.end(ConnectionError(closed))

    def _fail(self, error: PyforaError) -> None:
        if not self._started.done():
            self._started.set_exception(error)
        elif isinstance(error, ConnectionError):
            self._requests.end(error)
            self._receiver.on_lost(error)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._requests.start()
        self._wake = asyncio.Event()
        self._task = asyncio.current_task()
        if self._closing:
            return
        async with self._http:
            try:
                link = await self._dialler.first()
                self._started.set_result(None)
                while True:
                    await self._serve(link)
                    self._receiver.on_interrupted()
                    link = await self._dialler.again(link.why, self._say_again, self._in_flight)
            except PyforaError as error:
                self._fail(error)

    async def _serve(self, link: Link) -> None:
        """Send what is queued until the link breaks; on the way out, send what is left."""
        if not link.lost:
            self._requests.link_is_up()
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

    def _on_link_lost(self) -> None:
        self._requests.link_is_down()
        self._wake.set()

    async def _say_again(self, link: Link) -> None:
        """Put first what the manager may not have heard, and give it the objects for it."""
        self._outbox.drop_submits()
        unfinished = self._receiver.unfinished()
        if unfinished.objects:
            await self._requests.attempt(lambda: self._restore(unfinished.objects))
        self._outbox.put_first(unfinished.messages)

    async def _restore(self, objects: Mapping[str, Buffer]) -> None:
        lacking = {each: objects[each] for each in await self._http.missing(objects)}
        if self._dialler.store is not None:
            await asyncio.to_thread(_write, self._dialler.store, lacking)
        elif lacking:
            await self._http.upload(lacking)

    def _in_flight(self) -> str:
        jobs, requests = self._receiver.in_flight(), self._requests.count
        return f"{jobs} blocks and calls, and {requests} requests for objects"

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


def _write(store: ObjectStore, objects: Mapping[str, Buffer]) -> None:
    for digest, content in objects.items():
        store.put_at(digest, [content])
