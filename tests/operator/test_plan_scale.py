"""Up at once, down only as far as the highest workers hold nothing."""

from __future__ import annotations

import pytest

from operator_sights import (
    NOW,
    UNREACHABLE,
    cluster_of,
    facts,
    name,
    observed,
    plan_for,
    pod,
    report,
    retiring,
    worker,
)
from ufora_operator.facts import Report, WorkerFacts
from ufora_operator.observed import Observed, Trouble
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.types import Blocked

FIVE = observed(*map(pod, range(5)))
BUSY = retiring(4, roots=1, objects=2, bytes=38_000_000)
BUSY_SAID = "demo-worker-4 runs 1 block and holds 2 objects (38 MB)"


def staying(*leaving: WorkerFacts) -> tuple[WorkerFacts, ...]:
    return (*map(worker, range(3)), *leaving)


def test_a_first_look_makes_everything_at_once() -> None:
    plan = plan_for(cluster_of(), Observed(), None)
    assert (plan.worker_replicas, plan.manager_replicas) == (3, 1)
    assert plan.tokens is not None and plan.tokens.token == "t2"


def test_the_highest_ordinals_are_told_to_retire_and_none_goes_yet() -> None:
    plan = plan_for(cluster_of(), FIVE, report(*map(worker, range(5))))
    assert plan.retire == (name(4), name(3))
    assert plan.worker_replicas == 5
    assert plan.scale_down == Blocked(
        Reason.DRAINING, "demo-worker-4 is being told to retire; 1 more are to go after it"
    )


@pytest.mark.parametrize(
    ("leaving", "replicas"),
    [
        ((retiring(3, empty=True), retiring(4, empty=True)), 3),
        ((retiring(3, roots=1), retiring(4, empty=True)), 4),
        ((retiring(3, empty=True), retiring(4, roots=1)), 5),
        ((retiring(3, ranges=1), retiring(4, objects=1, bytes=1)), 5),
    ],
)
def test_only_the_contiguous_highest_that_are_empty_go(
    leaving: tuple[WorkerFacts, ...], replicas: int
) -> None:
    plan = plan_for(cluster_of(), FIVE, report(*staying(*leaving)))
    assert plan.worker_replicas == replicas
    assert (plan.scale_down is None) == (replicas == 3)


def test_what_is_left_is_told() -> None:
    plan = plan_for(cluster_of(), FIVE, report(*staying(retiring(3, empty=True), BUSY)))
    assert plan.scale_down == Blocked(Reason.DRAINING, f"{BUSY_SAID}; 1 more are to go after it")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, Reason.NOT_ASKED_YET),
        (UNREACHABLE, Reason.MANAGER_UNREACHABLE),
        (
            Report(NOW, facts(*staying(retiring(3, empty=True), retiring(4, empty=True))), "gone"),
            Reason.MANAGER_UNREACHABLE,
        ),
        (
            report(*staying(retiring(3, empty=True), retiring(4, empty=True)), at=NOW - 31),
            Reason.FACTS_TOO_OLD,
        ),
        (
            Report(
                NOW,
                facts(*staying(retiring(3, empty=True), retiring(4, empty=True))),
                overtaken=True,
            ),
            Reason.NOT_ASKED_YET,
        ),
    ],
)
def test_without_fresh_facts_nothing_is_lowered_and_nobody_told(
    said: Report | None, reason: Reason
) -> None:
    plan = plan_for(cluster_of(), FIVE, said)
    assert plan.worker_replicas == 5
    assert plan.scale_down is not None and plan.scale_down.reason == reason
    assert plan.retire == () and plan.unretire == ()


def test_a_worker_that_is_empty_without_an_order_stays() -> None:
    """It may have a root a moment later."""
    said = report(*map(worker, range(5)), orders=(3,))
    assert plan_for(cluster_of(), FIVE, said).worker_replicas == 5


def test_a_worker_that_never_registered_goes_once_it_is_under_an_order() -> None:
    without = report(*staying())
    assert plan_for(cluster_of(), FIVE, without).worker_replicas == 5
    ordered = report(*staying(), orders=(3, 4))
    assert plan_for(cluster_of(), FIVE, ordered).worker_replicas == 3


def test_a_silent_worker_stays_while_the_manager_may_not_have_heard_of_it_yet() -> None:
    said = report(*staying(), orders=(3, 4), since=NOW - 20)
    plan = plan_for(cluster_of(), FIVE, said)
    assert plan.worker_replicas == 5
    assert plan.scale_down is not None
    assert "is not registered with the manager, which was started a moment ago" in (
        plan.scale_down.message
    )


@pytest.mark.parametrize(
    "gone",
    [
        observed(*map(pod, range(4)), replicas=5),
        observed(*map(pod, range(4)), pod(4, trouble=Trouble("Unschedulable", "no room"))),
    ],
)
def test_a_pod_without_a_process_holds_nothing_whatever_the_manager_has_heard(
    gone: Observed,
) -> None:
    said = report(*staying(retiring(3, roots=1)), orders=(3, 4), since=NOW - 20)
    assert plan_for(cluster_of(), gone, said).worker_replicas == 4


def test_time_runs_out_and_wait_waits_with_another_reason() -> None:
    late = retiring(4, since=NOW - 600, roots=1)
    plan = plan_for(cluster_of(), FIVE, report(*staying(retiring(3, empty=True), late)))
    assert plan.worker_replicas == 5 and plan.forced == ()
    assert plan.scale_down is not None and plan.scale_down.reason == Reason.DRAIN_TIMED_OUT
    assert [each.reason for each in plan.notices] == [Reason.DRAIN_TIMED_OUT]


def test_time_runs_out_and_force_lets_go() -> None:
    late = retiring(4, since=NOW - 600, roots=1)
    cluster = cluster_of(workers__drain__onTimeout="Force")
    plan = plan_for(cluster, FIVE, report(*staying(retiring(3, since=NOW - 599, roots=1), late)))
    assert plan.worker_replicas == 4
    assert plan.forced == (name(4),)
    assert ("Warning", Reason.DRAIN_FORCED) in [(each.type, each.reason) for each in plan.notices]


def test_force_does_not_mean_blind() -> None:
    cluster = cluster_of(workers__drain__onTimeout="Force", workers__drain__timeoutSeconds=0)
    assert plan_for(cluster, FIVE, UNREACHABLE).worker_replicas == 5


def test_a_rise_in_the_middle_takes_orders_back() -> None:
    said = report(*staying(retiring(3, roots=1), retiring(4, empty=True)))
    plan = plan_for(cluster_of(workers__replicas=5), FIVE, said)
    assert plan.unretire == (name(3), name(4))
    assert plan.retire == () and plan.worker_replicas == 5


def test_a_name_under_an_order_gets_no_pod_before_the_order_is_off() -> None:
    three_pods = observed(*map(pod, range(3)))
    plan = plan_for(cluster_of(workers__replicas=6), three_pods, report(*staying(), orders=(4,)))
    assert plan.unretire == (name(4),)
    assert plan.worker_replicas == 4
    unknown_since = Report(NOW, facts(*staying(), orders=(4,)), "gone")
    assert plan_for(cluster_of(workers__replicas=6), three_pods, unknown_since).worker_replicas == 4


def test_a_pod_that_is_being_scaled_away_gets_no_work_again() -> None:
    leaving = observed(*map(pod, range(4)), replicas=3)
    said = report(*staying(retiring(3, empty=True)))
    plan = plan_for(cluster_of(workers__replicas=4), leaving, said)
    assert plan.unretire == () and plan.worker_replicas == 3


def test_an_order_is_cleared_away_when_its_pod_is_gone() -> None:
    plan = plan_for(cluster_of(), observed(*map(pod, range(3))), report(*staying(), orders=(3,)))
    assert plan.unretire == (name(3),)


def test_orders_for_others_are_left_alone() -> None:
    own = worker("demo-manager-abc")
    said = facts(*staying(own))
    strange = ("demo-manager-abc", "demo-worker-x", "other-worker-0")
    said = type(said)(
        **{**{f: getattr(said, f) for f in said.__struct_fields__}, "retire_orders": strange}
    )
    plan = plan_for(cluster_of(), observed(*map(pod, range(3))), Report(NOW, said))
    assert plan.unretire == ()


def test_pods_without_their_stateful_set_count_as_there() -> None:
    orphaned = observed(*map(pod, range(5)), workers=None)
    assert plan_for(cluster_of(), orphaned, UNREACHABLE).worker_replicas == 5
