"""Each thing that can be wrong is named, with Kubernetes' own words and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operator_sights import NOW, UNREACHABLE, cluster_of, observed, plan_for, pod, report, worker
from ufora_operator.facts import Report
from ufora_operator.observed import Observed, Tokens, Trouble, Workload
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.status.build import status_of
from ufora_operator.status.explain import ailments, of_pod

TWO = report(worker(0), worker(1))


def seen_with(trouble: Trouble) -> Observed:
    return observed(pod(0), pod(1), pod(2, trouble=trouble))


def workload(message: str) -> Observed:
    broken = Workload("w", 3, 1, 1, 2, "new-template", Trouble("FailedCreate", message))
    return observed(pod(0), pod(1), workers=broken)


CASES = [
    (
        seen_with(Trouble("ImagePullBackOff", 'Back-off pulling image "x:9"')),
        TWO,
        Reason.IMAGE_UNAVAILABLE,
        [
            "demo-worker-2: its image cannot be had",
            'ImagePullBackOff: Back-off pulling image "x:9"',
            "spec.imagePullSecrets",
        ],
    ),
    (
        seen_with(Trouble("InvalidImageName", "couldn't parse")),
        TWO,
        Reason.IMAGE_UNAVAILABLE,
        ["demo-worker-2", "InvalidImageName: couldn't parse", "Check spec.image"],
    ),
    (
        seen_with(Trouble("CrashLoopBackOff", "back-off 40s restarting", 1, "UFORA_X is wrong")),
        TWO,
        Reason.CRASHING,
        [
            "demo-worker-2: its process ends again and again",
            "it ended with exit code 1, saying 'UFORA_X is wrong'",
            "kubectl logs --previous",
        ],
    ),
    (
        seen_with(Trouble("OOMKilled", "", 137)),
        TWO,
        Reason.OUT_OF_MEMORY,
        ["demo-worker-2: it used more memory", "exit code 137", "resources.limits.memory"],
    ),
    (
        seen_with(Trouble("CrashLoopBackOff", "back-off (OOMKilled: its limit was reached)", 137)),
        TWO,
        Reason.OUT_OF_MEMORY,
        ["demo-worker-2: it used more memory", "exit code 137"],
    ),
    (
        seen_with(Trouble("FailedMount", 'secret "demo-auth" not found')),
        TWO,
        Reason.CONFIG_MISSING,
        ["demo-worker-2: something that it mounts", 'secret "demo-auth" not found'],
    ),
    (
        seen_with(Trouble("FailedCreatePodSandBox", "no network")),
        TWO,
        Reason.POD_NOT_READY,
        ["demo-worker-2: its node cannot set it up (FailedCreatePodSandBox: no network)"],
    ),
    (
        seen_with(Trouble("Unschedulable", "0/3 nodes are available: Insufficient cpu")),
        TWO,
        Reason.UNSCHEDULABLE,
        ["demo-worker-2: no node has room", "Insufficient cpu", "Add nodes"],
    ),
    (
        seen_with(Trouble("CreateContainerConfigError", "couldn't find key token in Secret ns/x")),
        TWO,
        Reason.CONFIG_MISSING,
        ["demo-worker-2", "couldn't find key token", "needs the key `token`"],
    ),
    (
        seen_with(Trouble("Unschedulable", "pod has unbound immediate PersistentVolumeClaims")),
        TWO,
        Reason.CLAIM_PENDING,
        ["demo-worker-2: its volume cannot be had", "unbound immediate", "StorageClass"],
    ),
    (
        seen_with(Trouble("SomethingNew", "of a later Kubernetes")),
        TWO,
        Reason.POD_NOT_READY,
        ["demo-worker-2", "SomethingNew: of a later Kubernetes", "kubectl describe pod"],
    ),
    (
        seen_with(Trouble("Evicted", "node was low on memory")),
        TWO,
        Reason.POD_FAILED,
        ["demo-worker-2: its pod has failed", "node was low on memory"],
    ),
    (
        workload("pods is forbidden: exceeded quota: small, requested: cpu=1"),
        TWO,
        Reason.QUOTA_EXCEEDED,
        ["demo-worker: the namespace's quota is used up", "small", "Raise the ResourceQuota"],
    ),
    (
        workload('pods "x" is forbidden: violates PodSecurity "restricted:latest": y'),
        TWO,
        Reason.FORBIDDEN,
        ["Pod Security forbids its pods", "restricted:latest", "podPatch"],
    ),
    (
        workload("pods is forbidden: User u cannot create resource"),
        TWO,
        Reason.FORBIDDEN,
        ["demo-worker: Kubernetes forbids its pods", "User u cannot create", "must allow it"],
    ),
    (
        workload('error looking up service account ns/own: serviceaccount "own" not found'),
        TWO,
        Reason.CONFIG_MISSING,
        ['serviceaccount "own" not found', "serviceAccountName"],
    ),
    (
        replace(
            observed(*map(pod, range(3))), claims=(Trouble("Pending", "demo-manager-data: no"),)
        ),
        report(*map(worker, range(3))),
        Reason.CLAIM_PENDING,
        ["PersistentVolumeClaim", "demo-manager-data: no", "kubectl get storageclass"],
    ),
    (
        observed(*map(pod, range(3))),
        TWO,
        Reason.NOT_REGISTERED,
        [
            "demo-worker-2 is ready, but not registered with the manager",
            "kubectl logs demo-worker-2",
            "a token that demo-manager does not accept",
            "demo-registry:30002",
            "NetworkPolicy",
        ],
    ),
]


@pytest.mark.parametrize(
    ("seen", "said", "reason", "words"), CASES, ids=[str(case[2]) for case in CASES]
)
def test_trouble_is_named(seen: Observed, said: Report, reason: Reason, words: list[str]) -> None:
    cluster = cluster_of()
    plan = plan_for(cluster, seen, said)
    found = status_of(cluster, seen, said, plan, NOW, "0.1.0")
    conditions = found["conditions"]
    assert isinstance(conditions, list)
    [degraded] = [each for each in conditions if each["type"] == "Degraded"]
    assert (degraded["status"], degraded["reason"]) == ("True", reason)
    assert [word for word in words if word not in degraded["message"]] == []


def test_workers_ready_names_the_first_cause() -> None:
    seen = seen_with(Trouble("ErrImagePull", "not found"))
    found = status_of(cluster_of(), seen, TWO, plan_for(cluster_of(), seen, TWO), NOW, "0.1.0")
    conditions = found["conditions"]
    assert isinstance(conditions, list)
    [workers] = [each for each in conditions if each["type"] == "WorkersReady"]
    assert workers["reason"] == Reason.IMAGE_UNAVAILABLE
    assert "demo-worker-2: its image cannot be had" in workers["message"]


def test_three_are_spelled_out_and_the_rest_counted() -> None:
    pods = [pod(ordinal, trouble=Trouble("ErrImagePull", "x")) for ordinal in range(5)]
    seen = observed(*pods)
    plan = plan_for(cluster_of(), seen, UNREACHABLE)
    found = status_of(cluster_of(), seen, UNREACHABLE, plan, NOW, "0.1.0")
    conditions = found["conditions"]
    assert isinstance(conditions, list)
    assert conditions[-1]["message"].count("its image cannot be had") == 3
    assert conditions[-1]["message"].endswith("And 2 more.")


def test_the_waiting_time_of_a_crash_loop_is_left_out() -> None:
    said = {of_pod("p", Trouble("CrashLoopBackOff", f"back-off {time} restarting")).message
            for time in ("10s", "20s", "5m0s")}  # fmt: skip
    assert len(said) == 1


def test_long_words_are_cut() -> None:
    assert len(of_pod("p", Trouble("Unschedulable", "x" * 5000)).message) < 600


def test_a_young_worker_is_given_time_to_register() -> None:
    seen = observed(pod(0), pod(1), pod(2, created=NOW - 59))
    assert ailments(Situation(cluster_of(), seen, TWO, NOW)) == []


def test_a_pod_that_ends_is_not_in_trouble() -> None:
    seen = observed(pod(0), pod(1), pod(2, trouble=Trouble("Error", "x"), terminating=True))
    assert ailments(Situation(cluster_of(), seen, TWO, NOW)) == []


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (Tokens(), "Secret own of spec.auth.secretRef does not exist"),
        (Tokens(exists=True), "Secret own of spec.auth.secretRef has no token"),
        (Tokens("t1", exists=True), None),
    ],
)
def test_a_secret_of_the_user_s_own_without_a_token(tokens: Tokens, words: str | None) -> None:
    cluster = cluster_of(auth={"enabled": True, "secretRef": {"name": "own"}})
    seen = replace(observed(*map(pod, range(3))), tokens=tokens)
    found = ailments(Situation(cluster, seen, report(*map(worker, range(3))), NOW))
    assert [each.reason for each in found] == ([] if words is None else [Reason.CONFIG_MISSING])
    assert words is None or words in found[0].message
