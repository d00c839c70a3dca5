"""Workers, links and a manager in the virtual time of ``simulation``."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from simulation import ModelExecutor, Words, World
from ufora_core.protocol.executor import FromExecutor, ToExecutor
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import (
    CancelRoot,
    GiveRange,
    Hungry,
    PeerLeft,
    PeerPiece,
    PlaceRoot,
    ReturnRange,
    RootDone,
    ToManager,
    ToPeer,
    WorkAt,
)
from ufora_worker.state import commands, events
from ufora_worker.state.executor_table import Status
from ufora_worker.state.invariants import broken
from ufora_worker.state.machine import WorkerState

TICK = 0.2
START_SECONDS = 0.1
CHANNEL_DELAY = 0.00005
MANAGER_DELAY = 0.0005
#: Seconds after which a worker notices that it cannot reach a peer.
NOTICE_DELAY = 0.5


class Manager(Protocol):
    """What the simulation needs of a manager: it places roots and answers workers."""

    #: How each job ended.
    done: dict[str, RootDone]

    def place(self, job: str, worker: str) -> list[tuple[str, events.Order]]: ...

    def said(self, worker: str, message: ToManager) -> list[tuple[str, events.Order]]: ...

    def left(self, worker: str) -> list[tuple[str, events.Order]]: ...


class PlainManager:
    """Keeps the ends of jobs, and tells hungry workers where roots are."""

    def __init__(self, addresses: dict[str, WorkerAddress]) -> None:
        self.addresses = addresses
        self.places: dict[str, str] = {}
        self.done: dict[str, RootDone] = {}

    def place(self, job: str, worker: str) -> list[tuple[str, events.Order]]:
        self.places[job] = worker
        if worker not in self.addresses:
            self.done[job] = RootDone(job=job)
            return []
        root = PlaceRoot(job=job, program=Payload("2" * 64, 0, b""))
        return [(worker, root), *self._work_for(list(self.addresses))]

    def said(self, worker: str, message: ToManager) -> list[tuple[str, events.Order]]:
        match message:
            case RootDone(job=job) if self.places.get(job) == worker:
                assert job not in self.done, f"{job} ended twice"
                self.done[job] = message
                return self._work_for(list(self.addresses))
            case Hungry() if worker in self.addresses:
                return self._work_for([worker])
            case _:
                return []

    def left(self, worker: str) -> list[tuple[str, events.Order]]:
        del self.addresses[worker]
        for job, place in self.places.items():
            if place == worker and job not in self.done:
                self.done[job] = RootDone(job=job)
        return [(other, PeerLeft(worker=worker)) for other in self.addresses]

    def _work_for(self, workers: list[str]) -> list[tuple[str, events.Order]]:
        busy = [place for job, place in self.places.items() if job not in self.done]
        return [
            (worker, WorkAt(workers=tuple(self.addresses[x] for x in busy if x != worker)))
            for worker in workers
        ]


class SimulatedWorker:
    """A real ``WorkerState`` whose commands are carried out in the model."""

    def __init__(
        self, cluster: "Links[Any]", address: WorkerAddress, executors: int, first_lease: int = 0
    ) -> None:
        self.cluster, self.world, self.address = cluster, cluster.world, address
        first_lease += cluster.world.rng.randrange(1000)
        self.state = WorkerState(address, executors, first_lease)
        self.alive = True
        self.hungry = 0
        self.executors: dict[int, ModelExecutor] = {}
        self._fetches: set[int] = set()

    def begin(self) -> None:
        """The process runs."""
        self._tick()

    def handle(self, event: events.Event) -> None:
        if self.alive:
            wanted = self.state.handle(event, self.world.now)
            sentences = broken(self.state.ledger)
            assert sentences == [], f"{sentences} after {event}"
            for command in wanted:
                self._carry_out(command)

    def tell_manager(self, report: ToManager) -> None:
        """A message for the manager goes out."""
        self.cluster.to_manager(self.address.name, report)

    def end_executor(self, index: int) -> None:
        """The process ends, whoever did it."""
        executor = self.executors.get(index)
        if executor is not None and executor.alive:
            executor.alive = False
            self._report_end(index)

    def _report_end(self, index: int) -> None:
        ended = events.ExecutorEnded(index, "executor-died", "was killed by the simulation")
        self.world.after(CHANNEL_DELAY, lambda: self.handle(ended))

    def end(self) -> None:
        """The process is gone, and its executors with it."""
        self.alive = False
        for executor in self.executors.values():
            executor.alive = False

    def _tick(self) -> None:
        if self.alive:
            self.handle(events.Tick())
            self.world.after(TICK, self._tick)

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.SetHungry(slots=slots):
                self.hungry = slots
            case commands.TellManager(message=report):
                self.tell_manager(report)
            case commands.TellPeer(peer=peer, message=words):
                self.cluster.to_peer(self.address.name, peer.name, words)
            case commands.FetchObjects(ticket=ticket):
                self._fetch(ticket)
            case commands.CancelFetch(ticket=ticket):
                self._fetches.discard(ticket)
            case commands.GiveUp(reason=reason):
                raise AssertionError(reason)
            case _:
                self._to_executor(command)

    def _to_executor(self, command: commands.Command) -> None:
        match command:
            case commands.StartExecutor(executor=index):
                self._start(index)
            case commands.KillExecutor(executor=index):
                self.end_executor(index)
            case commands.SetYield(executor=index, wanted=wanted):
                self.executors[index].words.yields = wanted
            case commands.AskRepeatable(executor=index):
                self.executors[index].ask()
            case commands.SetStop(executor=index, value=value) if index in self.executors:
                self.executors[index].words.stop = value
                self.executors[index].signal()
            case commands.TellExecutor(executor=index, message=message):
                self._tell_executor(index, message)

    def _start(self, index: int) -> None:
        words = Words(lambda: self.hungry, lambda: self._report_end(index))
        executor = ModelExecutor(self.world, words, lambda m: self._from_executor(index, m))
        self.executors[index] = executor
        self.world.after(START_SECONDS, executor.start)

    def _from_executor(self, index: int, message: FromExecutor) -> None:
        self.world.after(CHANNEL_DELAY, lambda: self.handle(events.ExecutorSaid(index, message)))

    def _tell_executor(self, index: int, message: ToExecutor) -> None:
        executor = self.executors[index]
        self.world.after(CHANNEL_DELAY, lambda: executor.receive(message))

    def _fetch(self, ticket: int) -> None:
        missing = self.world.rng.random() < self.world.chances.missing
        self._fetches.add(ticket)

        def arrive() -> None:
            if ticket in self._fetches:
                self._fetches.remove(ticket)
                here = events.ObjectsHere(ticket)
                self.handle(events.ObjectsMissing(ticket, "chance") if missing else here)

        self.world.after(self.world.rng.random() * 0.01, arrive)

    def leftovers(self) -> list[str]:
        """What is not as it was before the first job."""
        ledger = self.state.ledger
        return (
            [f"{lease}" for lease in ledger.leases]
            + [f"root {job}" for job in ledger.roots]
            + [f"fetch {ticket}" for ticket in self._fetches]
            + [
                f"executor {x.index} is {x.status.value}"
                for x in ledger.executors
                if x.status is not Status.IDLE
            ]
            + [f"stop word of {i}" for i, x in self.executors.items() if x.words.stop]
            + [f"hungry word {self.hungry}"] * (self.hungry != 0)
        )


W = TypeVar("W", bound=SimulatedWorker)


class Links(ABC, Generic[W]):
    """Workers and the links between them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._last_arrival: dict[tuple[str, str], float] = {}
        self._broken_links: dict[tuple[str, str], int] = {}
        self.workers: dict[str, W] = {}

    @abstractmethod
    def to_manager(self, worker: str, message: ToManager) -> None:
        """What a worker tells the manager."""

    def to_peer(self, sender: str, receiver: str, message: ToPeer) -> None:
        link, target = (sender, receiver), self.workers[receiver]
        unbroken = self._broken_links.get(link, 0)
        if not target.alive and isinstance(message, GiveRange | PeerPiece):
            self.world.after(NOTICE_DELAY, lambda: self.break_link(sender, receiver))

        # ZeroMQ does not repeat messages; what is repeated here stands for all that is late.
        repeatable = isinstance(message, GiveRange | PeerPiece | ReturnRange)
        again = repeatable and self.world.rng.random() < self.world.chances.duplicate

        def arrive() -> None:
            if self._broken_links.get(link, 0) == unbroken:
                target.handle(events.PeerSaid(message))
                if again:
                    late = self.world.rng.random() * 0.1
                    self.world.after(late, lambda: target.handle(events.PeerSaid(message)))

        delay = self.world.chances.latency * (0.5 + self.world.rng.random())
        self.send(sender, receiver, delay, arrive)

    def break_link(self, sender: str, receiver: str) -> None:
        """What is on its way is lost, and the sender notices."""
        self._broken_links[sender, receiver] = self._broken_links.get((sender, receiver), 0) + 1
        self.workers[sender].handle(events.LinkBroken(receiver))

    def send(self, sender: str, receiver: str, delay: float, arrive: Callable[[], None]) -> None:
        link = (sender, receiver)
        arrival = max(self._last_arrival.get(link, 0.0), self.world.now + delay)
        self._last_arrival[link] = arrival
        self.world.after(arrival - self.world.now, arrive)


class Cluster(Links[SimulatedWorker]):
    """Workers, the links between them, and a manager."""

    def __init__(
        self,
        world: World,
        executors: list[int],
        manager: Callable[[dict[str, WorkerAddress]], Manager] = PlainManager,
    ) -> None:
        super().__init__(world)
        addresses = {f"w{i}": WorkerAddress(f"w{i}", "h", i, i) for i in range(len(executors))}
        self.manager = manager(dict(addresses))
        for address, count in zip(addresses.values(), executors, strict=True):
            worker = self.workers[address.name] = SimulatedWorker(self, address, count)
            worker.begin()

    def order(self, orders: list[tuple[str, events.Order]]) -> None:
        """The manager's messages go out."""
        for name, message in orders:
            arrive = partial(self.workers[name].handle, events.ManagerSaid(message))
            self.send("manager", name, MANAGER_DELAY, arrive)

    def to_manager(self, worker: str, message: ToManager) -> None:
        def arrive() -> None:
            if self.workers[worker].alive:
                self.order(self.manager.said(worker, message))

        self.send(worker, "manager", MANAGER_DELAY, arrive)

    def place(self, job: str, worker: str) -> None:
        self.order(self.manager.place(job, worker))

    def cancel(self, job: str, worker: str) -> None:
        self.order([(worker, CancelRoot(job=job))])

    def end_worker(self, name: str) -> None:
        """The worker's machine is gone; the manager notices later."""
        worker = self.workers[name]
        if worker.alive and sum(x.alive for x in self.workers.values()) > 1:
            worker.end()
            self.world.after(0.05, lambda: self.order(self.manager.left(name)))
