"""How native code, which no signal handler can interrupt, keeps listening.

At its back edges native code looks at one word. A thread sets it every ``HEARTBEAT`` seconds while
native code runs, and the code calls back: there the loop's heartbeat, a stop and the supervisor's
question are answered, as between two bytecodes of CPython.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ufora_worker.executor.interrupts import HEARTBEAT, Interrupts

#: What native code calls; not 0 tells it to leave.
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64)


class Attention:
    """The word and the callback of one executor, used from its main thread."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._word = ctypes.c_int64(0)
        #: Address of the word.
        self.address = ctypes.addressof(self._word)
        self.callback = CALLBACK(self._look)
        self._raised: BaseException | None = None
        self._leaves = False
        self._running, self._closed = threading.Event(), threading.Event()
        self._ticker: threading.Thread | None = None

    @contextmanager
    def native_code(self) -> Iterator[None]:
        """Within it native code may run; what its callback raised is raised at the end."""
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="ufora-attention", daemon=True)
            self._ticker.start()
        self._leaves = False
        self._running.set()
        try:
            with self._interrupts.deferred():
                yield
        finally:
            self._running.clear()
            raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def leave(self) -> None:
        """From a heartbeat within native code: it is to stop in front of the item that it runs."""
        self._leaves = True

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._running.set()
        if self._ticker is not None:
            self._ticker.join()

    def _look(self) -> int:
        self._word.value = 0
        try:
            self._interrupts.look()
        except BaseException as error:
            # An exception cannot pass through native code.
            self._raised = error
            return 1
        return int(self._leaves)

    def _tick(self) -> None:
        while not self._closed.wait(HEARTBEAT):
            self._running.wait()
            self._word.value = 1
