"""Workers on their way to a new pod template, a few at a time, each of them drained before.

The StatefulSet replaces nothing by itself (``OnDelete``): a pod that is deleted comes back with the
new template.
"""

from dataclasses import dataclass

from ufora_operator.observed import Pod
from ufora_operator.plan.departure import Standing, departure
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation, has_no_process
from ufora_operator.plan.types import Blocked, DoomedPod, Notice, Rollout

#: Seconds after which a new pod that is not well stalls the roll-out, whatever Kubernetes says.
WELL_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class Rolling:
    """A decision on the roll-out. ``rolled`` are the workers whose order to retire is its own."""

    rollout: Rollout | None = None
    retire: tuple[str, ...] = ()
    rolled: frozenset[str] = frozenset()
    delete: tuple[DoomedPod, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Members:
    """The workers that are to stay, by what is to happen to them."""

    #: With the former template and without a process: nothing is lost with them.
    broken: tuple[Pod, ...]
    #: With the former template, under an order to retire.
    retiring: tuple[Pod, ...]
    #: With the former template, still to come: those that do not work first, then from the top.
    waiting: tuple[Pod, ...]
    #: With the new template, or without a pod at all, and not at work.
    unwell: tuple[str, ...]

    @property
    def outdated(self) -> tuple[str, ...]:
        pods = sorted((*self.broken, *self.retiring, *self.waiting), key=lambda pod: pod.ordinal)
        return tuple(pod.name for pod in pods)


def roll_out(situation: Situation, wanted: int) -> Rolling:
    """Take the next steps for the workers below ``wanted``; those above are leaving anyway."""
    workers = situation.observed.workers
    if workers is None:
        return Rolling()
    if workers.observed_generation < workers.generation:
        # Kubernetes has not looked at the template yet: who is outdated is not known.
        return Rolling(rolled=situation.known_orders)
    members = _sort(situation, min(wanted, workers.replicas), workers.update_revision)
    if not members.outdated and not _comes_back(situation, members):
        return Rolling()
    delete, notices = _deletions(situation, members)
    retire = _next(situation, members)
    return Rolling(
        rollout=Rollout(members.outdated, members.unwell, _stalled(situation, members)),
        retire=retire,
        rolled=frozenset(pod.name for pod in members.retiring) | frozenset(retire),
        delete=delete,
        notices=notices,
    )


def _sort(situation: Situation, count: int, revision: str) -> _Members:
    broken, retiring, waiting, unwell = [], [], [], []
    for ordinal in range(count):
        name = situation.worker_name(ordinal)
        pod = situation.pod(name)
        if pod is None or pod.terminating or pod.revision == revision:
            if not situation.works(pod):
                unwell.append(name)
        elif _holds_nothing(situation, pod):
            broken.append(pod)
        elif name in situation.known_orders:
            retiring.append(pod)
        else:
            waiting.append(pod)
    waiting.sort(key=lambda pod: (situation.works(pod), -pod.ordinal))
    return _Members(tuple(broken), tuple(retiring), tuple(waiting), tuple(unwell))


def _holds_nothing(situation: Situation, pod: Pod) -> bool:
    """True for a pod without a process, as Kubernetes and the manager's last word agree: beside a
    container of the user's own that does not start, a worker may be at work."""
    return has_no_process(pod) and pod.name not in situation.known_workers


def _comes_back(situation: Situation, members: _Members) -> bool:
    """True while a replaced worker is not back at work: its order still stands."""
    return any(name in situation.known_orders for name in members.unwell)


def _next(situation: Situation, members: _Members) -> tuple[str, ...]:
    """Who is to retire now, so that never more than ``maxUnavailable`` do not work.

    A worker that does not work anyway goes before one that does, and takes its place among those
    that may be away: if the manager has lost sight of many, they do not all retire at once.
    """
    if not situation.manager_is_settled:
        return ()
    most = situation.cluster.spec.workers.rolling_update.max_unavailable
    away = len(members.broken) + len(members.retiring) + len(members.unwell)
    free = max(0, most - away)
    return tuple(pod.name for pod in members.waiting[:free])


def _deletions(
    situation: Situation, members: _Members
) -> tuple[tuple[DoomedPod, ...], tuple[Notice, ...]]:
    force = situation.cluster.spec.workers.drain.on_timeout == "Force"
    doomed = [
        DoomedPod(pod.name, pod.uid, "it has the former template and does not run")
        for pod in members.broken
    ]
    notices = []
    for pod in members.retiring:
        leaving = departure(situation, pod.name)
        if not leaving.may_go(force=force):
            continue
        forced = leaving.standing is not Standing.FREE
        doomed.append(
            DoomedPod(pod.name, pod.uid, "it has the former template and is drained", forced)
        )
        if forced:
            message = f"{leaving.message}, but drain.onTimeout is Force and its time is over"
            notices.append(Notice("Warning", Reason.DRAIN_FORCED, message))
    for each in doomed:
        message = f"{each.name} is replaced: {each.why}"
        notices.append(Notice("Normal", Reason.REPLACING_WORKER, message))
    return tuple(doomed), tuple(notices)


def _stalled(situation: Situation, members: _Members) -> Blocked | None:
    return (
        _new_pod_in_trouble(situation, members)
        or _drain_overdue(situation, members)
        or _blind(situation, members)
    )


def _blind(situation: Situation, members: _Members) -> Blocked | None:
    if situation.facts is not None or not members.outdated:
        return None
    blind = situation.blind
    return None if blind.reason == Reason.NOT_ASKED_YET else blind


def _new_pod_in_trouble(situation: Situation, members: _Members) -> Blocked | None:
    for name in members.unwell:
        pod = situation.pod(name)
        if pod is None or pod.terminating:
            continue
        if pod.trouble is not None:
            cause = f"{pod.trouble.reason}: {pod.trouble.message}"
        elif situation.now - pod.created < WELL_WITHIN:
            continue
        elif not pod.ready:
            cause = f"it is not ready after {WELL_WITHIN:.0f} s"
        elif situation.facts is not None and situation.worker(name) is None:
            cause = f"it is not registered with the manager after {WELL_WITHIN:.0f} s"
        else:
            continue
        return Blocked(Reason.ROLLOUT_STALLED, f"{name} has the new template, but {cause}")
    workers = situation.observed.workers
    if members.unwell and workers is not None and workers.trouble is not None:
        message = f"{members.unwell[0]} cannot be made: {workers.trouble.message}"
        return Blocked(Reason.ROLLOUT_STALLED, message)
    return None


def _drain_overdue(situation: Situation, members: _Members) -> Blocked | None:
    if situation.cluster.spec.workers.drain.on_timeout == "Force":
        return None
    for pod in members.retiring:
        leaving = departure(situation, pod.name)
        if leaving.standing is Standing.OVERDUE:
            return Blocked(Reason.DRAIN_TIMED_OUT, leaving.message)
    return None
