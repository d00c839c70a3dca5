"""Worker <-> manager (registry port) and worker <-> worker (control port).

Intervals are half open, ``lo <= index < hi``, in the index space of one loop's items.
"""

from typing import Literal

import msgspec

from ufora_core.protocol.parts import ExecutorUse, Failure, Message, Payload, WorkerAddress


class Range(msgspec.Struct, frozen=True):
    """Items ``[lo, hi)`` of a loop, with everything that is needed to run them anywhere."""

    job: str
    #: Number of the loop within the job, given by the executor that owns it.
    loop: int
    lo: int
    hi: int
    #: The loop's code and the values it reads (an encoded ``LoopTask``).
    task: Payload
    needs: tuple[Payload, ...] = ()
    #: Ship every value instead of a compact partial result.
    values: bool = False


class Piece(msgspec.Struct, frozen=True):
    """The result of items ``[lo, hi)``; with ``failed``, item ``hi`` raised and is to be run again
    by the root, which raises the exception where the user's code stands."""

    lo: int
    hi: int
    partial: Payload
    needs: tuple[Payload, ...] = ()
    failed: bool = False
    #: The result of the whole loop is decided by this piece (``any``, ``all``).
    decides: bool = False
    use: ExecutorUse | None = None
    #: What others did for loops inside these items.
    helpers: tuple[ExecutorUse, ...] = ()


# --------------------------------------------------------------------- worker -> manager


class Hello(Message, frozen=True, kw_only=True):
    """First message of a worker, and again whenever the manager does not know it."""

    protocol: int
    release: str
    python: str
    address: WorkerAddress
    executors: int
    #: Number of this start of the worker's process, to tell a restart from a reconnect.
    incarnation: str
    #: Jobs whose root runs here (after a reconnect).
    roots: tuple[str, ...] = ()
    #: The worker uses the manager's own store directory: nothing needs to be sent to it.
    shares_store: bool = False
    #: Fingerprints of the tokens that this worker accepts, the one it sends first.
    tokens: tuple[str, ...] = ()
    #: The worker is about to stop and takes no new work (see ``Leaving``).
    leaving: bool = False


class Heartbeat(Message, frozen=True, kw_only=True):
    """Sent every second. ``idle`` executors have nothing to do."""

    incarnation: str
    idle: int
    memory_bytes: int = 0
    #: Fingerprints of the tokens that this worker accepts, the one it sends first.
    tokens: tuple[str, ...] = ()


class Hungry(Message, frozen=True, kw_only=True):
    """The number of executors without work changed; the manager answers with ``WorkAt``."""

    slots: int


class RootStarted(Message, frozen=True, kw_only=True):
    """User code of this root has been running for a while. ``repeatable``: nobody could notice if
    the block were run once more from its beginning, so a root that dies is."""

    job: str
    repeatable: bool


class RootReturned(Message, frozen=True, kw_only=True):
    """The worker retires and has not begun this root: place it elsewhere."""

    job: str


class RootProgress(Message, frozen=True, kw_only=True):
    """Items of the outermost loop that ``job`` runs now."""

    job: str
    items_done: int
    items_total: int
    executors: int


class RootOutput(Message, frozen=True, kw_only=True):
    """Text that the root printed, in order."""

    job: str
    stream: Literal["stdout", "stderr"]
    text: str
    #: Characters that it printed before, to either stream; None when nobody counted them.
    at: int | None = None


class RootDone(Message, frozen=True, kw_only=True):
    """The root of a job ended; exactly one of ``result`` and ``failure`` is there."""

    job: str
    result: Payload | None = None
    objects: tuple[Payload, ...] = ()
    failure: Failure | None = None
    use: tuple[ExecutorUse, ...] = ()


class Leaving(Message, frozen=True, kw_only=True):
    """The worker was told to stop (SIGTERM) and wants to hand over what it holds before; the
    manager answers with ``Retire``, and with ``Farewell`` when nothing is left."""

    reason: str = ""


class StillHolds(Message, frozen=True, kw_only=True):
    """What a retiring worker still has to finish or to hand over; sent when it changes."""

    #: Roots that run here.
    roots: int
    #: Ranges that run here for other workers, or that other workers run for roots here.
    ranges: int


class Goodbye(Message, frozen=True, kw_only=True):
    """The worker stops on purpose."""

    reason: str = ""


ToManager = (
    Hello
    | Heartbeat
    | Hungry
    | RootStarted
    | RootReturned
    | RootProgress
    | RootOutput
    | RootDone
    | Leaving
    | StillHolds
    | Goodbye
)

# --------------------------------------------------------------------- manager -> worker


class Welcome(Message, frozen=True, kw_only=True):
    """The worker is registered. A worker that can read ``store_proof`` in ``store_path`` shares a
    file system with the manager and uses its object store directly."""

    release: str
    manager: str
    store_path: str
    store_proof: str


class Refused(Message, frozen=True, kw_only=True):
    """The worker is not registered, and why; it exits."""

    reason: str


class Introduce(Message, frozen=True, kw_only=True):
    """The manager does not know the sender (it restarted): say ``Hello`` again."""


class Retire(Message, frozen=True, kw_only=True):
    """Take no new work, hand over what was not begun, and say with ``StillHolds`` what is left.
    Roots that run go on to their end."""


class Unretire(Message, frozen=True, kw_only=True):
    """The order to retire is taken back: work as before."""


class Farewell(Message, frozen=True, kw_only=True):
    """A worker that retired has nothing any more that anybody needs: it exits."""


class PlaceRoot(Message, frozen=True, kw_only=True):
    """Run this program's block on one of your executors."""

    job: str
    program: Payload
    needs: tuple[Payload, ...] = ()


class CancelRoot(Message, frozen=True, kw_only=True):
    """Stop everything of this job."""

    job: str


class WorkAt(Message, frozen=True, kw_only=True):
    """Workers that have work which may be split, best first; an empty list takes it back."""

    workers: tuple[WorkerAddress, ...]


class PeerLeft(Message, frozen=True, kw_only=True):
    """A worker is gone: what it held for you is to be run again."""

    worker: str


class ForgetObjects(Message, frozen=True, kw_only=True):
    """Nobody needs these objects any more."""

    digests: tuple[str, ...]


class HeartbeatSeen(Message, frozen=True, kw_only=True):
    """The manager heard the last heartbeat."""


ToWorker = (
    Welcome
    | Refused
    | Introduce
    | Retire
    | Unretire
    | Farewell
    | PlaceRoot
    | CancelRoot
    | WorkAt
    | PeerLeft
    | ForgetObjects
    | HeartbeatSeen
)

# --------------------------------------------------------------------- worker -> worker


class StealRequest(Message, frozen=True, kw_only=True):
    """``slots`` executors of the sender are idle; replaces what it asked for before (0: none)."""

    sender: WorkerAddress
    slots: int
    #: ``(job, loop)`` of executors at the sender that wait for this loop; each takes one range of
    #: the job.
    waiting: tuple[tuple[str, int], ...] = ()


class GiveRange(Message, frozen=True, kw_only=True):
    """A range for the receiver. ``lease`` names it in the sender's books until it is all back."""

    sender: WorkerAddress
    lease: int
    range: Range


class PeerPiece(Message, frozen=True, kw_only=True):
    """Part of what was leased is done."""

    sender: str
    lease: int
    piece: Piece


class ReturnRange(Message, frozen=True, kw_only=True):
    """The receiver's lease, or what was left of it, could not be run here, and why."""

    sender: str
    #: 0: every lease that the receiver gave to the sender (the link between them broke).
    lease: int
    reason: str
    #: Set when it is no use to run the range anywhere: it ended every executor that tried.
    failure: Failure | None = None


class Recall(Message, frozen=True, kw_only=True):
    """The sender retires and wants its lease back: what is done of it comes as pieces, and the rest
    by ``ReturnRange``."""

    sender: str
    lease: int


class Abandon(Message, frozen=True, kw_only=True):
    """Items at or past ``beyond`` of this loop are not needed any more."""

    job: str
    loop: int
    beyond: int
    #: Only this lease is meant: others of the loop may have come another way, and be needed.
    sender: str = ""
    lease: int = 0


ToPeer = StealRequest | GiveRange | PeerPiece | ReturnRange | Recall | Abandon
