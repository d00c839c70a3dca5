"""Futures of jobs: ``concurrent.futures.Future`` that can also stop what already runs."""

import concurrent.futures
import os
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pyfora._errors import PyforaError

T = TypeVar("T")

#: Seconds that an interrupted wait gives the job to stop before the interrupt goes on.
STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Handle:
    """What a future may do with the job behind it."""

    #: Stop the job on the workers; called at most once a future.
    cancel: Callable[[], object]
    #: Set when the cluster says that the job has ended.
    ended: threading.Event
    #: The thread that delivers results: it must never wait for one.
    delivery_thread: int


class Future(concurrent.futures.Future[T]):
    """The value that a job will have. Works with ``concurrent.futures.wait`` and
    ``as_completed``, and can be awaited."""

    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self._handle = handle
        self._process = os.getpid()
        self._first_cancel = threading.Lock()

    def cancel(self) -> bool:
        """Stop the job, also when it runs already. False when it has ended."""
        if not super().cancel():
            return False
        if self._first_cancel.acquire(blocking=False):
            # Tells those who wait in concurrent.futures.wait and as_completed.
            self.set_running_or_notify_cancel()
            self._handle.cancel()
        return True

    def result(self, timeout: float | None = None) -> T:
        """The value; raises what the job raised.

        Ctrl-C while waiting cancels the job, and is raised once the job has stopped (or after a
        second).

        Raises:
            TimeoutError: it is not there after ``timeout`` seconds.
            CancelledError: the job was cancelled.
            JobFailedError: the job ended without a result.
        """
        self._check_waiter()
        try:
            return super().result(timeout)
        except KeyboardInterrupt:
            self._interrupt()
            raise

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the job raised, or None; waits and raises as ``result`` does."""
        self._check_waiter()
        try:
            return super().exception(timeout)
        except KeyboardInterrupt:
            self._interrupt()
            raise

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio  # loaded already by whoever awaits; a tenth of a second for others

        return asyncio.wrap_future(self).__await__()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a future stays in the client; use its result(), or pass it as an argument")

    def _interrupt(self) -> None:
        # The interrupt may also be what the job itself raised; then there is nothing to stop.
        if self.cancel():
            self._handle.ended.wait(STOP_SECONDS)

    def _check_waiter(self) -> None:
        if self.done():
            return
        if os.getpid() != self._process:
            raise PyforaError(
                "this future belongs to another process (a fork copied it), so its value cannot "
                "arrive here; connect and submit in the process that waits"
            )
        if threading.get_ident() == self._handle.delivery_thread:
            raise PyforaError(
                "a callback waits for a future that only the callback's own thread can deliver; "
                "use that future's add_done_callback instead of waiting for it"
            )
