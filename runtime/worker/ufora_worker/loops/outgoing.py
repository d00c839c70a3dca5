"""What a range came to, on its way to the owner of the loop: in one piece, or, where it is a great
many floats for an executor of this worker, in several, so that those are added up meanwhile."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ufora_core.protocol.parts import ExecutorUse
from ufora_core.protocol.worker import Piece, Range
from ufora_core.store import ObjectStore
from ufora_worker.loops.float_files import FloatFile
from ufora_worker.loops.loop import Loop
from ufora_worker.loops.partials import encode_partial
from ufora_worker.loops.shapes import Accumulator
from ufora_worker.loops.sums import Summed

#: Floats of a piece that is not the last one.
MANY = 1 << 20


class Outgoing:
    """The pieces of one range."""

    def __init__(
        self, work: Range, results: Accumulator, store: ObjectStore, objects: Sequence[Any]
    ) -> None:
        """``objects`` of the loop's task stay what they are."""
        self._work = work
        self._results = results
        self._store = store
        self._objects = objects
        #: The first item that is in no piece.
        self._first = work.lo

    def use_files(self, folder: Path) -> None:
        """The owner of the loop reads files of this folder."""
        if isinstance(self._results, Summed):
            self._results.file = FloatFile(folder, self._work.job, self._work.loop)

    def front(self, loop: Loop) -> Piece | None:
        """What is done of the range, if that is much and something is left."""
        results = self._results
        if not isinstance(results, Summed) or results.file is None or loop.next >= loop.hi:
            return None
        return self._piece(loop) if results.file.count >= MANY else None

    def rest(self, loop: Loop, use: ExecutorUse, helpers: tuple[ExecutorUse, ...]) -> Piece:
        """The last piece, with what the range took."""
        again_ns = inf if use.native_items else float(loop.busy_ns)
        piece = self._piece(loop, again_ns)
        return replace(piece, failed=loop.failed, decides=loop.decided, use=use, helpers=helpers)

    def close(self) -> None:
        """Nobody wants what is in no piece."""
        if isinstance(self._results, Summed) and self._results.file is not None:
            self._results.file.discard()

    def _piece(self, loop: Loop, again_ns: float = inf) -> Piece:
        first, self._first = self._first, loop.next
        key = f"{self._work.job}/{self._work.loop}/{first}"
        stored = encode_partial(self._store, key, self._results.segments, self._objects, again_ns)
        self._results.segments.clear()
        if isinstance(self._results, Summed) and self._results.file is not None:
            self._results.file = self._results.file.closed()
        return Piece(lo=first, hi=loop.next, partial=stored.payload, needs=stored.needs)
