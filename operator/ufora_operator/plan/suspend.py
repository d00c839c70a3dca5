"""A cluster that is put to sleep: by its user, or because nobody uses it.

The workers retire as in any scale-down. The manager goes last, when no job is unfinished: until
then it keeps the queue, and taking the suspension back costs nothing.
"""

from dataclasses import dataclass
from typing import Literal

from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.types import Blocked, Notice


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of the whole cluster."""

    suspend: bool = False
    by_idleness: bool = False
    delete: bool = False
    #: Seconds until it has been idle for long enough, if nobody comes.
    due_in: float | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class ManagerStep:
    """A decision on the manager of a cluster that is being suspended, or is not."""

    replicas: int
    phase: Literal["", "suspending", "suspended"] = ""
    waiting: Blocked | None = None


def wish(situation: Situation) -> Wish:
    """What spec and idleness ask for."""
    spec = situation.cluster.spec
    if spec.suspend:
        return Wish(suspend=True, notices=_suspending(situation, "spec.suspend is true"))
    if spec.idle.action == "None":
        return Wish(notices=_resuming(situation))
    if is_recorded(situation) and not _came_back(situation):
        return Wish(suspend=True, by_idleness=True)
    idle = _idle_for(situation)
    if idle is None or idle < spec.idle.timeout_seconds:
        due = None if idle is None else spec.idle.timeout_seconds - idle
        return Wish(due_in=due, notices=_resuming(situation))
    why = f"nobody has used it for {spec.idle.timeout_seconds} s"
    if spec.idle.action == "Delete":
        return Wish(delete=True, notices=(Notice("Normal", Reason.IDLE_DELETED, why),))
    return Wish(suspend=True, by_idleness=True, notices=_suspending(situation, why))


def is_recorded(situation: Situation) -> bool:
    """True when the status says that this very spec was suspended for idleness. Any edit of the
    spec ends such a suspension, since somebody is there."""
    status = situation.observed.status
    same = status.get("idleSuspendedGeneration") == situation.cluster.generation
    return status.get("idleSuspended") is True and same


def step_manager(situation: Situation, wanted: Wish) -> ManagerStep:
    """Whether the manager is to run."""
    if not wanted.suspend:
        return ManagerStep(1)
    observed = situation.observed
    if situation.replicas > 0 or observed.workers_pods():
        return ManagerStep(1, "suspending")
    if observed.manager is None or observed.manager.replicas == 0:
        gone = not any(pod.component == "manager" for pod in observed.pods)
        return ManagerStep(0, "suspended" if gone else "suspending")
    waiting = _keeps_manager(situation, wanted)
    return ManagerStep(0 if waiting is None else 1, "suspending", waiting)


def _keeps_manager(situation: Situation, wanted: Wish) -> Blocked | None:
    if wanted.by_idleness and not is_recorded(situation):
        # Without a manager nobody knows any more that it was idle: write it down first.
        return Blocked(Reason.SUSPENDING, "the suspension is being written down")
    pods = [pod for pod in situation.observed.pods if pod.component == "manager"]
    if all(pod.phase == "Pending" for pod in pods):
        return None  # it has never run, so it has no jobs
    facts = situation.facts
    if facts is None:
        return situation.blind
    ordered = [name for name in facts.retire_orders if situation.ordinal(name) is not None]
    if ordered:
        # An order outlives the manager, and would keep the name's next pod from work.
        return Blocked(Reason.SUSPENDING, f"orders are being taken back: {', '.join(ordered)}")
    jobs = facts.unfinished_jobs
    if jobs is None:
        message = "the manager does not say whether jobs are unfinished; it is of another release"
        return Blocked(Reason.RELEASES_DIFFER, message)
    if jobs:
        noun = "job is" if jobs == 1 else "jobs are"
        return Blocked(Reason.JOBS_UNFINISHED, f"{jobs} {noun} unfinished, so the manager stays")
    return None


def _idle_for(situation: Situation) -> float | None:
    """Seconds for which nobody has used the cluster, or None if that is not known for certain.

    A manager that was started a moment ago may remember idleness from before; what counts is what
    this one has seen.
    """
    facts = situation.facts
    if facts is None or facts.idle_since is None:
        return None
    return situation.now - max(facts.idle_since, facts.manager.since)


def _came_back(situation: Situation) -> bool:
    """True when the manager is still there and somebody has used it after all."""
    facts = situation.facts
    if facts is None:
        return False
    timeout = situation.cluster.spec.idle.timeout_seconds
    return facts.idle_since is None or situation.now - facts.idle_since < timeout


def _suspending(situation: Situation, why: str) -> tuple[Notice, ...]:
    _, reason = situation.recorded("Suspended")
    if reason in ("", Reason.NOT_SUSPENDED, Reason.RESUMING):
        return (Notice("Normal", Reason.SUSPENDING, f"suspends the cluster: {why}"),)
    return ()


def _resuming(situation: Situation) -> tuple[Notice, ...]:
    status, _ = situation.recorded("Suspended")
    if status == "True":
        return (Notice("Normal", Reason.RESUMING, "starts the suspended cluster again"),)
    return ()
