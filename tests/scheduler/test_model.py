"""Whatever happens, in whatever order: the invariants hold, and every job ends once."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scheduling import SMALL, Cluster, address, bulk, of
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.protocol.worker import Farewell, WorkAt
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import commands, events, invariants
from ufora_manager.scheduler.lost_roots import MOST_REPEATS
from ufora_manager.scheduler.records import Record, changes, everything
from ufora_manager.scheduler.restoring import restored
from ufora_manager.scheduler.state import JobState, Kind, State

NAMES = st.sampled_from(["w0", "w1", "w2"])
SESSIONS = st.sampled_from(["s", "t"])
JOBS = st.sampled_from([f"j{number}" for number in range(8)])
OBJECTS = st.lists(st.sampled_from([bulk(letter) for letter in "abc"]), unique=True).map(tuple)
INCARNATIONS = st.sampled_from(["one", "two"])


def in_writing(state: State) -> dict[tuple[Kind, str], Record]:
    """All that the journal keeps of a state."""
    return {(each.kind, each.key): each.record for each in everything(state) if each.record}


class Life(RuleBasedStateMachine):
    """All do as they please; what cannot be is refused and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        #: Jobs that were placed and of which nothing was heard since.
        self.running: dict[str, str] = {}
        self.answered: set[str] = set()
        self.written: dict[tuple[Kind, str], Record] = {}
        self.cluster.scheduler.state.unsaved = {}

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
        back = isinstance(event, events.WorkerJoined | events.RootReturned)
        for command in answer:
            if isinstance(command, commands.Withdraw):
                self.running.pop(command.job, None)
            if isinstance(command, commands.Place):
                assert back or command.job not in self.running, "placed twice"
                assert state.workers[command.worker].retirement is None, "placed where all ends"
                assert state.jobs[command.job].repeats <= MOST_REPEATS
                self.running[command.job] = command.worker
        for sent in of(answer, commands.TellWorker):
            if isinstance(sent.message, WorkAt):
                assert state.workers[sent.worker].retirement is None, "sent to steal"
            if isinstance(sent.message, Farewell):
                self.nothing_is_left(sent.worker)
        for told in of(answer, commands.TellClient):
            assert isinstance(told.message, JobDone)
            self.answered.add(told.message.job)
            self.running.pop(told.message.job, None)
        for each in of(answer, commands.DeleteObjects):
            assert not set(each.digests) & set(state.objects)

    def nothing_is_left(self, name: str) -> None:
        state = self.cluster.scheduler.state
        assert not state.workers[name].roots
        for entry in state.objects.values():
            others = [x for x in entry.workers if state.workers[x].retirement is None]
            assert entry.stored or others or name not in entry.workers

    @rule(name=NAMES, exit=st.booleans())
    def retire_is_ordered(self, name: str, exit: bool) -> None:
        self.happen(events.RetireOrdered(self.cluster.now, name, exit))

    @rule(name=NAMES)
    def retire_is_taken_back(self, name: str) -> None:
        self.happen(events.RetireTakenBack(self.cluster.now, name))

    @rule(name=NAMES)
    def worker_is_about_to_leave(self, name: str) -> None:
        self.happen(events.WorkerLeaving(self.cluster.now, name))

    @rule(name=NAMES, roots=st.integers(0, 1), ranges=st.integers(0, 1))
    def worker_holds(self, name: str, roots: int, ranges: int) -> None:
        self.happen(events.WorkerHolds(self.cluster.now, name, roots, ranges))

    @rule(name=NAMES, objects=OBJECTS)
    def objects_are_rescued(self, name: str, objects: tuple[Payload, ...]) -> None:
        digests = tuple(each.digest for each in objects)
        self.happen(events.ObjectsRescued(self.cluster.now, name, digests))

    @rule(name=NAMES, letter=st.sampled_from("abc"), gone=st.booleans())
    def rescue_fails(self, name: str, letter: str, gone: bool) -> None:
        self.happen(events.RescueFailed(self.cluster.now, name, letter * 64, gone))

    @rule(name=NAMES, job=JOBS)
    def root_is_sent(self, name: str, job: str) -> None:
        self.happen(events.RootSent(self.cluster.now, name, job))

    @rule(name=NAMES, job=JOBS, repeatable=st.booleans())
    def root_starts(self, name: str, job: str, repeatable: bool) -> None:
        self.happen(events.RootStarted(self.cluster.now, name, job, repeatable))

    @rule(name=NAMES, job=JOBS)
    def root_is_returned(self, name: str, job: str) -> None:
        self.happen(events.RootReturned(self.cluster.now, name, job))

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

    @rule(job=JOBS, at=st.sampled_from([None, 0, 4, 8]))
    def root_prints(self, job: str, at: int | None) -> None:
        name = self.running.get(job, "w0")
        self.happen(events.RootPrinted(self.cluster.now, name, job, "stdout", "text", at))

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

    @invariant()
    def what_was_written_down_is_the_state(self) -> None:
        state = self.cluster.scheduler.state
        for change in changes(state):
            self.written.pop((change.kind, change.key), None)
            if change.record is not None:
                self.written[change.kind, change.key] = change.record
        assert in_writing(state) == self.written, "something was not noted"
        copy = restored(self.written.values(), self.cluster.now)
        assert in_writing(copy) == self.written
        assert list(copy.waiting) == list(state.waiting)

    def teardown(self) -> None:
        """Once a worker stays and answers, every job of a client that stays ends."""
        self.happen(events.RetireTakenBack(self.cluster.now, "w0"))
        self.happen(events.SessionConnected(self.cluster.now, "s"))
        self.happen(events.WorkerJoined(self.cluster.now, address("w0"), 1, "last"))
        state = self.cluster.scheduler.state
        for job in list(state.jobs.values()):
            program = Payload("0" * 64, 0, b"")  # looked at only when the job is new
            self.happen(events.JobSubmitted(self.cluster.now, job.session, job.id, program))
        for _ in range(len(state.jobs) + 1):
            for job in list(state.jobs.values()):
                if job.state is JobState.PLACED:
                    self.root_ends(job.worker, job.id, ())
        assert all(job.state.ended for job in state.jobs.values())
        assert set(state.jobs) <= self.answered


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=40, derandomize=True)
