"""What holds for the plan as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from operator_sights import (
    NOW,
    OLD,
    UNREACHABLE,
    cluster_of,
    observed,
    plan_for,
    pod,
    report,
    retiring,
    worker,
)
from ufora_operator.api.spec import UforaCluster
from ufora_operator.facts import Report
from ufora_operator.observed import Observed, Tokens
from ufora_operator.plan.decide import LOOK_AGAIN, LOOK_LATER, decide
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.rotation import fingerprint
from ufora_operator.plan.types import Plan, Rotation

FIVE = (pod(0), pod(1), pod(2, OLD), pod(3), pod(4))
THREE = report(*map(worker, range(3)))
EMPTY = report(*map(worker, range(3)), retiring(3, empty=True), retiring(4, empty=True))


def test_a_settled_cluster_has_nothing_to_do() -> None:
    plan = plan_for(cluster_of(), observed(*map(pod, range(3))), report(*map(worker, range(3))))
    assert plan == Plan(
        worker_replicas=3,
        manager_replicas=1,
        tokens=Tokens("t1", exists=True),
        rotation=Rotation("Stable", ""),
    )


@pytest.mark.parametrize(
    ("cluster", "seen", "reason"),
    [
        (cluster_of(deleting=True), observed(*FIVE), Reason.DELETING),
        (cluster_of(), observed(*FIVE, namespace_terminating=True), Reason.NAMESPACE_TERMINATING),
        (cluster_of(), observed(*FIVE, foreign=("Service demo-manager",)), Reason.NAME_CONFLICT),
    ],
)
def test_where_nothing_may_be_done_everything_stays(
    cluster: UforaCluster, seen: Observed, reason: Reason
) -> None:
    plan = plan_for(cluster, seen, EMPTY)
    assert plan.halted is not None and plan.halted.reason == reason
    assert (plan.worker_replicas, plan.manager_replicas) == (5, 1)
    assert plan.tokens is None
    assert not (plan.retire or plan.unretire or plan.delete_pods or plan.delete_cluster)


def test_a_foreign_object_is_named_with_what_to_do() -> None:
    plan = plan_for(cluster_of(), observed(foreign=("Service demo-manager",)), None)
    assert plan.halted is not None
    assert plan.halted.message == (
        "Service demo-manager exists already in namespace ns and does not belong to this "
        "UforaCluster: delete or rename it, or use another name"
    )
    assert [each.reason for each in plan.notices] == [Reason.NAME_CONFLICT]
    told: dict[str, object] = {
        "conditions": [{"type": "Accepted", "status": "False", "reason": "NameConflict"}]
    }
    again = plan_for(cluster_of(), observed(foreign=("Service demo-manager",), status=told), None)
    assert again.notices == ()


@pytest.mark.parametrize("said", [None, UNREACHABLE, EMPTY])
def test_a_new_token_is_asked_for_only_when_one_is_needed(said: Report | None) -> None:
    made = []

    def new_token() -> str:
        made.append("t")
        return "t2"

    decide(cluster_of(), observed(*FIVE), said, NOW, new_token)
    assert made == []


def test_a_standstill_is_told_once() -> None:
    told: dict[str, object] = {
        "conditions": [
            {"type": "ScaleDownBlocked", "status": "True", "reason": "ManagerUnreachable"}
        ]
    }
    first = plan_for(cluster_of(), observed(*map(pod, range(5))), UNREACHABLE)
    again = plan_for(cluster_of(), observed(*map(pod, range(5)), status=told), UNREACHABLE)
    assert [each.reason for each in first.notices] == [Reason.MANAGER_UNREACHABLE]
    assert again.notices == ()


def test_a_fingerprint_shows_nothing_of_its_token() -> None:
    assert "secret" not in fingerprint("secret") and len(fingerprint("secret")) == 16


@pytest.mark.parametrize(
    ("cluster", "seen", "said", "seconds"),
    [
        (cluster_of(), observed(*FIVE), EMPTY, LOOK_AGAIN),  # orders to give
        (cluster_of(), observed(*map(pod, range(5))), UNREACHABLE, LOOK_LATER),
        (
            cluster_of(),
            observed(*map(pod, range(4))),
            report(*map(worker, range(3)), retiring(3, roots=1)),
            LOOK_AGAIN,
        ),
        (
            cluster_of(),
            observed(*map(pod, range(4))),
            report(*map(worker, range(3)), retiring(3, since=NOW - 601, roots=1)),
            LOOK_LATER,
        ),
        (cluster_of(suspend=True), observed(), report(jobs=1), LOOK_LATER),
        # Nothing that is watched changes when these become troubles.
        (cluster_of(), observed(*map(pod, range(3))), report(*map(worker, range(2))), LOOK_LATER),
        (cluster_of(), observed(pod(0), pod(1), pod(2, ready=False)), THREE, LOOK_LATER),
        (cluster_of(), replace(observed(*map(pod, range(3))), pods=(pod(0),)), THREE, LOOK_LATER),
    ],
)
def test_what_moves_is_looked_at_sooner_than_what_stands_still(
    cluster: UforaCluster, seen: Observed, said: Report, seconds: float
) -> None:
    assert plan_for(cluster, seen, said).again_after == seconds
