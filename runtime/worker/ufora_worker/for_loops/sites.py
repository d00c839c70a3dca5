"""Runs ``for`` statements whose bodies are a map and an ordered fold; see ``compiler.for_loops``.

The items' records are computed in *windows*: the map of one window runs anywhere, then the user's
own frame folds its records, in order. The first windows are small and tell what a record costs.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from time import perf_counter_ns, thread_time_ns
from types import FrameType
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.for_loops.split import Halves
from ufora_core.compiler.for_loops.statement import Unset
from ufora_core.compiler.for_loops.total import Total
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.executor.interpreter import plain_sites
from ufora_worker.for_loops.bodies import Bodies
from ufora_worker.for_loops.changes import IMMUTABLE
from ufora_worker.for_loops.runs import Run, Runs
from ufora_worker.for_loops.turns import TurnAfterTurn
from ufora_worker.loops.first_look import take_less
from ufora_worker.loops.float_sum import PLAIN
from ufora_worker.loops.ranges import SliceCall
from ufora_worker.loops.root_loop import RootLoop, Window
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import finish
from ufora_worker.native.float_fold import FloatFold

if TYPE_CHECKING:
    from ufora_worker.loops.splitting import Splitter

_NUMBERS = {int, float, bool}
#: Items of the first window, and how much longer than the one before a window may be.
_FIRST, _GROWTH = 16, 8
#: A window is about as long as this, once items are known to take less.
_WINDOW_NS = 10_000_000
#: With a ``break`` in the body, what a window computes may be in vain: it takes at most this part
#: of the time that the loop has taken.
_IN_VAIN = 8
#: Items that take less than this are left to run as written if nobody takes any and there is no
#: native code for them. Making and unpacking a record takes about so much, and so much may be lost
#: before the loop is given up.
_WORTH_NS, _RECORD_NS, _MOST_LOST_NS = 10_000, 400, 30_000_000
#: Records that may be in memory at a time.
_MOST_RECORDS = 1 << 18


@dataclass(slots=True)
class ForSites:
    """The ``for`` statements of one job; see ``compiler.for_loops`` for what they call."""

    splitter: "Splitter"
    _runs: Runs = field(init=False)
    _bodies: Bodies = field(init=False)
    _in_turn: TurnAfterTurn = field(init=False)

    def __post_init__(self) -> None:
        self._runs = Runs(self.splitter)
        self._bodies = Bodies(self.splitter, self._runs)
        self._in_turn = TurnAfterTurn(self.splitter, self._runs, self._bodies)

    # These are called from the code of the statement itself.

    def totals(self, index: int, iterable: Any) -> Iterable[Any]:
        """``__ufora_totals__``"""
        return self._totals(self._runs.begin(sys._getframe(1), index, iterable))

    def left(self) -> Iterable[Any]:
        """``__ufora_left__``"""
        run = self._runs.of(sys._getframe(1))
        return [self._others(run)] if run.done else ()

    def first(self, index: int | None = None, iterable: Any = None) -> Iterable[Any]:
        """``__ufora_first__``; without a site, of the loop that was asked for already."""
        run = self._run(sys._getframe(1), index, iterable)
        return chain.from_iterable(self._in_turn.first(run))

    def turns(self) -> Iterable[Any]:
        """``__ufora_turns__``"""
        return self._in_turn.turns(self._runs.of(sys._getframe(1)))

    def records(self, index: int | None = None, iterable: Any = None) -> Iterable[Any]:
        """``__ufora_records__``; without a site, of the loop that was asked for already."""
        run = self._run(sys._getframe(1), index, iterable)
        return chain.from_iterable(self._windows(run))

    def rest(self) -> Any:
        """``__ufora_rest__``"""
        run = self._runs.of(sys._getframe(1))
        self._runs.end(run)
        return run.rest()

    def _run(self, frame: FrameType, index: int | None, iterable: Any) -> Run:
        """A loop that begins, or that of the frame which has begun."""
        runs = self._runs
        return runs.of(frame) if index is None else runs.begin(frame, index, iterable)

    # ------------------------------------------------------------------ totals

    def _totals(self, run: Run) -> Iterator[Any]:
        """What the variable holds after some items."""
        total = run.loop.total
        if run.items is None or total is None or not _may_begin(run.value(total.name), total):
            return
        body = self._bodies.of_terms(run)
        if body is None:
            return
        run.visited = True
        loop: RootLoop | None = None
        for lo, hi in self._sizes(run):
            loop, segments = self._map(run, body, Window(lo, hi, loop, may_be_last=False))
            if not all(map(_holds_numbers, segments)):
                return
            operand = (run.value(total.name),)
            adding = self._adding(segments)
            try:
                added = finish(SiteKind.SUM, segments, operand, PLAIN, loop.rerun, adding)
            except OverflowError:
                return  # an int beyond floats: it is raised where it stands
            run.done = hi if loop.failed_at is None else loop.failed_at
            yield added
            if run.done < hi or (loop.stays_interpreted and self._is_in_vain(run, body)):
                break
        run.stopped = True
        self._tell(run)

    def _adding(self, segments: Sequence[LiveSegment]) -> FloatFold | None:
        """Native code that adds floats as ``+=`` does, if there are any, and once there is some."""
        native = self.splitter.place.native
        if native is None or not any(each.form == "floats" for each in segments):
            return None
        return native.float_fold(PLAIN)

    def _others(self, run: Run) -> tuple[Any, ...]:
        """The values of a loop's variables besides the total. What no turn has assigned lately,
        an earlier one may have."""
        total = run.loop.total
        assert run.items is not None and total is not None
        body = self._bodies.of_left(run)
        known = len(total.always)
        found: tuple[Any, ...] = ()
        with plain_sites():
            for position in range(run.done - 1, -1, -1):
                (values,) = body.run(run.items[position : position + 1])
                found = tuple(
                    new if old is Unset else old
                    for old, new in zip(found or values, values, strict=True)
                )
                if all(each is not Unset for each in found[known:]):
                    break
        return found

    # ------------------------------------------------------------------ records

    def _windows(self, run: Run) -> Iterator[Iterable[Any]]:
        """Items with their records, window by window."""
        parts = run.loop.halves
        if parts is None or run.items is None or run.stopped or run.done == len(run.items):
            return
        body = self._bodies.of_records(run)
        if body is None:
            return
        run.visited = True
        try:
            yield from self._mapped_windows(run, parts, body)
        except GeneratorExit:
            self._runs.end(run)  # the loop ended otherwise, and nobody asks for the rest
            raise
        finally:
            self._tell(run)

    def _mapped_windows(self, run: Run, parts: Halves, body: SliceCall) -> Iterator[Iterable[Any]]:
        assert run.items is not None
        run.iterator, run.first_record, loop = None, run.done, None
        for lo, hi in self._sizes(run, parts.breaks):
            loop, segments = self._map(run, body, Window(lo, hi, loop, parts.breaks))
            values = finish(SiteKind.LIST, segments, (), self.splitter.python, loop.rerun)
            rows = list(zip(values, strict=True)) if len(parts.fields) == 1 else values
            usable = _usable(rows, parts.immutable)
            yield zip(run.items[lo : lo + usable], rows, strict=False)
            run.done = lo + usable
            if run.done < hi or self._is_in_vain(run, body):
                return

    def _sizes(self, run: Run, breaks: bool | None = None) -> Iterator[tuple[int, int]]:
        """The windows, each as large as the time that the loop has taken allows. ``breaks`` says
        of a loop over records whether its body may end it."""
        assert run.items is not None
        size = _FIRST
        while run.done < len(run.items):
            lo, hi = run.done, min(run.done + size, len(run.items))
            before = perf_counter_ns()
            yield lo, hi
            if run.done < hi:
                return
            now = perf_counter_ns()
            item_ns = max(now - before, 1) / (hi - lo)
            size = min(int(self._budget(run, now, breaks) / item_ns), size * _GROWTH)
            size = max(size if breaks is None else min(size, _MOST_RECORDS), _FIRST)

    def _budget(self, run: Run, now: int, breaks: bool | None) -> int:
        """Nanoseconds for the next window."""
        spent = now - run.started
        if breaks is None:
            return max(_WINDOW_NS, 4 * spent)  # nothing is kept of the items but their sum
        if self._is_cheap(run):
            return _WINDOW_NS
        return max(_WINDOW_NS, spent // _IN_VAIN if breaks else spent)

    def _map(self, run: Run, body: SliceCall, window: Window) -> tuple[RootLoop, list[LiveSegment]]:
        """Run the items of a window."""
        assert run.items is not None and body.source is not None
        kind = body.source.site.kind
        loop = self.splitter.root_loop(kind, body, run.items, window=window)
        before, began = perf_counter_ns(), thread_time_ns()
        try:
            with plain_sites():
                return loop, loop.gather()
        finally:
            run.map_ns += perf_counter_ns() - before
            busy_ns = int(loop.tally.busy_seconds * 1e9)
            run.besides_ns += max(thread_time_ns() - began - busy_ns, 0)
            run.tally.merge(loop.tally)

    def _is_cheap(self, run: Run) -> bool:
        """Whether nothing is gained: the items take little, and nobody and nothing helps."""
        helped = run.tally.splits or run.tally.native_items
        return not helped and run.map_ns < run.recorded * _WORTH_NS

    def _is_in_vain(self, run: Run, body: SliceCall) -> bool:
        """Whether enough was tried."""
        lost = run.recorded * _RECORD_NS + run.map_ns // 3
        if lost < _MOST_LOST_NS * run.tries:
            return False
        run.tries *= 2
        if not self._is_cheap(run) and not _is_next_to_nothing(run, body):
            return False
        self.splitter.let_rest(run.site)
        return True

    def _tell(self, run: Run) -> None:
        """Have the report tell of what ran apart."""
        chronicle = self.splitter.chronicle
        chronicle.taken(run.site, run.filename, run.tally, run.untold_seconds())


def _is_next_to_nothing(run: Run, body: SliceCall) -> bool:
    """Whether items take less in CPython than their records. They are tried."""
    assert run.items is not None
    if run.map_ns > run.recorded * _RECORD_NS:
        return False
    return take_less(_RECORD_NS, body.run, run.items[run.done - _FIRST : run.done], run.count)


def _may_begin(start: Any, total: Total) -> bool:
    """Whether terms can be added to this: to -0.0, adding -0 is not what subtracting 0 is."""
    return type(start) is int or (
        type(start) is float and not (total.subtracts and str(start) == "-0.0")
    )


def _usable(rows: Sequence[tuple[Any, ...]], immutable: frozenset[int]) -> int:
    """The number of records, up to the first with a value that the fold must not get."""
    if not immutable:
        return len(rows)
    for number, row in enumerate(rows):
        if not all(type(row[position]) in IMMUTABLE for position in immutable):
            return number
    return len(rows)


def _holds_numbers(segment: LiveSegment) -> bool:
    return segment.form != "values" or set(map(type, segment.value)) <= _NUMBERS
