"""What the supervisor knows of each of its executors, and how that may change.

========= ======================================================================================
STARTING  the process was started and is not ready
IDLE      it has nothing to do
ROOT      it runs a block
WAITING   it runs a block that waits for pieces of one loop, and may run ranges of that loop
RANGE     it runs a range: an executor of its own, or the block's while the block waits
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
    RangeStopped: _RUNNING | {Status.IDLE},
    Judged: _RUNNING,
    Printed: _RUNNING,
    RootEnded: _RUNNING,
}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A range that was taken from an executor, which has not said yet that it knows."""

    job: str
    loop: int
    lo: int
    hi: int


@dataclass(slots=True)
class ExecutorRecord:
    """One executor. A root's executor keeps ``root`` while it also runs a ``lease``."""

    index: int
    status: Status = Status.DEAD
    #: Job of the block that it runs.
    root: str | None = None
    #: Characters that the block has printed.
    printed: int = 0
    #: Loop that the root waited for last.
    loop: int = 0
    #: Lease of the range that it runs.
    lease: int | None = None
    #: It was told to give away what is behind its slice.
    yielding: bool = False
    unanswered: list[Unanswered] = field(default_factory=list)
    #: Number of the last stop; it makes each stop word different from the one before.
    stops: int = 0
    #: When a stop or a start has taken too long (seconds on the driver's clock).
    deadline: float | None = None
    #: When a dead one is started again.
    restart_at: float = 0.0
    #: Ends in a row without ``Ready`` in between.
    failed_starts: int = 0

    def gave_up(self, range: Range) -> bool:
        """True when ``range`` is part of one that was taken away."""
        return any(
            (range.job, range.loop) == (gone.job, gone.loop) and gone.lo <= range.lo < gone.hi
            for gone in self.unanswered
        )

    def answer(self, job: str, loop: int, lo: int | None) -> bool:
        """Cross off a range that was taken away; False when none fits. ``lo`` None: any.

        Each ``RunRange`` is answered once, and in order.
        """
        for gone in self.unanswered:
            if (gone.job, gone.loop) == (job, loop) and lo in (None, gone.lo):
                self.unanswered.remove(gone)
                return True
        return False
