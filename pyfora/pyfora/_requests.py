"""Requests that outlive the link: broken off when it breaks, made again when it is back.

Any thread begins a request and gets a future at once; the network's thread does the rest. However
the thread ends, each future gets its end.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from pyfora._errors import ConnectionError, PyforaError, again
from pyfora._http import Unreachable
from pyfora._outage import Outage

T = TypeVar("T")

#: Longest pause before a request that failed while the link is well is made again, in seconds.
_LONGEST_PAUSE = 0.5


class Requests:
    """The requests of one transport. All but ``begin`` is for the network's thread."""

    def __init__(self, url: str, limit: float) -> None:
        """A request that fails for ``limit`` seconds, although there is a link, is given up."""
        self._url = url
        self._limit = limit
        self._end: PyforaError | None = None
        self._open: set[Future[Any]] = set()
        self._attempts: set[asyncio.Timeout] = set()
        # Set by ``start``, and constant from then on.
        self._loop: asyncio.AbstractEventLoop
        self._link: asyncio.Event

    @property
    def count(self) -> int:
        """Number of requests without an answer."""
        return len(self._open)

    def begin(self, call: Callable[[], Awaitable[T]]) -> "Future[T]":
        """Make an idempotent request, again and again until it gets through; from any thread."""
        answer: Future[T] = Future()
        self._open.add(answer)
        answer.add_done_callback(self._open.discard)
        with suppress(RuntimeError):  # the loop is closed, and so ``end`` was called
            self._loop.call_soon_threadsafe(self._start, call, answer)
        if self._end is not None:
            _fail(answer, self._end)
        return answer

    def start(self) -> None:
        """Called first, in the loop."""
        self._loop = asyncio.get_running_loop()
        self._link = asyncio.Event()

    def link_is_up(self) -> None:
        """Make the requests that wait."""
        self._link.set()

    def link_is_down(self) -> None:
        """Break off what is under way: nobody may ever answer it."""
        self._link.clear()
        attempts, self._attempts = self._attempts, set()
        for attempt in attempts:
            attempt.reschedule(self._loop.time())

    def end(self, error: PyforaError) -> None:
        """Every request that has no answer, now or later, fails with ``error``; the first counts.
        Callable from any thread once the loop is closed."""
        self._end = self._end or error
        for answer in list(self._open):
            _fail(answer, self._end)

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """One attempt, which ends with the link.

        Raises:
            Unreachable: it did not get through.
        """
        try:
            async with asyncio.timeout(None) as limit:
                self._attempts.add(limit)
                try:
                    return await call()
                finally:
                    self._attempts.discard(limit)
        except TimeoutError:
            raise Unreachable("the connection broke") from None

    def _start(self, call: Callable[[], Awaitable[T]], answer: "Future[T]") -> None:
        if answer.done():
            return
        task = self._loop.create_task(self._persist(call))
        task.add_done_callback(partial(_settle, answer))
        answer.add_done_callback(lambda _: self._stop(task))

    def _stop(self, task: "asyncio.Task[T]") -> None:
        if not task.done():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(task.cancel)

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        outage: Outage | None = None
        while True:
            await self._link.wait()
            try:
                return await self.attempt(call)
            except Unreachable as error:
                if not self._link.is_set():
                    outage = None  # it is the link's, which has a limit of its own
                    continue
                now = self._loop.time()
                outage = outage or Outage(now, self._limit, _LONGEST_PAUSE)
                pause = outage.pause(now, random.random())
                if pause is None:
                    raise ConnectionError(
                        f"the manager at {self._url} cannot be reached any more: {error}"
                    ) from None
            await asyncio.sleep(pause)


def _settle(answer: "Future[T]", task: "asyncio.Task[T]") -> None:
    if task.cancelled():
        return  # the answer was cancelled, or fails by ``end``
    error = task.exception()
    with suppress(InvalidStateError):
        if error is None:
            answer.set_result(task.result())
        else:
            answer.set_exception(error)


def _fail(answer: "Future[T]", error: PyforaError) -> None:
    with suppress(InvalidStateError, CancelledError):
        answer.set_exception(again(error))
