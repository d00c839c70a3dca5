"""Managers end at any moment: no job is lost, and none with effects begins twice."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from restarting import ModelJob, ModelWorker, RestartingCluster
from scheduling import bulk
from ufora_core.protocol.client import JobDone
from ufora_manager.scheduler import events

NAMES = st.sampled_from(["w0", "w1", "w2"])
CHOICE = st.integers(0, 1000)


class Restarts(RuleBasedStateMachine):
    """A client that waits, workers that come and go, and managers one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = RestartingCluster(["w0", "w1", "w2"])
        #: Effectful jobs that the journal did not know to be on their way when the manager died.
        #: If their worker dies in the same moment, nobody is left who knows.
        self.forgotten: set[str] = set()
        #: Those of them to which that happened.
        self.out_of_sight: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.cluster.handle(events.SessionConnected(self.cluster.now, "s"))
        self.cluster.start("w0")
        self.cluster.start("w1")

    # ------------------------------------------------------------------ jobs

    @rule(repeatable=st.booleans(), with_needs=st.booleans())
    def client_submits(self, repeatable: bool, with_needs: bool) -> None:
        needs = (bulk("a"),) if with_needs else ()
        name = f"j{len(self.cluster.jobs)}"
        self.cluster.submit(ModelJob(name, repeatable, needs))

    @precondition(lambda self: self.cluster.on_the_way)
    @rule(choice=CHOICE)
    def objects_arrive(self, choice: int) -> None:
        jobs = list(self.cluster.on_the_way)
        self.cluster.bring(jobs[choice % len(jobs)])

    def _roots(self, *, begun: bool) -> list[tuple[ModelWorker, str]]:
        return [
            (worker, job)
            for worker in self.cluster.workers.values()
            for job, has_begun in worker.roots.items()
            if has_begun is begun
        ]

    @precondition(lambda self: self._roots(begun=False))
    @rule(choice=CHOICE, tell=st.booleans())
    def root_begins(self, choice: int, tell: bool) -> None:
        roots = self._roots(begun=False)
        worker, job = roots[choice % len(roots)]
        if worker.retiring and worker.linked:
            self.cluster.return_root(worker.name, job)
        else:
            self.cluster.begin_root(worker.name, job, tell=tell)

    @precondition(lambda self: self._roots(begun=True))
    @rule(choice=CHOICE)
    def root_ends(self, choice: int) -> None:
        roots = self._roots(begun=True)
        worker, job = roots[choice % len(roots)]
        self.cluster.end_root(worker.name, job)

    # ------------------------------------------------------------------ workers

    @rule(name=NAMES)
    def worker_is_started(self, name: str) -> None:
        self._may_be_forgotten(name)
        self.cluster.start(name)

    @rule(name=NAMES)
    def worker_reconnects(self, name: str) -> None:
        if self.cluster.workers[name].incarnation:
            self.cluster.link(name)

    @rule(name=NAMES)
    def link_breaks(self, name: str) -> None:
        self.cluster.workers[name].linked = False

    @rule(name=NAMES, exit=st.booleans())
    def retire_is_ordered(self, name: str, exit: bool) -> None:
        self.cluster.handle(events.RetireOrdered(self.cluster.now, name, exit))
        self.cluster.tell_holds(name)

    @rule(name=NAMES)
    def retire_is_taken_back(self, name: str) -> None:
        self.cluster.handle(events.RetireTakenBack(self.cluster.now, name))

    @rule(name=NAMES)
    def worker_is_told_to_stop(self, name: str) -> None:
        worker = self.cluster.workers[name]
        if worker.linked and name in self.cluster.scheduler.state.workers:
            self.cluster.leave(name)

    # ------------------------------------------------------------------ the manager

    @rule()
    def journal_is_written(self) -> None:
        self.cluster.write_journal()

    @rule()
    def manager_dies(self) -> None:
        self.forgotten.update(self.cluster.crash())

    @rule(order=st.permutations(["w0", "w1", "w2", "client"]))
    def manager_dies_with_its_journal(self, order: list[str]) -> None:
        self.cluster.lose_everything()
        for each in order:
            if each == "client":
                self.cluster.reconnect()
            else:
                self.cluster.link(each)

    @rule(seconds=st.sampled_from([0.5, 4.0, 16.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds > 10:
            for name, worker in self.cluster.workers.items():
                if not worker.linked:
                    self._may_be_forgotten(name)
        self.cluster.pass_time(seconds)

    def _may_be_forgotten(self, name: str) -> None:
        """What a worker has is lost, or it comes back too late to say so."""
        worker = self.cluster.workers[name]
        for job in (*worker.roots, *worker.ended):
            if job in self.forgotten:
                self.out_of_sight.add(job)

    # ------------------------------------------------------------------ what must be so

    @invariant()
    def no_job_with_effects_begins_twice(self) -> None:
        for job in self.cluster.jobs.values():
            may_repeat = job.repeatable or job.id in self.out_of_sight
            assert may_repeat or job.begun <= 1, f"{job.id} began {job.begun} times"

    def teardown(self) -> None:
        """In the end every job has its answer: the result, or the loss of its worker."""
        cluster = self.cluster
        for name in cluster.workers:
            cluster.handle(events.RetireTakenBack(cluster.now, name))
        self.worker_is_started("w0")
        for name in ("w1", "w2"):
            cluster.link(name)
        cluster.pass_time(16.0)
        for _ in range(4 * len(cluster.jobs)):
            for job in list(cluster.on_the_way):
                cluster.bring(job)
            for worker, job in self._roots(begun=False):
                if worker.retiring:
                    cluster.return_root(worker.name, job)
                else:
                    cluster.begin_root(worker.name, job, tell=True)
            for worker, job in self._roots(begun=True):
                cluster.end_root(worker.name, job)
        for wanted in cluster.jobs.values():
            assert isinstance(wanted.answer, JobDone), f"{wanted.id} has no answer"
            if wanted.answer.failure is not None:
                assert wanted.answer.failure.reason == "worker-died"
        self.no_job_with_effects_begins_twice()


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(max_examples=60, stateful_step_count=40, derandomize=True)
