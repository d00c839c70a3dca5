"""Run one program: a block, or a call; and make of what it leaves a result for the client."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ufora_core import program
from ufora_core.errors import CoreError, MissingPackageError
from ufora_core.program import Block, Call, Define
from ufora_core.protocol.executor import Judged, RootEnded, RunRoot
from ufora_core.protocol.parts import ExecutorUse, Failure
from ufora_core.store import ObjectStore
from ufora_core.values.classes import ClassTrackers
from ufora_core.values.decode import Decoder
from ufora_core.values.functions import remember_text
from ufora_core.values.importing import importable
from ufora_worker.executor.block import compile_block, parse
from ufora_worker.executor.chronicle import Chronicle
from ufora_worker.executor.interpreter import (
    client_rules,
    client_states,
    engine,
    kept_surroundings,
)
from ufora_worker.executor.interrupts import Stopped
from ufora_worker.executor.memory_limit import memory_limit
from ufora_worker.executor.repeatable import is_repeatable
from ufora_worker.executor.results import Outcome, encode_result, load_kept
from ufora_worker.loops.gates import keep_gates_of
from ufora_worker.loops.loop import Place
from ufora_worker.loops.partials import Stored, fetch
from ufora_worker.loops.root_loop import Link, LoopFailed
from ufora_worker.loops.splitting import Splitter

log = logging.getLogger(__name__)

#: The one name that a call's or a definition's result has.
RESULT = "result"


class Root:
    """The run of one program on this executor."""

    def __init__(
        self, order: RunRoot, place: Place, store: ObjectStore, worker: str, link: Link
    ) -> None:
        self._order = order
        self._place = place
        self._store = store
        self._worker = worker
        self._link = link
        self._use: dict[tuple[str, int], ExecutorUse] = {}
        self._chronicle = Chronicle()
        #: What the program changed of the process's ``ambient`` states.
        self._changed: dict[str, Any] = {}

    def run(self) -> RootEnded:
        """Run it to its end; what the user's code raises is part of the result.

        Raises:
            Stopped: the supervisor wants the job no more.
        """
        job = self._order.job
        try:
            stored = self._run()
        except (LoopFailed, Exception) as error:
            return RootEnded(job=job, failure=self._failure(error), use=self.use)
        return RootEnded(job=job, result=stored.payload, objects=stored.needs, use=self.use)

    def _failure(self, error: LoopFailed | Exception) -> Failure:
        """Why there is no result; what the user's code raises never comes here."""
        match error:
            case LoopFailed(failure=failure):
                return failure
            case MissingPackageError():
                return Failure("missing-package", f"worker {self._worker}: {error}")
            case MemoryError():
                return Failure("out-of-memory", self._out_of_memory())
            case CoreError():
                message = f"worker {self._worker} could not run the program: {error}"
                return Failure("internal", message)
            case _:
                log.error("job %s could not be run", self._order.job, exc_info=error)
                return Failure(
                    "internal",
                    f"worker {self._worker} failed while it ran this job, which is a fault of "
                    f"Ufora and not of the block; its log has the details "
                    f"({type(error).__name__}: {error})",
                )

    def _out_of_memory(self) -> str:
        limit = memory_limit()
        allowed = "the machine has" if limit is None else f"its limit of {limit >> 20} MiB"
        return (
            f"worker {self._worker} ran out of memory: what the block holds at its end does not "
            f"fit into {allowed}; keep less of it, or give the worker more "
            "(UFORA_WORKER_MEMORY_MB)"
        )

    @property
    def use(self) -> tuple[ExecutorUse, ...]:
        """What each executor did for this job so far."""
        return tuple(self._use[key] for key in sorted(self._use))

    def _run(self) -> Stored:
        task = program.decode(fetch(self._store, self._order.program), program.Program)
        classes, splitter = ClassTrackers(), self._splitter(task)
        splitter.code.look_at(task.graph.nodes)
        decoder = Decoder(
            task.graph,
            self._store.open_private,
            classes=classes,
            remote=lambda digest: load_kept(self._store, digest, classes),
            code_of=splitter.code.code_of,
        )
        match task.task:
            case Define(value=item):
                outcome = Outcome({RESULT: decoder.value(item)})
            case Call() as call:
                outcome = self._call(task, call, decoder, splitter)
            case Block() as block:
                outcome = self._block(task, block, decoder, splitter)
                outcome.ambient = self._changed
        outcome.use, outcome.loops = self.use, self._chronicle.loops()
        outcome.functions = self._chronicle.functions()
        return encode_result(self._store, task, decoder, outcome)

    def _call(
        self, task: program.Program, call: Call, decoder: Decoder, splitter: Splitter
    ) -> Outcome:
        function: Any = decoder.value(call.function)
        arguments = [decoder.value(item) for item in call.arguments]
        keywords = {
            name: decoder.value(item)
            for name, item in zip(call.keyword_names, call.keyword_values, strict=True)
        }
        try:
            with self._running(task, decoder, splitter):
                return Outcome({RESULT: function(*arguments, **keywords)})
        except (Stopped, LoopFailed):
            raise
        except BaseException as raised:
            return Outcome({}, raised=raised)

    def _block(
        self, task: program.Program, block: Block, decoder: Decoder, splitter: Splitter
    ) -> Outcome:
        tree = parse(block)
        splitter.code.rewrite_block(tree, block)
        namespace: Any = decoder.value(block.namespace)
        values = {
            name: decoder.value(item)
            for name, item in zip(block.local_names, block.local_values, strict=True)
        }
        cells: dict[str, Any] = {name: decoder.value(ref) for name, ref in block.cells.items()}
        compiled = compile_block(block, tree, namespace, values, cells)
        keep_gates_of(compiled.code)
        remember_text(compiled.code, block.source, block.filename, block.line, block.column)
        before = {name for name in block.assigned if name in values or name in namespace}
        try:
            with self._running(task, decoder, splitter):
                left = compiled.execute()
        except (Stopped, LoopFailed):
            raise
        except BaseException as raised:
            left = compiled.names_after(raised.__traceback__)
            return _left_behind(block, before, left, raised)
        return _left_behind(block, before, left, None)

    @contextlib.contextmanager
    def _running(
        self, task: program.Program, decoder: Decoder, splitter: Splitter
    ) -> Iterator[None]:
        with (
            importable(decoder),
            client_rules(task.python, task.recursion_limit),
            kept_surroundings(),
            client_states(task.ambient) as self._changed,
            engine(splitter),
            self._place.interrupts.answering(self._judge),
            self._place.interrupts.running_user_code(),
        ):
            yield

    def _judge(self) -> None:
        """The supervisor asks, since this runs for long: tell it whether it could run twice."""
        repeatable = is_repeatable(self._order.program, self._store)
        self._link.send(Judged(job=self._order.job, repeatable=repeatable))

    def _splitter(self, task: program.Program) -> Splitter:
        return Splitter(
            job=self._order.job,
            python=task.python,
            place=self._place,
            store=self._store,
            link=self._link,
            on_use=self._add_use,
            worker=self._worker,
            chronicle=self._chronicle,
        )

    def _add_use(self, use: ExecutorUse) -> None:
        key = (use.worker, use.executor)
        before = self._use.get(key)
        self._use[key] = use if before is None else before.and_more(use)


def _left_behind(
    block: Block, before: set[str], left: Mapping[str, Any], raised: BaseException | None
) -> Outcome:
    """``before`` are the names that had a value when the block began, ``left`` those that have one
    at its end."""
    names = {name: left[name] for name in block.assigned if name in left}
    deleted = [name for name in block.assigned if name in before and name not in left]
    exported = block.global_names if block.optimized else block.assigned
    return Outcome(names, deleted, raised, {block.namespace.index: exported})
