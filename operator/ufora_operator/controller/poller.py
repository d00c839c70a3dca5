"""Asks the clusters' managers what only they know, and gives them orders, outside the queue: a
manager that hangs or lies costs its own cluster a report and nobody else anything.

Every cluster has a task of its own, so orders and questions of one manager never overlap, and an
answer is always younger than the orders that were given before it was asked for.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import aiohttp
import msgspec

from ufora_operator import names
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.queue import Key
from ufora_operator.facts import Facts, Report, WorkerFacts

log = logging.getLogger(__name__)

#: Seconds that a manager gets for an answer, from connecting to the last byte.
LIMIT = 2.0
#: Seconds between two questions while nothing is under way, and while something is.
CALM, BUSY = 20.0, 5.0
#: Largest answer that is read, in bytes: a thousand workers take a quarter of it.
_LARGEST = 4 * 1024 * 1024
#: Managers that are asked at the same time; those that hang hold a place for ``LIMIT`` seconds.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be asked and ordered of one manager now."""

    port: int
    #: Tokens to try, in order; without any, none is sent.
    tokens: tuple[str, ...] = ()
    retire: tuple[str, ...] = ()
    unretire: tuple[str, ...] = ()
    #: Something is under way and wants a look after so many seconds.
    pending: float | None = None

    @property
    def orders(self) -> list[tuple[str, str]]:
        """Method and worker of each order that waits to be given."""
        return [("POST", name) for name in self.retire] + [
            ("DELETE", name) for name in self.unretire
        ]

    @property
    def interval(self) -> float:
        """Seconds until the next question."""
        return CALM if self.pending is None else min(self.pending, BUSY)


@dataclass(slots=True)
class _Watched:
    """One cluster's place in the poller."""

    target: Target
    task: asyncio.Task[None] | None = None
    report: Report | None = None
    #: Set when orders are waiting, or something under way wants an answer sooner.
    nudge: asyncio.Event = field(default_factory=asyncio.Event)


class _Unanswered(Exception):
    """The manager gave no answer that can be used; the message is the reason, as a sentence."""


class Poller:
    """Reports of all clusters. ``changed`` is called with a cluster's key when a report says
    something else than the one before; ``address`` gives a manager's URL; ``now`` Unix seconds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        changed: Callable[[Key], None],
        metrics: Metrics,
        now: Callable[[], float],
        address: Callable[[Key, int], str] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._session = session
        self._changed = changed
        self._metrics = metrics
        self._now = now
        self._address = service_address if address is None else address
        self._limit = limit
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._watched: dict[Key, _Watched] = {}

    def report(self, key: Key) -> Report | None:
        """The last that is known; None before the first question was answered or given up."""
        watched = self._watched.get(key)
        return None if watched is None else watched.report

    def follow(self, key: Key, target: Target | None) -> None:
        """Ask that manager from now on, and give it these orders; None: there is none to ask."""
        if target is None:
            self.forget(key)
            return
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(target)
            watched.task = asyncio.create_task(self._attend(key, watched), name=f"poll {key}")
            return
        sooner = target.interval < watched.target.interval or target.tokens != watched.target.tokens
        watched.target = target
        if target.orders and watched.report is not None:
            # What was known before an order says nothing of the time after it.
            watched.report = replace(watched.report, overtaken=True)
        if sooner or target.orders:
            watched.nudge.set()

    def forget(self, key: Key) -> None:
        """There is nobody to ask any more."""
        watched = self._watched.pop(key, None)
        if watched is not None and watched.task is not None:
            watched.task.cancel()

    async def close(self) -> None:
        """Ask nobody any more."""
        tasks = [each.task for each in self._watched.values() if each.task is not None]
        for key in list(self._watched):
            self.forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attend(self, key: Key, watched: _Watched) -> None:
        while True:
            watched.nudge.clear()
            try:
                await self._order(key, watched)
                self._note(key, watched, await self._asked(key, watched))
            except Exception:  # a bug here must not end the reports of a cluster for good
                log.exception("%s: its manager could not be asked", key)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(watched.target.interval):
                    await watched.nudge.wait()

    async def _order(self, key: Key, watched: _Watched) -> None:
        target = watched.target
        # Each order is given once a round: the next round orders again what still needs it.
        watched.target = replace(target, retire=(), unretire=())
        async with asyncio.TaskGroup() as group:
            for method, name in target.orders:
                group.create_task(self._ordered(key, target, method, name))

    async def _ordered(self, key: Key, target: Target, method: str, name: str) -> None:
        path = f"/api/v1/workers/{quote(name, safe='')}/retire"
        body = {"exit": False} if method == "POST" else None
        try:
            await self._call(key, target, method, path, body)
        except _Unanswered as error:
            log.warning("%s: %s %s: %s", key, method, path, error)

    async def _asked(self, key: Key, watched: _Watched) -> Report:
        began = self._now()
        try:
            data = await self._call(key, watched.target, "GET", "/api/v1/cluster", None)
            return Report(began, msgspec.json.decode(data, type=Facts))
        except msgspec.MsgspecError as error:
            reason = f"its answer is not one that this release understands: {error}"
        except _Unanswered as error:
            reason = str(error)
        before = watched.report
        return Report(began, None if before is None else before.facts, reason)

    async def _call(self, key: Key, target: Target, method: str, path: str, body: object) -> bytes:
        """The body of a 2xx answer. Raises _Unanswered."""
        result = "refused"
        try:
            async with self._places, asyncio.timeout(self._limit):
                answer = await self._tried(
                    self._address(key, target.port) + path, target, method, body
                )
            result = "answered"
            return answer
        except TimeoutError:
            result = "timeout"
            raise _Unanswered(f"no answer within {self._limit:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            result = "unreachable"
            raise _Unanswered(f"it cannot be reached: {error}") from error
        finally:
            self._metrics.manager_requests.labels(method, result).inc()

    async def _tried(self, url: str, target: Target, method: str, body: object) -> bytes:
        status = 0
        for token in target.tokens or ("",):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with self._session.request(
                method, url, json=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
                if status == 401:
                    continue
                data = await _read(answer)
                if status // 100 != 2:
                    raise _Unanswered(
                        f"it answered {status}: {data[:200].decode(errors='replace')}"
                    )
                return data
        raise _Unanswered(f"it answered {status}: it does not know the token of the Secret")

    def _note(self, key: Key, watched: _Watched, report: Report) -> None:
        before = watched.report
        if self._watched.get(key) is not watched:
            return
        # Orders may have come in while the manager was asked.
        watched.report = replace(report, overtaken=bool(watched.target.orders))
        if _substance(before) != _substance(watched.report):
            self._changed(key)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in answer.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > _LARGEST:
            raise _Unanswered(f"its answer is longer than {_LARGEST} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _substance(report: Report | None) -> object:
    """What of a report is worth a round; how busy workers are at the moment is not."""
    if report is None:
        return None
    facts = report.facts
    if facts is None:
        return report.unreachable
    workers = tuple(map(_of_worker, facts.workers))
    return (
        (report.unreachable, report.overtaken, facts.release, facts.manager, facts.idle_since),
        (facts.retire_orders, workers),
    )


def _of_worker(worker: WorkerFacts) -> object:
    return worker.name, worker.release, worker.python, worker.tokens, worker.retiring


def service_address(key: Key, port: int) -> str:
    """URL of a cluster's manager by the name of its Service, from anywhere in Kubernetes."""
    return f"http://{names.manager(key.name)}.{key.namespace}.svc:{port}"
