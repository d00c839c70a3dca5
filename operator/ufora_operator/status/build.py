"""``status`` of a UforaCluster, whole, from what was seen and what is planned."""

from dataclasses import dataclass, replace

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.errors import SpecError
from ufora_operator.facts import Facts, Report
from ufora_operator.observed import Observed
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.situation import Situation
from ufora_operator.plan.types import Plan, Rotation
from ufora_operator.status import figures
from ufora_operator.status.conditions import Condition, listed, written
from ufora_operator.status.times import rfc3339
from ufora_operator.status.verdicts import judge

Status = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A UforaCluster whose spec cannot be acted on."""

    name: str
    generation: int
    error: SpecError


def status_of(
    cluster: UforaCluster,
    observed: Observed,
    report: Report | None,
    plan: Plan,
    now: float,
    operator: str,
) -> Status:
    """The status of a cluster with a plan. ``now`` is Unix seconds, ``operator`` its release.

    Equal circumstances give an equal status, whatever the time: one that is written already costs
    no write. What only a manager can say stays as it was known until one has been asked.
    """
    # An order that is on its way makes nothing untrue that was shown.
    shown = None if report is None else replace(report, overtaken=False)
    situation = Situation(cluster, observed, shown, now)
    conditions = judge(situation, plan, operator)
    status: Status = {
        "observedGeneration": cluster.generation,
        "summary": summary(conditions, plan),
        "conditions": written(conditions, observed.status, cluster.generation, now),
        "selector": _selector(cluster.name),
        "endpoint": _endpoint(cluster),
        **_workers(situation, None if report is None else report.current, operator),
        **_idleness(situation, plan),
    }
    if plan.rotation is not None:
        status["auth"] = _auth(plan.rotation, observed.status, now)
    return status


def status_of_rejected(rejected: Rejected, before: Status, now: float) -> Status:
    """The status of a cluster whose spec is unsound: what runs goes on, and all that was known of
    it stays."""
    faults = "; ".join(map(str, rejected.error.faults))
    verdict = Condition("Accepted", "False", Reason.INVALID_SPEC, faults)
    [accepted] = written([verdict], before, rejected.generation, now)
    others = [each for each in listed(before) if each.get("type") != "Accepted"]
    return {
        "selector": _selector(rejected.name),
        **before,
        "summary": "Rejected",
        "conditions": [accepted, *others],
    }


#: Summary by what holds; the first that fits.
_BY_CONDITION = (
    ("Suspended", "True", "Suspended"),
    ("ManagerReady", "False", "Starting"),
    ("Available", "False", "Not available"),
)
_BY_REASON = {
    Reason.ROLLOUT_STALLED: "Roll-out stalled",
    Reason.DRAIN_TIMED_OUT: "Drain blocked",
    Reason.ROLLING_OUT: "Rolling out",
    Reason.SCALING_UP: "Scaling up",
    Reason.SCALING_DOWN: "Scaling down",
    Reason.ROTATING_TOKEN: "Rotating token",
}


def summary(conditions: list[Condition], plan: Plan) -> str:
    """One or two words for ``kubectl get``."""
    by_type = {each.type: each for each in conditions}
    if plan.halted is not None:
        return {
            Reason.NAME_CONFLICT: "Name conflict",
            Reason.NAMESPACE_TERMINATING: "Terminating",
            Reason.DELETING: "Terminating",
        }[Reason(plan.halted.reason)]
    if plan.suspended == "suspending":
        return "Suspending"
    degraded = by_type["Degraded"].status == "True"
    for type, status, words in _BY_CONDITION:
        if by_type[type].status == status:
            return "Degraded" if degraded and status == "False" else words
    progress = _BY_REASON.get(Reason(by_type["Progressing"].reason))
    return progress or ("Degraded" if degraded else "Ready")


def _workers(situation: Situation, facts: Facts | None, operator: str) -> Status:
    before, pods = situation.observed.status, situation.observed.workers_pods()
    found: Status = {
        "replicas": len(pods),
        "readyReplicas": sum(pod.ready and not pod.terminating for pod in pods),
        "versions": figures.versions(facts, before.get("versions"), operator),
    }
    counted = figures.registered(situation, facts)
    if counted is not None:
        found["registeredReplicas"] = counted
    if facts is not None:
        found["retiring"] = figures.retiring(facts)
    elif situation.report is None and "retiring" in before:
        found["retiring"] = before["retiring"]
    return found


def _idleness(situation: Situation, plan: Plan) -> Status:
    before = situation.observed.status
    found: Status = {"idleSuspended": plan.by_idleness}
    if plan.by_idleness:
        found["idleSuspendedGeneration"] = situation.cluster.generation
    report = situation.report
    facts = None if report is None else report.current
    since: object = None
    if facts is not None and facts.idle_since is not None:
        since = rfc3339(facts.idle_since)
    elif facts is None and (report is None or plan.suspended):
        since = before.get("idleSince")
    return found if since is None else {**found, "idleSince": since}


def _auth(rotation: Rotation, before: Status, now: float) -> Status:
    last = before.get("auth")
    same = isinstance(last, dict) and last.get("phase") == rotation.phase and "since" in last
    since = last["since"] if isinstance(last, dict) and same else rfc3339(now)
    return {"rotation": rotation.rotation, "phase": rotation.phase, "since": since}


def _selector(cluster: str) -> str:
    return ",".join(f"{key}={value}" for key, value in names.selector(cluster, "worker").items())


def _endpoint(cluster: UforaCluster) -> str:
    port = cluster.spec.manager.web_port
    return f"http://{names.manager(cluster.name)}.{cluster.namespace}.svc:{port}"
