"""One ``for`` statement while the engine runs it."""

import builtins
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.for_loops.statement import ForLoop
from ufora_core.compiler.sites.names import mangled
from ufora_core.compiler.sites.site import Site
from ufora_core.compiler.sites.stages import Stage, as_written
from ufora_worker.executor.chronicle import Tally
from ufora_worker.loops.moments import Declined, Moment
from ufora_worker.native.body import NativeItems

if TYPE_CHECKING:
    from ufora_worker.for_loops.plans import Plan
    from ufora_worker.loops.splitting import Splitter


@dataclass(slots=True)
class Run:
    """One loop, between the calls of its code."""

    frame: FrameType
    site: Site
    #: As the program has it.
    iterable: Any
    #: None: it is to run as written.
    items: Sequence[Any] | None
    #: Items that are folded, and the first of them that had a record.
    done: int = 0
    first_record: int = 0
    #: Turns that ran natively, one after the other, what they took, and the code for that
    #: (``for_loops.turns``).
    native_turns: int = 0
    native_ns: int = 0
    plan: "Plan | None" = None
    #: Native code for its items apart, as the first of them are, which is not there yet.
    apart: NativeItems | None = None
    #: What is left of the items while no record is made; nothing is proved of the loop then.
    iterator: Iterator[Any] | None = None
    #: The rest is to run as written.
    stopped: bool = False
    #: The engine has run some of it, or had it begin as written to see whether it lasts.
    visited: bool = False
    tally: Tally = field(default_factory=Tally)
    map_ns: int = 0
    #: Processor time: of turns that ran as written, of proofs, and of running items apart besides
    #: the items themselves.
    written_ns: int = 0
    asked_ns: int = 0
    besides_ns: int = 0
    #: How often it was asked whether the engine gains anything, as a power of two.
    tries: int = 1
    started: int = field(default_factory=perf_counter_ns)
    #: When the report was told of it last.
    _told: int = field(init=False)

    def __post_init__(self) -> None:
        self._told = self.started

    @property
    def count(self) -> int:
        """The number of items; none if it is to run as written."""
        return 0 if self.items is None else len(self.items)

    @property
    def recorded(self) -> int:
        """Records that were made and folded."""
        return self.done - self.first_record

    @property
    def filename(self) -> str:
        """Of the program that has the loop."""
        return self.frame.f_code.co_filename

    @property
    def loop(self) -> ForLoop:
        """What the compiler found."""
        assert self.site.loop is not None
        return self.site.loop

    def untold_seconds(self) -> float:
        """What it took since this was asked last, or since it began."""
        before, self._told = self._told, perf_counter_ns()
        return (self._told - before) / 1e9

    def rest(self) -> Any:
        """What is left, for the body as written."""
        if self.iterator is not None:
            return self.iterator
        if self.items is None or self.done == 0:
            return as_written(self.iterable)
        return self.items[self.done :]

    def value(self, name: str) -> Any:
        """What a variable holds; None if it has no value."""
        try:
            return self.look_up(name)
        except Declined:
            return None

    def look_up(self, name: str) -> Any:
        """What a name means in the frame.

        Raises:
            Declined: nothing.
        """
        spelled, frame = mangled(name, self.site.mangle), self.frame
        places = (frame.f_locals, frame.f_globals, vars(builtins))
        for names in places[:1] if spelled in local_names(frame.f_code) else places:
            if spelled in names:
                return names[spelled]
        raise Declined(f"`{name}` has no value yet")


@dataclass(slots=True)
class Runs:
    """The loops of one job that have begun and not ended."""

    splitter: "Splitter"
    _begun: list[Run] = field(default_factory=list, init=False)

    def begin(self, frame: FrameType, index: int, iterable: Any) -> Run:
        """A loop that was reached just now."""
        site = self.splitter.code.site(index)
        run = Run(frame, site, iterable, None)
        try:
            moment = Moment(site, None, iterable)
            self.splitter.check(site, moment.count(), frame)
            run.items = None if isinstance(moment.source, Stage) else moment.items()
        except Declined as declined:
            self.decline(run, declined)
        self._begun.append(run)
        return run

    def of(self, frame: FrameType) -> Run:
        """The loop that this frame asked for last."""
        return next(each for each in reversed(self._begun) if each.frame is frame)

    def end(self, run: Run) -> None:
        """Nobody asks for it any more. In however many ways it ran, it is one visit of its site."""
        self._begun.remove(run)
        if run.visited:
            self.splitter.visits(run.site).note(
                run.count,
                int(run.tally.busy_seconds * 1e9) + run.native_ns + run.written_ns,
                run.native_turns + run.tally.native_items,
                helped=run.tally.steals > 0,
                asked=run.asked_ns,
                besides=run.besides_ns,
            )

    def refuse(self, run: Run, why: Declined) -> None:
        """It is to run as written, as was found out with some effort."""
        self.splitter.visits(run.site).refused(run.count, run.asked_ns)
        self.decline(run, why)

    def decline(self, run: Run, why: Declined) -> None:
        """It is to run as written."""
        run.items = None
        if run.loop.runs_apart:
            self.splitter.decline(run.site, run.filename, why)
        else:
            self.splitter.pass_over(run.site)


def local_names(code: CodeType) -> frozenset[str]:
    """The variables of a function; none for the code of a module."""
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return frozenset()
    return frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
