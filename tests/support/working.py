"""Shorthand for tests of a worker's state: events in, the commands of one kind out."""

from typing import TypeVar

from ufora_core.protocol.executor import (
    FromExecutor,
    LoopClosed,
    Offer,
    RangeBegun,
    RangeDone,
    Ready,
    RunRange,
    RunRoot,
    Waiting,
)
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import (
    GiveRange,
    PeerPiece,
    Piece,
    PlaceRoot,
    Range,
    RootDone,
    StealRequest,
    ToPeer,
)
from ufora_worker.state.commands import Command, TellExecutor, TellManager, TellPeer
from ufora_worker.state.events import (
    Event,
    ExecutorEnded,
    ExecutorSaid,
    ManagerSaid,
    Order,
    PeerSaid,
    Tick,
)
from ufora_worker.state.invariants import broken
from ufora_worker.state.machine import WorkerState

C = TypeVar("C")

SMALL = Payload("a" * 64, 1, b"x")
BULK = Payload("b" * 64, 1 << 20)


def address(name: str) -> WorkerAddress:
    return WorkerAddress(name, "host", 1, 2)


def work(lo: int, hi: int, job: str = "job", loop: int = 0, task: Payload = SMALL) -> Range:
    return Range(job=job, loop=loop, lo=lo, hi=hi, task=task)


class Working:
    """A worker's state, the clock, and everything that it wanted in answer to the last event."""

    def __init__(self, executors: int, ready: bool = True) -> None:
        self.state = WorkerState(address("me"), executors)
        self.now = 0.0
        self.last: list[Command] = []
        if ready:
            self.tick()
            for index in range(executors):
                self.said(index, Ready(pid=index))

    def handle(self, event: Event) -> "Working":
        self.last = self.state.handle(event, self.now)
        assert broken(self.state.ledger) == []
        return self

    def tick(self, seconds: float = 0.0) -> "Working":
        self.now += seconds
        return self.handle(Tick())

    def order(self, message: Order) -> "Working":
        return self.handle(ManagerSaid(message))

    def place(self, job: str = "job", program: Payload = SMALL) -> "Working":
        return self.order(PlaceRoot(job=job, program=program))

    def said(self, executor: int, message: FromExecutor) -> "Working":
        return self.handle(ExecutorSaid(executor, message))

    def offer(self, executor: int, range: Range) -> "Working":
        return self.said(executor, Offer(range=range))

    def waits(self, executor: int, loop: int = 0) -> "Working":
        return self.said(executor, Waiting(job="job", loop=loop))

    def closes(self, executor: int, beyond: int = 0) -> "Working":
        return self.said(executor, LoopClosed(job="job", loop=0, beyond=beyond))

    def done(self, executor: int, lo: int, hi: int, failed: bool = False) -> "Working":
        piece = Piece(lo=lo, hi=hi, partial=SMALL, failed=failed)
        return self.said(executor, RangeDone(job="job", loop=0, piece=piece))

    def begun(self, executor: int, lo: int, hi: int) -> "Working":
        piece = Piece(lo=lo, hi=hi, partial=SMALL)
        return self.said(executor, RangeBegun(job="job", loop=0, piece=piece))

    def ended(self, executor: int, story: str = "was killed by SIGKILL (killed)") -> "Working":
        return self.handle(ExecutorEnded(executor, "executor-died", story))

    def peer(self, message: ToPeer) -> "Working":
        return self.handle(PeerSaid(message))

    def hungry_peer(self, name: str, slots: int = 1) -> "Working":
        return self.peer(StealRequest(sender=address(name), slots=slots))

    def give_to_thief(self) -> int:
        """Place a root, and give its items 50 to 100 to the peer ``thief``; the lease's number."""
        self.hungry_peer("thief").place().offer(0, work(50, 100))
        return max(lease.id for lease in self.state.ledger.leases)

    def given(self, name: str, lease: int, range: Range) -> "Working":
        return self.peer(GiveRange(sender=address(name), lease=lease, range=range))

    def piece(self, name: str, lease: int, lo: int, hi: int, failed: bool = False) -> "Working":
        piece = Piece(lo=lo, hi=hi, partial=SMALL, failed=failed)
        return self.peer(PeerPiece(sender=name, lease=lease, piece=piece))

    # ------------------------------------------------------------------ what it wanted

    def wanted(self, kind: type[C]) -> list[C]:
        return [command for command in self.last if isinstance(command, kind)]

    def to_executor(self, kind: type[C]) -> list[tuple[int, C]]:
        told = self.wanted(TellExecutor)
        return [(x.executor, x.message) for x in told if isinstance(x.message, kind)]

    def to_peers(self, kind: type[C]) -> list[tuple[str, C]]:
        told = self.wanted(TellPeer)
        return [(x.peer.name, x.message) for x in told if isinstance(x.message, kind)]

    def wanted_of_peers(self) -> list[TellPeer]:
        """Messages to peers, of any kind, in order."""
        return [x for x in self.wanted(TellPeer) if not isinstance(x.message, StealRequest)]

    def to_manager(self, kind: type[C]) -> list[C]:
        return [x.message for x in self.wanted(TellManager) if isinstance(x.message, kind)]

    @property
    def roots_run(self) -> list[tuple[int, str]]:
        return [(index, message.job) for index, message in self.to_executor(RunRoot)]

    @property
    def ranges_run(self) -> list[tuple[int, int, int]]:
        ran = self.to_executor(RunRange)
        return [(index, message.range.lo, message.range.hi) for index, message in ran]

    @property
    def given_away(self) -> list[tuple[str, int, int]]:
        gifts = self.to_peers(GiveRange)
        return [(name, message.range.lo, message.range.hi) for name, message in gifts]

    @property
    def failures(self) -> list[str]:
        done = self.to_manager(RootDone)
        return [message.failure.reason for message in done if message.failure is not None]
