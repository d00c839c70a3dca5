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


class TakePiece(Message, frozen=True, kw_only=True):
    """For the root: a part of its loop that somebody else ran."""

    job: str
    loop: int
    piece: Piece


class LoopLost(Message, frozen=True, kw_only=True):
    """For the root: items of its loop cannot be run (they end every executor that tries)."""

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


class Waiting(Message, frozen=True, kw_only=True):
    """The root has run its own items and waits for pieces; it can run ranges of its job."""

    job: str
    loop: int


class LoopClosed(Message, frozen=True, kw_only=True):
    """The root needs no item at or past ``beyond`` (0: none at all) of this loop."""

    job: str
    loop: int
    beyond: int = 0


class RangeDone(Message, frozen=True, kw_only=True):
    """The rest of the range that the executor was given, after what it offered away."""

    job: str
    loop: int
    piece: Piece


class RangeStopped(Message, frozen=True, kw_only=True):
    """The executor stopped at the supervisor's word; nothing of the range is done."""

    job: str
    loop: int


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
    Ready | Offer | Waiting | LoopClosed | RangeDone | RangeStopped | Judged | Printed | RootEnded
)
