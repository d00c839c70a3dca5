"""A scheduler with a clock that tests turn, and short ways to say what happens to it."""

from typing import Any, TypeVar

from ufora_core.protocol.client import JobDone, ToClient
from ufora_core.protocol.parts import Failure, Payload, WorkerAddress
from ufora_core.protocol.worker import ToWorker
from ufora_manager.scheduler import commands, events, invariants
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import Job, JobState

C = TypeVar("C")

SMALL = Payload("5" * 64, 7, b"program")


def bulk(letter: str, size: int = 1_000_000) -> Payload:
    """An object that is kept in the store; ``letter`` is a hexadecimal digit."""
    return Payload(letter * 64, size)


def address(name: str) -> WorkerAddress:
    """Where a worker of this name might be."""
    return WorkerAddress(name, f"{name}.example", 30009, 30010)


class Cluster:
    """Sends events to a scheduler and checks the invariants after each one."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.now = 100.0
        self.log: list[events.Event] = []

    def handle(self, event: events.Event) -> list[commands.Command]:
        self.log.append(event)
        answer = self.scheduler.handle(event)
        invariants.check(self.scheduler.state)
        return answer

    # ------------------------------------------------------------------ what happens

    def join(
        self, name: str, executors: int = 1, incarnation: str = "one", roots: tuple[str, ...] = ()
    ) -> list[commands.Command]:
        return self.handle(
            events.WorkerJoined(self.now, address(name), executors, incarnation, roots=roots)
        )

    def leave(self, worker: str) -> list[commands.Command]:
        return self.handle(events.WorkerLeft(self.now, worker, "it was told to"))

    def hear(self, worker: str) -> list[commands.Command]:
        return self.handle(events.WorkerHeard(self.now, worker, idle=0, memory_bytes=0))

    def hunger(self, worker: str, slots: int = 1) -> list[commands.Command]:
        return self.handle(events.WorkerHungry(self.now, worker, slots))

    def connect(self, session: str = "s") -> list[commands.Command]:
        return self.handle(events.SessionConnected(self.now, session))

    def disconnect(self, session: str = "s") -> list[commands.Command]:
        return self.handle(events.SessionGone(self.now, session))

    def submit(
        self,
        job: str,
        session: str = "s",
        program: Payload = SMALL,
        needs: tuple[Payload, ...] = (),
    ) -> list[commands.Command]:
        return self.handle(events.JobSubmitted(self.now, session, job, program, needs, "a.py:1"))

    def cancel(self, job: str, session: str = "s") -> list[commands.Command]:
        return self.handle(events.JobCancelled(self.now, session, job))

    def end(self, job: str, worker: str, **outcome: Any) -> list[commands.Command]:
        outcome = outcome or {"result": SMALL}
        return self.handle(events.RootEnded(self.now, worker, job, **outcome))

    def release(self, *digests: str, session: str = "s") -> list[commands.Command]:
        return self.handle(events.ObjectsReleased(self.now, session, digests))

    def announce(self, *payloads: Payload) -> list[commands.Command]:
        return self.handle(events.ObjectsAnnounced(self.now, payloads))

    def pass_time(self, seconds: float) -> list[commands.Command]:
        """Time passes, in the steps in which a driver ticks."""
        end = self.now + seconds
        answer: list[commands.Command] = []
        while self.now < end:
            self.now = min(self.now + 0.5, end)
            answer += self.handle(events.Tick(self.now))
        return answer

    # ------------------------------------------------------------------ what is the case

    def job(self, job: str) -> Job:
        return self.scheduler.state.jobs[job]

    def state_of(self, job: str) -> JobState:
        return self.job(job).state


def of(answer: list[commands.Command], kind: type[C]) -> list[C]:
    """The commands of one kind."""
    return [each for each in answer if isinstance(each, kind)]


def placed(answer: list[commands.Command]) -> dict[str, str]:
    """Job -> worker of the roots to be placed."""
    return {each.job: each.worker for each in of(answer, commands.Place)}


def told_worker(answer: list[commands.Command], worker: str) -> list[ToWorker]:
    """What a worker is to be told."""
    return [each.message for each in of(answer, commands.TellWorker) if each.worker == worker]


def told_client(answer: list[commands.Command], session: str = "s") -> list[ToClient]:
    """What a client is to be told."""
    return [each.message for each in of(answer, commands.TellClient) if each.session == session]


def failure(answer: list[commands.Command]) -> Failure:
    """Why the one job that ends here failed."""
    (done,) = told_client(answer)
    assert isinstance(done, JobDone)
    assert done.failure is not None
    return done.failure
