"""A cluster that sleeps costs nothing, and wakes as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster


def square(n: int) -> int:
    return n * n


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("sleepy", kubectl)
    cluster.apply({"workers": {"replicas": 2}})
    cluster.wait_for_workers(2)
    yield cluster
    cluster.delete()


def test_a_suspended_cluster_has_no_pods_and_comes_back_whole(cluster: Cluster) -> None:
    token = cluster.kubectl.json("get", "secret", "sleepy-auth")["data"]
    cluster.patch({"suspend": True})
    cluster.wait_for("Suspended")
    eventually("no pods", lambda: not cluster.pods(), 60, cluster.describe)
    assert cluster.kubectl.find("service", "sleepy-manager") is not None
    assert cluster.live["spec"]["workers"]["replicas"] == 2
    cluster.patch({"suspend": False})
    cluster.wait_for("Suspended", "False")
    cluster.wait_for_workers(2, seconds=60)
    assert cluster.kubectl.json("get", "secret", "sleepy-auth")["data"] == token
    with cluster.connected() as connection:
        assert connection.submit(square, 12).result(timeout=60) == 144


def test_an_idle_cluster_is_suspended_and_an_edit_wakes_it(cluster: Cluster) -> None:
    cluster.patch({"idle": {"action": "Suspend", "timeoutSeconds": 60}})
    cluster.wait_for("Suspended", seconds=180)
    eventually("no pods", lambda: not cluster.pods(), 60, cluster.describe)
    assert cluster.live["spec"]["suspend"] is False, "the operator never writes the spec"
    cluster.patch({"idle": {"action": "None"}})
    cluster.wait_for_workers(2)
