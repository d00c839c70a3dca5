"""A cluster goes to sleep, by its user or because nobody is there, and wakes."""

from __future__ import annotations

import pytest

from operator_sights import (
    NOW,
    UNREACHABLE,
    cluster_of,
    facts,
    manager_pod,
    name,
    observed,
    plan_for,
    pod,
    report,
    retiring,
    worker,
)
from ufora_operator.facts import Report
from ufora_operator.observed import Observed
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.types import Plan

TWO = observed(pod(0), pod(1))
EMPTY = observed()
ASLEEP = observed(manager_replicas=0)
RECORDED: dict[str, object] = {"idleSuspended": True, "idleSuspendedGeneration": 1}
IDLE = NOW - 3600


def suspended(seen: Observed, said: Report | None) -> Plan:
    return plan_for(cluster_of(workers__replicas=2, suspend=True), seen, said)


def idle(seen: Observed, said: Report | None, generation: int = 1, action: str = "Suspend") -> Plan:
    cluster = cluster_of(generation, workers__replicas=2, idle__action=action)
    return plan_for(cluster, seen, said)


def counts(plan: Plan) -> tuple[int, int, str]:
    return plan.worker_replicas, plan.manager_replicas, plan.suspended


def test_all_workers_retire_first() -> None:
    plan = suspended(TWO, report(worker(0), worker(1)))
    assert plan.retire == (name(1), name(0))
    assert counts(plan) == (2, 1, "suspending")


def test_the_manager_stays_while_pods_of_workers_are_there() -> None:
    seen = observed(pod(0, terminating=True), replicas=0)
    assert counts(suspended(seen, report())) == (0, 1, "suspending")


def test_the_manager_goes_last() -> None:
    assert counts(suspended(EMPTY, report())) == (0, 0, "suspending")
    assert counts(suspended(ASLEEP, UNREACHABLE)) == (0, 0, "suspended")


def test_a_cluster_that_is_made_asleep_starts_nothing() -> None:
    assert counts(suspended(Observed(), None)) == (0, 0, "suspended")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (report(jobs=2), Reason.JOBS_UNFINISHED),
        (UNREACHABLE, Reason.MANAGER_UNREACHABLE),
        (report(orders=(1,)), Reason.SUSPENDING),
    ],
)
def test_what_keeps_the_manager(said: Report, reason: Reason) -> None:
    plan = suspended(EMPTY, said)
    assert counts(plan) == (0, 1, "suspending")
    assert plan.suspension is not None and plan.suspension.reason == reason


def test_a_manager_that_does_not_count_jobs_stays() -> None:
    said = facts()
    said = type(said)(
        said.release, said.protocol, said.manager, said.idle_since, said.retire_orders, said.workers
    )
    assert counts(suspended(EMPTY, Report(NOW, said))) == (0, 1, "suspending")


def test_a_manager_that_never_ran_has_no_jobs() -> None:
    pending = observed(pods=(manager_pod(phase="Pending", ready=False),))
    assert counts(suspended(pending, UNREACHABLE)) == (0, 0, "suspending")


def test_resuming_takes_orders_back_at_any_moment() -> None:
    said = report(retiring(0, roots=1), retiring(1, empty=True))
    plan = plan_for(cluster_of(workers__replicas=2), TWO, said)
    assert plan.unretire == (name(0), name(1))
    assert counts(plan) == (2, 1, "")
    assert counts(plan_for(cluster_of(workers__replicas=2), ASLEEP, UNREACHABLE)) == (2, 1, "")


@pytest.mark.parametrize(
    ("said", "sleeps"),
    [
        (report(worker(0), worker(1), idle_since=IDLE), True),
        (report(worker(0), worker(1), idle_since=IDLE + 1), False),
        (report(worker(0), worker(1), idle_since=None), False),
        (report(worker(0), worker(1), idle_since=IDLE, since=NOW - 100), False),
        (report(worker(0), worker(1), idle_since=IDLE, at=NOW - 31), False),
        (Report(NOW, facts(idle_since=IDLE), "gone"), False),
        (UNREACHABLE, False),
        (None, False),
    ],
)
def test_only_who_is_known_to_be_idle_for_long_goes_to_sleep(
    said: Report | None, sleeps: bool
) -> None:
    plan = idle(TWO, said)
    assert plan.by_idleness is sleeps
    assert bool(plan.retire) is sleeps
    delete = idle(TWO, said, action="Delete")
    assert delete.delete_cluster is sleeps and not delete.retire
    assert not plan.delete_cluster


def test_it_is_looked_at_again_when_it_would_be_idle_for_long_enough() -> None:
    said = report(worker(0), worker(1), idle_since=IDLE + 100)
    assert idle(TWO, said).again_after == 100


def test_idleness_is_written_down_before_its_only_witness_is_stopped() -> None:
    said = report(idle_since=IDLE)
    assert counts(idle(EMPTY, said)) == (0, 1, "suspending")
    recorded = observed(status=RECORDED)
    assert counts(idle(recorded, said)) == (0, 0, "suspending")


def test_who_sleeps_for_idleness_sleeps_on_without_a_manager() -> None:
    asleep = observed(manager_replicas=0, status=RECORDED)
    plan = idle(asleep, UNREACHABLE)
    assert counts(plan) == (0, 0, "suspended") and plan.by_idleness


def test_any_edit_of_the_spec_wakes_it() -> None:
    asleep = observed(manager_replicas=0, status=RECORDED)
    plan = idle(asleep, UNREACHABLE, generation=2)
    assert counts(plan) == (2, 1, "") and not plan.by_idleness


def test_work_that_comes_before_it_sleeps_wakes_it() -> None:
    going = observed(pod(0), pod(1), status=RECORDED)
    plan = idle(going, report(retiring(0, empty=True), retiring(1, empty=True), idle_since=None))
    assert plan.unretire == (name(0), name(1)) and not plan.by_idleness
