"""The thread that brings results to futures: decoding, user's callbacks and clean-up run here.

It is not the network's thread, so that a slow callback never keeps a heartbeat waiting.
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class DeliveryThread:
    """Runs tasks one after the other, and ``idle`` whenever none is left."""

    def __init__(self, idle: Callable[[], None]) -> None:
        self._idle = idle
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pyfora-delivery", daemon=True)
        self._thread.start()

    @property
    def ident(self) -> int:
        """The thread's ``threading.get_ident()``."""
        return self._thread.ident or 0

    def put(self, task: Callable[[], None]) -> None:
        """Run the task after those that wait. Safe in finalizers: it takes no lock of Python's."""
        self._tasks.put(task)

    def stop(self) -> None:
        """Run what waits, then end the thread."""
        self._tasks.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
                if self._tasks.empty():
                    self._idle()
            except Exception:
                _log.exception("a result could not be delivered")
            del task  # it may hold the last reference to a cluster that its user has dropped
