"""What a person does on the first day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster
from operator_release import Release


def is_prime(n: int) -> int:
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return 0
        divisor += 1
    return 1


@pytest.fixture(scope="module")
def demo(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("demo", kubectl)
    cluster.apply({"workers": {"replicas": 3}})
    kubectl("wait", "--for=condition=Available", "ufc/demo", "--timeout=150s", timeout=160)
    cluster.wait_for_workers(3)
    yield cluster
    cluster.delete()


def test_the_tutorials_program_gives_its_answer(demo: Cluster) -> None:
    with demo.connected() as connection:
        with connection.remotely.downloadAll():
            result = sum(is_prime(n) for n in range(200_000))
    assert result == 17986


def test_kubectl_get_says_how_the_cluster_is(demo: Cluster) -> None:
    heads, values = demo.kubectl("get", "ufc").strip().splitlines()
    assert heads.split()[0] == "NAME" and values.split()[0] == "demo"
    assert values.split().count("3") >= 3, "workers wanted, ready and registered"
    assert "0.1.0" in values


def test_kubectl_explains_every_level_of_the_spec(kubectl: Kubectl) -> None:
    for field in ("ufc.spec", "ufc.spec.workers.drain", "ufc.spec.network.allowFrom"):
        text = kubectl("explain", field)
        assert "DESCRIPTION" in text and "<none>" not in text and "<empty>" not in text


def test_every_condition_says_for_which_generation_it_is(demo: Cluster) -> None:
    live = demo.live
    conditions = {each["type"]: each for each in live["status"]["conditions"]}
    assert conditions["Available"]["status"] == conditions["WorkersReady"]["status"] == "True"
    generations = {each["observedGeneration"] for each in conditions.values()}
    assert generations == {live["metadata"]["generation"]}
    assert all(each["reason"] and each["message"] for each in conditions.values())


def test_the_resource_carries_no_finalizer_and_no_annotation_of_the_operator(demo: Cluster) -> None:
    metadata = demo.live["metadata"]
    assert "finalizers" not in metadata
    assert list(metadata.get("annotations", {})) == [
        "kubectl.kubernetes.io/last-applied-configuration"
    ]


def versions_of(cluster: Cluster) -> dict[str, str]:
    """The resource versions of the cluster and of everything that it owns."""
    kinds = "ufc,secret,serviceaccount,networkpolicy,service,pdb,deployment,statefulset"
    listed = cluster.kubectl.json("get", kinds)["items"]
    return {
        f"{x['kind']}/{x['metadata']['name']}": x["metadata"]["resourceVersion"] for x in listed
    }


def test_a_settled_cluster_is_not_written_to(demo: Cluster, release: Release) -> None:
    # A label of the user starts a look at the cluster, which must find nothing to do.
    demo.kubectl("label", "ufc", "demo", "team=physics", "--overwrite")
    before, looks = versions_of(demo), release.reconciled()
    demo.kubectl("annotate", "service", "demo-manager", "someone=else", "--overwrite")
    eventually("the operator looked again", lambda: release.reconciled() > looks, 30)
    after = versions_of(demo)
    assert {name for name in after if after[name] != before.get(name)} == {"Service/demo-manager"}


def test_what_somebody_changes_or_deletes_is_put_back(demo: Cluster) -> None:
    kubectl = demo.kubectl
    port = [{"op": "replace", "path": "/spec/ports/0/port", "value": 31000}]
    kubectl("patch", "service", "demo-manager", "--type=json", f"--patch={port}".replace("'", '"'))
    kubectl("delete", "networkpolicy", "demo-worker", "--wait=true")
    kubectl("delete", "pdb", "demo-workers", "--wait=true")

    def repaired() -> bool:
        ports = kubectl.json("get", "service", "demo-manager")["spec"]["ports"]
        right = [each["port"] for each in ports] == [30000]
        policy = kubectl.find("networkpolicy", "demo-worker")
        return right and policy is not None and kubectl.find("pdb", "demo-workers") is not None

    eventually("drift is repaired", repaired, 5)


def test_an_object_of_somebody_else_is_left_alone(kubectl: Kubectl) -> None:
    taken = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "taken-manager", "labels": {"app": "theirs"}},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "theirs"}},
    }
    kubectl.apply(taken)
    cluster = Cluster("taken", kubectl)
    cluster.apply()
    found = cluster.wait_for("Accepted", "False", reason="NameConflict")
    assert "Service taken-manager" in found["message"]
    theirs = kubectl.json("get", "service", "taken-manager")
    assert theirs["spec"]["selector"] == {"app": "theirs"}
    kubectl("delete", "service", "taken-manager")
    cluster.wait_for("Available")
    cluster.delete()
