"""Ten things that go wrong: ``kubectl describe`` alone names the cause of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster, merged, namespace
from operator_release import CRD

Spec = dict[str, Any]


@contextmanager
def broken(kubectl: Kubectl, name: str, spec: Spec) -> Iterator[Cluster]:
    """A cluster with a spec that cannot work out."""
    cluster = Cluster(name, kubectl, spec)
    cluster.apply()
    try:
        yield cluster
    finally:
        cluster.delete()


def says(cluster: Cluster, *words: str) -> None:
    """Wait until ``kubectl describe`` has all these words in one condition."""

    def found() -> bool:
        conditions = cluster.status.get("conditions", [])
        messages = [f"{each['reason']}: {each['message']}" for each in conditions]
        return any(all(word in text for word in words) for text in messages)

    eventually(f"a condition says {words}", found, 120, cluster.describe)
    assert all(word in cluster.describe() for word in words)


def test_an_image_that_cannot_be_pulled(kubectl: Kubectl) -> None:
    with broken(kubectl, "pull", {"image": "docker.io/ufora/nothing-here:1"}) as cluster:
        says(cluster, "pull-manager-", "docker.io/ufora/nothing-here:1")


def test_a_pod_that_fits_on_no_node(kubectl: Kubectl) -> None:
    huge = {"workers": {"resources": {"requests": {"cpu": "900"}}}}
    with broken(kubectl, "huge", huge) as cluster:
        says(cluster, "huge-worker-0", "Insufficient cpu")


def test_a_quota_that_is_used_up(kubectl: Kubectl) -> None:
    with namespace("quota") as small:
        hard = {"pods": "1"}
        small.apply(
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "one-pod"},
                "spec": {"hard": hard},
            }
        )
        with broken(small, "short", {}) as cluster:
            says(cluster, "exceeded quota: one-pod")


def test_a_process_that_ends_again_and_again(kubectl: Kubectl) -> None:
    crash = {"workers": {"env": [{"name": "UFORA_WORKER_MEMORY_MB", "value": "plenty"}]}}
    with broken(kubectl, "crash", crash) as cluster:
        says(cluster, "crash-worker-0", "exit code 2")


def test_a_secret_without_the_key(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "keyless", "--from-literal=password=x")
    with broken(kubectl, "keyless", {"auth": {"secretRef": {"name": "keyless"}}}) as cluster:
        says(cluster, "keyless", "token")


def test_a_worker_with_another_token(kubectl: Kubectl) -> None:
    wrong = {"workers": {"podPatch": {"spec": {"volumes": [_OTHER_TOKEN]}}}}
    kubectl("create", "secret", "generic", "other", "--from-literal=token=quite-another-token")
    with broken(kubectl, "token", wrong) as cluster:
        says(cluster, "token-worker-0", "registered", "token")


_OTHER_TOKEN = {"name": "auth", "secret": {"secretName": "other"}}


def test_a_volume_that_nobody_provides(kubectl: Kubectl) -> None:
    claim = {"claimTemplate": {"size": "1Gi", "storageClassName": "no-such-class"}}
    with broken(kubectl, "volume", {"manager": {"storage": claim}}) as cluster:
        says(cluster, "volume-manager-data", "no-such-class")


def test_a_policy_that_cuts_the_workers_off(kubectl: Kubectl) -> None:
    with namespace("cut") as own:
        # Policies add up, so the only way to close a port is to have ours not open it.
        labels = {"app.kubernetes.io/component": "worker"}
        own.apply(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "deny"},
                "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Egress"]},
            }
        )
        with broken(own, "cut", {"network": {"policies": False}}) as cluster:
            says(cluster, "cut-worker-0", "registered", "NetworkPolic")


def test_a_release_that_is_not_the_expected_one(kubectl: Kubectl) -> None:
    with broken(kubectl, "skewed", {"version": "9.9.9"}) as cluster:
        cluster.wait_for("VersionSkew")
        says(cluster, "9.9.9", "0.1.0")


def test_a_namespace_that_forbids_the_pods(kubectl: Kubectl) -> None:
    root = {"podPatch": {"spec": {"hostNetwork": True}}}
    with broken(kubectl, "root", {"workers": root}) as cluster:
        says(cluster, "violates PodSecurity", "hostNetwork")


def test_a_crd_that_is_newer_than_the_operator(kubectl: Kubectl) -> None:
    cluster = Cluster("ahead", kubectl)
    cluster.apply()
    cluster.wait_for_workers(1)
    before, everywhere = cluster.uids(), Kubectl()
    [version] = everywhere.json("get", "crd", CRD)["spec"]["versions"]
    field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/moonPhase"
    assert (
        "moonPhase" not in version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    )
    everywhere("patch", "crd", CRD, "--type=json", _json_patch("add", field, {"type": "string"}))
    try:
        eventually("the new field is known", lambda: _takes(cluster, {"moonPhase": "full"}), 30)
        refused = cluster.wait_for("Accepted", "False")
        assert "spec.moonPhase" in refused["message"] and "newer" in refused["message"]
        cluster.scale(3)
        cluster.wait_for("Accepted", "False")
        assert cluster.uids() == before, "the running cluster is untouched"
        cluster.patch({"moonPhase": None, "workers": {"replicas": 1}})
        cluster.wait_for("Accepted")
    finally:
        everywhere("patch", "crd", CRD, "--type=json", _json_patch("remove", field))
    assert cluster.uids() == before
    cluster.delete()


def _json_patch(operation: str, path: str, value: Any = None) -> str:
    step = {"op": operation, "path": path} | ({} if value is None else {"value": value})
    return f"--patch={json.dumps([step])}"


def _takes(cluster: Cluster, spec: Spec) -> bool:
    """Set these fields; False while the API server does not know one of them yet."""
    cluster.patch(spec)
    return set(spec) <= set(cluster.live["spec"])


@pytest.mark.parametrize("when", ["at once", "while pods start"])
def test_a_delete_in_the_middle_of_anything(kubectl: Kubectl, when: str) -> None:
    cluster = Cluster("brief", kubectl)
    cluster.apply({"workers": {"replicas": 2}})
    if when == "while pods start":
        eventually("pods", lambda: len(cluster.pods()) == 3, 60, cluster.describe)
    cluster.delete()
    selector = "app.kubernetes.io/instance=brief"
    kinds = "secret,networkpolicy,service,deployment,statefulset,pdb,serviceaccount"
    gone: Callable[[], bool] = lambda: not kubectl.items(kinds, selector)  # noqa: E731
    eventually("nothing is left", gone, 60)


def test_a_namespace_that_is_deleted_under_a_cluster() -> None:
    with namespace("vanishing") as kubectl:
        cluster = Cluster("doomed", kubectl, merged({}, {"workers": {"replicas": 2}}))
        cluster.apply()
        eventually("pods", lambda: len(cluster.pods()) == 3, 60, cluster.describe)
    assert Kubectl().find("namespace", str(kubectl.namespace)) is None
