"""A small Kubernetes with a manager and workers, for lifecycle simulations of the operator.

Time goes in ticks of two seconds. The StatefulSet controller works as the real one does
(``OnDelete``, ``Parallel``); pods start, fail to, and end after a while; workers run roots, drain,
get partitioned and register again; the manager keeps orders and jobs over its restarts. The
operator sees pods a bit late, does its writes in any order, and may end between any two of them:
what it had in memory is gone then.

``faults`` collects every promise that is broken; a test expects none.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from operator_pods import Process, WorldPod
from operator_sights import cluster_of
from ufora_operator.facts import Counts, Facts, ManagerFacts, Report, Retiring, WorkerFacts
from ufora_operator.observed import Observed, Pod, Tokens, Trouble, Workload
from ufora_operator.plan.decide import decide
from ufora_operator.plan.types import Plan
from ufora_operator.status.build import status_of

TICK = 2.0
#: Seconds without a heartbeat after which the manager takes a worker for lost.
SILENT_FOR = 10.0
#: Seconds after which a manager that was started anew gives up workers that have not come back.
BACK_WITHIN = 45.0
#: Longest time until a changed Secret is in a pod's files.
MOUNT_LAG = 120.0
#: A template with this image never starts.
BROKEN_IMAGE = "broken"


@dataclass
class World:
    """One UforaCluster and everything around it."""

    seed: int
    now: float = 1_800_000_000.0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.spec: dict[str, object] = {}
        self.generation = 1
        self.calm = False
        self.uids = 0
        self.pods: dict[str, WorldPod] = {}
        self.manager: WorldPod | None = None
        self.manager_since = 0.0
        self.manager_replicas: int | None = None
        self.set_replicas: int | None = None
        self.template, self.seen_template = "", ""
        self.tokens, self.tokens_made = Tokens(), 1
        self.status: dict[str, object] = {}
        self.report: Report | None = None
        self.orders: dict[str, float] = {}
        self.waiting_jobs = 0
        self.idle_since: float | None = self.now
        self.late_pods: tuple[Pod, ...] = ()
        self.plan: Plan | None = None
        self.forced: set[str] = set()
        self.deleted = False

    # ------------------------------------------------------------------ what people do

    def edit(self, **spec: object) -> None:
        """A new spec: these fields, and defaults for the rest."""
        if spec != self.spec:
            self.spec, self.generation = dict(spec), self.generation + 1

    def submit(self) -> None:
        """A job, if there is a manager to take it."""
        if self._manager_is_up():
            self.waiting_jobs += 1

    def cancel_all(self) -> None:
        """Every job that waits is taken back."""
        self.waiting_jobs = 0

    def calm_down(self) -> None:
        """From now on nothing breaks by itself, and what is cut off is back."""
        self.calm = True
        for process in self._processes().values():
            process.partitioned_until = 0.0

    # ------------------------------------------------------------------ time

    def tick(self) -> None:
        """Two seconds of everything, the operator included."""
        self.now += TICK
        if not self.calm:
            self._mishaps()
        self._run_stateful_set()
        self._run_deployment()
        self._run_pods()
        self._run_manager()
        self._run_workers()
        self._check_tokens()
        if self.chance.random() < 0.7:
            self.late_pods = self._pods_now()
        if self.chance.random() < 0.6:
            self._ask()
        if self.chance.random() < 0.8:
            self.reconcile()

    def _mishaps(self) -> None:
        if self.chance.random() < 0.03:
            self.report = None  # another operator takes over
        if self.chance.random() < 0.01 and self.manager is not None:
            self.manager.ends_at = self.now
        for pod in list(self.pods.values()):
            if pod.process is not None and self.chance.random() < 0.005:
                pod.process.partitioned_until = self.now + self.chance.uniform(5, 90)
            if self.chance.random() < 0.002:
                self._forget(pod)  # a node died

    # ------------------------------------------------------------------ Kubernetes

    def _run_stateful_set(self) -> None:
        if self.set_replicas is None or self.chance.random() < 0.2:
            return
        self.seen_template = self.template
        for ordinal in range(self.set_replicas):
            name = f"demo-worker-{ordinal}"
            if name not in self.pods:
                self.pods[name] = self._new_pod(name, ordinal, self.template)
        for pod in self.pods.values():
            if pod.ordinal >= self.set_replicas:
                self._end(pod, forced=pod.name in self.forced)

    def _run_deployment(self) -> None:
        if self.manager is not None and self.manager_replicas == 0:
            self.manager.ends_at = self.manager.ends_at or self.now + 4
        if self.manager is None and self.manager_replicas:
            self.manager = self._new_pod("demo-manager-x", -1, "")
        if self.manager is not None and self.manager.ends_at is not None:
            if self.manager.process is not None:
                self.manager.process = None
                for worker in self._processes().values():
                    worker.registered = False
                    worker.rejoins_at = self.now + self.chance.uniform(0, 40)
            if self.manager.ends_at <= self.now:
                self.manager = None

    def _new_pod(self, name: str, ordinal: int, revision: str) -> WorldPod:
        self.uids += 1
        starts = self.now + self.chance.uniform(2, 12)
        return WorldPod(name, str(self.uids), ordinal, revision, self.now, starts)

    def _run_pods(self) -> None:
        for pod in list(self.pods.values()):
            if pod.ends_at is not None and pod.ends_at <= self.now:
                self._forget(pod)
            elif pod.process is None and self._can_start(pod):
                pod.process = Process(self.tokens, heard_at=self.now, rejoins_at=self.now + 2)
        manager = self.manager
        if manager is not None and manager.process is None and self._can_start(manager):
            manager.process = Process(self.tokens)
            self.manager_since = self.now
            if not self.calm and self.chance.random() < 0.3:
                self.orders.clear()  # its journal was on the volume of a pod that is gone
            for process in self._processes().values():
                process.rejoins_at = max(process.rejoins_at, self.now + 1)
                process.rejoins_at = min(process.rejoins_at, self.now + 40)
        for process in self._processes().values():
            self._mount(process)
        if manager is not None and manager.process is not None:
            self._mount(manager.process)

    def _mount(self, process: Process) -> None:
        if process.tokens == self.tokens:
            process.mounted_until = 0.0
        elif process.mounted_until == 0.0:
            process.mounted_until = self.now + self.chance.uniform(0, MOUNT_LAG)
        elif process.mounted_until <= self.now:
            process.tokens, process.mounted_until = self.tokens, 0.0

    def _can_start(self, pod: WorldPod) -> bool:
        return pod.starts_at <= self.now and pod.ends_at is None and pod.revision != BROKEN_IMAGE

    def _end(self, pod: WorldPod, *, forced: bool) -> None:
        if pod.ends_at is not None:
            return
        if pod.process is not None and pod.process.holds and not forced:
            self.faults.append(f"{pod.name} is ended while it holds something")
        pod.ends_at = self.now + self.chance.uniform(0, 8)

    def _forget(self, pod: WorldPod) -> None:
        if pod.process is not None and pod.process.registered:
            self.waiting_jobs += pod.process.roots
        self.pods.pop(pod.name, None)

    # ------------------------------------------------------------------ manager and workers

    def _processes(self) -> dict[str, Process]:
        return {pod.name: pod.process for pod in self.pods.values() if pod.process is not None}

    def _manager_is_up(self) -> bool:
        return self.manager is not None and self.manager.process is not None

    def _run_manager(self) -> None:
        if not self._manager_is_up():
            return
        for name, worker in self._processes().items():
            if worker.partitioned_until > self.now:
                self._miss(worker)
                continue
            worker.heard_at = self.now
            if not worker.registered and worker.rejoins_at <= self.now:
                worker.registered = True
            leaving = self.pods[name].ends_at is not None
            free = worker.registered and name not in self.orders and not leaving
            if free and self.waiting_jobs and worker.roots < 2:
                self.waiting_jobs, worker.roots = self.waiting_jobs - 1, worker.roots + 1
        if self._unfinished():
            self.idle_since = None
        elif self.idle_since is None:
            self.idle_since = self.now

    def _miss(self, worker: Process) -> None:
        """After a while, what a worker that is not heard of had is given to others."""
        patience = SILENT_FOR if worker.registered else BACK_WITHIN
        since = worker.heard_at if worker.registered else self.manager_since
        if self.now - since > patience:
            self.waiting_jobs += worker.roots
            worker.registered, worker.roots, worker.objects = False, 0, 0

    def _run_workers(self) -> None:
        for name, worker in self._processes().items():
            if worker.roots and self.chance.random() < 0.1:
                worker.roots -= 1
                worker.objects += self.chance.random() < 0.5
            if worker.objects and worker.registered and name in self.orders:
                worker.objects -= self.chance.random() < 0.5
            elif worker.objects and self.chance.random() < 0.05:
                worker.objects -= 1  # its session ended

    def _unfinished(self) -> int:
        return self.waiting_jobs + sum(each.roots for each in self._processes().values())

    def _check_tokens(self) -> None:
        manager = self.manager.process if self.manager is not None else None
        known = [each for each in self._processes().values() if each.registered]
        if manager is None:
            return
        everybody = [*known, manager]
        for sender in everybody:
            if any(sender.tokens.token not in each.accepted() for each in everybody):
                self.faults.append("a process that is up is refused by another")

    # ------------------------------------------------------------------ the operator

    def _ask(self) -> None:
        if self._manager_is_up():
            self.report = Report(self.now, self._facts())
        else:
            last = None if self.report is None else self.report.facts
            self.report = Report(self.now, last, "connection refused")

    def _facts(self) -> Facts:
        assert self.manager is not None
        assert self.manager.process is not None
        return Facts(
            release="0.1.0",
            protocol=1,
            manager=ManagerFacts("m", self.manager_since, self.manager.process.fingerprints()),
            idle_since=self.idle_since,
            retire_orders=tuple(sorted(self.orders)),
            workers=tuple(
                self._worker(name, process)
                for name, process in sorted(self._processes().items())
                if process.registered
            ),
            counts=Counts({"waiting": self._unfinished()}),
        )

    def _worker(self, name: str, process: Process) -> WorkerFacts:
        since = self.orders.get(name)
        left = (process.roots, 0, process.objects, process.objects * 1000, not process.holds)
        state = None if since is None else Retiring(since, *left)
        return WorkerFacts(
            name, 2, 2, "3.11", "0.1.0", process.roots, process.fingerprints(), state
        )

    def _pods_now(self) -> tuple[Pod, ...]:
        return tuple(map(self._pod, self.pods.values()))

    def _pod(self, pod: WorldPod) -> Pod:
        up = pod.process is not None
        broken = pod.revision == BROKEN_IMAGE
        return Pod(
            pod.name,
            pod.uid,
            "manager" if pod.ordinal < 0 else "worker",
            pod.created,
            "Running" if up else "Pending",
            up,
            pod.revision,
            pod.ends_at is not None,
            pod.ordinal,
            trouble=Trouble("ErrImagePull", "no such image") if broken else None,
        )

    def observe(self) -> Observed:
        """What the operator sees: pods as they were a moment ago."""
        workers = manager = None
        if self.set_replicas is not None:
            generation = 1 if self.seen_template == self.template else 2
            ready = sum(pod.process is not None for pod in self.pods.values())
            workers = Workload("w", self.set_replicas, generation, 1, ready, self.seen_template)
        if self.manager_replicas is not None:
            manager = Workload("m", self.manager_replicas, 1, 1, int(self._manager_is_up()))
        own = () if self.manager is None else (self._pod(self.manager),)
        return Observed(manager, workers, self.late_pods + own, self.tokens, status=self.status)

    def reconcile(self) -> None:
        """One look and its writes, in any order; now and then only some of them happen."""
        if self.deleted:
            return
        cluster, seen = cluster_of(self.generation, False, **self.spec), self.observe()
        plan = decide(cluster, seen, self.report, self.now, self._make_token)
        status = status_of(cluster, seen, self.report, plan, self.now, "0.1.0")
        self.plan = plan
        writes = [self._write_tokens, self._write_workers, self._write_manager, self._write_orders]
        writes += [self._write_deletions]
        self.chance.shuffle(writes)
        crash = not self.calm and self.chance.random() < 0.1
        for write in writes[: self.chance.randrange(len(writes)) if crash else len(writes)]:
            write(plan)
        if crash:
            self.report = None
        else:
            self.status = status

    def _make_token(self) -> str:
        self.tokens_made += 1
        return f"t{self.tokens_made}"

    def _write_tokens(self, plan: Plan) -> None:
        if plan.tokens is not None:
            self.tokens = plan.tokens

    def _write_workers(self, plan: Plan) -> None:
        self.forced |= set(plan.forced) if self._may_force() else set()
        self.set_replicas = plan.worker_replicas
        self.template = str(self.spec.get("image", "good"))

    def _may_force(self) -> bool:
        return self.spec.get("workers__drain__onTimeout") == "Force"

    def _write_manager(self, plan: Plan) -> None:
        # A job that came after the manager was asked cannot be known.
        facts = None if self.report is None else self.report.facts
        known = facts is not None and facts.unfinished_jobs
        if plan.manager_replicas == 0 and self.manager_replicas and self._manager_is_up() and known:
            self.faults.append("the manager is stopped while jobs are unfinished")
        self.manager_replicas = plan.manager_replicas

    def _write_orders(self, plan: Plan) -> None:
        if not (plan.retire or plan.unretire):
            return
        if self.report is not None:
            self.report = Report(self.report.at, self.report.facts, overtaken=True)
        if self._manager_is_up():
            for name in plan.retire:
                self.orders.setdefault(name, self.now)
            for name in plan.unretire:
                self.orders.pop(name, None)

    def _write_deletions(self, plan: Plan) -> None:
        for doomed in plan.delete_pods:
            pod = self.pods.get(doomed.name)
            if pod is not None and pod.uid == doomed.uid:
                self._end(pod, forced=doomed.force and self._may_force())
        self.deleted = self.deleted or plan.delete_cluster
