"""The root's side of a loop: run the front, give the back away, put the pieces together.

The root owns a loop. Whatever it gives away comes back as pieces, each with its interval; the root
takes them in the order of their items, stops at the first that failed or decided the loop, and only
then folds. An item that raised is run again here, so the exception appears where the user's code
stands, with its own traceback.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ufora_core import program
from ufora_core.compiler.sites import SiteKind
from ufora_core.protocol.executor import (
    Judged,
    LoopClosed,
    LoopLost,
    Offer,
    TakePiece,
    Waiting,
)
from ufora_core.protocol.parts import ExecutorUse, Failure, Payload
from ufora_core.protocol.worker import Piece, Range
from ufora_core.store import ObjectStore
from ufora_core.values.encode import Encoder
from ufora_worker.loops import Loop, Place
from ufora_worker.partials import Stored, decode_partial, keep
from ufora_worker.ranges import SliceCall
from ufora_worker.shapes import Accumulator, LiveSegment, accumulator, finish, shipping_ns


class LoopFailed(BaseException):
    """Items of a loop cannot be run anywhere; the job ends with this failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Link(Protocol):
    """What a root needs of the process around it."""

    def send(self, message: Offer | Waiting | LoopClosed | Judged) -> None:
        """Pass a message to the supervisor."""

    def wait(self, job: str, loop: int) -> TakePiece | LoopLost:
        """The next word about a loop; runs ranges of this one while there is none."""


@dataclass(slots=True)
class RootLoop:
    """One loop of a job, at its root."""

    job: str
    number: int
    kind: SiteKind
    body: SliceCall
    items: Sequence[Any]
    #: All items run before the fold looks at the first (``Site.eager``).
    eager: bool
    #: ``sum``'s start or ``min``'s default, when the user gave one.
    operand: tuple[Any, ...]
    python: tuple[int, int]
    recursion_limit: int
    place: Place
    store: ObjectStore
    link: Link
    on_use: Callable[[ExecutorUse], None]
    on_own_use: Callable[[Loop], None]

    _results: Accumulator = field(init=False)
    _task: Stored | None = field(default=None, init=False)
    _task_objects: Sequence[Any] = field(default=(), init=False)
    _pieces: dict[int, Piece] = field(default_factory=dict, init=False)
    _done: int = field(default=0, init=False)
    #: What has to be run again by the root, or None.
    _failed_at: int | None = field(default=None, init=False)

    def run(self) -> Any:
        """The value of the whole expression. Sites inside its items run as they were written.

        Raises:
            Exception: what the user's code raises first, in the order of the items.
            LoopFailed: items end every process that tries to run them.
        """
        self._results = accumulator(self.kind)
        loop = Loop(
            self.body,
            self.items,
            0,
            len(self.items),
            self._results,
            self.place,
            self._give,
            self._count,
            task_ns=self._task_ns(),
        )
        try:
            loop.run()
        finally:
            self.on_own_use(loop)
        segments = list(self._results.segments)
        self._failed_at = loop.next if loop.failed else None
        if not loop.failed and not loop.decided and loop.next < len(self.items):
            self._collect(loop.next, segments)
        self._close()
        if self._failed_at is not None:
            self._run_rest(self._failed_at, segments)
        return finish(self.kind, segments, self.operand, self.python, self._rerun)

    def _give(self, lo: int, hi: int) -> None:
        if self._task is None:
            self._task = self._encode_task()
        work = Range(
            job=self.job,
            loop=self.number,
            lo=lo,
            hi=hi,
            task=self._task.payload,
            needs=self._task.needs,
            values=self._results.keep_values,
        )
        self.link.send(Offer(range=work))

    def _task_ns(self) -> float:
        """About what it takes to encode the items; code and other values take little."""
        if isinstance(self.items, list | tuple):
            return len(self.items) * shipping_ns(self.items)
        return 0.0

    def _encode_task(self) -> Stored:
        encoder = Encoder()
        task = program.LoopTask(
            kind=self.kind.name,
            slice=encoder.item(self.body.function),
            iterable=encoder.item(self.items),
            arguments=[encoder.item(value) for value in self.body.arguments],
            graph=encoder.graph(),
            python=self.python,
            recursion_limit=self.recursion_limit,
        )
        self._task_objects = encoder.objects
        return keep(self.store, program.encode(task), encoder)

    def _count(self, items: int) -> None:
        self._done += items
        self.place.words.set_progress(self.place.executor, self._done, len(self.items))

    def _collect(self, position: int, segments: list[LiveSegment]) -> None:
        """Append the segments of ``[position, end)`` in order, until one ends the loop early."""
        if position not in self._pieces:
            self.link.send(Waiting(job=self.job, loop=self.number))
        while position < len(self.items):
            while position not in self._pieces:
                self._take(self.link.wait(self.job, self.number))
            piece = self._pieces.pop(position)
            segments.extend(decode_partial(self.store, piece.partial, self._task_objects))
            self._discard(piece.partial)
            position = piece.hi
            if piece.failed:
                self._failed_at = position
            if piece.failed or piece.decides:
                return

    def _take(self, message: TakePiece | LoopLost) -> None:
        if message.job != self.job or message.loop != self.number:
            return  # word about a loop that ended early
        if isinstance(message, LoopLost):
            raise LoopFailed(message.failure)
        piece = message.piece
        self._pieces[piece.lo] = piece
        self._count(piece.hi - piece.lo)
        if piece.use is not None:
            self.on_use(piece.use)
        if piece.failed or piece.decides:
            closed = LoopClosed(job=self.job, loop=self.number, beyond=piece.hi)
            self.link.send(closed)

    def _close(self) -> None:
        """Nothing of this loop is wanted any more; what nobody will merge is removed."""
        if self._task is None:
            return
        self.link.send(LoopClosed(job=self.job, loop=self.number, beyond=0))
        for piece in self._pieces.values():
            self._discard(piece.partial)
        self._pieces.clear()

    def _discard(self, partial: Payload) -> None:
        if partial.data is None:
            self.store.delete(partial.digest)

    def _run_rest(self, index: int, segments: list[LiveSegment]) -> None:
        """Item ``index`` raised somewhere. Raise here what Python would have raised: while folding
        what came before, or at that item. Should it not raise here (memory, recursion depth), go
        on from it alone."""
        if segments and not self.eager:
            finish(self.kind, segments, self.operand, self.python, self._rerun)
        rest = accumulator(self.kind, keep_values=True)
        rest.add(self.body.run_exactly(self.items[index:]), index, len(self.items))
        segments.extend(rest.segments)

    def _rerun(self, lo: int, hi: int) -> list[Any]:
        values: list[Any] = self.body.run(self.items[lo:hi])
        return values
