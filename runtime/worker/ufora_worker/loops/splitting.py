"""The engine behind the sites of a running program: which loops to take over, and with what.

A site asks each time it is reached. The answer is yes if the reducer is the builtin, the items can
be cut by index, and ``compiler.effects`` proves on the values of this moment that nobody can notice
in which order, where and how often items run. A proof takes about a millisecond, so a site whose
loops end sooner than a proof could pay is left alone for a while.
"""

import logging
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter_ns, thread_time_ns
from types import FrameType
from typing import Any

from ufora_core.compiler.effects.proof import Reason
from ufora_core.compiler.sites.rewriting import Site, SiteKind
from ufora_core.compiler.sites.slices import SliceCodes
from ufora_core.protocol.parts import ExecutorUse
from ufora_core.store import ObjectStore
from ufora_worker.executor.chronicle import Chronicle
from ufora_worker.executor.interpreter import plain_sites, settings_travel
from ufora_worker.for_loops.sites import ForSites
from ufora_worker.loops.asking import AskingCode
from ufora_worker.loops.calls import CallLoops
from ufora_worker.loops.folds import Fold
from ufora_worker.loops.gates import Gates
from ufora_worker.loops.loop import Place
from ufora_worker.loops.moments import Declined, Moment, Work
from ufora_worker.loops.ranges import SliceCall
from ufora_worker.loops.root_loop import Link, RootLoop, Window
from ufora_worker.loops.visits import Visits

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Taken:
    """A loop between the engine's yes (or no) and the call that follows it."""

    frame: FrameType
    site: Site
    moment: Moment
    #: What its items are and how they run; None when it runs as written.
    work: Work | None


class _Asked(threading.local):
    """The loops that a thread asked for and that have not been followed up, innermost last."""

    def __init__(self) -> None:
        self.loops: list[_Taken] = []


@dataclass(slots=True)
class Splitter:
    """The engine of one job; it implements ``interpreter.Engine``."""

    job: str
    python: tuple[int, int]
    place: Place
    store: ObjectStore
    link: Link
    on_use: Callable[[ExecutorUse], None]
    #: Name of this worker.
    worker: str
    chronicle: Chronicle
    #: Number of its first loop: no two loops of a job have the same, whoever owns them.
    first_loop: int = 1
    #: What is known of sites, by their place.
    known: dict[tuple[int, int], Visits] = field(default_factory=dict)
    slices: SliceCodes = field(default_factory=SliceCodes, init=False)
    #: Its code, and the sites in it.
    code: AskingCode = field(init=False)
    _gates: Gates = field(default_factory=Gates, init=False)
    _beats: ExitStack = field(default_factory=ExitStack, init=False)
    _beating: bool = field(default=False, init=False)
    _asked: _Asked = field(default_factory=_Asked, init=False)
    _loops: int = field(default=0, init=False)
    #: See ``interpreter.Engine``.
    statements: ForSites = field(init=False)
    _calls: CallLoops = field(init=False)

    def __post_init__(self) -> None:
        self.code = AskingCode(self._gates, self.chronicle)
        self.statements = ForSites(self)
        self._calls = CallLoops(self)

    def install(self) -> None:
        """See ``interpreter.Engine``."""
        self._gates.close(False)
        self.place.on_beat.append(self._wake)

    def remove(self) -> None:
        """See ``interpreter.Engine``."""
        self.place.on_beat.remove(self._wake)
        self._gates.remove()
        self._beats.close()
        self._beating = False

    def close_gates(self, wanted: bool) -> bool:
        """See ``interpreter.Engine``."""
        return self._gates.close(wanted)

    def _wake(self) -> None:
        for index in self._gates.due(self.place.hungry()):
            self.visits(self.code.site(index)).wake()

    def decline(self, site: Site, filename: str, why: Declined) -> None:
        """The site runs as written."""
        reason = why.reason or Reason(str(why), filename, site.line)
        self.chronicle.declined(site, filename, reason, passing=why.passing)
        self.pass_over(site)

    def pass_over(self, site: Site) -> None:
        """A visit of the site was for nothing."""
        if self.visits(site).declined():
            self.let_rest(site)

    def set_gate(self, site: Site, closed: bool) -> None:
        """Whether the site runs as written from now on."""
        self._gates.set(site.index, closed)

    def let_rest(self, site: Site) -> None:
        """Leave a site alone for a while."""
        self._gates.rest(site.index, self.visits(site).rest())
        self._beat()

    def let_rest_until_helped(self, site: Site) -> None:
        """Leave a site alone until somebody could help with it."""
        self._gates.rest_until_helped(site.index)
        self._beat()

    def _beat(self) -> None:
        """Have hearts beat that wake the sites that rest; where loops run they do."""
        if not self.place.loops and not self._beating:
            self._beating = True
            self._beats.enter_context(self.place.interrupts.heartbeat(self.place.beat))

    def may_take(self, index: int, function: object, iterable: object, *key: object) -> bool:
        """See ``interpreter.Engine``; called from the code of the site itself."""
        frame = sys._getframe(1)
        site = self.code.site(index)
        filename = frame.f_code.co_filename
        moment, work = Moment(site, function, iterable, key), None
        try:
            work = self._work(moment, frame)
        except Declined as declined:
            self.decline(site, filename, declined)
        except Exception:
            log.exception(
                "the loop at line %d could not be looked at and runs as written", site.line
            )
            self.pass_over(site)
        stale = [each for each in self._asked.loops if each.frame is frame and each.site is site]
        for each in stale:
            self._asked.loops.remove(each)
        self._asked.loops.append(_Taken(frame, site, moment, work))
        return work is not None

    def reducer(self) -> object:
        """See ``interpreter.Engine``."""
        frame = sys._getframe(1)
        taken = self._last(frame)
        self._asked.loops.append(taken)
        return taken.moment.reducer

    def items(self) -> object:
        """See ``interpreter.Engine``."""
        return self._last(sys._getframe(1)).moment.written

    def result(self, *operand: object) -> object:
        """See ``interpreter.Engine``."""
        taken = self._last(sys._getframe(1))
        work = taken.work
        assert work is not None
        loop = self.root_loop(
            taken.site.kind,
            work.body,
            work.items,
            eager=taken.site.eager,
            operand=operand,
            fold=taken.moment.fold(work.items),
        )
        began, started = perf_counter_ns(), thread_time_ns()
        try:
            with plain_sites():
                return loop.run()
        finally:
            seconds = (perf_counter_ns() - began) / 1e9
            self.chronicle.taken(taken.site, taken.frame.f_code.co_filename, loop.tally, seconds)
            spent, visits = thread_time_ns() - started, self.visits(taken.site)
            visits.note_loop(len(work.items), loop.tally, work.asked_ns, spent)

    def alone(self, index: int) -> bool:
        """See ``interpreter.Engine``."""
        return self._calls.alone(sys._getframe(1), self.code.site(index))

    def value(self, function: object) -> object:
        """See ``interpreter.Engine``."""
        return self._calls.value(sys._getframe(1), function)

    def root_loop(
        self,
        kind: SiteKind,
        body: SliceCall,
        items: Sequence[Any],
        *,
        eager: bool = True,
        operand: tuple[Any, ...] = (),
        fold: Fold | None = None,
        window: Window | None = None,
        burden: Callable[[], float] = float,
    ) -> RootLoop:
        """A loop of this job."""
        self._loops += 1
        return RootLoop(
            job=self.job,
            number=self.first_loop + self._loops - 1,
            kind=kind,
            body=self.code.divided(body),
            items=items,
            eager=eager,
            operand=operand,
            fold=fold,
            python=self.python,
            place=self.place,
            store=self.store,
            link=self.link,
            on_use=self.on_use,
            worker=self.worker,
            window=window,
            burden=burden,
        )

    def check(self, site: Site, count: int, frame: FrameType) -> None:
        """Whether a loop of so many items may be taken now, whatever it does.

        Raises:
            Declined: it is to run as written.
        """
        if threading.current_thread() is not threading.main_thread():
            # Signals and the supervisor's words belong to the main thread.
            raise Declined("it runs in a thread that the program started")
        if self.visits(site).skip(count):
            why = "it is short: dividing it would take longer than running it"
            raise Declined(why, passing=True)
        if not settings_travel():
            raise Declined("the program changed NumPy's error handling or the decimal context")
        if "cache_info" in frame.f_code.co_names:
            raise Declined("the statistics of a cache, which the code asks for, would show it")

    def visits(self, site: Site) -> Visits:
        """What is known of a site from its earlier loops."""
        return self.known.setdefault((site.line, site.column), Visits())

    def _last(self, frame: FrameType) -> _Taken:
        """The loop that this frame asked for last; loops above it ended with an exception."""
        while True:
            taken = self._asked.loops.pop()
            if taken.frame is frame:
                return taken

    def _work(self, moment: Moment, frame: FrameType) -> Work:
        """The loop's items and slice function, with its values.

        Raises:
            Declined: the loop is to run as written.
        """
        site, count = moment.site, moment.count()
        self.check(site, count, frame)
        asked = thread_time_ns()
        try:
            items, body = moment.proved(count, frame, self.slices)
        except Declined:
            self.visits(site).refused(count, thread_time_ns() - asked)
            raise
        return Work(items, body, thread_time_ns() - asked)
