"""A cluster in one process and one thread: real programs, real loops, real stealing.

The root runs until it waits; then whatever it gave away is run by thieves, one range after the
other, in an order that the test chooses. Everything travels as the bytes that a real cluster uses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyfora._block import RemoteBlock
from pyfora._capture import Captured
from pyfora._landing import Outcome
from pyfora._progress import ProgressCallback
from ufora_core import program
from ufora_core.protocol import codec
from ufora_core.protocol.executor import (
    FromExecutor,
    LoopClosed,
    LoopLost,
    Offer,
    RangeBegun,
    RangeDone,
    RunRange,
    RunRoot,
    TakePiece,
)
from ufora_core.protocol.worker import Range
from ufora_core.store import ObjectStore, payload_of
from ufora_core.values.classes import ClassTrackers
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.executor.root import Root
from ufora_worker.loops.loop import Place
from ufora_worker.loops.partials import fetch
from ufora_worker.loops.ranges import RangeRunner
from ufora_worker.native.engine import NativeEngine
from ufora_worker.shared_words import SharedWords


class QuietInterrupts(Interrupts):
    """Interrupts without signals."""

    def __init__(self) -> None:
        super().__init__(lambda: False)

    @contextmanager
    def heartbeat(self, beat: Callable[[], None]) -> Iterator[None]:
        yield


class InlineCluster:
    """A ``Runner`` for blocks, and the ``Link`` of the roots that run them."""

    def __init__(
        self,
        folder: Path,
        choose: Callable[[int], int] = lambda count: 0,
        native: NativeEngine | None = None,
    ) -> None:
        """``choose(count)`` says which of so many waiting ranges a thief takes next; ``native``
        makes native code, for the root and for thieves, and is closed by who made it."""
        self.trackers = ClassTrackers()
        self.store = ObjectStore(folder)
        self.words = SharedWords.create(1)
        self.ranges_run = 0
        self.ended: program.Result | None = None
        self._choose = choose
        floats = folder / "floats"
        floats.mkdir()
        self._place = Place(self.words, 0, QuietInterrupts(), native, floats)
        self._offered: list[Range] = []
        self._pieces: list[TakePiece] = []
        self._jobs = 0

    @property
    def remotely(self) -> RemoteBlock:
        """A block that runs here."""
        return RemoteBlock(self)

    def close(self) -> None:
        """Let go of the shared words."""
        self.words.close()

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        """See ``pyfora._block.Runner``."""
        for digest, blob in captured.blobs.items():
            self.store.put_at(digest, [blob])
        payload = payload_of(program.encode(captured.program))
        if payload.data is None:
            self.store.put_at(payload.digest, [program.encode(captured.program)])
        self._jobs += 1
        order = RunRoot(job=f"job-{self._jobs}", program=payload)
        ended = Root(order, self._place, self.store, "inline", self).run()
        assert ended.failure is None, ended.failure
        assert ended.result is not None
        result = self.ended = program.decode(fetch(self.store, ended.result), program.Result)
        return Outcome(result, self.store.open_private, lambda proxy: proxy)

    # ------------------------------------------------------------------ the root's link

    def send(self, message: FromExecutor) -> None:
        """What roots and thieves tell their supervisor."""
        (message,) = codec.decode_from_executor(codec.encode([message]))
        match message:
            case Offer(range=work):
                self._offered.append(work)
            case (
                RangeDone(job=job, loop=loop, piece=piece)
                | RangeBegun(job=job, loop=loop, piece=piece)
            ):
                self._pieces.append(TakePiece(job=job, loop=loop, piece=piece))
            case LoopClosed(loop=loop, beyond=beyond):
                self._offered = [
                    work for work in self._offered if work.loop != loop or work.lo < beyond
                ]

    def wait(self, job: str, loop: int) -> TakePiece | LoopLost:
        """Run one of the ranges that were given away."""
        while not any(piece.loop == loop for piece in self._pieces):
            work = self._offered.pop(self._choose(len(self._offered)))
            order = RunRange(range=work, home=self._choose(2) > 0)
            # A thief has a memory of its own: it decodes everything anew.
            self.send(RangeRunner(self._place, self.store, "thief", self.send).run(order))
            self.ranges_run += 1
        first = next(i for i, piece in enumerate(self._pieces) if piece.loop == loop)
        return self._pieces.pop(first)
