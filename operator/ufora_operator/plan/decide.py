"""One look at a cluster, one plan: joins the decisions of this package.

Nothing is remembered between two looks but what the status, the Secret and the manager hold, so
the operator may end after any step and another one goes on.
"""

from collections.abc import Callable

from ufora_operator.api.spec import UforaCluster
from ufora_operator.facts import Report
from ufora_operator.observed import Observed
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.rollout import Rolling, roll_out
from ufora_operator.plan.rotation import rotate
from ufora_operator.plan.scale import Scaling, scale
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.suspend import ManagerStep, step_manager, wish
from ufora_operator.plan.types import Blocked, Notice, Plan

#: Seconds between two looks at workers that leave or come.
LOOK_AGAIN = 2.0
#: Seconds between two looks at something that only time or people can change.
LOOK_LATER = 15.0

#: What people want to hear of when it begins; the rest passes by itself.
_TOLD = {Reason.DRAIN_TIMED_OUT, Reason.MANAGER_UNREACHABLE, Reason.ROLLOUT_STALLED}
#: What passes by itself, and soon.
_PASSING = {Reason.DRAINING, Reason.NOT_ASKED_YET, Reason.SUSPENDING}


def decide(
    cluster: UforaCluster,
    observed: Observed,
    report: Report | None,
    now: float,
    new_token: Callable[[], str],
) -> Plan:
    """What to bring about for ``cluster`` now (Unix seconds).

    ``new_token`` makes a token; it is called at most once, and only if one is needed.
    """
    situation = Situation(cluster, observed, report, now)
    halted = _halted(situation)
    if halted is not None:
        return _hold_still(situation, halted)
    wanted = wish(situation)
    count = 0 if wanted.suspend else cluster.spec.workers.replicas
    rolling = roll_out(situation, count)
    scaling = scale(situation, count, rolling.rolled)
    manager = step_manager(situation, wanted)
    turning = rotate(situation, new_token)
    return Plan(
        worker_replicas=scaling.replicas,
        manager_replicas=manager.replicas,
        tokens=turning.tokens,
        rotation=turning.rotation,
        retire=(*scaling.retire, *rolling.retire),
        unretire=scaling.unretire,
        delete_pods=rolling.delete,
        forced=scaling.forced,
        scale_down=scaling.blocked,
        rollout=rolling.rollout,
        suspended=manager.phase,
        suspension=manager.waiting,
        by_idleness=wanted.by_idleness,
        delete_cluster=wanted.delete,
        notices=(
            *wanted.notices,
            *_news(situation, scaling, rolling),
            *scaling.notices,
            *rolling.notices,
            *turning.notices,
        ),
        again_after=_soonest(
            wanted.due_in,
            turning.again_after,
            _pace(scaling, rolling, manager),
            None if _is_well(situation) else LOOK_LATER,
        ),
    )


def _halted(situation: Situation) -> Blocked | None:
    """Why nothing may be done for this cluster."""
    cluster, observed = situation.cluster, situation.observed
    if cluster.deleting:
        return Blocked(
            Reason.DELETING, "it is being deleted; Kubernetes deletes what belongs to it"
        )
    if observed.namespace_terminating:
        message = f"namespace {cluster.namespace} is being deleted"
        return Blocked(Reason.NAMESPACE_TERMINATING, message)
    if observed.foreign:
        message = (
            f"{', '.join(observed.foreign)} exists already in namespace {cluster.namespace} and "
            f"does not belong to this UforaCluster: delete or rename it, or use another name"
        )
        return Blocked(Reason.NAME_CONFLICT, message)
    return None


def _hold_still(situation: Situation, halted: Blocked) -> Plan:
    manager = situation.observed.manager
    _, before = situation.recorded("Accepted")
    told = halted.reason == Reason.NAME_CONFLICT and before != halted.reason
    return Plan(
        worker_replicas=situation.replicas,
        manager_replicas=0 if manager is None else manager.replicas,
        halted=halted,
        notices=(Notice("Warning", halted.reason, halted.message),) if told else (),
        again_after=LOOK_LATER if halted.reason == Reason.NAME_CONFLICT else None,
    )


def _news(situation: Situation, scaling: Scaling, rolling: Rolling) -> tuple[Notice, ...]:
    """Standstills that the status does not tell of yet."""
    found = []
    _, before = situation.recorded("ScaleDownBlocked")
    blocked = scaling.blocked
    if blocked is not None and blocked.reason in _TOLD and before != blocked.reason:
        found.append(Notice("Warning", blocked.reason, f"scale-down waits: {blocked.message}"))
    _, before = situation.recorded("Progressing")
    stalled = None if rolling.rollout is None else rolling.rollout.stalled
    if stalled is not None and stalled.reason in _TOLD and before != stalled.reason:
        found.append(Notice("Warning", stalled.reason, f"roll-out waits: {stalled.message}"))
    return tuple(found)


def _pace(scaling: Scaling, rolling: Rolling, manager: ManagerStep) -> float | None:
    """How soon something may have changed that no event of Kubernetes tells of."""
    if scaling.retire or scaling.unretire or rolling.retire or rolling.delete:
        return LOOK_AGAIN
    rollout = rolling.rollout
    waiting = [scaling.blocked, manager.waiting, rollout.stalled if rollout else None]
    if any(each is not None and each.reason not in _PASSING for each in waiting):
        return LOOK_LATER
    if scaling.blocked or rollout or manager.phase == "suspending":
        return LOOK_AGAIN
    return None


def _is_well(situation: Situation) -> bool:
    """Whether all pods are there and all workers known to the manager. What keeps them is told by
    Events, which nobody watches, and by how long it lasts, so only another look finds it."""
    pods = [pod for pod in situation.observed.pods if not pod.terminating]
    workers = [pod for pod in pods if pod.component == "worker"]
    if len(workers) < situation.replicas or not all(pod.ready for pod in pods):
        return False
    return situation.facts is None or all(situation.worker(pod.name) for pod in workers)


def _soonest(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)
