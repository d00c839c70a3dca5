"""Workers come and go under running jobs, and no result is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster


def collatz_steps(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def slow_square(n: int, seconds: float) -> int:
    time.sleep(seconds)
    return n * n


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("scaled", kubectl, {"workers": {"drain": {"timeoutSeconds": 120}}})
    cluster.apply({"workers": {"replicas": 2}})
    cluster.wait_for_workers(2)
    yield cluster
    cluster.delete()


def test_a_scale_up_and_down_under_a_running_block_loses_nothing(cluster: Cluster) -> None:
    with cluster.connected() as connection:
        calls = [connection.submit(slow_square, n, 2.0) for n in range(12)]
        cluster.scale(4)
        cluster.wait_for_workers(4)
        calls += [connection.submit(slow_square, n, 3.0) for n in range(12, 24)]
        cluster.scale(1)
        with connection.remotely.downloadAll():
            total = sum(collatz_steps(n) for n in range(150_000))
        assert [each.result(timeout=120) for each in calls] == [n * n for n in range(24)]
    assert total == sum(collatz_steps(n) for n in range(150_000))
    cluster.wait_for_workers(1)
    assert [pod["metadata"]["name"] for pod in cluster.pods("worker")] == ["scaled-worker-0"]


def test_a_scale_down_waits_for_a_block_and_says_for_which_worker(cluster: Cluster) -> None:
    cluster.scale(2)
    cluster.wait_for_workers(2)
    with cluster.connected() as connection:
        # More calls than executors: each worker has one.
        calls = [connection.submit(slow_square, n, 12.0) for n in range(2)]
        eventually("both workers are busy", lambda: _busy(cluster) == 2, 30)
        cluster.scale(1)
        blocked = cluster.wait_for("ScaleDownBlocked")
        assert "scaled-worker-1" in blocked["message"]
        assert len(cluster.pods("worker")) == 2
        assert [each.result(timeout=60) for each in calls] == [0, 1]
    cluster.wait_for("ScaleDownBlocked", "False")
    cluster.wait_for_workers(1)


def test_a_scale_down_can_be_taken_back(cluster: Cluster) -> None:
    cluster.scale(2)
    cluster.wait_for_workers(2)
    before = cluster.uids("worker")
    with cluster.connected() as connection:
        calls = [connection.submit(slow_square, n, 10.0) for n in range(2)]
        eventually("both workers are busy", lambda: _busy(cluster) == 2, 30)
        cluster.scale(1)
        cluster.wait_for("ScaleDownBlocked")
        cluster.scale(2)
        cluster.wait_for("ScaleDownBlocked", "False")
        eventually("no worker retires", lambda: not cluster.status.get("retiring"), 30)
        assert [each.result(timeout=60) for each in calls] == [0, 1]
        later = [connection.submit(slow_square, n, 1.0) for n in range(6)]
        assert [each.result(timeout=60) for each in later] == [n * n for n in range(6)]
    assert cluster.uids("worker") == before


def test_only_force_kills_a_worker_that_has_work(cluster: Cluster) -> None:
    cluster.patch({"workers": {"drain": {"timeoutSeconds": 5, "onTimeout": "Force"}}})
    cluster.scale(2)
    cluster.wait_for("Progressing", "False")
    cluster.wait_for_workers(2)
    with cluster.connected() as connection:
        calls = [connection.submit(slow_square, n, 600.0) for n in range(2)]
        eventually("both workers are busy", lambda: _busy(cluster) == 2, 30)
        cluster.scale(1)
        cluster.wait_for_workers(1)
        for each in calls:
            each.cancel()
    events = cluster.kubectl.json("get", "events")["items"]
    assert any("scaled-worker-1" in str(each.get("message")) for each in events)


def test_a_horizontal_pod_autoscaler_scales_the_cluster(cluster: Cluster) -> None:
    cluster.patch({"workers": {"drain": {"timeoutSeconds": 120, "onTimeout": "Wait"}}})
    target = {"type": "Utilization", "averageUtilization": 60}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaled"},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "ufora.io/v1alpha1",
                "kind": "UforaCluster",
                "name": "scaled",
            },
            "minReplicas": 2,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
    cluster.kubectl.apply(autoscaler)
    cluster.wait_for_workers(2)

    def judged() -> dict[str, dict[str, str]]:
        status = cluster.kubectl.json("get", "hpa", "scaled").get("status", {})
        found = {each["type"]: each for each in status.get("conditions") or ()}
        return found if "ScalingActive" in found else {}

    conditions = eventually("the autoscaler has looked at the pods", judged, 90)
    assert conditions["AbleToScale"]["status"] == "True"
    assert conditions["ScalingActive"]["reason"] != "InvalidSelector"
    cluster.kubectl("delete", "hpa", "scaled")


def _busy(cluster: Cluster) -> int:
    """Workers that the manager has given a root to."""
    with cluster.forwarded() as url:
        from urllib.request import urlopen

        import msgspec

        with urlopen(f"{url}/api/v1/cluster") as answer:
            facts = msgspec.json.decode(answer.read())
    return sum(worker["roots"] > 0 for worker in facts["workers"])
