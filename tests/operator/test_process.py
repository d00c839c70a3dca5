"""The whole operator, with kopf and a Lease, on a fake API server over HTTP; times are short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from kubernetes.aio.client import Configuration

from fake_kubernetes import FakeStore
from fake_kubernetes_server import NAMED, FakeServer, Fault, serving
from operator_rig import decisions, small_manifests
from ufora_operator import names
from ufora_operator.controller.app import Operator
from ufora_operator.controller.kinds import CLUSTER, LEASE, SERVICE, Kind, Ref
from ufora_operator.errors import LeadershipLost
from ufora_operator.settings import LeaseSettings, Settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:kopf")

LEASE_REF = Ref(LEASE, "ufora-system", "ufora-operator")


@dataclass(slots=True)
class Process:
    """One operator in this process."""

    task: asyncio.Task[None]
    stop: asyncio.Event
    port: int

    async def page(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
        ):
            return answer.status, await answer.text()


@dataclass(slots=True)
class World:
    """A fake API server and operators on it."""

    server: FakeServer
    processes: list[Process] = field(default_factory=list)

    @property
    def store(self) -> FakeStore:
        return self.server.store

    def start(self, identity: str, port: int, *namespaces: str) -> Process:
        settings = Settings(
            identity=identity,
            own_namespace="ufora-system",
            namespaces=namespaces,
            lease=LeaseSettings(duration=1.5, renew=1.0, retry=0.1),
            port=port,
            resync=1.0,
        )
        stop = asyncio.Event()
        operator = Operator(
            settings,
            Configuration(host=self.server.url),
            decisions(small_manifests),
            address=lambda *_: "http://127.0.0.1:1",
        )
        process = Process(asyncio.create_task(operator.run(stop)), stop, port)
        self.processes.append(process)
        return process

    def add_cluster(self, namespace: str = "ns", name: str = "demo") -> None:
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
        self.store.add({**body, "spec": {}})
        self.server.tell_watches()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that other tasks bring about; a bound for a broken operator only."""
        try:
            async with asyncio.timeout(8.0):
                while not holds():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never: {what}; {self.store.writes[-10:]}") from None

    def count(self, kind: str, namespace: str = "ns") -> int:
        return sum(
            ref.kind.name == kind and ref.namespace == namespace for ref in self.store.objects
        )


@asynccontextmanager
async def world(kinds: tuple[Kind, ...] | None = None) -> AsyncIterator[World]:
    server = FakeServer(FakeStore()) if kinds is None else FakeServer(FakeStore(), kinds)
    async with serving(server):
        made = World(server)
        try:
            yield made
        finally:
            for process in made.processes:
                process.stop.set()
            await asyncio.gather(*(each.task for each in made.processes), return_exceptions=True)


async def test_a_cluster_is_made_kept_and_the_lease_given_back(unused_tcp_port: int) -> None:
    async with world() as it:
        process = it.start("a", unused_tcp_port)
        it.add_cluster()
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
        demo = Ref(SERVICE, "ns", "demo-manager")
        await it.until(lambda: demo in it.store.objects, "a Service")
        it.store.delete(demo)
        it.server.tell_watches()
        await it.until(lambda: demo in it.store.objects, "the Service again")
        assert await process.page("/healthz") == (200, "ok\n")
        assert await process.page("/readyz") == (200, "ok\n")
        assert "ufora_operator_leader 1.0" in (await process.page("/metrics"))[1]
        process.stop.set()
        await process.task
        assert it.store.get(LEASE_REF)["spec"]["holderIdentity"] == ""
        metadata = it.store.get(Ref(CLUSTER, "ns", "demo"))["metadata"]
        assert not {"annotations", "finalizers"} & metadata.keys()


async def test_only_one_of_two_writes_and_the_other_takes_over_when_it_is_gone(
    unused_tcp_port_factory: Callable[[], int],
) -> None:
    async with world() as it:
        first = it.start("a", unused_tcp_port_factory())
        await it.until(lambda: LEASE_REF in it.store.objects, "a Lease")
        second = it.start("b", unused_tcp_port_factory())
        it.add_cluster()
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
        assert "ufora_operator_leader 0.0" in (await second.page("/metrics"))[1]
        first.task.cancel()
        await asyncio.gather(first.task, return_exceptions=True)
        it.add_cluster(name="other")
        await it.until(lambda: it.count("StatefulSet") == 2, "the other's StatefulSet")
        assert it.store.get(LEASE_REF)["spec"]["holderIdentity"] == "b"


async def test_an_operator_whose_lease_is_taken_ends_at_once(unused_tcp_port: int) -> None:
    async with world() as it:
        process = it.start("a", unused_tcp_port)
        await it.until(lambda: LEASE_REF in it.store.objects, "a Lease")
        it.store.edit(LEASE_REF, lambda lease: lease["spec"].update(holderIdentity="thief"))
        with pytest.raises(LeadershipLost):
            await process.task


async def test_a_namespaced_operator_asks_for_nothing_outside(unused_tcp_port: int) -> None:
    async with world() as it:
        it.start("a", unused_tcp_port, "ns")
        it.add_cluster("elsewhere")
        it.add_cluster("ns")
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
        asked = {path for _, path in it.server.calls if "/namespaces/" in path}
        assert not [path for path in asked if "/namespaces/elsewhere/" in path]
        plain = {path for _, path in it.server.calls} - asked
        discovery = {"/api", "/apis", "/apis/gateway.networking.k8s.io/v1"}
        discovery |= {kind.root for kind in (*it.server.kinds, *NAMED)}
        assert plain <= discovery
        assert it.count("StatefulSet", "elsewhere") == 0


async def test_what_no_watch_tells_is_found_at_the_resync(unused_tcp_port: int) -> None:
    async with world() as it:
        it.start("a", unused_tcp_port)
        it.add_cluster()
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
        it.server.frozen = True
        it.store.delete(Ref(SERVICE, "ns", "demo-manager"))
        await it.until(lambda: it.count("Service") == 1, "the Service again")


async def test_watches_whose_history_is_forgotten_begin_again(unused_tcp_port: int) -> None:
    async with world() as it:
        it.start("a", unused_tcp_port)
        it.add_cluster()
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
        refuse_watches = True

        def fault(request: object) -> Fault | None:
            watches = getattr(request, "query", {}).get("watch") == "true"
            return Fault(status=500) if refuse_watches and watches else None

        it.server.fault = fault
        it.server.forgotten = it.store.version + 10
        it.add_cluster(name="other")
        refuse_watches = False
        it.server.forgotten = 0
        await it.until(lambda: it.count("StatefulSet") == 2, "the other's StatefulSet")


async def test_without_the_crd_it_waits_and_is_not_ready(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_operator.controller.app._DISCOVERY_PAUSE", 0.01)
    async with world() as it:
        kinds = it.server.kinds
        it.server.kinds = tuple(kind for kind in kinds if kind != CLUSTER)
        process = it.start("a", unused_tcp_port)
        path = CLUSTER.root
        await it.until(lambda: ("GET", path) in it.server.calls, "a look for the CRD")
        status, text = await process.page("/readyz")
        assert (status, "no CRD" in text) == (503, True)
        it.server.kinds = kinds
        it.add_cluster()
        await it.until(lambda: it.count("StatefulSet") == 1, "a StatefulSet")
