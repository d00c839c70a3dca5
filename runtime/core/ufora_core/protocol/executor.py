"""Supervisor <-> executor, over a socket pair that only these two hold."""

from typing import Literal

from ufora_core.protocol.parts import ExecutorUse, Failure, Message, Payload
from ufora_core.protocol.worker import Piece, Range

# --------------------------------------------------------------------- supervisor -> executor


class RunRoot(Message, frozen=True, kw_only=True):
    """Run the block of this program; every object it needs is in the local store."""

    job: str
    program: Payload


class RunRange(Message, frozen=True, kw_only=True):
    """Run these items; every object they need is in the local store."""

    range: Range
    #: Loop that the executor waits for, as far as the sender knows (None: it is idle). An executor
    #: that does not wait for it any more refuses the range.
    waited: int | None = None
    #: Names it in what the executor says of it: it may hold several ranges of one loop.
    number: int | None = None
    #: The owner of the loop is an executor of the same worker: files of the worker's may hold what
    #: only it reads.
    home: bool = False


class TakePiece(Message, frozen=True, kw_only=True):
    """For the owner of a loop: a part of it that somebody else ran."""

    job: str
    loop: int
    piece: Piece


class LoopLost(Message, frozen=True, kw_only=True):
    """For the owner of a loop: items of it cannot be run (they end every executor that tries)."""

    job: str
    loop: int
    failure: Failure


ToExecutor = RunRoot | RunRange | TakePiece | LoopLost

# --------------------------------------------------------------------- executor -> supervisor


class Ready(Message, frozen=True, kw_only=True):
    """The executor can take work."""

    pid: int


class Offer(Message, frozen=True, kw_only=True):
    """The back half of what the executor runs, given away because somebody is hungry."""

    range: Range
    #: Of the ``RunRange`` of which it is a part; None for a loop that the executor owns.
    number: int | None = None


class Waiting(Message, frozen=True, kw_only=True):
    """The executor has run its own items of a loop that it owns, and waits for the pieces of the
    others; it can run ranges of this job meanwhile."""

    job: str
    loop: int


class LoopClosed(Message, frozen=True, kw_only=True):
    """The owner needs no item at or past ``beyond`` (0: none at all) of this loop."""

    job: str
    loop: int
    beyond: int = 0


class RangeDone(Message, frozen=True, kw_only=True):
    """The rest of the range that the executor was given, after what it offered away."""

    job: str
    loop: int
    piece: Piece


class RangeBegun(Message, frozen=True, kw_only=True):
    """The front of the range that the executor was given, which goes on with what is behind it."""

    job: str
    loop: int
    piece: Piece


class RangeStopped(Message, frozen=True, kw_only=True):
    """Nothing of the range is done: the executor stopped at the supervisor's word, or does not
    wait any more. With ``failure`` it is no use to run it again."""

    job: str
    loop: int
    failure: Failure | None = None
    #: Of the ``RunRange``.
    number: int | None = None


class Judged(Message, frozen=True, kw_only=True):
    """The answer to the supervisor's signal that the root has been running for a while: whether
    anybody could notice if it were run once more from its beginning."""

    job: str
    repeatable: bool


class Printed(Message, frozen=True, kw_only=True):
    """Text that the block printed."""

    job: str
    stream: Literal["stdout", "stderr"]
    text: str


class RootEnded(Message, frozen=True, kw_only=True):
    """The block ended."""

    job: str
    result: Payload | None = None
    objects: tuple[Payload, ...] = ()
    failure: Failure | None = None
    #: What every executor that took part did, this one included.
    use: tuple[ExecutorUse, ...] = ()


FromExecutor = (
    Ready
    | Offer
    | Waiting
    | LoopClosed
    | RangeDone
    | RangeBegun
    | RangeStopped
    | Judged
    | Printed
    | RootEnded
)
