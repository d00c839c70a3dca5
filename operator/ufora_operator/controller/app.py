"""The whole operator: puts the parts together, leads when it may, and ends in good order."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
from aiohttp import web
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.api_client import ApiClient

from ufora_operator import __version__
from ufora_operator.controller import connection, handlers
from ufora_operator.controller.api_server import ApiServer
from ufora_operator.controller.budget import CallBudget
from ufora_operator.controller.fence import Fence
from ufora_operator.controller.health import health_app
from ufora_operator.controller.kinds import CLUSTER, OPTIONAL, Kind
from ufora_operator.controller.leader import Clocks, Leader
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.notices import Notices
from ufora_operator.controller.observe import Observer
from ufora_operator.controller.poller import Poller
from ufora_operator.controller.pump import Pump
from ufora_operator.controller.queue import Key, WorkQueue
from ufora_operator.controller.reconcile import Decisions, Reconciler
from ufora_operator.controller.vitals import Vitals, WatchClock
from ufora_operator.controller.watching import Watching
from ufora_operator.errors import KubeError
from ufora_operator.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks for the CRD, while it is not there.
_DISCOVERY_PAUSE = 5.0
#: Calls a second that the Lease may cost.
_LEASE_RATE = 10.0
#: Seconds that rounds get to end when the process is told to.
_LAST_ROUNDS = 5.0
#: Calls at once after a pause, in seconds of the usual rate.
_BURST_SECONDS = 2.0


class Operator:
    """One operator process. ``address`` gives the URL of a cluster's manager, for tests."""

    def __init__(
        self,
        settings: Settings,
        found: Configuration,
        decisions: Decisions,
        *,
        address: Callable[[Key, int], str] | None = None,
    ) -> None:
        self._settings = settings
        self._configuration = found
        self._decisions = decisions
        self._address = address
        self._metrics = Metrics(__version__)
        self._watches = WatchClock(time.monotonic)
        self._fence = Fence(time.monotonic)
        queue = WorkQueue(resync=settings.resync)
        self._pump = Pump(
            queue,
            concurrency=settings.concurrency,
            metrics=self._metrics,
            clock=time.monotonic,
        )
        self._vitals = Vitals(
            self._watches,
            longest_round=lambda: self._pump.longest_round,
            metrics=self._metrics,
            clock=time.monotonic,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set. Raises LeadershipLost when another may be at work."""
        async with contextlib.AsyncExitStack() as stack:
            client = connection.client(self._configuration)
            stack.push_async_callback(client.close)
            stack.push_async_callback(await self._answer_health())
            api = self._api(client, self._settings.api_rate, self._fence)
            # The Lease is renewed however much the clusters have to ask.
            leader = self._leader(self._api(client, _LEASE_RATE, None))
            stack.push_async_callback(leader.release)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            poller = self._poller(session)
            stack.push_async_callback(poller.close)
            work = asyncio.create_task(self._work(api, leader, poller))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if self._fence.is_open and not work.done():
                    self._pump.stop()
                    await asyncio.wait({work}, timeout=_LAST_ROUNDS)
            finally:
                await _ended(work, stopped)

    async def _work(self, api: ApiServer, leader: Leader, poller: Poller) -> None:
        """Watch, wait for the Lease, and make rounds as long as it is held."""
        served = await self._discover(api)
        kinds = handlers.watched_kinds(served)
        self._watches.expect(handlers.watch_paths(kinds, self._settings.namespaces))
        watching = Watching(
            self._configuration,
            kinds,
            self._settings.namespaces,
            note=self._pump.add,
            heard=self._watches.beat,
        )
        watching.start()
        try:
            await leader.acquire()
            reconciler = self._reconciler(api, poller, served)
            keep = asyncio.create_task(leader.keep())
            rounds = asyncio.create_task(self._pump.run(reconciler))
            try:
                await asyncio.wait({keep, rounds}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _ended(rounds, keep)
        finally:
            await watching.stop()

    async def _discover(self, api: ApiServer) -> list[Kind]:
        """The optional kinds that there are; waits until UforaClusters are one of the others."""
        while True:
            try:
                if await api.serves(CLUSTER):
                    return [kind for kind in OPTIONAL if await api.serves(kind)]
                log.warning(
                    "the CRD %s.%s is not installed; waiting for it", CLUSTER.plural, CLUSTER.group
                )
            except KubeError as error:
                log.warning("the API server cannot be asked what it serves: %s", error)
            await asyncio.sleep(_DISCOVERY_PAUSE)

    async def _answer_health(self) -> Callable[[], Awaitable[None]]:
        """Serve health and metrics; gives what ends it."""
        app = health_app(self._vitals, self._metrics, self._measure)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=self._settings.port).start()
        turning = asyncio.create_task(self._vitals.watch_loop())

        async def end() -> None:
            await _ended(turning)
            await runner.cleanup()

        return end

    def _measure(self) -> None:
        self._pump.measure()
        self._vitals.measure()
        self._metrics.leader.set(self._fence.is_open)

    def _api(self, client: ApiClient, rate: float, fence: Fence | None) -> ApiServer:
        budget = CallBudget(rate, rate * _BURST_SECONDS, clock=time.monotonic)
        return ApiServer(client, budget=budget, fence=fence, metrics=self._metrics)

    def _leader(self, api: ApiServer) -> Leader:
        return Leader(
            api,
            self._settings.lease,
            namespace=self._settings.own_namespace,
            identity=self._settings.identity,
            fence=self._fence,
            clocks=Clocks(time.monotonic, time.time),
        )

    def _poller(self, session: aiohttp.ClientSession) -> Poller:
        return Poller(
            session,
            changed=self._pump.add,
            metrics=self._metrics,
            now=time.time,
            address=self._address,
        )

    def _reconciler(self, api: ApiServer, poller: Poller, served: Sequence[Kind]) -> Reconciler:
        return Reconciler(
            api,
            self._decisions,
            observer=Observer(api, served),
            poller=poller,
            notices=Notices(api, instance=self._settings.identity, now=time.time),
            metrics=self._metrics,
            now=time.time,
        )


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks that are not done; raise what the first of them failed of."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
