"""The status: figures and conditions that stay as they are while nothing changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operator_sights import (
    NOW,
    OLD,
    UNREACHABLE,
    cluster_of,
    facts,
    manager_pod,
    observed,
    plan_for,
    pod,
    report,
    retiring,
    worker,
)
from ufora_operator.api.spec import UforaCluster
from ufora_operator.errors import FieldError, SpecError
from ufora_operator.facts import Report
from ufora_operator.observed import Observed, Tokens, Trouble, Workload
from ufora_operator.status.build import Rejected, Status, status_of, status_of_rejected

THREE = observed(*map(pod, range(3)))
WELL = report(*map(worker, range(3)))
TYPES = [
    "Accepted",
    "Available",
    "ManagerReady",
    "WorkersReady",
    "Progressing",
    "ScaleDownBlocked",
    "Suspended",
    "Idle",
    "VersionSkew",
    "Degraded",
]


def status(
    seen: Observed = THREE,
    said: Report | None = WELL,
    cluster: UforaCluster | None = None,
    now: float = NOW,
) -> Status:
    whole = cluster_of() if cluster is None else cluster
    plan = plan_for(whole, seen, said, now)
    return status_of(whole, seen, said, plan, now, "0.1.0")


def condition(found: Status, type: str) -> dict[str, str]:
    conditions = found["conditions"]
    assert isinstance(conditions, list)
    return next(each for each in conditions if each["type"] == type)


def truths(found: Status) -> dict[str, str]:
    return {type: condition(found, type)["status"] for type in TYPES}


def test_a_cluster_that_is_well() -> None:
    found = status()
    assert {key: value for key, value in found.items() if key != "conditions"} == {
        "observedGeneration": 1,
        "summary": "Ready",
        "replicas": 3,
        "readyReplicas": 3,
        "registeredReplicas": 3,
        "selector": "app.kubernetes.io/name=ufora,app.kubernetes.io/instance=demo,"
        "app.kubernetes.io/component=worker",
        "endpoint": "http://demo-manager.ns.svc:30000",
        "versions": {"operator": "0.1.0", "manager": "0.1.0", "workers": ["0.1.0"]},
        "retiring": [],
        "auth": {"rotation": "", "phase": "Stable", "since": "2027-01-15T08:00:00Z"},
        "idleSuspended": False,
    }
    good = {"Accepted", "Available", "ManagerReady", "WorkersReady"}
    assert truths(found) == {type: str(type in good) for type in TYPES}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (THREE, WELL),
        (THREE, UNREACHABLE),
        (THREE, report(*map(worker, range(3)), idle_since=NOW - 500)),
        (observed(*map(pod, range(5))), report(*map(worker, range(4)), retiring(4, roots=1))),
        (observed(pod(0, OLD), pod(1), pod(2, trouble=Trouble("CrashLoopBackOff", "b"))), WELL),
    ],
)
def test_equal_circumstances_give_an_equal_status_later(
    seen: Observed, said: Report | None
) -> None:
    first = status(seen, said)
    later = replace(seen, status=first)
    aged = None if said is None else replace(said, at=NOW + 20)
    assert status(later, aged, now=NOW + 20) == first


def test_a_condition_keeps_its_time_until_its_truth_changes() -> None:
    first = status(THREE, UNREACHABLE)
    later = status(
        replace(THREE, status=first), replace(UNREACHABLE, unreachable="timed out"), now=NOW + 60
    )
    assert "timed out" in condition(later, "Available")["message"]
    assert condition(later, "Available")["lastTransitionTime"] == "2027-01-15T08:00:00Z"
    well = status(replace(THREE, status=later), replace(WELL, at=NOW + 90), now=NOW + 90)
    assert condition(well, "Available")["lastTransitionTime"] == "2027-01-15T08:01:30Z"
    assert condition(well, "ManagerReady")["lastTransitionTime"] == "2027-01-15T08:00:00Z"


def test_every_condition_is_of_the_generation_that_was_looked_at() -> None:
    conditions = status(cluster=cluster_of(7))["conditions"]
    assert isinstance(conditions, list)
    assert [each["observedGeneration"] for each in conditions] == [7] * len(TYPES)


def test_a_new_operator_that_has_asked_nobody_yet_writes_nothing() -> None:
    first = status()
    assert status(replace(THREE, status=first), None) == first


@pytest.mark.parametrize("said", [WELL, report(worker(0), worker(1))])
def test_an_order_on_its_way_changes_nothing_that_was_shown(said: Report) -> None:
    first = status(THREE, said)
    overtaken = replace(said, overtaken=True)
    assert status(replace(THREE, status=first), overtaken) == first


@pytest.mark.parametrize(
    ("seen", "said", "truth", "reason"),
    [
        (THREE, UNREACHABLE, "False", "ManagerUnreachable"),
        (THREE, None, "Unknown", "NotAskedYet"),
        (THREE, report(), "False", "NoWorkers"),
        (THREE, report(worker(1)), "True", "Ready"),
        (replace(THREE, manager=Workload("m", 1, 1, 1, 0)), WELL, "False", "ManagerNotReady"),
        (Observed(), None, "False", "ManagerNotReady"),
    ],
)
def test_available(seen: Observed, said: Report | None, truth: str, reason: str) -> None:
    found = condition(status(seen, said), "Available")
    assert (found["status"], found["reason"]) == (truth, reason)


def test_a_cluster_that_wants_no_workers_is_available_without() -> None:
    found = status(observed(), report(), cluster_of(workers__replicas=0))
    assert truths(found)["Available"] == truths(found)["WorkersReady"] == "True"


def test_ready_and_registered_are_two_figures() -> None:
    found = status(observed(pod(0), pod(1), pod(2, ready=False)), report(worker(0)))
    assert (found["replicas"], found["readyReplicas"], found["registeredReplicas"]) == (3, 2, 1)
    assert condition(found, "WorkersReady")["message"].startswith(
        "of 3 workers 2 are ready and 1 registered with the manager"
    )


def test_the_manager_s_own_worker_is_none_of_the_replicas() -> None:
    found = status(THREE, report(*map(worker, range(3)), worker("demo-manager-abc")))
    assert found["registeredReplicas"] == 3


def test_who_retires_and_what_is_left() -> None:
    busy = retiring(4, roots=1, ranges=2, objects=3, bytes=4)
    found = status(observed(*map(pod, range(5))), report(*map(worker, range(3)), busy))
    assert found["retiring"] == [
        {
            "name": "demo-worker-4",
            "phase": "Draining",
            "since": "2027-01-15T07:59:50Z",
            "roots": 1,
            "ranges": 2,
            "objects": 3,
            "bytes": 4,
        }
    ]
    blocked = condition(found, "ScaleDownBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "Draining")
    assert blocked["message"].startswith(
        "demo-worker-4 runs 1 block, has 2 ranges of loops open and holds 3 objects (4 bytes)"
    )
    assert found["summary"] == "Scaling down"


def test_a_rejected_spec_leaves_what_was_known() -> None:
    first = status()
    error = SpecError((FieldError("spec.image", "is empty"), FieldError("spec.x", "is unknown")))
    found = status_of_rejected(Rejected("demo", 2, error), first, NOW + 60)
    accepted = condition(found, "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "InvalidSpec")
    assert accepted["message"] == "spec.image: is empty; spec.x: is unknown"
    assert accepted["observedGeneration"] == 2  # type: ignore[comparison-overlap]
    assert condition(found, "Available") == condition(first, "Available")
    assert found["summary"] == "Rejected" and found["observedGeneration"] == 1
    again = status_of_rejected(Rejected("demo", 2, error), found, NOW + 120)
    assert again == found


def test_a_spec_that_is_rejected_at_first_sight_has_a_selector() -> None:
    found = status_of_rejected(
        Rejected("demo", 1, SpecError((FieldError("spec.image", "is empty"),))), {}, NOW
    )
    assert "app.kubernetes.io/instance=demo" in str(found["selector"])


def test_suspended() -> None:
    asleep = observed(manager_replicas=0)
    found = status(asleep, UNREACHABLE, cluster_of(suspend=True))
    assert found["summary"] == "Suspended"
    assert truths(found)["Suspended"] == "True" and truths(found)["Available"] == "False"
    assert truths(found)["Degraded"] == truths(found)["Progressing"] == "False"


def test_a_suspension_that_waits_for_jobs_says_so() -> None:
    found = status(observed(), report(jobs=2), cluster_of(suspend=True))
    suspended = condition(found, "Suspended")
    assert (suspended["status"], suspended["reason"]) == ("False", "JobsUnfinished")
    assert suspended["message"] == "2 jobs are unfinished, so the manager stays"


def test_idleness_is_recorded_with_the_spec_that_it_is_about() -> None:
    cluster = cluster_of(5, idle__action="Suspend", workers__replicas=0)
    said = report(idle_since=NOW - 4000)
    found = status(observed(), said, cluster)
    assert found["idleSuspended"] is True and found["idleSuspendedGeneration"] == 5
    assert found["idleSince"] == "2027-01-15T06:53:20Z"
    asleep = observed(manager_replicas=0, status=found)
    later = status(asleep, UNREACHABLE, cluster, NOW + 60)
    assert later["idleSince"] == found["idleSince"]
    assert condition(later, "Suspended")["reason"] == "IdleSuspended"


@pytest.mark.parametrize(
    ("said", "truth"),
    [
        (report(idle_since=NOW - 5), "True"),
        (report(), "False"),
        (UNREACHABLE, "Unknown"),
    ],
)
def test_idle(said: Report, truth: str) -> None:
    assert truths(status(THREE, said))["Idle"] == truth


@pytest.mark.parametrize(
    ("version", "manager", "workers", "operator", "words"),
    [
        (None, "0.1.0", ["0.1.0"], "0.1.0", None),
        ("0.1.0", "0.1.0", ["0.1.0"], "0.1.0", None),
        ("0.2.0", "0.1.0", ["0.1.0"], "0.1.0", "spec.version is 0.2.0"),
        (None, "0.2.0", ["0.2.0", "0.1.0"], "0.2.0", "workers of release 0.1.0"),
        (None, "0.1.0", ["0.1.0"], "0.2.0", "the operator is of release 0.2.0"),
    ],
)
def test_version_skew(
    version: str | None, manager: str, workers: list[str], operator: str, words: str | None
) -> None:
    cluster = cluster_of() if version is None else cluster_of(version=version)
    said = report(
        *(worker(ordinal, release=each) for ordinal, each in enumerate(workers)), release=manager
    )
    plan = plan_for(cluster, THREE, said)
    found = condition(status_of(cluster, THREE, said, plan, NOW, operator), "VersionSkew")
    assert found["status"] == str(words is not None)
    assert (words or "operator, manager and workers are of release") in found["message"]


def test_a_token_s_phase_keeps_the_time_when_it_began() -> None:
    tokens = Tokens("t1", "t2", "a", second_is_next=True, exists=True)
    seen = replace(THREE, tokens=tokens)
    first = status(seen)
    assert first["auth"] == {
        "rotation": "a",
        "phase": "Distributing",
        "since": "2027-01-15T08:00:00Z",
    }
    assert first["summary"] == "Rotating token"
    later = status(replace(seen, status=first), replace(WELL, at=NOW + 60), now=NOW + 60)
    assert later["auth"] == first["auth"]


def test_no_token_is_in_a_status() -> None:
    tokens = Tokens("hidden-1", "hidden-2", "a", second_is_next=True, exists=True)
    assert "hidden" not in str(status(replace(THREE, tokens=tokens)))


@pytest.mark.parametrize(
    ("seen", "said", "cluster", "words"),
    [
        (Observed(), None, cluster_of(), "Starting"),
        (THREE, UNREACHABLE, cluster_of(), "Not available"),
        (observed(pod(0)), report(worker(0)), cluster_of(), "Scaling up"),
        (observed(pod(0, OLD), pod(1), pod(2)), WELL, cluster_of(), "Rolling out"),
        (THREE, WELL, cluster_of(suspend=True), "Suspending"),
        (replace(THREE, foreign=("Secret demo-auth",)), WELL, cluster_of(), "Name conflict"),
        (replace(THREE, namespace_terminating=True), WELL, cluster_of(), "Terminating"),
        (
            replace(THREE, claims=(Trouble("Pending", "no storage class"),)),
            WELL,
            cluster_of(),
            "Degraded",
        ),
        (
            Observed(
                manager=Workload("m", 1, 1, 1, 0),
                pods=(manager_pod(ready=False, trouble=Trouble("ErrImagePull", "x")),),
            ),
            UNREACHABLE,
            cluster_of(),
            "Degraded",
        ),
    ],
)
def test_the_summary(
    seen: Observed, said: Report | None, cluster: UforaCluster, words: str
) -> None:
    assert status(seen, said, cluster)["summary"] == words


def test_facts_of_a_manager_that_is_silent_now_are_not_shown_as_true() -> None:
    found = status(THREE, Report(NOW, facts(*map(worker, range(3))), "timed out"))
    assert "registeredReplicas" not in found and "retiring" not in found
    assert truths(found)["Idle"] == "Unknown"


def test_a_cluster_of_thousands_has_a_status_and_events_that_fit() -> None:
    many = range(3000)
    seen = observed(*(pod(ordinal) for ordinal in many))
    said = report(*(retiring(ordinal, roots=1) for ordinal in many))
    assert len(str(status(seen, said))) < 50_000
    untold = report(*map(worker, many))
    plan = plan_for(cluster_of(), seen, untold)
    assert len(plan.retire) == 2997
    assert max(len(each.message) for each in plan.notices) < 1024
