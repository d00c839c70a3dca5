"""Pods die in the middle of jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

import pyfora
from kubectl import Kubectl, KubectlError, eventually
from kubernetes_clusters import Cluster


def slow_square(n: int, seconds: float) -> int:
    time.sleep(seconds)
    return n * n


def last_digits(n: int) -> int:
    """Takes its time: text is made, so it stays in CPython."""
    return sum(int(str(n * number)[-1]) for number in range(2000))


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("struck", kubectl)
    cluster.apply({"workers": {"replicas": 2}})
    cluster.wait_for_workers(2)
    yield cluster
    cluster.delete()


class Forwarding:
    """A port-forward that is made again whenever it ends, as a user's loop in the shell would."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._ready = threading.Event()
        self.url = ""
        self._thread = threading.Thread(target=self._forward)

    def __enter__(self) -> Forwarding:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _forward(self) -> None:
        local = 0
        while not self._over.is_set():
            before = set(self._cluster.uids("manager").values())
            try:
                with self._cluster.forwarded(local) as self.url:
                    local = int(self.url.rpartition(":")[2])
                    self._ready.set()
                    self._watch(before)
            except KubectlError:
                self._over.wait(0.5)

    def _watch(self, manager: set[str]) -> None:
        while not self._over.wait(0.5):
            if set(self._cluster.uids("manager").values()) != manager:
                return


def test_jobs_survive_the_manager(cluster: Cluster) -> None:
    with Forwarding(cluster) as forwarding, pyfora.connect(forwarding.url) as connection:
        calls = [connection.submit(slow_square, n, 15.0) for n in range(4)]
        eventually("a root runs", lambda: _running(forwarding.url), 30)
        cluster.kubectl("delete", "pod", cluster.pod("manager"), "--wait=false")
        cluster.wait_for("Available", "False", seconds=30)
        assert [each.result(timeout=180) for each in calls] == [n * n for n in range(4)]
        cluster.wait_for("Available", seconds=60)
        with connection.remotely.downloadAll():
            total = sum(last_digits(n) for n in range(1000))
    assert total == sum(last_digits(n) for n in range(1000))


def test_a_block_survives_the_death_of_a_worker(cluster: Cluster) -> None:
    cluster.wait_for_workers(2)
    killed: list[str] = []

    def kill() -> None:
        for pod in sorted(cluster.uids("worker")):
            cluster.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")
            killed.append(pod)
            break

    with cluster.connected() as connection:
        striker = threading.Timer(2.0, kill)
        striker.start()
        with connection.remotely.downloadAll():
            total = sum(last_digits(n) for n in range(24_000))
        assert killed, "the block was over before anybody struck"
        striker.join()
    assert killed == ["struck-worker-0"]
    assert total == sum(last_digits(n) for n in range(24_000))
    cluster.wait_for_workers(2)


def _running(url: str) -> bool:
    from urllib.request import urlopen

    import msgspec

    with urlopen(f"{url}/api/v1/cluster") as answer:
        facts = msgspec.json.decode(answer.read())
    return any(worker["roots"] for worker in facts["workers"])
