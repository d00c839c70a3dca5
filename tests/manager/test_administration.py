"""What operators ask a manager over HTTP, and what it answers."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fake_client import FakeClient
from fake_worker import FakeWorker
from ufora_core.protocol.client import JobDone, Release
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import (
    Farewell,
    Heartbeat,
    Hungry,
    PlaceRoot,
    Retire,
    RootDone,
    StillHolds,
    Unretire,
    Welcome,
)
from ufora_core.store import digest_of
from ufora_manager.app import Running

RESULT = bytes(range(256)) * 2000


@pytest.fixture
async def http(manager: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{manager.web_port}") as session:
        yield session


async def cluster(http: aiohttp.ClientSession) -> Any:
    return await (await http.get("/api/v1/cluster")).json()


async def figures(http: aiohttp.ClientSession) -> dict[str, dict[str, float]]:
    """Metric -> value of its only label -> figure."""
    text = await (await http.get("/metrics")).text()
    return {
        family.name: {",".join(each.labels.values()): each.value for each in family.samples}
        for family in text_string_to_metric_families(text)
    }


async def test_worker_retires_hands_over_its_objects_and_ends(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(tokens=("0123",)), Heartbeat(incarnation="one", idle=2))
        await worker.next(Welcome)
        await client.submit("a")
        await worker.next(PlaceRoot)
        digest = digest_of(RESULT)
        worker.objects[digest] = RESULT
        worker.send(RootDone(job="a", result=Payload(digest, len(RESULT))))
        await client.next(JobDone)

        response = await http.post("/api/v1/workers/w0/retire")
        assert response.status == 202
        facts = await response.json()
        assert facts["name"] == "w0"
        assert facts["retiring"]["objects"] == 1 and facts["retiring"]["bytes"] == len(RESULT)
        assert facts["retiring"]["exit"] is True and facts["retiring"]["empty"] is False
        await worker.next(Retire)
        worker.send(StillHolds(roots=0, ranges=0))
        await worker.next(Farewell)
        (facts,) = (await cluster(http))["workers"]
        assert facts["retiring"]["objects"] == 0 and facts["retiring"]["empty"] is True
        response = await http.get(f"/api/v1/objects/{digest}")
        assert await response.read() == RESULT


async def test_order_is_given_and_taken_back_again_and_again(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await worker.next(Welcome)
        for _ in range(2):
            response = await http.post("/api/v1/workers/w0/retire", json={"exit": False})
            assert (await response.json())["retiring"]["exit"] is False
        await worker.next(Retire)
        for _ in range(2):
            response = await http.delete("/api/v1/workers/w0/retire")
            assert response.status == 200
            assert (await response.json())["retiring"] is None
        await worker.next(Unretire)


async def test_order_for_a_worker_that_is_not_there(http: aiohttp.ClientSession) -> None:
    facts = await (await http.post("/api/v1/workers/w9/retire")).json()
    assert facts["registered"] is False and facts["retiring"]["empty"] is True
    assert (await cluster(http))["retire_orders"] == ["w9"]
    facts = await (await http.delete("/api/v1/workers/w9/retire")).json()
    assert facts == {"name": "w9", "registered": False, "retiring": None}


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"exit": 1}', b'{"exist": true}'])
async def test_order_that_makes_no_sense_is_refused(
    http: aiohttp.ClientSession, body: bytes
) -> None:
    response = await http.post("/api/v1/workers/w0/retire", data=body)
    assert response.status == 400
    assert '{"exit": true}' in (await response.json())["error"]
    assert (await cluster(http))["retire_orders"] == []


async def test_cluster_says_since_when_it_is_idle(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    facts = await cluster(http)
    assert facts["idle_since"] >= facts["manager"]["since"] - 1.0
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a")
        await worker.next(PlaceRoot)
        assert (await cluster(http))["idle_since"] is None
        digest = digest_of(RESULT)
        worker.send(RootDone(job="a", result=Payload(digest, len(RESULT))))
        await client.next(JobDone)
        assert (await cluster(http))["idle_since"] is None, "the client keeps the result"
        await client.send(Release(digests=(digest,)))
        while manager.scheduler.state.objects:
            await client.socket.sleep(0)
        assert (await cluster(http))["idle_since"] > facts["idle_since"]


async def test_figures_can_be_read_by_prometheus(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(), Hungry(slots=0))
        await client.submit("a")
        await worker.next(PlaceRoot)
        worker.send(worker.done("a"))
        await client.next(JobDone)
        await client.submit("b")
        await worker.next(PlaceRoot)
        await http.post("/api/v1/workers/w0/retire")
        found = await figures(http)
    assert found["ufora_workers"] == {"": 1.0}
    assert found["ufora_workers_retiring"] == {"": 1.0}
    assert found["ufora_executors"] == {"": 2.0}
    assert found["ufora_jobs"] == {"waiting": 0.0, "placed": 1.0}
    assert found["ufora_jobs_ended"] == {"done": 1.0}
    assert found["ufora_sessions"] == {"": 1.0}
    assert found["ufora_journal_working"] == {"": 1.0}
    assert found["ufora_journal_failures"] == {"": 0.0}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_probes_need_no_name_of_this_machine(http: aiohttp.ClientSession, path: str) -> None:
    response = await http.get(path, headers={"Host": "10.1.2.3:30000"})
    assert response.status == 200
