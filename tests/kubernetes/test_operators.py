"""The operator itself: two replicas, one leader, and installations of every kind."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster, documents, image, namespace
from operator_release import CHART, CRD, Release, helm, uninstall_quietly

CRDS = Path(__file__).parent.parent.parent / "crds"


@pytest.fixture
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("minded", kubectl)
    cluster.apply()
    cluster.wait_for("Available")
    yield cluster
    cluster.delete()


def test_another_replica_takes_over_when_the_leader_is_killed(
    cluster: Cluster, release: Release
) -> None:
    leader = eventually("a leader", release.leader, 60)
    options = ("--grace-period=0", "--force", "--wait=false")
    release.kubectl("delete", "pod", leader, *options)
    eventually("another leader", lambda: release.leader() not in ("", leader), 20)
    cluster.kubectl("delete", "service", "minded-manager")
    eventually(
        "it repairs", lambda: cluster.kubectl.find("service", "minded-manager"), 20, release.logs
    )
    eventually("two replicas again", lambda: len(release.ready_pods()) == 2, 90)


def test_a_leader_that_stops_hands_over_at_once(cluster: Cluster, release: Release) -> None:
    leader = eventually("a leader", release.leader, 60)
    release.kubectl("delete", "pod", leader, "--wait=false")
    eventually("another leader", lambda: release.leader() not in ("", leader), 10)
    eventually("two replicas again", lambda: len(release.ready_pods()) == 2, 90)


def test_a_cluster_is_deleted_completely_without_any_operator(
    cluster: Cluster, release: Release
) -> None:
    release.scale(0)
    try:
        cluster.delete()
        kinds = "secret,serviceaccount,networkpolicy,service,pdb,deployment,statefulset,pvc"
        left = f"{kinds},--selector=app.kubernetes.io/managed-by=ufora-operator".split(",--")
        eventually(
            "nothing is left",
            lambda: not cluster.kubectl.json("get", left[0], f"--{left[1]}")["items"],
            60,
        )
    finally:
        release.scale(2)
        eventually("two replicas again", lambda: len(release.ready_pods()) == 2, 90)


def test_helm_test_computes_something(release: Release) -> None:
    said = helm("test", release.name, f"--namespace={release.kubectl.namespace}", "--logs")
    assert "Succeeded" in said


def test_an_unknown_value_is_refused(release: Release) -> None:
    command = ["helm", "template", "x", str(CHART), "--set=replicaz=3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and "replicaz" in done.stderr


@contextmanager
def without(release: Release) -> Iterator[None]:
    """The suite's own operator is away inside the block."""
    release.uninstall()
    try:
        yield
    finally:
        release.install()


def test_the_crd_survives_an_uninstall_and_clusters_run_on(
    cluster: Cluster, release: Release
) -> None:
    before = cluster.uids()
    with without(release):
        assert Kubectl().find("crd", CRD) is not None
        assert cluster.uids() == before
    cluster.wait_for("Available")
    assert cluster.uids() == before


def test_an_operator_of_one_namespace_needs_a_role_only_and_ignores_others(
    release: Release,
) -> None:
    with without(release), namespace("own") as mine, namespace("other") as theirs:
        with namespace("scoped") as home:
            values = (f"watch.namespaces={{{mine.namespace}}}", "crds.install=false")
            scoped = Release("scoped", home, values)
            try:
                scoped.install()
                rules = Kubectl().json("get", "clusterrolebindings")["items"]
                subjects = [s for each in rules for s in each.get("subjects", [])]
                assert not [s for s in subjects if s.get("namespace") == home.namespace]
                inside, outside = Cluster("inside", mine), Cluster("outside", theirs)
                inside.apply()
                outside.apply()
                inside.wait_for_workers(1)
                assert outside.status == {} and outside.pods() == []
                inside.delete()
                outside.delete()
            finally:
                uninstall_quietly(scoped)


def test_plain_manifests_install_as_well_and_twice(release: Release) -> None:
    name = f"ufora-e2e-plain-{secrets.token_hex(3)}"
    settings = [
        f"--set=images.operator={image('operator')}",
        f"--set=images.cluster={image('manager')}",
    ]
    rendered = helm(
        "template", "ufora", str(CHART), f"--namespace={name}", "--skip-tests", *settings
    )
    everywhere = Kubectl()
    with without(release), namespace("plain") as kubectl:
        text = rendered.replace(name, str(kubectl.namespace))
        try:
            # Client-side apply keeps the whole object in an annotation of at most 262,144 bytes.
            kubectl("apply", f"--filename={CRDS}")
            kubectl("apply", f"--filename={CRDS}")
            for _ in range(2):
                kubectl("apply", "--filename=-", stdin=text)
            names = [
                each["metadata"]["name"] for each in documents(text) if each["kind"] == "Deployment"
            ]
            kubectl("rollout", "status", f"deployment/{names[0]}", "--timeout=90s", timeout=100)
            cluster = Cluster("plain", kubectl)
            cluster.apply()
            cluster.wait_for_workers(1)
            cluster.delete()
        finally:
            rest = [each for each in documents(text) if each["kind"] != "CustomResourceDefinition"]
            listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": rest})
            kubectl("delete", "--filename=-", "--ignore-not-found", stdin=listed, timeout=120)
            # The chart's own CRD must carry Helm's marks to be taken over again.
            everywhere("delete", "crd", CRD, "--ignore-not-found", timeout=120)
