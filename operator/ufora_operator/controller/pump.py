"""Drives the queue: takes keys that are due and has a few rounds made at the same time."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from ufora_operator.controller.logs import ROUND
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.queue import Key, WorkQueue
from ufora_operator.controller.reconcile import Outcome, RoundFailed
from ufora_operator.errors import KubeError, LeadershipLost

log = logging.getLogger(__name__)

#: Longest time of a round, in seconds; every call in it is bounded, this bounds their sum.
ROUND_LIMIT = 120.0


class Rounds(Protocol):
    """What makes a round (``Reconciler``)."""

    async def round(self, key: Key) -> Outcome:
        """Look at the cluster and take the next steps; raises when it is to be tried again."""

    async def tell_of_failure(self, key: Key, error: Exception, times: int) -> None:
        """Say where people see it that rounds of the cluster keep failing."""


class Pump:
    """Makes rounds of the keys in its queue. ``clock`` only goes forward."""

    def __init__(
        self,
        queue: WorkQueue,
        *,
        concurrency: int,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._concurrency = concurrency
        self._metrics = metrics
        self._clock = clock
        self._added = asyncio.Event()
        self._stopping = False
        self._rounds = 0
        #: When each round that runs began.
        self._running: dict[Key, float] = {}

    def add(self, key: Key) -> None:
        """Look at the cluster soon."""
        self._queue.add(key, self._clock())
        self._added.set()

    @property
    def longest_round(self) -> float:
        """Seconds for which the oldest of the rounds that run has been running."""
        now = self._clock()
        return max((now - began for began in self._running.values()), default=0.0)

    def measure(self) -> None:
        """Bring the queue's metrics up to date."""
        now = self._clock()
        self._metrics.queue_depth.set(self._queue.waiting(now))
        self._metrics.queue_oldest.set(self._queue.oldest(now))

    async def run(self, rounds: Rounds) -> None:
        """Make rounds until ``stop``. Raises LeadershipLost when one finds that the Lease is."""
        lost: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._concurrency):
                    group.create_task(self._work(rounds), name=f"reconcile {number}")
        except* LeadershipLost as errors:
            lost = errors.exceptions[0]
        if lost is not None:  # raised above, the first releases of 3.11 would make a group of it
            raise lost

    def stop(self) -> None:
        """Begin no further round; ``run`` returns when those that run have ended."""
        self._stopping = True
        self._added.set()

    async def _work(self, rounds: Rounds) -> None:
        while not self._stopping:
            key = self._queue.take(self._clock())
            if key is None:
                await self._wait()
            else:
                with self._counted(key):
                    await self._make_round(rounds, key)

    async def _wait(self) -> None:
        self._added.clear()
        due = self._queue.next_due()
        wait = None if due is None else max(due - self._clock(), 0.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._added.wait()

    @contextlib.contextmanager
    def _counted(self, key: Key) -> Iterator[None]:
        self._rounds += 1
        token = ROUND.set(
            {"namespace": key.namespace, "cluster": key.name, "reconcile": self._rounds}
        )
        began = self._running[key] = self._clock()
        try:
            yield
        finally:
            del self._running[key]
            self._metrics.reconcile_seconds.observe(self._clock() - began)
            ROUND.reset(token)
            if self._stopping:
                self._added.set()

    async def _make_round(self, rounds: Rounds, key: Key) -> None:
        try:
            async with asyncio.timeout(ROUND_LIMIT):
                outcome = await rounds.round(key)
        except LeadershipLost:
            raise
        except Exception as error:  # one cluster's failure, whatever it is, is nobody else's
            await self._failed(rounds, key, error)
            return
        self._metrics.reconciles.labels("gone" if outcome.gone else "done").inc()
        if outcome.gone:
            self._queue.gone(key, self._clock())
        else:
            self._queue.done(key, self._clock(), again_after=outcome.again_after)

    async def _failed(self, rounds: Rounds, key: Key, error: Exception) -> None:
        self._metrics.reconciles.labels("failed").inc()
        self._metrics.reconcile_errors.labels(_reason(error)).inc()
        expected = isinstance(error, KubeError | RoundFailed | TimeoutError)
        log.warning("the round failed: %s", error or "it took too long", exc_info=not expected)
        try:
            if not isinstance(error, RoundFailed):  # that one has written the status itself
                await rounds.tell_of_failure(key, error, self._queue.failures(key) + 1)
        except KubeError as second:
            log.info("the status could not be written either: %s", second)
        finally:
            self._queue.failed(key, self._clock(), at_least=_retry_after(error))


def _errors(error: Exception) -> tuple[Exception, ...]:
    return tuple(error.errors) if isinstance(error, RoundFailed) else (error,)


def _reason(error: Exception) -> str:
    first = _errors(error)[0]
    return first.reason if isinstance(first, KubeError) else type(first).__name__


def _retry_after(error: Exception) -> float:
    asked = (each.retry_after or 0.0 for each in _errors(error) if isinstance(each, KubeError))
    return max(asked, default=0.0)
