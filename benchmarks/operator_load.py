"""The operator with many clusters: its memory, and how long its rounds take.

The API server is the tests' own fake, in this process; the operator is a process of its own. The
clusters are made by it from nothing, then each is looked at again ``rounds`` times.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from fake_kubernetes import FakeStore
from fake_kubernetes_server import FakeServer, serving
from ufora_operator import names
from ufora_operator.controller.kinds import CLUSTER, SECRET, Manifest, Ref
from ufora_operator.controller.projection import tokens
from ufora_operator.plan.rotation import fingerprint

#: Workers of each cluster; with its manager it has ten pods.
WORKERS = 9
#: What the operator is built to stay under.
MEMORY_AIM, P99_AIM = "< 150 MiB", "< 1 s"

_BUCKET = re.compile(r'ufora_operator_reconcile_duration_seconds_bucket{le="(.+)"} (.+)')


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured: seconds until all clusters were ready, the peak of the memory in MiB,
    the bound (of the histogram's buckets) under which 99 % of the rounds were, and their number."""

    clusters: int
    seconds: float
    memory: float
    p99: float
    rounds: int
    writes_settled: int

    def table(self) -> str:
        """For people."""
        rows = [
            ("time until all are ready", "s", f"{self.seconds:.1f}", ""),
            ("peak memory", "MiB", f"{self.memory:.0f}", MEMORY_AIM),
            (f"99 % of {self.rounds} rounds under", "s", f"{self.p99:g}", P99_AIM),
            ("writes once settled", "", str(self.writes_settled), "0"),
        ]
        head = f"| operator, {self.clusters} clusters of {WORKERS + 1} pods | unit | value | aim |"
        lines = [head, "|---|---|---|---|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


class _World:
    """Kubernetes' own controllers, and the clusters' managers."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        store.react = self._react

    def add_cluster(self, number: int) -> None:
        metadata = {"name": "demo", "namespace": f"team-{number}"}
        body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
        self.store.add({**body, "spec": {"workers": {"replicas": WORKERS}}})

    def touch(self, number: int) -> None:
        """Something about the cluster changes that calls for no write."""
        ref = Ref(CLUSTER, f"team-{number}", "demo")
        self.store.edit(ref, lambda each: each["metadata"].update(labels={"touched": "yes"}))

    def ready(self) -> int:
        """How many clusters are available."""
        return sum(
            any(
                each["type"] == "Available" and each["status"] == "True"
                for each in (manifest.get("status") or {}).get("conditions", ())
            )
            for ref, manifest in self.store.objects.items()
            if ref.kind == CLUSTER
        )

    def _react(self, manifest: Manifest) -> None:
        if manifest["kind"] not in ("Deployment", "StatefulSet"):
            return
        metadata, count = manifest["metadata"], manifest["spec"]["replicas"]
        status = {"observedGeneration": 1, "readyReplicas": count, "updateRevision": "r1"}
        manifest["status"] = status
        worker = manifest["kind"] == "StatefulSet"
        owner = manifest["kind"] if worker else "ReplicaSet"
        for ordinal in range(count):
            template = manifest["spec"]["template"]
            self.store.add(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        "name": f"{metadata['name']}-{ordinal}",
                        "namespace": metadata["namespace"],
                        "labels": {
                            **template["metadata"]["labels"],
                            "controller-revision-hash": "r1",
                        },
                        "ownerReferences": [{"kind": owner, "uid": metadata["uid"]}],
                    },
                    "spec": template["spec"],
                    "status": {
                        "phase": "Running",
                        "conditions": [{"type": "Ready", "status": "True"}],
                    },
                }
            )

    async def answer(self, request: web.Request) -> web.Response:
        """What the manager of a namespace says of its cluster."""
        secret = self.store.objects[Ref(SECRET, request.match_info["namespace"], "demo-auth")]
        known = [fingerprint(tokens(secret).token)]
        worker: dict[str, Any] = {
            "executors": 2,
            "idle": 2,
            "python": "3.11",
            "release": "0.1.0",
            "roots": 0,
            "tokens": known,
        }
        return web.json_response(
            {
                "release": "0.1.0",
                "protocol": 1,
                "manager": {"name": "demo-manager-0", "since": 0, "tokens": known},
                "idle_since": None,
                "retire_orders": [],
                "workers": [{"name": f"demo-worker-{n}", **worker} for n in range(WORKERS)],
            }
        )


def measure(clusters: int, rounds: int = 2) -> Load:
    """Run an operator on so many clusters."""
    return asyncio.run(_measure(clusters, rounds))


async def _measure(clusters: int, rounds: int) -> Load:
    server = FakeServer(FakeStore())
    world = _World(server.store)
    for number in range(clusters):
        world.add_cluster(number)
    async with serving(server), _managers(world) as managers:
        began = asyncio.get_running_loop().time()
        port = managers[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.operator_process"),
            *(server.url, managers[0], str(port)),
        )
        try:
            operator = psutil.Process(process.pid)
            while world.ready() < clusters:
                server.tell_watches()
                await asyncio.sleep(0.5)
            seconds = asyncio.get_running_loop().time() - began
            made = await _settled(server)
            for _ in range(rounds):
                for number in range(clusters):
                    world.touch(number)
                server.tell_watches()
                await _settled(server)
            writes = len(_writes(server)) - made
            text = await _metrics(port)
            memory = _peak(operator)
        finally:
            process.terminate()
            await process.wait()
    p99, count = _p99(text)
    return Load(clusters, seconds, memory, p99, count, writes)


@asynccontextmanager
async def _managers(world: _World) -> AsyncIterator[tuple[str, int]]:
    """Their address, and a port that is free for the operator's metrics."""
    app = web.Application()
    app.router.add_get("/{namespace}/api/v1/cluster", world.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    spare = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = spare.sockets[0].getsockname()[1]
    spare.close()
    await spare.wait_closed()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", port
    finally:
        await runner.cleanup()


async def _settled(server: FakeServer) -> int:
    """Wait until the operator asks for nothing but its Lease; gives the writes so far."""
    before = -1
    while (now := sum("leases" not in path for _, path in server.calls)) != before:
        before = now
        await asyncio.sleep(3.0)
    return len(_writes(server))


def _writes(server: FakeServer) -> list[str]:
    return [each for each in server.store.writes if "Lease" not in each]


async def _metrics(port: int) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        return await answer.text()


def _peak(process: psutil.Process) -> float:
    """The most memory that the process has had so far, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else process.memory_info().rss / 2**20


def _p99(metrics: str) -> tuple[float, int]:
    buckets = [(float(bound), float(count)) for bound, count in _BUCKET.findall(metrics)]
    total = buckets[-1][1]
    return next(bound for bound, count in buckets if count >= 0.99 * total), int(total)
