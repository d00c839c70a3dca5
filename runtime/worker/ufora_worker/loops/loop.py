"""Runs the items of one loop in this process, and gives the back half away if somebody is hungry.

A loop is never cut into tasks in advance. Its items run in order at full speed, in *slices* of
about half a millisecond (of native code: two), and between two slices there is one look at the
shared words. If an executor somewhere is hungry, the back half of what is left becomes a range of
its own (lazy binary splitting: Tzannes et al., PPoPP 2010); a heartbeat does the same in the middle
of a long item (heartbeat scheduling: Acar et al., PLDI 2018).

Loops nest: an item may reach a site whose loop is taken over as well, and then the outermost loop
gives first (``Place.give``). Items that are run several in a slice are too short for that.

A loop starts in CPython (``Body``). Native code for its items (``Native``) is made meanwhile, and
takes over between two slices, or in the middle of a long item, which is then begun again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from typing import Any, Protocol

from ufora_core.errors import CoreError
from ufora_worker.executor.interpreter import divide_items
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.executor.unwinding import Unwinding
from ufora_worker.executor.warned import Warned, unless_it_warns
from ufora_worker.loops.expectation import item_times
from ufora_worker.loops.runners import Body, Native
from ufora_worker.loops.shapes import Accumulator, Collected
from ufora_worker.native.engine import NativeEngine
from ufora_worker.shared_words import SharedWords

log = logging.getLogger(__name__)

#: A slice cannot be given away any more, so its length bounds what a thief may wait for where the
#: last items are much slower than the first ones; what is done between two slices takes a hundredth
#: of it.
SLICE_NS = 500_000
#: The same for native code, where what is done between two slices takes a little longer.
NATIVE_SLICE_NS = 2_000_000
#: A slice of native code that takes so long has come to items that are slower than those before.
_LATE_NS = 4 * NATIVE_SLICE_NS
#: The back half is worth a message only if the rest will take longer than this.
WORTH_GIVING_NS = 1_000_000
#: A loop in an item that takes longer is worth dividing.
_LASTS_NS = 10_000_000
#: What CPython and another process need for the value of an item, about.
_LITTLE_NS = 5_000.0
#: What a slice may take besides its items is at most this part of that. The first of a loop has one
#: item and is the slowest: if all of it counted, all other items would seem to be worth giving.
_SLICE_COST = 2
#: A slice grows at most by this factor at once: costs may rise along the range.
_GROWTH = 8


class _Takeover(Unwinding):
    """Raised in an item that runs in CPython when native code for it is ready."""

    def __init__(self, loop: "Loop") -> None:
        self.loop = loop


def _nothing(limit: float) -> float:
    return 0.0


class Giver(Protocol):
    """Turns items of the loop into a range for somebody else."""

    def __call__(self, lo: int, hi: int) -> None:
        """Give ``[lo, hi)`` away; if this raises, the items stay."""


@dataclass(slots=True)
class Place:
    """What a loop needs to know of the executor that it runs on."""

    words: SharedWords
    executor: int
    interrupts: Interrupts
    #: What makes native code; None where everything runs in CPython.
    native: NativeEngine | None = None
    #: Where executors of the worker leave floats for each other (``float_files``); None: they send
    #: them.
    floats: Path | None = None
    #: The loops that run here, each in an item of the one before.
    loops: list["Loop"] = field(default_factory=list, init=False)
    #: What else a heartbeat does.
    on_beat: list[Callable[[], None]] = field(default_factory=list, init=False)

    def give(self) -> None:
        """Somebody is hungry: the outermost loop that has something to give gives half of it."""
        for loop, item_ns in zip(self.loops, item_times(self.loops), strict=True):
            if loop.give_back_half(item_ns):
                return

    def beat(self) -> None:
        """A heartbeat, in the middle of an item of the innermost loop."""
        for action in self.on_beat:
            action()
        for loop in self.loops:
            loop.yield_rest()
        if self.hungry():
            self.give()
        for loop in self._to_take_over():
            loop.take_over()

    def _to_take_over(self) -> list["Loop"]:
        """The loops whose items may be begun again, outermost first: none in whose item others
        help, or could."""
        found: list[Loop] = []
        for loop in reversed(self.loops):
            if loop.divided:
                break
            found.insert(0, loop)
            if loop.divides:
                break
        return found

    def hungry(self) -> bool:
        """True when somebody could take items."""
        return self.words.hungry() > 0

    def hungry_here(self) -> bool:
        """True when an executor of this worker could take items."""
        return self.words.hungry_here() > 0

    def yields(self) -> bool:
        """True when everything that is not begun is to go back to where it came from."""
        return self.words.yields(self.executor)


@dataclass(slots=True)
class Loop:
    """Items ``[next, hi)`` of ``items``, of which this process is the owner."""

    body: Body
    items: Sequence[Any]
    next: int
    hi: int
    accumulator: Accumulator
    place: Place
    give: Giver
    #: Called after each slice with the number of items that it ran.
    on_progress: Callable[[int], None]
    #: What the first giving costs besides, since the loop's values have to be sent: called with
    #: the most that is of interest.
    task_ns: Callable[[float], float] = _nothing
    native: Native | None = None
    #: It is a range that somebody may want back, rather than a loop that is owned here.
    leased: bool = True
    #: Sites that are reached in its items may be taken over.
    nests: bool = False
    #: Its items are calls that stand side by side, or one that stands alone.
    calls: bool = False
    #: The loop that ran last in its item divided.
    divided: bool = field(default=False, init=False)
    #: Item ``hi`` raised an exception, or warned; nothing at or past it counts.
    failed: bool = False
    #: An item decided the loop (``any``, ``all``); nothing at or past ``next`` counts.
    decided: bool = False
    splits: int = 0
    busy_ns: int = 0
    #: True while ``next`` moves: a heartbeat must not give items away then.
    _moving: bool = field(default=False, init=False)
    #: Items of the slice that runs; 0 between two slices.
    _running: int = field(default=0, init=False)
    #: Giving failed once (a full disk, for example).
    _keeps_all: bool = field(default=False, init=False)
    #: Items of the next slice, and what the last one showed an item to cost.
    _count: int = field(default=1, init=False)
    _item_ns: float = field(default=0.0, init=False)
    #: Where CPython is in the middle of an item; None elsewhere.
    _interpreting: int | None = field(default=None, init=False)
    #: When the last slice began.
    _started_ns: int = field(default=0, init=False)
    _started_cpu_ns: int = field(default=0, init=False)
    _began_ns: int = field(default_factory=perf_counter_ns, init=False)
    #: Native code has to wait for a heartbeat; see ``take_over``.
    _waits: bool = field(default=False, init=False)
    #: The slice ends where native code left it.
    _cut: bool = field(default=False, init=False)

    def run(self) -> None:
        """Run until nothing is left that is still this process's own."""
        place, depth = self.place, len(self.place.loops)
        place.loops.append(self)
        # What is divided in the item of a single call would run on one core as native code.
        self._waits = self.alone
        try:
            self._run_slices()
        finally:
            del place.loops[depth:]
            if depth:
                place.loops[-1].divided = self.divides
            if self.nests:
                divide_items(False)

    def _run_slices(self) -> None:
        with self.place.interrupts.heartbeat(self.place.beat):
            while self.next < self.hi and not self.decided and not self.failed:
                first, self._started_ns = self.next, perf_counter_ns()
                self._started_cpu_ns = thread_time_ns()
                try:
                    self._run_slice()
                finally:
                    self._running = 0
                    spent = perf_counter_ns() - self._started_ns
                    self.busy_ns += spent
                    self.place.words.add_busy(self.place.executor, spent)
                self._adapt(self.next - first, spent)
                self.on_progress(self.next - first)
                if self.native is not None:
                    self.native.prepare(self.busy_ns)
                self.yield_rest()
                if self.place.hungry():
                    self.place.give()
                self.place.interrupts.check()

    def _run_slice(self) -> None:
        self._moving = True
        lo, hi = self.next, min(self.next + self._count, self.hi)
        self.next = hi
        self._running = hi - lo
        self._moving = False
        while lo < hi and not self.decided and not self.failed:
            if self.native is not None and not self._waits and self.native.ready(lo):
                lo, self.decided = self.native.run(lo, hi, self.accumulator)
                if self._cut:
                    self.next = lo
                    return
                if lo < hi and not self.decided:
                    lo = self._interpret(lo, lo + 1)
            else:
                lo = self._interpret(lo, hi)

    def _interpret(self, lo: int, hi: int) -> int:
        """Run items in CPython; gives the first that is not done."""
        try:
            values = self._taken_over(lo, hi)
        except _Takeover as takeover:
            if takeover.loop is not self:
                raise
            return lo
        except (Exception, Warned):
            self._find_failure(lo, hi)
            return hi
        self.decided = self.accumulator.add(values, lo, hi)
        return hi

    def _taken_over(self, lo: int, hi: int) -> Any:
        """The body's values, unless native code takes over meanwhile."""
        self._interpreting = lo
        if self.nests:
            divide_items(hi - lo == 1)
        try:
            run = self.body.run_divided if self.nests and hi - lo == 1 else self.body.run
            values = unless_it_warns(run, self.items[lo:hi])
        finally:
            going_on, self._interpreting = self._interpreting, None
            if going_on is None:
                # Whatever the item made of the exception: it is run again.
                raise _Takeover(self)
        return values

    def _adapt(self, count: int, spent: int) -> None:
        if count:
            self._item_ns = self._item_cost(count)
            native = self.native is not None and self.native.ready(self.next)
            fitting = (NATIVE_SLICE_NS if native else SLICE_NS) * count // max(spent, 1)
            self._count = max(1, min(fitting, self._count * _GROWTH))
        if self._cut:
            # Whatever the item takes in which it was cut: it ends now.
            self._count, self._cut = 1, False

    def _item_cost(self, count: int) -> float:
        """What an item of the slice took that began last, at least. Processor time, since other
        programs may have had the core meanwhile."""
        spent = thread_time_ns() - self._started_cpu_ns - WORTH_GIVING_NS // _SLICE_COST
        return max(spent, 0) / count

    def item_time(self, inside_ns: float) -> float:
        """See ``expectation.Expecting``."""
        if not self._running:
            return self._item_ns
        return max(self._item_ns, self._item_cost(self._running) + inside_ns / self._running)

    def give_back_half(self, item_ns: float) -> bool:
        """Give the back half of what has not begun away, if that is worth it where an item takes
        ``item_ns``. While an item runs, the last one may go too."""
        # No heartbeat between looking at what is left and giving half of it.
        with self.place.interrupts.deferred():
            left = self.hi - self.next
            if self._moving:
                return False
            if left < (1 if self._running else 2) or not self._is_worth_giving(left, item_ns):
                self._cut_short()
                return False
            kept = left // 2 if self._running else (left + 1) // 2
            return self._give(self.next + kept)

    def _cut_short(self) -> None:
        """Leave a slice of native code that takes much longer than it was to: somebody is hungry,
        and there is nothing else to give than what it has not begun."""
        if self.native is None or self._interpreting is not None or self._running < 2:
            return
        is_late = perf_counter_ns() - self._started_ns > _LATE_NS
        if is_late and self._is_worth_giving(self._running, self._item_cost(self._running)):
            self._cut = True
            self.native.leave()

    def yield_rest(self) -> None:
        """Give everything away that has not begun, if somebody wants it back."""
        if not self.leased or not self.place.yields():
            return
        with self.place.interrupts.deferred():
            if self.next < self.hi and not self._keeps_all and not self._moving:
                self._give(self.next)

    @property
    def alone(self) -> bool:
        """Whether it is no loop in fact, but one call."""
        return self.calls and len(self.items) == 1

    @property
    def divides(self) -> bool:
        """Whether others help with it, or may be expected to. What a loop keeps of each item goes
        through CPython on one core, so cheap items of such a loop gain nothing."""
        if self.calls:
            return self.splits > 0
        keeps = isinstance(self.accumulator, Collected) and self._item_ns < _LITTLE_NS
        return perf_counter_ns() - self._began_ns > _LASTS_NS and not keeps

    def take_over(self) -> None:
        """Leave an item that CPython runs for long, if native code can run it."""
        if self.native is None or self._interpreting is None:
            return
        self.native.prepare(self.busy_ns + perf_counter_ns() - self._started_ns)
        if self.native.ready(self._interpreting):
            self._interpreting, self._waits = None, False
            raise _Takeover(self)

    def _is_worth_giving(self, left: int, item_ns: float) -> bool:
        """Whether running the back half elsewhere takes less than sending it there and back."""
        spared = left * (item_ns - self.accumulator.shipping_ns)
        if self._keeps_all or spared < WORTH_GIVING_NS:
            return False
        return spared >= 2 * self.task_ns(spared / 2)

    def _give(self, middle: int) -> bool:
        try:
            self.give(middle, self.hi)
        except CoreError as error:
            log.warning("a loop is not split any more: %s", error)
            self._keeps_all = True
            return False
        self.hi = middle
        self.splits += 1
        self.task_ns = _nothing
        return True

    def _find_failure(self, first: int, end: int) -> None:
        """Some item of ``[first, end)`` raised or warned. Items are pure: run them one by one to
        learn which, and what those before it yield."""
        if end - first == 1:
            self.failed = True
            self.next = self.hi = first
            return
        for index in range(first, end):
            try:
                values = unless_it_warns(self.body.run, self.items[index : index + 1])
            except (Exception, Warned):
                self.failed = True
                self.next = self.hi = index
                return
            if self.accumulator.add(values, index, index + 1):
                self.decided = True
                self.next = index + 1
                return
