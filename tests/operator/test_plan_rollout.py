"""New pod templates reach the workers drained, a few at a time, broken ones first."""

from __future__ import annotations

import pytest

from operator_sights import (
    NOW,
    OLD,
    UNREACHABLE,
    cluster_of,
    name,
    observed,
    plan_for,
    pod,
    report,
    retiring,
    worker,
)
from ufora_operator.facts import Report, WorkerFacts
from ufora_operator.observed import Observed, Pod, Trouble, Workload
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.types import Blocked, DoomedPod, Plan

ALL = tuple(map(worker, range(3)))
OLD_ONES = tuple(pod(ordinal, OLD) for ordinal in range(3))
NO_IMAGE = Trouble("ImagePullBackOff", "back-off pulling image")


def roll(*pods: Pod, said: Report | None = None, workers: tuple[WorkerFacts, ...] = ALL) -> Plan:
    return plan_for(cluster_of(), observed(*pods), said or report(*workers))


def deleted(plan: Plan) -> list[str]:
    return [each.name for each in plan.delete_pods]


def test_the_highest_goes_first_and_alone() -> None:
    plan = roll(*OLD_ONES)
    assert plan.retire == (name(2),) and deleted(plan) == []
    assert plan.rollout is not None and plan.rollout.outdated == (name(0), name(1), name(2))


def test_as_many_as_max_unavailable_go_at_once() -> None:
    cluster = cluster_of(workers__rollingUpdate__maxUnavailable=2)
    assert plan_for(cluster, observed(*OLD_ONES), report(*ALL)).retire == (name(2), name(1))


def test_a_worker_that_still_holds_something_is_waited_for() -> None:
    plan = roll(*OLD_ONES, workers=(*ALL[:2], retiring(2, roots=1)))
    assert plan.retire == () and deleted(plan) == [] and plan.unretire == ()


def test_an_empty_worker_is_deleted_if_it_is_still_that_pod() -> None:
    plan = roll(*OLD_ONES, workers=(*ALL[:2], retiring(2, empty=True)))
    assert plan.delete_pods == (
        DoomedPod(name(2), "uid-2", "it has the former template and is drained"),
    )
    assert plan.retire == ()


@pytest.mark.parametrize(
    "replaced",
    [
        pod(2, created=NOW - 5, ready=False),
        pod(2, OLD, terminating=True),
        pod(2, created=NOW - 5),  # ready, but not registered
    ],
)
def test_the_next_waits_until_the_new_one_is_well(replaced: Pod) -> None:
    plan = roll(*OLD_ONES[:2], replaced, said=report(*ALL[:2], orders=(2,)))
    assert plan.retire == () and plan.unretire == ()
    assert plan.rollout is not None and plan.rollout.waiting_for == (name(2),)


def test_a_new_one_that_is_well_gets_work_again_before_the_next_goes() -> None:
    plan = roll(*OLD_ONES[:2], pod(2), workers=(*ALL[:2], retiring(2, empty=True)))
    assert plan.unretire == (name(2),) and plan.retire == () and deleted(plan) == []
    after = roll(*OLD_ONES[:2], pod(2))
    assert after.retire == (name(1),)


def test_a_broken_worker_with_the_former_template_is_deleted_at_once() -> None:
    broken = pod(0, OLD, trouble=NO_IMAGE)
    plan = roll(broken, *OLD_ONES[1:], said=report(*ALL[1:]))
    assert deleted(plan) == [name(0)] and plan.retire == ()
    blind = roll(broken, *OLD_ONES[1:], said=UNREACHABLE)
    assert deleted(blind) == [name(0)]


def test_a_pod_with_a_broken_sidecar_may_have_a_worker_at_work() -> None:
    plan = roll(pod(0, OLD, trouble=NO_IMAGE), *OLD_ONES[1:])
    assert deleted(plan) == [] and plan.retire == (name(0),)


def test_a_running_worker_that_is_not_well_goes_before_one_that_is() -> None:
    plan = roll(OLD_ONES[0], pod(1, OLD, ready=False), OLD_ONES[2])
    assert plan.retire == (name(1),)


def test_if_the_manager_has_lost_sight_of_many_they_do_not_all_retire() -> None:
    plan = roll(*OLD_ONES, said=report())
    assert plan.retire == (name(2),)


def test_nobody_retires_while_the_manager_is_still_looking_for_its_workers() -> None:
    assert roll(*OLD_ONES, said=report(*ALL, since=NOW - 30)).retire == ()


def test_without_the_manager_healthy_workers_stay() -> None:
    plan = roll(*OLD_ONES, said=UNREACHABLE)
    assert plan.retire == () and deleted(plan) == []
    assert plan.rollout is not None and plan.rollout.stalled is not None
    assert plan.rollout.stalled.reason == Reason.MANAGER_UNREACHABLE


def test_a_new_one_in_trouble_stalls_it_and_says_why() -> None:
    plan = roll(*OLD_ONES[:2], pod(2, trouble=NO_IMAGE), said=report(*ALL[:2], orders=(2,)))
    assert plan.retire == () and deleted(plan) == []
    assert plan.rollout is not None
    assert plan.rollout.stalled == Blocked(
        Reason.ROLLOUT_STALLED,
        "demo-worker-2 has the new template, but ImagePullBackOff: back-off pulling image",
    )
    assert [each.reason for each in plan.notices] == [Reason.ROLLOUT_STALLED]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (pod(2, ready=False), "it is not ready after 300 s"),
        (pod(2), "it is not registered with the manager after 300 s"),
    ],
)
def test_a_new_one_that_takes_too_long_stalls_it(new: Pod, why: str) -> None:
    plan = roll(*OLD_ONES[:2], new, said=report(*ALL[:2], orders=(2,)))
    assert plan.rollout is not None and plan.rollout.stalled is not None
    assert plan.rollout.stalled.message == f"demo-worker-2 has the new template, but {why}"


def test_a_pod_that_quota_forbids_stalls_it() -> None:
    quota = Workload("w", 3, 1, 1, 2, "new-template", Trouble("FailedCreate", "exceeded quota: q"))
    seen = observed(*OLD_ONES[:2], workers=quota)
    plan = plan_for(cluster_of(), seen, report(*ALL[:2], orders=(2,)))
    assert plan.rollout is not None and plan.rollout.stalled is not None
    assert plan.rollout.stalled.message == "demo-worker-2 cannot be made: exceeded quota: q"


def test_reverting_heals_without_anybody_s_help() -> None:
    """The revision that nobody can run is the outdated one now."""
    stuck = pod(2, "bad-template", trouble=NO_IMAGE)
    plan = roll(pod(0), pod(1), stuck, said=report(*ALL[:2], orders=(2,)))
    assert deleted(plan) == [name(2)]


def test_reverting_takes_back_the_orders_of_those_that_had_not_gone_yet() -> None:
    plan = roll(pod(0), pod(1), pod(2), workers=(*ALL[:2], retiring(2, roots=1)))
    assert plan.unretire == (name(2),)


@pytest.mark.parametrize("on_timeout", ["Wait", "Force"])
def test_a_drain_that_takes_too_long(on_timeout: str) -> None:
    cluster = cluster_of(workers__drain__onTimeout=on_timeout)
    late = (*ALL[:2], retiring(2, since=NOW - 600, roots=1))
    plan = plan_for(cluster, observed(*OLD_ONES), report(*late))
    assert plan.rollout is not None
    if on_timeout == "Wait":
        assert deleted(plan) == []
        assert plan.rollout.stalled == Blocked(Reason.DRAIN_TIMED_OUT, "demo-worker-2 runs 1 block")
    else:
        assert [each.force for each in plan.delete_pods] == [True]
        assert plan.rollout.stalled is None


def test_who_is_scaled_away_is_not_replaced() -> None:
    said = report(*ALL[:2], retiring(2, empty=True))
    plan = plan_for(cluster_of(workers__replicas=2), observed(pod(0), pod(1), OLD_ONES[2]), said)
    assert deleted(plan) == [] and plan.worker_replicas == 2 and plan.rollout is None


def test_nothing_moves_until_kubernetes_has_looked_at_the_template() -> None:
    lagging = Workload("w", 3, 2, 1, 3, "new-template")
    seen: Observed = observed(*OLD_ONES, workers=lagging)
    plan = plan_for(cluster_of(), seen, report(*ALL[:2], retiring(2, empty=True)))
    assert deleted(plan) == [] and plan.retire == () and plan.unretire == ()
