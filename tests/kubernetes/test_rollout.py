"""New pod templates reach the workers one after the other, each drained before."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster, image, is_ready
from operator_release import Release


def slow_square(n: int, seconds: float) -> int:
    time.sleep(seconds)
    return n * n


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("rolled", kubectl)
    cluster.apply({"workers": {"replicas": 3, "drain": {"timeoutSeconds": 120}}})
    cluster.wait_for_workers(3)
    yield cluster
    cluster.delete()


@contextmanager
def fewest_ready(cluster: Cluster) -> Iterator[list[int]]:
    """The number of ready workers, looked at again and again while the block runs."""
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.3):
            seen.append(sum(map(is_ready, cluster.pods("worker"))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def test_a_new_image_rolls_through_the_workers_one_by_one(cluster: Cluster) -> None:
    before, manager = cluster.uids("worker"), cluster.uids("manager")
    with cluster.connected() as connection, fewest_ready(cluster) as ready:
        calls = [connection.submit(slow_square, n, 2.0) for n in range(20)]
        cluster.patch({"workers": {"image": image("worker")}})
        cluster.wait_for("Progressing", "False", seconds=240)
        assert [each.result(timeout=60) for each in calls] == [n * n for n in range(20)]
    after = cluster.uids("worker")
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values()), "every worker is a new pod"
    assert cluster.uids("manager") == manager
    assert min(ready) >= 2, "more than maxUnavailable workers were down"
    images = {pod["spec"]["containers"][0]["image"] for pod in cluster.pods("worker")}
    assert images == {image("worker")}


def test_a_bad_image_stalls_the_rollout_and_reverting_it_heals(cluster: Cluster) -> None:
    before = cluster.uids("worker")
    cluster.patch({"workers": {"image": "docker.io/ufora/no-such-image:0"}})
    stalled = cluster.wait_for("Progressing", "False", reason="RolloutStalled")
    assert "rolled-worker-2" in stalled["message"] and "no-such-image" in stalled["message"]
    assert sum(map(is_ready, cluster.pods("worker"))) == 2
    with cluster.connected() as connection:
        assert connection.submit(slow_square, 7, 0.0).result(timeout=60) == 49
    cluster.patch({"workers": {"image": image("worker")}})
    cluster.wait_for_workers(3)
    cluster.wait_for("Progressing", "False", reason="Settled")
    after = cluster.uids("worker")
    kept = [name for name in before if after[name] == before[name]]
    assert kept == ["rolled-worker-0", "rolled-worker-1"]


def test_an_upgrade_of_the_operator_restarts_nothing(cluster: Cluster, release: Release) -> None:
    before, looks = cluster.uids(), release.reconciled()
    pods = set(release.pods())
    release.install("podAnnotations.upgrade=second")
    eventually("new operators", lambda: not pods & set(release.pods()), 60)
    eventually("they looked at everything", lambda: release.reconciled() > 0, 60)
    assert looks > 0
    cluster.wait_for("Available")
    assert cluster.uids() == before
