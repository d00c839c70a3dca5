"""The real scheduler in the virtual time of ``simulation``: its driver, its registry, its clients.

What is modelled: the registry port (who is known, who is asked to introduce itself), roots on their
way to workers, objects on their way to the manager, a journal that is written a moment after
something changed, and one client, which submits again what it waits for when the manager was
started anew.
"""

from collections.abc import Callable
from functools import partial

from simulation import World
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import (
    CancelRoot,
    Farewell,
    ForgetObjects,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Introduce,
    PeerLeft,
    PlaceRoot,
    ToManager,
    ToWorker,
    Welcome,
)
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import commands, events, invariants
from ufora_manager.scheduler.records import Change, Record, changes, everything
from ufora_manager.scheduler.restoring import fresh, restored
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import Kind
from ufora_manager.worker_messages import event_of, joined

TICK = 0.5
#: Seconds for which a manager that was started anew places nothing.
HOLD = 3.0
SESSION = "session"
WELCOME = Welcome(release="0", manager="simulated", store_path="", store_proof="")

#: Seconds after which the journal has what changed.
WRITING = 0.02

#: Sends a message to the worker process with this incarnation.
Deliver = Callable[[str, ToWorker], None]


class SimulatedManager:
    """A manager's process; ``restart`` ends it and begins another one with its journal, or with
    nothing."""

    def __init__(self, world: World, deliver: Deliver) -> None:
        self.world, self._deliver = world, deliver
        self.scheduler = Scheduler()
        self.alive = True
        #: How each job ended, as its client heard.
        self.done: dict[str, JobDone] = {}
        #: Events that contradicted what the scheduler knew.
        self.refused: list[str] = []
        self._submitted: list[str] = []
        self._process = 0
        self._placements = 0
        self._names: dict[str, str] = {}
        self._incarnations: dict[str, str] = {}
        self._on_the_way: dict[str, int] = {}
        self._dismissed: set[str] = set()
        #: What this process told the client; the one before may have told it otherwise.
        self._told: dict[str, JobDone] = {}
        self._journal: dict[tuple[Kind, str], Record] = {}
        self._after_written: list[Callable[[], None]] = []
        self._begin()

    def _begin(self) -> None:
        self._keep(everything(self.scheduler.state))
        self._handle(events.SessionConnected(self.world.now, SESSION))
        for job in self._submitted:
            if job not in self.done:
                self._submit(job)
        self._tick(self._process)

    @property
    def at_rest(self) -> bool:
        """True while the journal has everything."""
        return not self._after_written

    def restart(self, pause: float, *, keeps_journal: bool) -> None:
        """The process is killed; another one is there after ``pause`` seconds."""
        if self.alive:
            self.alive = False
            self._process += 1
            self._after_written.clear()
            if not keeps_journal:
                self._journal.clear()
            self._dismissed.clear()
            for known in (self._names, self._incarnations, self._on_the_way, self._told):
                known.clear()
            self.world.after(pause, self._again)

    def _again(self) -> None:
        self.alive = True
        now, records = self.world.now, self._journal.values()
        self.scheduler = Scheduler(restored(records, now) if records else fresh(now, HOLD))
        self._begin()

    def _keep(self, found: list[Change]) -> None:
        for change in found:
            if change.record is None:
                self._journal.pop((change.kind, change.key), None)
            else:
                self._journal[change.kind, change.key] = change.record

    # ------------------------------------------------------------------ its clients

    def submit(self, job: str) -> None:
        self._submitted.append(job)
        if self.alive:
            self._submit(job)

    def _submit(self, job: str) -> None:
        by_digest = self._submitted.index(job) % 2 == 0
        program = Payload(job * 8, 1, None if by_digest else b"")
        self._handle(events.JobSubmitted(self.world.now, SESSION, job, program))

    def order_retirement(self, worker: str, *, exit: bool) -> None:
        if self.alive:
            self._handle(events.RetireOrdered(self.world.now, worker, exit))

    def take_back_retirement(self, worker: str) -> None:
        if self.alive:
            self._handle(events.RetireTakenBack(self.world.now, worker))

    # ------------------------------------------------------------------ its registry

    def hear(self, incarnation: str, message: ToManager) -> None:
        """A worker's message arrived."""
        if not self.alive:
            return
        if isinstance(message, Hello):
            self._register(message)
            return
        name = self._names.get(incarnation)
        if name is None:
            self._deliver(incarnation, Introduce())
            return
        if isinstance(message, Heartbeat):
            self._once_written(lambda: self._send(name, HeartbeatSeen()))
        self._handle(event_of(message, name, self.world.now))

    def _register(self, hello: Hello) -> None:
        self._forget(hello.address.name)
        self._names[hello.incarnation] = hello.address.name
        self._incarnations[hello.address.name] = hello.incarnation
        self._dismissed.discard(hello.incarnation)
        self._send(hello.address.name, WELCOME)
        self._handle(joined(hello, self.world.now))

    def _forget(self, name: str) -> None:
        self._names.pop(self._incarnations.pop(name, ""), None)

    def _send(self, name: str, message: ToWorker) -> None:
        incarnation = self._incarnations.get(name)
        if incarnation is None:
            return
        if incarnation in self._dismissed:
            word = isinstance(message, HeartbeatSeen | PeerLeft | ForgetObjects)
            assert word, f"{message} was sent to {name} after its farewell"
        if isinstance(message, Farewell):
            self._dismissed.add(incarnation)
        self._deliver(incarnation, message)

    # ------------------------------------------------------------------ its driver

    def _handle(self, event: events.Event) -> None:
        try:
            answer = self.scheduler.handle(event)
        except EventRefused as error:
            self.refused.append(str(error))
            return
        invariants.check(self.scheduler.state)
        for command in answer:
            self._carry_out(command)
        if not self._after_written and self.scheduler.state.unsaved:
            self._once_written(lambda: None)

    def _once_written(self, action: Callable[[], None]) -> None:
        """Do it when the journal has all that is known now."""
        if not self._after_written:
            self._later(WRITING, self._write)
        self._after_written.append(action)

    def _write(self) -> None:
        self._keep(changes(self.scheduler.state))
        actions, self._after_written = self._after_written, []
        for action in actions:
            action()

    def _tick(self, process: int) -> None:
        if process == self._process:
            self._handle(events.Tick(self.world.now))
            self.world.after(TICK, partial(self._tick, process))

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.TellWorker(worker=worker, message=message):
                self._send(worker, message)
            case commands.Place():
                self._place(command)
            case commands.Withdraw(worker=worker, job=job):
                if self._on_the_way.pop(job, None) is None:
                    self._send(worker, CancelRoot(job=job))
            case commands.DropWorker(worker=worker):
                self._forget(worker)
            case commands.TellClient(message=JobDone() as done):
                assert self._told.setdefault(done.job, done) == done, "a job ended twice"
                self.done.setdefault(done.job, done)
            case commands.Rescue():
                self._later(0.01, partial(self._rescue, command))
            case commands.WakeAt(at=at):
                wake = partial(self._handle, events.Tick(at))
                self._later(at - self.world.now, wake)
            case _:
                pass

    def _place(self, command: commands.Place) -> None:
        self._placements += 1
        number = self._on_the_way[command.job] = self._placements

        def leave() -> None:
            if self._on_the_way.get(command.job) == number:
                del self._on_the_way[command.job]
                if command.program.data is None:
                    sent = events.RootSent(self.world.now, command.worker, command.job)
                    self._handle(sent)
                self._send(command.worker, PlaceRoot(job=command.job, program=command.program))

        if command.program.data is None:
            self._later(self.world.rng.choice([0.002, 0.05]), leave)
        else:
            leave()

    def _rescue(self, command: commands.Rescue) -> None:
        for digest in command.digests:
            if self.world.rng.random() < 0.3:
                failed = events.RescueFailed(self.world.now, command.worker, digest, gone=False)
                self._handle(failed)
            else:
                rescued = events.ObjectsRescued(self.world.now, command.worker, (digest,))
                self._handle(rescued)

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        process = self._process

        def act() -> None:
            if process == self._process:
                action()

        self.world.after(max(0.0, delay), act)
