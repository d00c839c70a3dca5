"""A thief's side of a loop: run a range that somebody gave away, and report the piece."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from ufora_core import program, syntax
from ufora_core.compiler.sites.as_written import AsWritten
from ufora_core.compiler.sites.rewriting import Site, SiteKind
from ufora_core.compiler.sites.text import site_from
from ufora_core.protocol.executor import Offer, RangeBegun, RangeDone, RunRange
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.protocol.worker import Range
from ufora_core.store import ObjectStore
from ufora_core.values.decode import Decoder
from ufora_core.values.importing import importable
from ufora_core.values.nodes import Source
from ufora_core.values.recompile import compile_source
from ufora_worker.executor.interpreter import client_rules, plain_sites
from ufora_worker.executor.program_code import definition_of
from ufora_worker.loops.loop import Loop, Place
from ufora_worker.loops.outgoing import Outgoing
from ufora_worker.loops.partials import fetch
from ufora_worker.loops.shapes import accumulator
from ufora_worker.loops.sums import Summed
from ufora_worker.native.body import NativeItems
from ufora_worker.native.service import Location

if TYPE_CHECKING:
    from ufora_worker.native.translate.unit import Translation

#: Decoded tasks that an executor keeps: ranges of one loop mostly come one after the other.
_KEPT_TASKS = 4


@dataclass(frozen=True, slots=True)
class ItemSource:
    """What native code of a slice is made of, besides its values."""

    site: Site
    #: Names of the slice's arguments.
    names: Sequence[str]
    filename: str
    #: Where functions that the items make stand in the program (``slices.place_of``).
    place: str = ""


@dataclass(frozen=True, slots=True)
class SliceCall:
    """The user's expression over items, as a function with the values it reads."""

    function: Callable[..., Any]
    arguments: Sequence[Any]
    #: The same, failing exactly as the user's expression does.
    exact: AsWritten | None = None
    #: None where only CPython can run it.
    source: ItemSource | None = None
    #: The same, with the sites in it; None where it has none.
    divided: Callable[..., Any] | None = None

    def run(self, items: Any) -> Any:
        """See ``loops.runners.Body``."""
        return self.function(items, *self.arguments)

    def run_divided(self, items: Any) -> Any:
        """See ``loops.runners.Body``."""
        return (self.divided or self.function)(items, *self.arguments)

    def run_exactly(self, items: Any) -> Any:
        """As ``run``, at the root, for items that are expected to raise."""
        assert self.exact is not None
        return self.exact.run(items)

    def native(
        self, place: Place, items: Sequence[Any], python: tuple[int, int]
    ) -> NativeItems | None:
        """The native side of a loop over ``items``; None where there can be none."""
        source = self.source
        if source is None or place.native is None:
            return None

        site = source.site

        def translated() -> "Translation":
            from ufora_worker.native.translate.site import translate

            return translate(
                site,
                items,
                self.function.__globals__,
                dict(zip(source.names, self.arguments, strict=True)),
                source_of=definition_of,
                filename=source.filename,
                python=python,
            )

        return place.native.items(
            site.kind, translated, Location(source.filename, site.line, site.column), python
        )


@dataclass(frozen=True, slots=True)
class DecodedTask:
    """A loop's task, ready to run."""

    task: program.LoopTask
    body: SliceCall
    items: Sequence[Any]
    native: NativeItems | None
    #: It has the object of each node, for partial results that contain one of them.
    decoder: Decoder
    #: Takes over the loops that its items reach.
    nest: "Nest"


class Nest(Protocol):
    """The engine for the sites in items of one task."""

    def code_of(self, source: Source) -> CodeType:
        """The code of a function that the task brings; its sites ask this engine."""

    def running(self) -> AbstractContextManager[None]:
        """Within it, sites ask this engine."""

    def divided(self, body: SliceCall) -> SliceCall:
        """The body with its sites rewritten."""

    def helpers(self) -> tuple[ExecutorUse, ...]:
        """What other executors did for loops of this engine since the last call."""


class NoNest:
    """Sites in items run as written."""

    def code_of(self, source: Source) -> CodeType:
        """See ``Nest``."""
        return compile_source(source)

    def running(self) -> AbstractContextManager[None]:
        """See ``Nest``."""
        return plain_sites()

    def divided(self, body: SliceCall) -> SliceCall:
        """See ``Nest``."""
        return body

    def helpers(self) -> tuple[ExecutorUse, ...]:
        """See ``Nest``."""
        return ()


#: Makes the engine for a task of a job.
NestOf = Callable[[str, program.LoopTask], Nest]


class RangeRunner:
    """Runs ranges on one executor."""

    def __init__(
        self,
        place: Place,
        store: ObjectStore,
        worker: str,
        send: Callable[[Offer | RangeBegun], None],
        nest_of: NestOf = lambda job, task: NoNest(),
    ) -> None:
        self._place = place
        self._store = store
        self._worker = worker
        self._send = send
        self._nest_of = nest_of
        self._tasks: OrderedDict[str, DecodedTask] = OrderedDict()

    def run(self, order: RunRange, *, counted: bool = True) -> RangeDone:
        """Run the range, or what is left of it after giving parts away.

        A root that helps with its own loop has its progress to show, so its range is not
        ``counted``.
        """
        work, number = order.range, order.number
        decoded = self._task(work)
        done = 0

        def count(items: int) -> None:
            nonlocal done
            done += items
            if counted:
                words, executor = self._place.words, self._place.executor
                words.set_progress(executor, done, work.hi - work.lo)
            with self._place.interrupts.deferred():
                front = outgoing.front(loop)
                if front is not None:
                    self._send(RangeBegun(job=work.job, loop=work.loop, piece=front))

        def give(lo: int, hi: int) -> None:
            given = replace(work, lo=lo, hi=hi, values=results.keep_values)
            self._send(Offer(range=given, number=number))

        results = accumulator(SiteKind[decoded.task.kind], keep_values=work.values)
        if isinstance(results, Summed):
            results.is_near = self._place.hungry_here
        outgoing = Outgoing(work, results, self._store, decoded.decoder.objects)
        if order.home and self._place.floats is not None:
            outgoing.use_files(self._place.floats)
        loop = Loop(
            decoded.body,
            decoded.items,
            work.lo,
            work.hi,
            results,
            self._place,
            give,
            count,
            native=decoded.native,
            nests=not isinstance(decoded.nest, NoNest),
        )
        task = decoded.task
        with (
            importable(decoded.decoder),
            client_rules(task.python, task.recursion_limit),
            decoded.nest.running(),
            closing(outgoing),
        ):
            loop.run()
            use = use_of(loop, self._worker, work.lo)
            with self._place.interrupts.deferred():
                rest = outgoing.rest(loop, use, decoded.nest.helpers())
        return RangeDone(job=work.job, loop=work.loop, piece=rest)

    def _task(self, work: Range) -> DecodedTask:
        decoded = self._tasks.get(work.task.digest)
        if decoded is None:
            task = program.decode(fetch(self._store, work.task), program.LoopTask)
            nest = self._nest_of(work.job, task)
            decoder = Decoder(task.graph, self._store.open_private, code_of=nest.code_of)
            function: Any = decoder.value(task.slice)
            arguments = [decoder.value(item) for item in task.arguments]
            items: Any = decoder.value(task.iterable)
            body = SliceCall(function, arguments, source=_source(task))
            native = body.native(self._place, items, task.python)
            decoded = DecodedTask(task, nest.divided(body), items, native, decoder, nest)
            self._tasks[work.task.digest] = decoded
            if len(self._tasks) > _KEPT_TASKS:
                self._tasks.popitem(last=False)
        self._tasks.move_to_end(work.task.digest)
        return decoded


def _source(task: program.LoopTask) -> ItemSource | None:
    if task.text is None:
        return None
    text, kind = task.text, SiteKind[task.kind]
    tree = syntax.parse(text.text)
    site = site_from(tree, kind, text.names, mangle=text.mangle, line=text.line)
    return ItemSource(site, text.names, text.filename)


def use_of(loop: Loop, worker: str, lo: int) -> ExecutorUse:
    """What this executor did for a loop that it ran from item ``lo`` on."""
    native_items, bails = loop.native.counts() if loop.native is not None else (0, 0)
    return ExecutorUse(
        worker=worker,
        executor=loop.place.executor,
        items=loop.next - lo,
        ranges=1,
        splits=loop.splits,
        busy_seconds=loop.busy_ns / 1e9,
        native_items=native_items,
        bails=bails,
    )
