"""Real worker states with their registrations, and the real scheduler, in virtual time.

Workers may be stopped, killed and started again under the same name; each start is an incarnation.
The lines between workers and the manager keep the order of messages, and lose them when they break.
"""

from functools import partial

from simulated_cluster import NOTICE_DELAY, Links, SimulatedWorker
from simulated_manager import SimulatedManager
from simulation import World
from ufora_core.protocol.parts import WorkerAddress
from ufora_core.protocol.version import VERSION
from ufora_core.protocol.worker import (
    HeartbeatSeen,
    Hello,
    Introduce,
    Refused,
    ToManager,
    ToWorker,
    Welcome,
)
from ufora_worker.state import commands, events
from ufora_worker.supervisor.registration import Registration

#: Seconds that a worker with SIGTERM gets, and until a worker that ended is there again.
DRAIN_SECONDS = 8.0
RESTART_SECONDS = 0.3
RECONNECT_SECONDS = 0.2


class Member(SimulatedWorker):
    """One start of a worker: ``SimulatedWorker`` as its supervisor drives it."""

    def __init__(
        self, cluster: "WholeCluster", address: WorkerAddress, executors: int, start: int
    ) -> None:
        self.incarnation = f"{address.name}/{start}"
        hello = Hello(
            protocol=VERSION,
            release="0",
            python="3",
            address=address,
            executors=executors,
            incarnation=self.incarnation,
        )
        self.registration = Registration(hello, cluster.world.now)
        self.cluster_of = cluster
        self.connected = False
        self.line = 0
        self.departed = False
        super().__init__(cluster, address, executors, first_lease=start * 1_000_000)

    def begin(self) -> None:
        super().begin()
        self.connect()

    # ------------------------------------------------------------------ the manager

    def connect(self) -> None:
        """The line to the manager is there, if that is."""
        if not self.alive or self.connected:
            return
        if not self.cluster_of.manager.alive:
            self.world.after(RECONNECT_SECONDS, self.connect)
        else:
            self.connected = True
            self.say(self.registration.connected(self.state.roots))

    def disconnect(self) -> None:
        """It breaks, and what is on its way is lost; ZeroMQ makes another one soon."""
        if self.connected:
            self.connected = False
            self.line += 1
            self.registration.disconnected()
            self.world.after(RECONNECT_SECONDS, self.connect)

    def say(self, messages: list[ToManager]) -> None:
        """Send to the manager."""
        for message in messages:
            if self.connected:
                self.cluster_of.to_the_manager(self, message)

    def hear(self, message: ToWorker) -> None:
        """The manager spoke."""
        match message:
            case Refused(reason=reason):
                raise AssertionError(reason)
            case Welcome() | Introduce() | HeartbeatSeen():
                if self.alive:
                    self.say(self.registration.heard(message, self.world.now, self.state.roots))
                if isinstance(message, Welcome):
                    self.handle(events.Registered())
            case _:
                self.handle(events.ManagerSaid(message))

    def tell_manager(self, report: ToManager) -> None:
        self.say(self.registration.post(report))

    def _tick(self) -> None:
        super()._tick()
        if self.alive:
            roots = self.state.roots
            self.say(self.registration.tick(self.world.now, self.state.idle, 0, roots))

    # ------------------------------------------------------------------ its end

    def leave(self) -> None:
        """SIGTERM."""
        if self.alive and not self.state.ledger.leaving:
            self.registration.leave()
            self.handle(events.Leave("told to"))
            self.world.after(DRAIN_SECONDS, partial(self.stop, "its time was up"))
            self._end_if_forlorn()

    def _end_if_forlorn(self) -> None:
        known = self.registration.registered or self.registration.unproven
        if self.alive and not self.state.busy and not known:
            self.stop("nothing is left")
        elif self.alive:
            self.world.after(0.2, self._end_if_forlorn)

    def stop(self, reason: str) -> None:
        """The process ends by itself."""
        if self.alive:
            self.handle(events.Shutdown(reason))
            self.say(self.registration.goodbye(reason))
            self.end()

    def end(self) -> None:
        super().end()
        self.cluster_of.ended(self)

    def _carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.Depart):
            self.departed = True
            self.world.after(0.0, partial(self.stop, command.reason))
        else:
            super()._carry_out(command)


class WholeCluster(Links[Member]):
    """A manager and its workers."""

    def __init__(self, world: World, executors: list[int]) -> None:
        super().__init__(world)
        #: Names of the workers that are started again when they end.
        self.kept: dict[str, int] = {}
        self.incarnations: dict[str, Member] = {}
        self._starts = 0
        self.manager = SimulatedManager(world, self._from_the_manager)
        for index, count in enumerate(executors):
            self.kept[f"w{index}"] = count
            self.start(f"w{index}", count)

    def start(self, name: str, executors: int) -> Member:
        """A worker's process starts."""
        self._starts += 1
        number = int(name[1:])
        address = WorkerAddress(name, "h", number, number)
        member = Member(self, address, executors, self._starts)
        self.workers[name] = self.incarnations[member.incarnation] = member
        member.begin()
        return member

    def to_manager(self, worker: str, message: ToManager) -> None:
        """A member speaks to the manager through its registration."""
        self.workers[worker].tell_manager(message)

    def ended(self, member: Member) -> None:
        """A process is gone: the others notice, and it may be started again."""
        name = member.address.name
        self.world.after(NOTICE_DELAY, partial(self._broken_to, name))
        if name in self.kept:
            self.world.after(RESTART_SECONDS, partial(self._again, member))

    def _again(self, member: Member) -> None:
        name = member.address.name
        if self.workers[name] is member and name in self.kept:
            self.start(name, self.kept[name])

    def _broken_to(self, name: str) -> None:
        for other in list(self.workers):
            if other != name:
                self.break_link(other, name)

    def kill(self, name: str) -> None:
        """The machine of a worker is gone."""
        if self.workers[name].alive:
            self.workers[name].end()

    # ------------------------------------------------------------------ the lines to the manager

    def to_the_manager(self, member: Member, message: ToManager) -> None:
        line, process = member.line, self.manager

        def arrive() -> None:
            if member.line == line:
                process.hear(member.incarnation, message)

        self.send(member.incarnation, "manager", self._delay(), arrive)

    def _from_the_manager(self, incarnation: str, message: ToWorker) -> None:
        member = self.incarnations[incarnation]
        line = member.line

        def arrive() -> None:
            if member.alive and member.line == line:
                member.hear(message)

        self.send("manager", incarnation, self._delay(), arrive)

    def _delay(self) -> float:
        return self.world.chances.latency * self.world.rng.choice([0.2, 1.0, 1.0, 10.0])

    def restart_manager(self, pause: float, *, keeps_journal: bool, at_rest: bool) -> None:
        """The manager's process is killed (``at_rest``: when it has just written all it knows), and
        another one started."""
        if at_rest and not self.manager.at_rest:
            again = partial(self.restart_manager, pause, keeps_journal=keeps_journal, at_rest=True)
            self.world.after(0.001, again)
        elif self.manager.alive:
            self.manager.restart(pause, keeps_journal=keeps_journal)
            for member in self.workers.values():
                member.disconnect()
