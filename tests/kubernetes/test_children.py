"""Every kind of object that a cluster can have comes with its field, and goes with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster
from operator_release import Release


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("family", kubectl)
    cluster.apply()
    cluster.wait_for_workers(1)
    yield cluster
    cluster.delete()


def test_an_ingress_comes_and_goes(cluster: Cluster) -> None:
    cluster.patch({"ingress": {"host": "ufora.example.com"}})
    appears(cluster, "ingress", "family-manager")
    cluster.patch({"ingress": {"host": "other.example.com"}})

    def moved() -> bool:
        rules = cluster.kubectl.json("get", "ingress", "family-manager")["spec"]["rules"]
        return [rule["host"] for rule in rules] == ["other.example.com"]

    eventually("the ingress has the other host", moved, 20)
    cluster.patch({"ingress": None})
    disappears(cluster, "ingress", "family-manager")


def test_policies_come_and_go(cluster: Cluster) -> None:
    cluster.patch({"network": {"policies": False}})
    disappears(cluster, "networkpolicy", "family-manager")
    disappears(cluster, "networkpolicy", "family-worker")
    cluster.patch({"network": {"policies": True}})
    appears(cluster, "networkpolicy", "family-manager")
    appears(cluster, "networkpolicy", "family-worker")


def test_a_service_account_of_ones_own_takes_the_place_of_ours(cluster: Cluster) -> None:
    cluster.kubectl("create", "serviceaccount", "mine")
    cluster.patch({"workers": {"serviceAccountName": "mine"}})
    disappears(cluster, "serviceaccount", "family-worker")
    cluster.wait_for("Progressing", "False")
    [pod] = cluster.pods("worker")
    assert pod["spec"]["serviceAccountName"] == "mine"


def test_another_leader_counts_an_event_instead_of_repeating_it(
    cluster: Cluster, release: Release
) -> None:
    cluster.wait_for_workers(1)
    cluster.scale(2)
    cluster.wait_for_workers(2)
    cluster.scale(1)
    cluster.wait_for_workers(1)
    leader = eventually("a leader", release.leader, 60)
    release.kubectl("delete", "pod", leader, "--wait=false")
    eventually("another leader", lambda: release.leader() not in ("", leader), 30)
    cluster.scale(2)
    cluster.wait_for_workers(2)

    def counted() -> bool:
        events = cluster.kubectl.json("get", "events.events.k8s.io")["items"]
        series = [e.get("series") for e in events if e.get("note") == "from 1 to 2 workers"]
        return len(series) == 1 and series[0] is not None and series[0]["count"] == 2

    eventually("one event with a count", counted, 20)
    eventually("two replicas again", lambda: len(release.ready_pods()) == 2, 90)


def test_an_idle_cluster_that_is_to_be_deleted_is(kubectl: Kubectl) -> None:
    brief = Cluster("fleeting", kubectl, {"idle": {"action": "Delete", "timeoutSeconds": 60}})
    brief.apply()
    brief.wait_for("Available")
    eventually("it is deleted", lambda: kubectl.find("uforacluster", "fleeting") is None, 150)
    eventually("its pods are gone", lambda: not brief.pods(), 60)


def appears(cluster: Cluster, kind: str, name: str) -> None:
    eventually(f"{kind} {name} is there", lambda: cluster.kubectl.find(kind, name), 20)


def disappears(cluster: Cluster, kind: str, name: str) -> None:
    eventually(f"{kind} {name} is gone", lambda: cluster.kubectl.find(kind, name) is None, 20)
