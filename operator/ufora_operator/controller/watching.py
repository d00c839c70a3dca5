"""kopf in a thread and an event loop of its own: when it ends it cancels every task of its loop,
and when a watch gets an answer that it does not know it ends. Here it is just started again."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

import kopf
from kubernetes.aio.client import Configuration

from ufora_operator.controller import connection, handlers
from ufora_operator.controller.kinds import Kind
from ufora_operator.controller.queue import Key

log = logging.getLogger(__name__)

#: Seconds between the end of kopf and its next start: the first time, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Watching:
    """The watches. ``note`` is called, in the caller's event loop, with the cluster of each event;
    ``heard``, in the thread, with the path of each watch that shows life."""

    def __init__(
        self,
        found: Configuration,
        kinds: Sequence[Kind],
        namespaces: Sequence[str],
        *,
        note: Callable[[Key], None],
        heard: connection.Heard,
    ) -> None:
        self._configuration = found
        self._kinds = kinds
        self._namespaces = namespaces
        self._note = note
        self._heard = heard
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        loop = asyncio.get_running_loop()

        def note(key: Key) -> None:
            loop.call_soon_threadsafe(self._note, key)

        self._thread = threading.Thread(target=self._run, args=(note,), name="watches", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the watches; returns when the thread has ended."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self, note: Callable[[Key], None]) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                asyncio.run(self._watch(note))
            except Exception:
                log.exception("the watches ended; they begin again in %.0f s", pause)
            self._stop.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _watch(self, note: Callable[[Key], None]) -> None:
        registry = handlers.registry(self._kinds, note)

        async def login(**_: object) -> kopf.AiohttpSession:
            return await connection.watch_session(self._configuration, self._heard)

        kopf.on.login(registry=registry)(login)
        await kopf.operator(
            registry=registry,
            settings=handlers.watch_settings(self._kinds),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=self._stop,
        )
