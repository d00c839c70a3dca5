"""What a decision rests on, and the few questions that several decisions ask of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.facts import Facts, Report, WorkerFacts
from ufora_operator.observed import Observed, Pod
from ufora_operator.plan.reasons import Reason
from ufora_operator.plan.types import Blocked

#: Seconds after which nothing is decided on facts any more.
FACTS_LAST = 30.0
#: Seconds that workers get to find a manager that was started anew. Until then, one that is not
#: registered may still run a root of a job that the manager knows from its journal.
REJOIN_WITHIN = 60.0

#: Reasons of a container that is not running, so that its process holds nothing.
_NO_PROCESS = {
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
}


@dataclass(frozen=True)
class Situation:
    """One cluster at one moment. ``now`` is Unix seconds.

    Without slots, so that what is looked up for each of thousands of workers is indexed once.
    """

    cluster: UforaCluster
    observed: Observed
    report: Report | None
    now: float

    @cached_property
    def facts(self) -> Facts | None:
        """What the manager says, if it is new enough to decide on."""
        if self.report is None or self.now - self.report.at > FACTS_LAST:
            return None
        return self.report.fresh

    @cached_property
    def orders(self) -> frozenset[str]:
        """Names under an order to retire; none if there are no facts to decide on."""
        return frozenset() if self.facts is None else frozenset(self.facts.retire_orders)

    @cached_property
    def known_orders(self) -> frozenset[str]:
        """Names under an order to retire, by the last facts that there are, however old."""
        facts = None if self.report is None else self.report.facts
        return frozenset() if facts is None else frozenset(facts.retire_orders)

    @cached_property
    def known_workers(self) -> Mapping[str, WorkerFacts]:
        """The registered workers by name, by the last facts that there are, however old."""
        facts = None if self.report is None else self.report.facts
        return {} if facts is None else {each.name: each for each in facts.workers}

    @cached_property
    def _pods(self) -> Mapping[str, Pod]:
        return {pod.name: pod for pod in self.observed.pods}

    @property
    def blind(self) -> Blocked:
        """Why there are no facts to decide on; asked for only where ``facts`` is None."""
        report = self.report
        manager = names.manager(self.cluster.name)
        if report is None or report.overtaken:
            return Blocked(Reason.NOT_ASKED_YET, f"waiting for the next answer of {manager}")
        if report.unreachable is None:
            return Blocked(
                Reason.FACTS_TOO_OLD,
                f"{manager} was last heard of more than {FACTS_LAST:.0f} s ago",
            )
        return Blocked(Reason.MANAGER_UNREACHABLE, f"{manager}: {report.unreachable}")

    @cached_property
    def replicas(self) -> int:
        """Workers that Kubernetes keeps now, whether or not their pods are there."""
        if self.observed.workers is not None:
            return self.observed.workers.replicas
        # Pods that outlive their StatefulSet are adopted by the next one, and those above its
        # count deleted.
        return max((pod.ordinal + 1 for pod in self.observed.workers_pods()), default=0)

    def worker_name(self, ordinal: int) -> str:
        """Name of the worker, and of its pod."""
        return names.worker_pod(self.cluster.name, ordinal)

    def ordinal(self, worker: str) -> int | None:
        """The ordinal of one of our workers' names; None for any other name."""
        prefix, _, number = worker.rpartition("-")
        if prefix != names.worker(self.cluster.name) or not number.isdecimal():
            return None
        return int(number)

    def pod(self, name: str) -> Pod | None:
        """The pod of that name."""
        return self._pods.get(name)

    def worker(self, name: str) -> WorkerFacts | None:
        """The registered worker of that name; none if there are no facts to decide on."""
        return None if self.facts is None else self.known_workers.get(name)

    def works(self, pod: Pod | None) -> bool:
        """True for a worker that is as it should be: ready, registered, under no order."""
        if pod is None or pod.terminating or not pod.ready:
            return False
        return pod.name not in self.orders and self.worker(pod.name) is not None

    @property
    def manager_is_settled(self) -> bool:
        """The manager has been up for long enough that its workers have found it."""
        facts = self.facts
        if facts is None or self.report is None:
            return False
        return self.report.at - facts.manager.since >= REJOIN_WITHIN

    def recorded(self, condition: str) -> tuple[str, str]:
        """Status and reason of a condition as they were written last; empty if never."""
        listed = self.observed.status.get("conditions")
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and each.get("type") == condition:
                return str(each.get("status", "")), str(each.get("reason", ""))
        return "", ""


def has_no_process(pod: Pod) -> bool:
    """True when no process of the pod runs, so that nothing is in its memory."""
    if pod.phase in ("Pending", "Failed", "Succeeded"):
        return True
    return not pod.ready and pod.trouble is not None and pod.trouble.reason in _NO_PROCESS
