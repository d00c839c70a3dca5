"""The truth of each condition of a cluster whose spec is sound."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import UNSET

from ufora_operator import names
from ufora_operator.facts import Facts
from ufora_operator.observed import Workload
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.types import Plan
from ufora_operator.status.conditions import Condition, kept, truth
from ufora_operator.status.explain import Ailment, ailments
from ufora_operator.status.figures import registered
from ufora_operator.status.times import rfc3339

#: Ailments that one message spells out.
SPELLED_OUT = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What the conditions are judged by."""

    situation: Situation
    plan: Plan
    ailments: tuple[Ailment, ...]
    operator: str

    @property
    def facts(self) -> Facts | None:
        """What the manager said at the last try: to be shown, not to be decided on."""
        report = self.situation.report
        return None if report is None else report.current

    @property
    def wanted(self) -> int:
        """Workers that there should be in the end."""
        return 0 if self.plan.suspended else self.situation.cluster.spec.workers.replicas

    @property
    def ready_workers(self) -> int:
        """Worker pods that are ready and not on their way out."""
        pods = self.situation.observed.workers_pods()
        return sum(pod.ready and not pod.terminating for pod in pods)


def judge(situation: Situation, plan: Plan, operator: str) -> list[Condition]:
    """All conditions, in the order in which they are read."""
    look = Look(situation, plan, tuple(ailments(situation)), operator)
    return [each(look) for each in VERDICTS]


def _accepted(look: Look) -> Condition:
    halted = look.plan.halted
    if halted is not None:
        return Condition("Accepted", "False", halted.reason, halted.message)
    return Condition("Accepted", "True", Reason.VALID, "the spec can be acted on")


def _available(look: Look) -> Condition:
    if look.plan.suspended:
        return Condition("Available", "False", Reason.SUSPENDED, _suspension(look))
    manager = _manager_ready(look)
    if manager.status != "True":
        return Condition("Available", "False", Reason.MANAGER_NOT_READY, manager.message)
    report = look.situation.report
    if report is None:
        unknown = Condition(
            "Available", "Unknown", Reason.NOT_ASKED_YET, "the manager has not been asked yet"
        )
        return kept("Available", look.situation.observed.status, unknown)
    if look.facts is None:
        return Condition(
            "Available",
            "False",
            Reason.MANAGER_UNREACHABLE,
            f"the manager's pod is ready, but does not answer: {report.unreachable}",
        )
    if look.facts.workers or look.wanted == 0:
        return Condition("Available", "True", Reason.READY, "it takes and runs jobs")
    return Condition(
        "Available", "False", Reason.NO_WORKERS, "no worker has registered with the manager yet"
    )


def _manager_ready(look: Look) -> Condition:
    name = names.manager(look.situation.cluster.name)
    manager = look.situation.observed.manager
    if look.plan.suspended == "suspended":
        return Condition("ManagerReady", "False", Reason.SUSPENDED, _suspension(look))
    if manager is not None and manager.ready > 0:
        return Condition("ManagerReady", "True", Reason.READY, f"{name} is ready")
    return _first_ailment(look, "ManagerReady", name) or Condition(
        "ManagerReady", "False", Reason.STARTING, f"{name} is starting"
    )


def _workers_ready(look: Look) -> Condition:
    if look.wanted == 0:
        reason = Reason.SUSPENDED if look.plan.suspended else Reason.READY
        return Condition("WorkersReady", "True", reason, "no workers are wanted")
    counted = f"of {look.wanted} workers {look.ready_workers} are ready"
    known = registered(look.situation, look.facts)
    if known is not None:
        counted += f" and {known} registered with the manager"
    if look.ready_workers >= look.wanted and (known is None or known >= look.wanted):
        return Condition("WorkersReady", "True", Reason.READY, counted)
    ailing = _first_ailment(look, "WorkersReady", names.worker(look.situation.cluster.name))
    if ailing is not None:
        return Condition("WorkersReady", "False", ailing.reason, f"{counted}. {ailing.message}")
    return Condition("WorkersReady", "False", Reason.STARTING, counted)


def _progressing(look: Look) -> Condition:
    plan, situation = look.plan, look.situation
    rollout = plan.rollout
    if rollout is not None:
        if rollout.stalled is not None:
            return Condition(
                "Progressing", "False", rollout.stalled.reason, rollout.stalled.message
            )
        left = f"{len(rollout.outdated)} workers have the former template"
        return Condition("Progressing", "True", Reason.ROLLING_OUT, left)
    if plan.suspended == "suspending":
        return Condition("Progressing", "True", Reason.SUSPENDING, _suspension(look))
    if _lags(look.situation.observed.workers):
        waiting = "Kubernetes has not looked at the workers' new template yet"
        return Condition("Progressing", "True", Reason.ROLLING_OUT, waiting)
    under_way = _scaling(look) or _rotating(look)
    if under_way is not None:
        return Condition("Progressing", "True", *under_way)
    manager = situation.observed.manager
    if plan.manager_replicas and (manager is None or manager.ready == 0 or _lags(manager)):
        name = names.manager(situation.cluster.name)
        return Condition("Progressing", "True", Reason.REPLACING_MANAGER, f"{name} is starting")
    return Condition("Progressing", "False", Reason.SETTLED, "everything is as the spec says")


def _lags(workload: Workload | None) -> bool:
    return workload is not None and workload.observed_generation < workload.generation


def _scaling(look: Look) -> tuple[Reason, str] | None:
    have = look.situation.replicas
    if have > look.wanted:
        return Reason.SCALING_DOWN, f"from {have} to {look.wanted} workers"
    if have < look.wanted:
        return Reason.SCALING_UP, f"from {have} to {look.wanted} workers"
    if look.ready_workers < look.wanted:
        return Reason.STARTING, f"of {look.wanted} workers {look.ready_workers} are ready"
    return None


def _rotating(look: Look) -> tuple[Reason, str] | None:
    rotation = look.plan.rotation
    if rotation is None or rotation.phase == "Stable":
        return None
    step = "handing out the next token" if rotation.phase == "Distributing" else "changing over"
    missing = ", ".join(rotation.waiting_for)
    return Reason.ROTATING_TOKEN, f"{step}; waiting for {missing}" if missing else step


def _scale_down_blocked(look: Look) -> Condition:
    blocked = look.plan.scale_down
    if blocked is None:
        message = "no worker has to wait before it can go"
        return Condition("ScaleDownBlocked", "False", Reason.NOT_BLOCKED, message)
    return Condition("ScaleDownBlocked", "True", blocked.reason, blocked.message)


def _suspended(look: Look) -> Condition:
    if not look.plan.suspended:
        return Condition("Suspended", "False", Reason.NOT_SUSPENDED, "the cluster is to run")
    if look.plan.suspended == "suspended":
        reason = Reason.IDLE_SUSPENDED if look.plan.by_idleness else Reason.SUSPENDED
        return Condition("Suspended", "True", reason, _suspension(look))
    waiting = look.plan.suspension
    reason = Reason.JOBS_UNFINISHED if _waits_for_jobs(look) else Reason.SUSPENDING
    message = _suspension(look) if waiting is None else waiting.message
    return Condition("Suspended", "False", reason, message)


def _waits_for_jobs(look: Look) -> bool:
    waiting = look.plan.suspension
    return waiting is not None and waiting.reason == Reason.JOBS_UNFINISHED


def _suspension(look: Look) -> str:
    if look.plan.by_idleness:
        return "suspended because nobody used it; any change of the spec starts it again"
    return "suspended by spec.suspend; set it to false to start it again"


def _idle(look: Look) -> Condition:
    before = look.situation.observed.status
    if look.plan.suspended == "suspended":
        return Condition("Idle", "True", Reason.SUSPENDED, "the cluster is suspended")
    if look.facts is None:
        message = "only the manager knows, and it does not answer"
        unknown = Condition("Idle", "Unknown", Reason.MANAGER_UNREACHABLE, message)
        asked = look.situation.report is not None
        return unknown if asked else kept("Idle", before, unknown)
    if look.facts.idle_since is None:
        return Condition("Idle", "False", Reason.IN_USE, "jobs or sessions use it")
    message = f"nobody has used it since {rfc3339(look.facts.idle_since)}"
    return Condition("Idle", "True", Reason.NOBODY_THERE, message)


def _version_skew(look: Look) -> Condition:
    facts = look.facts
    if facts is None:
        message = "the manager has not said which releases run"
        unknown = Condition("VersionSkew", "Unknown", Reason.NOT_ASKED_YET, message)
        return kept("VersionSkew", look.situation.observed.status, unknown)
    message = "; ".join(_differences(look, facts))
    if message:
        return Condition("VersionSkew", "True", Reason.RELEASES_DIFFER, message)
    message = f"operator, manager and workers are of release {facts.release}"
    return Condition("VersionSkew", "False", Reason.SAME_RELEASE, message)


def _differences(look: Look, facts: Facts) -> list[str]:
    expected = look.situation.cluster.spec.version
    found = []
    if expected is not UNSET and expected != facts.release:
        found.append(f"spec.version is {expected}, but the manager is of release {facts.release}")
    others = sorted({each.release for each in facts.workers} - {facts.release})
    if others:
        message = f"workers of release {', '.join(others)} serve a manager of {facts.release}"
        found.append(f"{message}: let the roll-out end, or give all of them one image")
    if look.operator not in {facts.release, *others}:
        message = f"the operator is of release {look.operator}, the manager of {facts.release}"
        found.append(f"{message}: change spec.image to the operator's release when it suits you")
    return found


def _degraded(look: Look) -> Condition:
    found = [(each.reason, each.message) for each in look.ailments]
    blocked = look.plan.scale_down
    if blocked is not None and blocked.reason == Reason.DRAIN_TIMED_OUT:
        found.append((Reason.DRAIN_TIMED_OUT, blocked.message))
    rollout = look.plan.rollout
    if rollout is not None and rollout.stalled is not None and not look.ailments:
        found.append((Reason(rollout.stalled.reason), rollout.stalled.message))
    if look.plan.suspended == "suspended" or not found:
        return Condition("Degraded", "False", Reason.NO_TROUBLE, "nothing is known to be wrong")
    more = len(found) - SPELLED_OUT
    sentences = [message for _, message in found[:SPELLED_OUT]]
    sentences += [f"And {more} more."] if more > 0 else []
    return Condition("Degraded", truth(True), found[0][0], " ".join(sentences))


def _first_ailment(look: Look, type: str, about: str) -> Condition | None:
    """The first thing wrong with the pods whose names begin so, as a condition that is false."""
    for each in look.ailments:
        if each.about == about or each.about.startswith(f"{about}-"):
            return Condition(type, "False", each.reason, each.message)
    return None


VERDICTS: tuple[Callable[[Look], Condition], ...] = (
    _accepted,
    _available,
    _manager_ready,
    _workers_ready,
    _progressing,
    _scale_down_blocked,
    _suspended,
    _idle,
    _version_skew,
    _degraded,
)
