"""The real client against a fake API server that fails in every way that real ones do."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from fake_kubernetes import KINDS, FakeStore
from fake_kubernetes_server import FakeServer, Fault, serving
from operator_rig import KEY, NAMESPACE, Rig, retried
from ufora_operator.controller import connection
from ufora_operator.controller.api_server import ApiServer
from ufora_operator.controller.budget import CallBudget
from ufora_operator.controller.fence import Fence
from ufora_operator.controller.kinds import CLUSTER, ROUTE, SERVICE, Ref
from ufora_operator.controller.metrics import Metrics
from ufora_operator.errors import KubeError, LeadershipLost

DEMO = Ref(SERVICE, NAMESPACE, "demo")
MANIFEST = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "demo", "namespace": NAMESPACE},
    "spec": {"ports": [{"port": 80}]},
}


@asynccontextmanager
async def connected(
    server: FakeServer, *, timeout: float = 5.0, fence: Fence | None = None, rate: float = 1e6
) -> AsyncIterator[ApiServer]:
    metrics = Metrics("0.1.0")
    budget = CallBudget(rate, rate, clock=time.monotonic)
    client = connection.client(Configuration(host=server.url))
    api = ApiServer(client, budget=budget, fence=fence, metrics=metrics, timeout=timeout)
    try:
        yield api
    finally:
        await api.close()


def once(*faults: Fault) -> Callable[[web.Request], Fault | None]:
    """The first calls meet these faults."""
    left = list(faults)
    return lambda _: left.pop(0) if left else None


async def test_every_verb_reaches_the_server_and_comes_back() -> None:
    async with serving(FakeServer(FakeStore())) as server, connected(server) as api:
        assert await api.get(DEMO) is None
        made = await api.apply(MANIFEST)
        assert (await api.get(DEMO)) == made
        [listed] = await api.list(SERVICE, NAMESPACE)
        assert (listed["kind"], listed["apiVersion"]) == ("Service", "v1")
        assert await api.list(SERVICE, NAMESPACE, labels={"a": "b"}) == []
        patched = await api.patch(DEMO, {"metadata": {"labels": {"a": "b"}}})
        assert patched is not None
        assert len(await api.list(SERVICE, NAMESPACE, labels={"a": "b"})) == 1
        replaced = await api.replace({**patched, "spec": {"ports": []}})
        assert replaced["spec"]["ports"] == []
        assert not await api.delete(DEMO, "another uid")
        assert await api.delete(DEMO, made["metadata"]["uid"])
        assert not await api.delete(DEMO, made["metadata"]["uid"])
        assert await api.patch(DEMO, {}) is None
        await api.create(MANIFEST)
        with pytest.raises(KubeError, match="create Service ns/demo: 409 AlreadyExists"):
            await api.create(MANIFEST)
        assert await api.serves(CLUSTER)
        assert not await api.serves(ROUTE)


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        (Fault(status=409), 409, "Conflict"),
        (Fault(status=500), 500, "Error"),
        (Fault(status=504), 504, "Error"),
        (Fault(reset=True), 0, "Unreachable"),
        (Fault(slow_body=True), 0, "Timeout"),
        (Fault(delay=30.0), 0, "Timeout"),
    ],
)
async def test_a_fault_is_an_error_that_says_what_was_asked(
    fault: Fault, code: int, reason: str
) -> None:
    server = FakeServer(FakeStore(), fault=once(fault))
    async with serving(server), connected(server, timeout=0.2) as api:
        with pytest.raises(KubeError) as caught:
            await api.apply(MANIFEST)
    assert (caught.value.code, caught.value.reason) == (code, reason)
    assert caught.value.call == "apply Service ns/demo"


async def test_after_429_nobody_is_asked_until_the_server_wants_to_be() -> None:
    server = FakeServer(FakeStore(), fault=once(Fault(status=429, headers={"Retry-After": "7"})))
    now, slept = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    async with serving(server), connected(server) as api:
        api._budget = CallBudget(1000.0, 1000.0, clock=lambda: now[0], sleep=sleep)
        with pytest.raises(KubeError) as caught:
            await api.get(DEMO)
        assert caught.value.retry_after == 7.0
        assert await api.get(DEMO) is None
    assert slept == [7.0]


async def test_calls_go_out_at_a_bounded_rate() -> None:
    now, times = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    budget = CallBudget(10.0, 5.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(25):
        await budget.take()
        times.append(now[0])
    assert times[4] == 0.0
    assert times[-1] == pytest.approx(2.0)


async def test_without_the_lease_nothing_is_written_and_reading_goes_on() -> None:
    fence = Fence(time.monotonic)
    server = FakeServer(FakeStore())
    async with serving(server), connected(server, fence=fence) as api:
        assert await api.get(DEMO) is None
        for write in (api.apply(MANIFEST), api.create(MANIFEST), api.delete(DEMO, "u")):
            with pytest.raises(LeadershipLost):
                await write
        fence.open_until(time.monotonic() + 10, time.monotonic() + 15)
        await api.apply(MANIFEST)
    assert server.store.writes == ["apply Service ns/demo"]


def storm(kinds: Iterator[Fault]) -> Callable[[web.Request], Fault | None]:
    """Every third call meets the next fault."""
    count = 0

    def fault(_: web.Request) -> Fault | None:
        nonlocal count
        count += 1
        return next(kinds, None) if count % 3 == 0 else None

    return fault


async def test_under_a_storm_of_faults_a_cluster_comes_out_as_without() -> None:
    calm = Rig()
    calm.add_cluster(workers={"replicas": 2})
    await calm.settle()
    faults = [
        Fault(status=409),
        Fault(status=500),
        Fault(reset=True),
        Fault(status=504, after=True),
        Fault(reset=True, after=True),
        Fault(status=429, headers={"Retry-After": "0"}),
    ]
    rig = Rig()
    rig.add_cluster(workers={"replicas": 2})
    server = FakeServer(rig.store, KINDS, storm(iter(faults * 5)))
    async with serving(server), connected(server) as api:
        rig.kube = api  # type: ignore[assignment]
        rig.restart()
        await rig.until_well(attempts=60)
        server.fault = lambda _: None
        await rig.settle()
    assert rig.essence() == calm.essence()
    assert rig.store.writes.count("apply Secret ns/demo-auth") == 1


async def test_a_write_whose_answer_was_lost_is_not_made_twice() -> None:
    rig = Rig()
    rig.add_cluster()

    def lose(request: web.Request) -> Fault | None:
        if request.method == "PATCH" and request.path.endswith("/secrets/demo-auth"):
            server.fault = lambda _: None
            return Fault(reset=True, after=True)
        return None

    server = FakeServer(rig.store, KINDS, lose)
    async with serving(server), connected(server) as api:
        rig.kube = api  # type: ignore[assignment]
        rig.restart()
        await retried(lambda: rig.round(KEY))
    assert rig.store.writes.count("apply Secret ns/demo-auth") == 1
