"""A manager that may end at any moment, with workers and a client that behave as real ones do.

All messages arrive at once; what is modelled is what each part remembers, and what is lost with it.
"""

from dataclasses import dataclass, field

from scheduling import SMALL, address, bulk
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import Farewell, Retire, Unretire
from ufora_manager.scheduler import commands, events, invariants
from ufora_manager.scheduler.records import Record, changes, everything
from ufora_manager.scheduler.restoring import FIRST_HOLD, fresh, restored
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import Kind, State

RESULT = bulk("f")


@dataclass
class ModelJob:
    """A block of the client, and what became of it in truth."""

    id: str
    repeatable: bool
    needs: tuple[Payload, ...]
    #: How often its code began to run, on any worker.
    begun: int = 0
    answer: JobDone | None = None


@dataclass
class ModelWorker:
    """A worker's process."""

    name: str
    incarnation: int = 0
    #: Whether the link to the manager is up.
    linked: bool = False
    retiring: bool = False
    leaving: bool = False
    #: Roots that are here; True once they have begun.
    roots: dict[str, bool] = field(default_factory=dict)
    #: Roots that ended; kept until the manager has that for certain.
    ended: dict[str, None] = field(default_factory=dict)


class RestartingCluster:
    """One client, some workers, and one manager after the other."""

    def __init__(self, names: list[str]) -> None:
        self.now = 1000.0
        self.jobs: dict[str, ModelJob] = {}
        self.workers = {name: ModelWorker(name) for name in names}
        self.farewells: list[str] = []
        #: Roots whose objects are being brought to a worker.
        self.on_the_way: dict[str, str] = {}
        self.journal: dict[tuple[Kind, str], Record] = {}
        self._begin(fresh(self.now))

    # ------------------------------------------------------------------ the manager

    def handle(self, event: events.Event) -> None:
        """Give an event to the manager, and do what it says."""
        for command in self.scheduler.handle(event):
            self._carry_out(command)
        invariants.check(self.scheduler.state)

    def write_journal(self) -> None:
        """What has happened until now is in the journal, and workers are told so."""
        for change in changes(self.scheduler.state):
            self.journal.pop((change.kind, change.key), None)
            if change.record is not None:
                self.journal[change.kind, change.key] = change.record
        for worker in self.workers.values():
            if worker.linked:
                worker.ended.clear()

    def crash(self) -> list[str]:
        """The manager dies and is started again; jobs of which the journal had not all."""
        state = self.scheduler.state
        late = [key for kind, key in state.unsaved or () if kind is Kind.JOB]
        self._begin(restored(self.journal.values(), self.now))
        self.reconnect()
        return late

    def lose_everything(self) -> None:
        """The manager dies, and its journal with it; all others come back at once."""
        self.journal.clear()
        self._begin(fresh(self.now, FIRST_HOLD))

    def reconnect(self) -> None:
        """The client is back, and asks for what it has not got."""
        self.handle(events.SessionConnected(self.now, "s"))
        for job in self.jobs.values():
            if job.answer is None:
                self.handle(events.JobSubmitted(self.now, "s", job.id, SMALL, job.needs))

    def _begin(self, state: State) -> None:
        self.scheduler = Scheduler(state)
        self.journal = {(x.kind, x.key): x.record for x in everything(state) if x.record}
        self.on_the_way.clear()
        for worker in self.workers.values():
            worker.linked = False

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.Place(worker=name, job=job, needs=needs):
                worker = self.workers[name]
                assert not (worker.linked and worker.retiring), f"{name} retires and got {job}"
                if needs:
                    self.on_the_way[job] = name
                else:
                    self._arrive(name, job)
            case commands.Withdraw(worker=name, job=job):
                if self.on_the_way.get(job) == name:
                    del self.on_the_way[job]
                elif self.workers[name].linked:
                    self.workers[name].roots.pop(job, None)
            case commands.TellClient(message=JobDone() as done):
                self.jobs[done.job].answer = done
            case commands.TellWorker(worker=name, message=message):
                self._hear(self.workers[name], message)
            case commands.Rescue(worker=name, digests=digests):
                self.handle(events.ObjectsRescued(self.now, name, digests))
            case _:
                pass

    def _hear(self, worker: ModelWorker, message: object) -> None:
        if not worker.linked:
            return
        if isinstance(message, Retire | Unretire):
            worker.retiring = isinstance(message, Retire)
        elif isinstance(message, Farewell):
            assert not worker.roots, f"{worker.name} was sent away with {worker.roots}"
            self.farewells.append(worker.name)

    def _arrive(self, name: str, job: str) -> None:
        worker = self.workers[name]
        if worker.linked:
            assert job not in worker.roots, f"{job} was sent twice to {name}"
            worker.roots[job] = False

    # ------------------------------------------------------------------ what the others do

    def submit(self, job: ModelJob) -> None:
        self.jobs[job.id] = job
        self.handle(events.JobSubmitted(self.now, "s", job.id, SMALL, job.needs))

    def bring(self, job: str) -> None:
        """The objects of a root have arrived, and so has the root."""
        name = self.on_the_way.pop(job)
        self._arrive(name, job)
        self.handle(events.RootSent(self.now, name, job))

    def link(self, name: str) -> None:
        """The worker reaches the manager (again), and says all that it has."""
        worker = self.workers[name]
        worker.linked = True
        worker.retiring = worker.leaving
        roots = tuple(dict.fromkeys((*worker.roots, *worker.ended)))
        hello = events.WorkerJoined(
            self.now,
            address(name),
            1,
            str(worker.incarnation),
            roots=roots,
            leaving=worker.leaving,
        )
        self.handle(hello)
        for job in list(worker.ended):
            self._say_end(worker, job)
        self.tell_holds(name)

    def start(self, name: str) -> None:
        """The process ended with all that it had, and another one begins."""
        worker = self.workers[name]
        self.workers[name] = ModelWorker(name, worker.incarnation + 1)
        self.link(name)

    def begin_root(self, name: str, job: str, *, tell: bool) -> None:
        """User code runs."""
        self.workers[name].roots[job] = True
        self.jobs[job].begun += 1
        if tell and self.workers[name].linked:
            repeatable = self.jobs[job].repeatable
            self.handle(events.RootStarted(self.now, name, job, repeatable))

    def end_root(self, name: str, job: str) -> None:
        """User code has ended."""
        worker = self.workers[name]
        del worker.roots[job]
        worker.ended[job] = None
        if worker.linked:
            self._say_end(worker, job)
        self.tell_holds(name)

    def return_root(self, name: str, job: str) -> None:
        """A retiring worker gives back what it has not begun."""
        del self.workers[name].roots[job]
        self.handle(events.RootReturned(self.now, name, job))
        self.tell_holds(name)

    def tell_holds(self, name: str) -> None:
        """A retiring worker says what it has."""
        worker = self.workers[name]
        if worker.linked and worker.retiring and name in self.scheduler.state.workers:
            self.handle(events.WorkerHolds(self.now, name, len(worker.roots), 0))

    def leave(self, name: str) -> None:
        """The worker's process is told to stop."""
        worker = self.workers[name]
        worker.leaving = worker.retiring = True
        self.handle(events.WorkerLeaving(self.now, name))
        self.tell_holds(name)

    def pass_time(self, seconds: float) -> None:
        """Time passes; linked workers are heard all the while."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 0.5)
            for worker in self.workers.values():
                if worker.linked:
                    self.handle(events.WorkerHeard(self.now, worker.name, 0, 0))
            self.handle(events.Tick(self.now))
            for name, worker in self.workers.items():
                worker.linked = worker.linked and name in self.scheduler.state.workers

    def _say_end(self, worker: ModelWorker, job: str) -> None:
        end = events.RootEnded(self.now, worker.name, job, result=RESULT)
        self.handle(end)
