"""A thief's side of a loop: run a range that somebody gave away, and report the piece."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ufora_core import program
from ufora_core.compiler.sites import SiteKind
from ufora_core.protocol.executor import Offer, RangeDone
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.protocol.worker import Piece, Range
from ufora_core.store import ObjectStore
from ufora_core.values.decode import Decoder
from ufora_core.values.importing import importable
from ufora_worker.interpreter import client_rules, plain_sites
from ufora_worker.loops import Loop, Place
from ufora_worker.partials import encode_partial, fetch
from ufora_worker.shapes import accumulator

#: Decoded tasks that an executor keeps: ranges of one loop mostly come one after the other.
_KEPT_TASKS = 4


@dataclass(frozen=True, slots=True)
class SliceCall:
    """The user's expression over items, as a function with the values it reads."""

    function: Callable[..., Any]
    arguments: Sequence[Any]
    #: The same, failing exactly as the user's expression does.
    exact: Callable[..., Any] | None = None

    def run(self, items: Any) -> Any:
        """See ``loops.Body``."""
        return self.function(items, *self.arguments)

    def run_exactly(self, items: Any) -> Any:
        """As ``run``, at the root, for items that are expected to raise."""
        assert self.exact is not None
        return self.exact(items, *self.arguments)


@dataclass(frozen=True, slots=True)
class DecodedTask:
    """A loop's task, ready to run."""

    task: program.LoopTask
    body: SliceCall
    items: Sequence[Any]
    #: It has the object of each node, for partial results that contain one of them.
    decoder: Decoder


class RangeRunner:
    """Runs ranges on one executor."""

    def __init__(
        self, place: Place, store: ObjectStore, worker: str, send: Callable[[Offer], None]
    ) -> None:
        self._place = place
        self._store = store
        self._worker = worker
        self._send = send
        self._tasks: OrderedDict[str, DecodedTask] = OrderedDict()

    def run(self, work: Range, *, counted: bool = True) -> RangeDone:
        """Run the range, or what is left of it after giving parts away.

        A root that helps with its own loop has its progress to show, so its range is not
        ``counted``.
        """
        decoded = self._task(work)
        done = 0

        def count(items: int) -> None:
            nonlocal done
            done += items
            if counted:
                words, executor = self._place.words, self._place.executor
                words.set_progress(executor, done, work.hi - work.lo)

        def give(lo: int, hi: int) -> None:
            self._send(Offer(range=replace_bounds(work, lo, hi, results.keep_values)))

        results = accumulator(SiteKind[decoded.task.kind], keep_values=work.values)
        loop = Loop(
            decoded.body, decoded.items, work.lo, work.hi, results, self._place, give, count
        )
        task = decoded.task
        with (
            importable(decoded.decoder),
            client_rules(task.python, task.recursion_limit),
            plain_sites(),
        ):
            loop.run()
        return RangeDone(job=work.job, loop=work.loop, piece=self._piece(work, loop, decoded))

    def _piece(self, work: Range, loop: Loop, decoded: DecodedTask) -> Piece:
        key = f"{work.job}/{work.loop}/{work.lo}"
        with self._place.interrupts.deferred():
            stored = encode_partial(
                self._store, key, loop.accumulator.segments, decoded.decoder.objects
            )
        return Piece(
            lo=work.lo,
            hi=loop.next,
            partial=stored.payload,
            needs=stored.needs,
            failed=loop.failed,
            decides=loop.decided,
            use=ExecutorUse(
                worker=self._worker,
                executor=self._place.executor,
                items=loop.next - work.lo,
                ranges=1,
                splits=loop.splits,
                busy_seconds=loop.busy_ns / 1e9,
            ),
        )

    def _task(self, work: Range) -> DecodedTask:
        decoded = self._tasks.get(work.task.digest)
        if decoded is None:
            task = program.decode(fetch(self._store, work.task), program.LoopTask)
            decoder = Decoder(task.graph, self._store.open_private)
            function: Any = decoder.value(task.slice)
            arguments = [decoder.value(item) for item in task.arguments]
            items: Any = decoder.value(task.iterable)
            decoded = DecodedTask(task, SliceCall(function, arguments), items, decoder)
            self._tasks[work.task.digest] = decoded
            if len(self._tasks) > _KEPT_TASKS:
                self._tasks.popitem(last=False)
        self._tasks.move_to_end(work.task.digest)
        return decoded


def replace_bounds(work: Range, lo: int, hi: int, keep_values: bool) -> Range:
    """The same loop's items ``[lo, hi)``."""
    return Range(
        job=work.job,
        loop=work.loop,
        lo=lo,
        hi=hi,
        task=work.task,
        needs=work.needs,
        values=keep_values,
    )
