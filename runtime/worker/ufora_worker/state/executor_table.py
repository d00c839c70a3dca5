"""What the supervisor knows of each of its executors, and how that may change.

========= ======================================================================================
STARTING  the process was started and is not ready
IDLE      it has nothing to do
ROOT      it runs a block
WAITING   it waits for pieces of a loop that it owns, and may run ranges of the job meanwhile
RANGE     it runs a range
STOPPING  it was told to stop and has not answered everything yet; it is killed if it takes long
DEAD      the process is gone and will be started again
========= ======================================================================================
"""

from dataclasses import dataclass, field
from enum import Enum

from ufora_core.protocol.executor import (
    FromExecutor,
    Judged,
    LoopClosed,
    Offer,
    Printed,
    RangeBegun,
    RangeDone,
    RangeStopped,
    Ready,
    RootEnded,
    Waiting,
)
from ufora_core.protocol.worker import Range


class Status(Enum):
    """See the module's table."""

    STARTING = "starting"
    IDLE = "idle"
    ROOT = "root"
    WAITING = "waiting"
    RANGE = "range"
    STOPPING = "stopping"
    DEAD = "dead"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.STARTING: frozenset({Status.IDLE, Status.DEAD}),
    Status.IDLE: frozenset({Status.ROOT, Status.RANGE, Status.DEAD}),
    Status.ROOT: frozenset({Status.WAITING, Status.IDLE, Status.STOPPING, Status.DEAD}),
    Status.WAITING: frozenset(
        {Status.ROOT, Status.RANGE, Status.IDLE, Status.STOPPING, Status.DEAD}
    ),
    Status.RANGE: frozenset(
        {Status.IDLE, Status.ROOT, Status.WAITING, Status.STOPPING, Status.DEAD}
    ),
    Status.STOPPING: frozenset({Status.IDLE, Status.DEAD}),
    Status.DEAD: frozenset({Status.STARTING}),
}

_RUNNING = frozenset({Status.ROOT, Status.WAITING, Status.RANGE, Status.STOPPING})

#: In which states an executor may send a message; one that does anything else is broken. An idle
#: one may answer for a range that was taken from it when its root ended.
MAY_SEND: dict[type[FromExecutor], frozenset[Status]] = {
    Ready: frozenset({Status.STARTING}),
    Offer: _RUNNING,
    Waiting: _RUNNING,
    LoopClosed: _RUNNING,
    RangeDone: _RUNNING | {Status.IDLE},
    RangeBegun: _RUNNING,
    RangeStopped: _RUNNING | {Status.IDLE},
    Judged: _RUNNING,
    Printed: _RUNNING,
    RootEnded: _RUNNING,
}


@dataclass(slots=True)
class Run:
    """A range that the executor was given. ``lease`` is None once nobody needs it any more."""

    range: Range
    lease: int | None
    number: int | None = None

    def __post_init__(self) -> None:
        self.number = self.lease

    def of(self, job: str, loop: int) -> bool:
        """True for a range of this loop."""
        return (self.range.job, self.range.loop) == (job, loop)

    def covers(self, range: Range) -> bool:
        """True when ``range`` is a part of what was given, given away meanwhile or not."""
        return self.of(range.job, range.loop) and self.range.lo <= range.lo < self.range.hi


@dataclass(frozen=True, slots=True)
class Wait:
    """A loop that the executor owns, and whose other items it waits for."""

    loop: int


@dataclass(slots=True)
class ExecutorRecord:
    """One executor. What it is in the middle of is a stack: its root, if it has one, and above it
    loops that it waits for and ranges that it runs meanwhile, each for the one below."""

    index: int
    status: Status = Status.DEAD
    #: Job of the block that it runs.
    root: str | None = None
    #: Characters that the block has printed.
    printed: int = 0
    #: What stands above the root, innermost last; after each ``Wait`` comes at most a ``Run``.
    frames: list[Run | Wait] = field(default_factory=list)
    #: It was told to give away what is behind its slice.
    yielding: bool = False
    #: Ranges that were taken back before it began them, of which it has not said yet that it knows.
    unanswered: list[Run] = field(default_factory=list)
    #: Number of the last stop; it makes each stop word different from the one before.
    stops: int = 0
    #: When a stop or a start has taken too long (seconds on the driver's clock).
    deadline: float | None = None
    #: When a dead one is started again.
    restart_at: float = 0.0
    #: Ends in a row without ``Ready`` in between.
    failed_starts: int = 0

    @property
    def runs(self) -> list[Run]:
        """The ranges that it was given and has not answered, innermost last."""
        return [frame for frame in self.frames if isinstance(frame, Run)]

    @property
    def leases(self) -> list[int]:
        """Those of them that somebody needs."""
        return [run.lease for run in self.runs if run.lease is not None]

    @property
    def top(self) -> Run | None:
        """The range that it runs just now."""
        last = self.frames[-1] if self.frames else None
        return last if isinstance(last, Run) else None

    @property
    def job(self) -> str | None:
        """The job that it works for: it helps no other one."""
        runs = self.runs
        return self.root if self.root is not None or not runs else runs[0].range.job

    @property
    def waited(self) -> int | None:
        """The loop that it waits for; None when it does not wait."""
        last = self.frames[-1] if self.frames else None
        return last.loop if isinstance(last, Wait) else None

    @property
    def doing(self) -> Status:
        """The state that belongs to its stack."""
        if self.frames:
            return Status.RANGE if self.waited is None else Status.WAITING
        return Status.IDLE if self.root is None else Status.ROOT

    def source_of(self, range: Range, number: int | None) -> Run | None:
        """The one of its ranges of which ``range`` is a part; None when it owns the loop."""
        for run in reversed(self.runs):
            if run.covers(range) and number in (None, run.number):
                return run
        return None

    def answer(self, job: str, loop: int, number: int | None) -> bool:
        """Cross off a range that was taken back; False when none fits.

        Each ``RunRange`` is answered once.
        """
        for gone in self.unanswered:
            if gone.of(job, loop) and number in (None, gone.number):
                self.unanswered.remove(gone)
                return True
        return False
