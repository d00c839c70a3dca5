"""From the API server's objects to small records."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from ufora_operator import names
from ufora_operator.controller import projection
from ufora_operator.controller.kinds import Manifest
from ufora_operator.observed import Pod, Tokens, Trouble


def pod(component: str = "worker", name: str = "demo-worker-3", **status: Any) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "uid": "u",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {names.COMPONENT_LABEL: component, "controller-revision-hash": "r1"},
        },
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Running", **status},
    }


def waiting(reason: str, message: str = "", **container: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": "worker", "ready": False, "state": state, **container}


READY = [{"type": "Ready", "status": "True"}]


def test_a_ready_worker() -> None:
    found = projection.pod(pod(conditions=READY, containerStatuses=[{"restartCount": 2}]))
    assert found == Pod(
        name="demo-worker-3",
        uid="u",
        component="worker",
        created=1767225600.0,
        phase="Running",
        ready=True,
        revision="r1",
        ordinal=3,
        restarts=2,
        node="node-1",
    )


def test_the_manager_has_no_ordinal_and_a_stranger_is_no_pod_of_ours() -> None:
    manager = projection.pod(pod("manager", "demo-manager-1"))
    assert manager is not None and manager.ordinal == -1
    assert projection.pod(pod("client")) is None
    assert projection.pod({"metadata": {"name": "x"}}) is None


def test_a_pod_that_is_deleted_is_terminating() -> None:
    manifest = pod()
    manifest["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found = projection.pod(manifest)
    assert found is not None and found.terminating


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (
            {"containerStatuses": [waiting("ImagePullBackOff", "no such image")]},
            Trouble("ImagePullBackOff", "no such image"),
        ),
        ({"containerStatuses": [waiting("ContainerCreating")]}, None),
        (
            {
                "containerStatuses": [
                    waiting(
                        "CrashLoopBackOff",
                        "back-off 10s",
                        lastState={"terminated": {"exitCode": 2, "message": "bad token\n"}},
                    )
                ]
            },
            Trouble("CrashLoopBackOff", "back-off 10s", 2, "bad token"),
        ),
        (
            {
                "containerStatuses": [
                    {
                        "name": "worker",
                        "ready": False,
                        "state": {"running": {}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    }
                ]
            },
            Trouble(
                "OOMKilled",
                "container worker ended with exit code 137 "
                "(OOMKilled: its memory limit was reached)",
                137,
            ),
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes",
                    }
                ],
            },
            Trouble("Unschedulable", "0/3 nodes"),
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "disk pressure"},
            Trouble("Evicted", "disk pressure"),
        ),
        (
            {
                "initContainerStatuses": [waiting("CreateContainerConfigError", "no key token")],
                "containerStatuses": [waiting("PodInitializing")],
            },
            Trouble("CreateContainerConfigError", "no key token"),
        ),
        ({"conditions": READY, "containerStatuses": [waiting("CrashLoopBackOff")]}, None),
    ],
)
def test_what_ails_a_pod(status: dict[str, Any], trouble: Trouble | None) -> None:
    found = projection.pod(pod(**status))
    assert found is not None and found.trouble == trouble


def test_events_tell_what_a_pod_does_not_say_itself() -> None:
    starting = pod(
        phase="Pending",
        conditions=[{"type": "PodScheduled", "status": "True"}],
        containerStatuses=[waiting("ContainerCreating")],
    )
    assert projection.starts_slowly(starting)
    events = [
        {"reason": "Scheduled", "message": "to node-1"},
        {"reason": "FailedMount", "message": "old", "lastTimestamp": "2026-01-01T00:00:00Z"},
        {"reason": "FailedMount", "message": "new", "lastTimestamp": "2026-01-01T00:01:00Z"},
    ]
    found = projection.pod(starting, events)
    assert found is not None and found.trouble == Trouble("FailedMount", "new")
    assert not projection.starts_slowly(pod(containerStatuses=[waiting("ErrImagePull")]))


def test_a_workload_and_why_it_cannot_make_pods() -> None:
    manifest: Manifest = {
        "metadata": {"name": "demo-worker", "uid": "u", "generation": 4},
        "spec": {"replicas": 0},
        "status": {"observedGeneration": 3, "readyReplicas": 2, "updateRevision": "r2"},
    }
    events = [{"reason": "FailedCreate", "message": "exceeded quota"}]
    found = projection.stateful_set(manifest, events)
    assert found is not None
    assert (found.replicas, found.generation, found.observed_generation) == (0, 4, 3)
    assert (found.ready, found.update_revision) == (2, "r2")
    assert found.trouble == Trouble("FailedCreate", "exceeded quota")
    assert projection.stateful_set(None) is None
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "m"}
    manager = projection.deployment({**manifest, "status": {"conditions": [failure]}})
    assert manager is not None and manager.trouble == Trouble("FailedCreate", "m")


def secret(annotations: dict[str, str] | None = None, **data: str) -> Manifest:
    return {"metadata": {"name": "s", "annotations": annotations or {}}, "data": data}


def test_what_a_token_secret_holds() -> None:
    encoded = {
        "token": b64encode(b"t1\n").decode(),
        "second-token": b64encode(b"t2").decode(),
    }
    annotations = {names.ROTATION_ANNOTATION: "7", names.SECOND_IS_NEXT_ANNOTATION: "true"}
    assert projection.tokens(secret(annotations, **encoded)) == Tokens("t1", "t2", "7", True, True)
    assert projection.tokens(None) == Tokens()


@pytest.mark.parametrize("value", ["%%%", b64encode(b"\xff\xfe").decode(), ""])
def test_a_secret_without_a_token_that_can_be_read_has_none(value: str) -> None:
    assert projection.tokens(secret(token=value)) == Tokens(exists=True)


def test_a_claim_that_is_not_bound_and_why() -> None:
    pending: Manifest = {"metadata": {"name": "c"}, "status": {"phase": "Pending"}}
    assert projection.claim(pending) == Trouble(
        "ClaimPending", "claim c is pending: no volume is bound to it"
    )
    events = [{"reason": "ProvisioningFailed", "message": 'storageclass "x" not found'}]
    assert projection.claim(pending, events) == Trouble(
        "ProvisioningFailed", 'claim c: storageclass "x" not found'
    )
    assert projection.claim({"metadata": {"name": "c"}, "status": {"phase": "Bound"}}) is None
