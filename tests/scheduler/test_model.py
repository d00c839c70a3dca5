"""Whatever happens, in whatever order: the invariants hold, and every job ends once."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scheduling import SMALL, Cluster, address, bulk, of
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Failure, Payload
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import commands, events, invariants
from ufora_manager.scheduler.state import JobState

NAMES = st.sampled_from(["w0", "w1", "w2"])
SESSIONS = st.sampled_from(["s", "t"])
JOBS = st.sampled_from([f"j{number}" for number in range(8)])
OBJECTS = st.lists(st.sampled_from([bulk(letter) for letter in "abc"]), unique=True).map(tuple)
INCARNATIONS = st.sampled_from(["one", "two"])


class Life(RuleBasedStateMachine):
    """All do as they please; what cannot be is refused and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        #: Jobs that were placed and of which nothing was heard since.
        self.running: dict[str, str] = {}
        self.answered: set[str] = set()

    @initialize()
    def begin(self) -> None:
        self.happen(events.SessionConnected(self.cluster.now, "s"))

    def happen(self, event: events.Event) -> None:
        state = self.cluster.scheduler.state
        before = repr(state)
        try:
            answer = self.cluster.scheduler.handle(event)
        except EventRefused:
            assert repr(state) == before
            return
        for place in of(answer, commands.Place):
            assert place.job not in self.running, "placed twice"
            assert place.worker in state.workers
            self.running[place.job] = place.worker
        for told in of(answer, commands.TellClient):
            assert isinstance(told.message, JobDone)
            self.answered.add(told.message.job)
            self.running.pop(told.message.job, None)
        for each in of(answer, commands.DeleteObjects):
            assert not set(each.digests) & set(state.objects)

    @rule(name=NAMES, executors=st.integers(1, 3), incarnation=INCARNATIONS, roots=st.sets(JOBS))
    def worker_joins(self, name: str, executors: int, incarnation: str, roots: set[str]) -> None:
        self.happen(
            events.WorkerJoined(
                self.cluster.now,
                address(name),
                executors,
                incarnation,
                roots=tuple(sorted(roots)),
            )
        )

    @rule(name=NAMES)
    def worker_leaves(self, name: str) -> None:
        self.happen(events.WorkerLeft(self.cluster.now, name, ""))

    @rule(name=NAMES)
    def worker_speaks(self, name: str) -> None:
        self.happen(events.WorkerHeard(self.cluster.now, name, 0, 0))

    @rule(name=NAMES, slots=st.integers(0, 2))
    def worker_is_hungry(self, name: str, slots: int) -> None:
        self.happen(events.WorkerHungry(self.cluster.now, name, slots))

    @rule(session=SESSIONS)
    def client_connects(self, session: str) -> None:
        self.happen(events.SessionConnected(self.cluster.now, session))

    @rule(session=SESSIONS)
    def client_disconnects(self, session: str) -> None:
        self.happen(events.SessionGone(self.cluster.now, session))

    @rule(session=SESSIONS, job=JOBS, needs=OBJECTS)
    def client_submits(self, session: str, job: str, needs: tuple[Payload, ...]) -> None:
        self.happen(events.JobSubmitted(self.cluster.now, session, job, SMALL, needs))

    @rule(session=SESSIONS, job=JOBS)
    def client_cancels(self, session: str, job: str) -> None:
        self.happen(events.JobCancelled(self.cluster.now, session, job))

    @rule(session=SESSIONS, objects=OBJECTS)
    def client_releases(self, session: str, objects: tuple[Payload, ...]) -> None:
        digests = tuple(each.digest for each in objects)
        self.happen(events.ObjectsReleased(self.cluster.now, session, digests))

    @rule(objects=OBJECTS)
    def objects_come(self, objects: tuple[Payload, ...]) -> None:
        self.happen(events.ObjectsAnnounced(self.cluster.now, objects))

    @rule(name=NAMES, job=JOBS, objects=OBJECTS)
    def root_ends(self, name: str, job: str, objects: tuple[Payload, ...]) -> None:
        self.happen(events.RootEnded(self.cluster.now, name, job, result=SMALL, objects=objects))

    @rule(name=NAMES, job=JOBS)
    def root_cannot_start(self, name: str, job: str) -> None:
        lost = Failure("missing-object", "gone")
        self.happen(events.RootUnplaced(self.cluster.now, name, job, lost))

    @rule(seconds=st.sampled_from([0.01, 0.4, 2.0, 9.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.cluster.now += seconds
        self.happen(events.Tick(self.cluster.now))

    @invariant()
    def everything_fits(self) -> None:
        invariants.check(self.cluster.scheduler.state)

    def teardown(self) -> None:
        """Once a worker stays and answers, every job of a client that stays ends."""
        self.happen(events.SessionConnected(self.cluster.now, "s"))
        self.happen(events.WorkerJoined(self.cluster.now, address("w0"), 1, "last"))
        state = self.cluster.scheduler.state
        for _ in range(len(state.jobs) + 1):
            for job in list(state.jobs.values()):
                if job.state is JobState.PLACED:
                    self.root_ends(job.worker, job.id, ())
        assert all(job.state.ended for job in state.jobs.values())
        assert set(state.jobs) <= self.answered


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True
)
