"""The owner's side of a loop: run the front, give the back away, put the pieces together.

The executor that reaches a site owns its loop: the root, or one that runs an item of another loop.
Whatever it gives away comes back as pieces, each with its interval; the owner takes them in the
order of their items, stops at the first that failed or decided the loop, and only then folds. An
item that raised is run again here, so the exception appears where the user's code stands, with its
own traceback.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ufora_core.compiler.sites.rewriting import SiteKind
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
from ufora_worker.executor.chronicle import Tally
from ufora_worker.executor.interpreter import frames_left, own_frames
from ufora_worker.loops.float_files import FloatReader, sweep
from ufora_worker.loops.folds import Fold
from ufora_worker.loops.loop import Loop, Place
from ufora_worker.loops.partials import AGAIN, decode_partial
from ufora_worker.loops.ranges import SliceCall, use_of
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import Accumulator, accumulator, finish
from ufora_worker.loops.sums import Summed, join
from ufora_worker.loops.tasks import Task
from ufora_worker.native.body import NativeItems
from ufora_worker.native.float_fold import FloatFold

#: Frames of this package between the user's code at a site and the user's code in an item.
_OWN_FRAMES = 10
#: What it takes a thief to get ready for a loop, measured; of an outermost loop it is part of what
#: the first steal costs, and that comes once.
_NESTED_TASK_NS = 5_000_000.0
#: The values of calls count so many times: what the calls give may be as large.
_CALLS_TIMES = 2.0


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
class Window:
    """A part of a loop's items, of which one part after the other is run (``for_loops``). They
    share native code, and what thieves need."""

    first: int
    end: int
    #: The part before this one.
    earlier: "RootLoop | None"
    #: Parts may be left out at the end, so that what thieves need may have been encoded in vain.
    may_be_last: bool


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
    #: The reducer, where the root calls it on all values; None where the kind says what to do.
    fold: Fold | None
    python: tuple[int, int]
    place: Place
    store: ObjectStore
    link: Link
    on_use: Callable[[ExecutorUse], None]
    #: Name of this worker.
    worker: str
    #: The items to run; None: all of them.
    window: Window | None = None
    #: Nanoseconds that giving its items away has to gain besides, by what is known of such items.
    burden: Callable[[], float] = float
    #: What all executors together did.
    tally: Tally = field(default_factory=Tally, init=False)
    #: The first item that raised, which the root has to run again; or None.
    failed_at: int | None = field(default=None, init=False)

    _results: Accumulator = field(init=False)
    _task: Task = field(init=False)
    _native: NativeItems | None = field(default=None, init=False)
    _pieces: dict[int, Piece] = field(default_factory=dict, init=False)
    _done: int = field(default=0, init=False)
    #: It runs in an item of another loop.
    _nested: bool = field(default=False, init=False)
    #: How deep the program may go on from where the loop stands.
    _frames_left: int = field(default=0, init=False)

    @property
    def stays_interpreted(self) -> bool:
        """Whether there will be no native code for its items."""
        return self._native is None or self._native.refusal is not None

    @property
    def _end(self) -> int:
        return len(self.items) if self.window is None else self.window.end

    def run(self) -> Any:
        """The value of the whole expression.

        Raises:
            Exception: what the user's code raises first, in the order of the items.
            LoopFailed: items end every process that tries to run them.
        """
        segments = self.gather()
        if self.failed_at is not None:
            self._run_rest(self.failed_at, segments)
        return self._finish(segments)

    def gather(self) -> list[LiveSegment]:
        """What the items yield, in order: all of them, or those before ``failed_at``.

        Raises:
            LoopFailed: items end every process that tries to run them.
        """
        self._results = self._accumulator()
        self._nested = not all(loop.alone for loop in self.place.loops)
        self._frames_left = frames_left()
        try:
            with own_frames(_OWN_FRAMES):
                return self._gather()
        finally:
            self._close()

    def _accumulator(self) -> Accumulator:
        results = accumulator(self.kind)
        if isinstance(results, Summed) and self.window is None:
            results.fold, results.is_near = self._float_fold, self.place.hungry_here
            results.begin(0, self.operand[0] if self.operand else 0, self.python)
        return results

    def _gather(self) -> list[LiveSegment]:
        earlier = None if self.window is None else self.window.earlier
        if earlier is None:
            self._task = Task(self.kind, self.body, self.items, self.python)
            self._native = self.body.native(self.place, self.items, self.python)
        else:
            self._task, self._native = earlier._task, earlier._native
            self._results.shipping_ns = earlier._results.shipping_ns
        first = self._done = 0 if self.window is None else self.window.first
        loop = Loop(
            self.body,
            self.items,
            first,
            self._end,
            self._results,
            self.place,
            self._give,
            self._count,
            task_ns=self._task_ns,
            native=self._native,
            leased=False,
            nests=True,
            calls=self.kind is SiteKind.CALLS,
        )
        try:
            loop.run()
        finally:
            self._add_own_use(use_of(loop, self.worker, first))
            self.tally.note_native(loop.native, self.place)
        segments = list(self._results.segments)
        self.failed_at = loop.next if loop.failed else None
        if not loop.failed and not loop.decided and loop.next < self._end:
            self._collect(loop.next, segments)
        return segments

    def _finish(self, segments: Sequence[LiveSegment]) -> Any:
        if self.fold is not None:
            return self.fold(segments, self.operand)
        float_fold = self._float_fold() if self._has_floats(segments) else None
        return finish(self.kind, segments, self.operand, self.python, self.rerun, float_fold)

    @property
    def _begins(self) -> bool:
        """Whether the fold may fail before it takes the first item."""
        return self.kind is SiteKind.SUM if self.fold is None else self.fold.begins

    def _float_fold(self) -> FloatFold | None:
        native = self.place.native
        return None if native is None else native.float_fold(self.python)

    def _has_floats(self, segments: Sequence[LiveSegment]) -> bool:
        return self.kind is SiteKind.SUM and any(each.form == "floats" for each in segments)

    def _give(self, lo: int, hi: int) -> None:
        task = self._task.encoded(self.store, self._frames_left)
        work = Range(
            job=self.job,
            loop=self.number,
            lo=lo,
            hi=hi,
            task=task.payload,
            needs=task.needs,
            values=self._results.keep_values,
        )
        self.link.send(Offer(range=work))

    def _task_ns(self, limit: float) -> float:
        """About what it takes to send the items and the values that they read and, where loops
        are many, to make code of them elsewhere; something above ``limit`` if it is more."""
        if self._task.is_encoded:
            return 0.0
        burden_ns = self.burden()
        if burden_ns > limit:
            return burden_ns
        code_ns = burden_ns + (_NESTED_TASK_NS if self._nested else 0.0)
        times = self._share * (_CALLS_TIMES if self.kind is SiteKind.CALLS else 1.0)
        return code_ns + times * self._task.values_ns((limit - code_ns) / times)

    @property
    def _share(self) -> float:
        """The part of what thieves need that serves this window."""
        window = self.window
        if window is None or window.may_be_last:
            return 1.0
        return (window.end - window.first) / max(len(self.items), 1)

    def _count(self, items: int) -> None:
        self._done += items
        if self._nested or self._is_alone:
            return  # the outermost loop shows how far the job is
        self.place.words.set_progress(self.place.executor, self._done, len(self.items))

    def _collect(self, position: int, segments: list[LiveSegment]) -> None:
        """Append the segments of ``[position, end)`` in order, until one ends the loop early."""
        if position not in self._pieces:
            self.link.send(Waiting(job=self.job, loop=self.number))
        while position < self._end:
            while position not in self._pieces:
                self._take(self.link.wait(self.job, self.number))
            piece = self._pieces.pop(position)
            self._append(piece, segments)
            position = piece.hi
            if piece.failed:
                self.failed_at = position
            if piece.failed or piece.decides:
                return

    def _append(self, piece: Piece, segments: list[LiveSegment]) -> None:
        """Append a piece's segments, or add them up with those before them."""
        files = FloatReader(self.place.floats)
        found = decode_partial(self.store, piece.partial, self._task.objects, files)
        segments.extend(map(self._complete, found))
        if self.kind is SiteKind.SUM:
            join(segments, self._float_fold)
        kept = segments[-len(found) :]
        files.let_go(read=not any(each in kept for each in found))
        self._discard(piece.partial)

    def _complete(self, segment: LiveSegment) -> LiveSegment:
        """The segment, with the values that only this process can make."""
        if segment.form != AGAIN:
            return segment
        values: Any = self.rerun(segment.lo, segment.hi)
        form = "entries" if isinstance(values, dict) else "values"
        return LiveSegment(form, segment.lo, segment.hi, values)

    def _take(self, message: TakePiece | LoopLost) -> None:
        if message.job != self.job or message.loop != self.number:
            return  # word about a loop that ended early
        if isinstance(message, LoopLost):
            raise LoopFailed(message.failure)
        piece = message.piece
        if piece.lo < piece.hi or piece.failed:
            self._pieces[piece.lo] = piece
        self._count(piece.hi - piece.lo)
        if piece.use is not None:
            own = (self.worker, self.place.executor)
            self._add_use(piece.use, stolen=(piece.use.worker, piece.use.executor) != own)
        for use in piece.helpers:
            self.on_use(use)
        if piece.failed or piece.decides:
            closed = LoopClosed(job=self.job, loop=self.number, beyond=piece.hi)
            self.link.send(closed)

    @property
    def _is_alone(self) -> bool:
        """Whether it is a single call, which may have loops in it."""
        return self.kind is SiteKind.CALLS and len(self.items) == 1

    def _add_own_use(self, use: ExecutorUse) -> None:
        helped = self._is_alone and not use.native_items
        if self._nested or helped:  # this time is part of what another loop took
            self.tally.add(use, stolen=False)
        else:
            self._add_use(use, stolen=False)

    def _add_use(self, use: ExecutorUse, *, stolen: bool) -> None:
        self.on_use(use)
        self.tally.add(use, stolen=stolen)

    def _close(self) -> None:
        """Nothing of this loop is wanted any more; what nobody will merge is removed."""
        if not self._task.is_encoded:
            return
        self.link.send(LoopClosed(job=self.job, loop=self.number, beyond=0))
        for piece in self._pieces.values():
            self._discard(piece.partial)
        self._pieces.clear()
        if self.kind is SiteKind.SUM and self.place.floats is not None:
            sweep(self.place.floats, self.job, self.number)

    def _discard(self, partial: Payload) -> None:
        if partial.data is None:
            self.store.delete(partial.digest)

    def _run_rest(self, index: int, segments: list[LiveSegment]) -> None:
        """Item ``index`` raised somewhere. Raise here what Python would have raised: while folding
        what came before, or at that item. Should it not raise here (memory, recursion depth), go
        on from it alone."""
        if (segments or self._begins) and not self.eager:
            self._finish(segments)
        rest = accumulator(self.kind, keep_values=True)
        rest.add(self.body.run_exactly(self.items[index:]), index, len(self.items))
        if self.fold is not None and segments:
            # Folding them once may have changed them.
            again = [] if self.fold.adds else self.rerun(0, index)
            segments[:] = [LiveSegment("values", 0, index, again)]
        segments.extend(rest.segments)

    def rerun(self, lo: int, hi: int) -> list[Any]:
        """What the items ``[lo, hi)`` yield, run once more."""
        values: list[Any] = self.body.run(self.items[lo:hi])
        return values
