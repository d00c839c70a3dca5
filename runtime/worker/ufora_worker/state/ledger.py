"""The books of one worker, and the moves that keep them consistent.

A *move* changes several records together and writes the commands that make it so outside. What
arrives is turned into moves by ``orders`` (manager), ``reports`` (executors) and ``trades``
(peers); what follows from the new situation is found by ``dispatch``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from ufora_core.protocol.executor import LoopLost, RunRange, TakePiece
from ufora_core.protocol.parts import Failure, Payload, WorkerAddress
from ufora_core.protocol.worker import (
    Abandon,
    Hungry,
    PeerPiece,
    Piece,
    PlaceRoot,
    Range,
    ReturnRange,
    RootDone,
    RootProgress,
    StillHolds,
    ToPeer,
)
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import (
    CancelFetch,
    Command,
    FetchObjects,
    SetHungry,
    SetStop,
    StartExecutor,
    TellExecutor,
    TellManager,
    TellPeer,
)
from ufora_worker.state.executor_table import TRANSITIONS, ExecutorRecord, Run, Status
from ufora_worker.state.leases import (
    Arriving,
    AtPeer,
    Fetching,
    Giver,
    Home,
    Interval,
    Lease,
    LeaseBook,
    OnExecutor,
    Origin,
    Queued,
    below,
)

#: Seconds that an executor has to react to a stop. A cancelled job is to be gone within one second,
#: and a killed executor takes about 0.2 s of it.
STOP_SECONDS = 0.7
#: Seconds after which a process that is not ready counts as stuck; a loaded machine is slow.
START_SECONDS = 60.0
#: Jobs that ended here and that are remembered: far more than can be on their way at once.
MOST_ENDED = 1000
#: A range that ends this many executors is at fault itself.
MOST_STRIKES = 3


@dataclass(slots=True)
class Root:
    """A job whose block runs here, or is about to."""

    order: PlaceRoot
    #: Number of its ``FetchObjects``; None once everything is here.
    ticket: int | None
    executor: int | None = None
    cancelled: bool = False
    progress: RootProgress | None = None
    #: When the executor is asked whether the block could run twice; None once it was.
    ask_at: float | None = None
    #: What it answered.
    repeatable: bool | None = None


@dataclass(slots=True)
class PeerRecord:
    """Another worker: what it asked for and has not got, and what we asked of it."""

    address: WorkerAddress
    slots: int = 0
    waiting: tuple[tuple[str, int], ...] = ()
    #: It could not run what it was given: nothing is given to it until then.
    trusted_at: float = 0.0
    #: The manager said that it has work.
    has_work: bool = False
    #: Number of the last lease that it gave; numbers only grow, so a smaller one came before.
    last_lease: int = 0
    told_slots: int = 0
    told_waiting: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Ledger:
    """Everything that the worker knows. Only moves, and the modules named above, change it."""

    address: WorkerAddress
    executors: list[ExecutorRecord]
    leases: LeaseBook
    roots: dict[str, Root] = field(default_factory=dict)
    #: Jobs whose root ended here lately, oldest first: one that is placed again does not run again.
    ended: dict[str, None] = field(default_factory=dict)
    peers: dict[str, PeerRecord] = field(default_factory=dict)
    #: What the executors' hungry word and the manager were told last.
    hungry: SetHungry = field(default_factory=lambda: SetHungry(0, 0))
    told_manager: Hungry | None = None
    #: When the manager is to hear of a change, if that lasts.
    tell_manager_at: float | None = None
    #: Nothing new is taken, and what is held goes back; see ``retirement``.
    retiring: bool = False
    #: This process was told to stop, so no order can make it stay.
    leaving: bool = False
    #: What the manager was told last of what is still here.
    told_holdings: StillHolds | None = None
    now: float = 0.0
    commands: list[Command] = field(default_factory=list)

    # ------------------------------------------------------------------ executors

    def move(self, executor: ExecutorRecord, status: Status) -> None:
        """Change an executor's state.

        Raises:
            RefusedEvent: the table has no such transition.
        """
        if status not in TRANSITIONS[executor.status]:
            raise RefusedEvent(
                f"executor {executor.index} cannot go from {executor.status.value} "
                f"to {status.value}"
            )
        executor.status = status

    def start(self, executor: ExecutorRecord) -> None:
        """Start a dead executor's process."""
        self.move(executor, Status.STARTING)
        executor.deadline = self.now + START_SECONDS
        self.commands += [SetStop(executor.index, 0), StartExecutor(executor.index)]

    def stop(self, executor: ExecutorRecord) -> None:
        """Tell an executor to stop all that it does; nobody needs the loops that it owns."""
        self.move(executor, Status.STOPPING)
        executor.stops += 1
        executor.deadline = self.now + STOP_SECONDS
        self.commands.append(SetStop(executor.index, executor.stops))
        self.cut(self.leases.of_origin(Home(executor.index)), 0)

    def free(self, executor: ExecutorRecord) -> None:
        """The executor has nothing to do any more."""
        if executor.status is Status.STOPPING:
            self.commands.append(SetStop(executor.index, 0))
        self.move(executor, Status.IDLE)
        executor.frames.clear()
        executor.deadline = None

    def go_on(self, executor: ExecutorRecord) -> None:
        """The executor goes on with what its stack says; it stops if nobody needs that."""
        if executor.root is None and not executor.leases:
            if executor.runs:
                self.stop(executor)
            else:
                self.free(executor)
        elif executor.status is not executor.doing:
            self.move(executor, executor.doing)

    # ------------------------------------------------------------------ leases

    def run(self, lease: Lease, executor: ExecutorRecord) -> None:
        """Give a lease to an executor of this worker that is idle or waits."""
        message = RunRange(
            range=lease.range,
            waited=executor.waited,
            number=lease.id,
            home=isinstance(lease.origin, Home),
        )
        executor.frames.append(Run(lease.range, lease.id))
        self.move(executor, Status.RANGE)
        lease.holder = OnExecutor(executor.index)
        self.commands.append(TellExecutor(executor.index, message))

    def take_from_executor(self, lease: Lease, executor: ExecutorRecord) -> None:
        """Nobody needs what the executor runs: stop it, unless it is in the middle of something
        else, for which it must run this to its end."""
        taken = [run for run in executor.runs if run.lease == lease.id]
        for run in taken:
            run.lease = None
        if taken and executor.status is not Status.STOPPING:
            self.go_on(executor)

    def cut(self, leases: Iterable[Lease], beyond: int) -> None:
        """Items of these leases at or past ``beyond`` are not needed any more."""
        for lease in leases:
            if self.leases.get(lease.id) is None:
                continue  # its owner was stopped by what was cut before
            if isinstance(lease.holder, AtPeer):
                self._cut_at_peer(lease, lease.holder, beyond)
            else:
                self._cut_here(lease, beyond)
            lease.beyond = beyond if lease.beyond is None else min(beyond, lease.beyond)

    def _cut_at_peer(self, lease: Lease, holder: AtPeer, beyond: int) -> None:
        out = below(holder.out, beyond)
        if out == holder.out:
            return
        message = Abandon(
            job=lease.range.job,
            loop=lease.range.loop,
            beyond=beyond,
            sender=self.address.name,
            lease=lease.id,
        )
        self.tell_peer(holder.worker, message)
        lease.holder = AtPeer(holder.worker, out)
        if not out:
            self.leases.remove(lease)

    def _cut_here(self, lease: Lease, beyond: int) -> None:
        range, holder = lease.range, lease.holder
        if range.lo >= beyond:
            self.leases.remove(lease)
            if isinstance(holder, OnExecutor):
                self.take_from_executor(lease, self.executors[holder.executor])
            elif isinstance(holder, Fetching | Arriving):
                self.commands.append(CancelFetch(lease.id))
        elif isinstance(holder, Queued | Fetching):
            lease.range = replace(range, hi=min(range.hi, beyond))

    def close(self, job: str, loop: int | None = None, beyond: int = 0) -> None:
        """The owner, which is here, needs no items at or past ``beyond`` (of one loop, or any)."""
        leases = [x for x in self.leases.of_job(job) if loop in (None, x.range.loop)]
        self.cut(leases, beyond)
        for lease in leases:
            # It came back here by way of other workers, who are to close their leases as well.
            if isinstance(lease.origin, Giver) and self.leases.get(lease.id) is None:
                over = Failure("cancelled", f"Loop {lease.range.loop} of job {job} is over.")
                self.give_back(lease.origin, over.message, over)

    def requeue(self, lease: Lease, intervals: Iterable[Interval]) -> None:
        """Close a lease and write new ones for what is left, so that late pieces do not count."""
        self.leases.remove(lease)
        for interval in intervals:
            self.leases.split(lease, interval, Queued())

    def lose(self, lease: Lease, failure: Failure) -> None:
        """Close a lease that cannot be run, and say so to its origin."""
        self.leases.remove(lease)
        range, origin = lease.range, lease.origin
        if isinstance(origin, Home):
            lost = LoopLost(job=range.job, loop=range.loop, failure=failure)
            self.commands.append(TellExecutor(origin.executor, lost))
        else:
            self.give_back(origin, failure.message, failure)

    def give_back(self, origin: Giver, reason: str, failure: Failure | None = None) -> None:
        """Tell a giver that its lease, or the rest of it, is not run here."""
        message = ReturnRange(
            sender=self.address.name, lease=origin.lease, reason=reason, failure=failure
        )
        self.tell_peer(origin.worker, message)

    def deliver(self, range: Range, origin: Origin, piece: Piece) -> None:
        """Send a piece on its way to the root."""
        if isinstance(origin, Home):
            taken = TakePiece(job=range.job, loop=range.loop, piece=piece)
            self.commands.append(TellExecutor(origin.executor, taken))
        else:
            message = PeerPiece(sender=self.address.name, lease=origin.lease, piece=piece)
            self.tell_peer(origin.worker, message)

    def tell_peer(self, worker: str, message: ToPeer) -> None:
        """Send to a peer that is known; one that left meanwhile needs nothing."""
        peer = self.peers.get(worker)
        if peer is not None:
            self.commands.append(TellPeer(peer.address, message))

    def fetch(self, ticket: int, objects: Iterable[Payload], source: WorkerAddress | None) -> bool:
        """Ask for the objects that do not ride inside their message; False if there are none."""
        named = tuple(payload for payload in objects if payload.data is None)
        if named:
            self.commands.append(FetchObjects(ticket, named, source))
        return bool(named)

    # ------------------------------------------------------------------ roots

    def end_root(self, job: str, done: RootDone) -> None:
        """The block is over: report it, and drop everything that was done for it."""
        root = self.roots.pop(job)
        self.ended[job] = None
        if len(self.ended) > MOST_ENDED:
            del self.ended[next(iter(self.ended))]
        if root.ticket is not None:
            self.commands.append(CancelFetch(root.ticket))
        self.close(job)
        if root.executor is not None:
            executor = self.executors[root.executor]
            # It did not begin what it has not answered: it waits for nothing any more.
            executor.unanswered += executor.runs
            executor.frames.clear()
            executor.root = None
        self.commands.append(TellManager(done))
