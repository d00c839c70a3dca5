"""Runs the turns of a ``for`` statement one after the other, as machine code; see
``compiler.for_loops.turns``.

The loop begins as written, which costs nothing. Once it has shown to last, a function is made of
its turns, and native code of that. Where a turn takes long, and what it computes by itself may run
apart from other turns, it is left to the records instead (``sites``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.sites.stages import as_written
from ufora_core.protocol.parts import ExecutorUse
from ufora_worker.for_loops.bodies import Bodies
from ufora_worker.for_loops.plans import Plan, Plans, numbers_of
from ufora_worker.for_loops.runs import Run, Runs
from ufora_worker.native.repeated import RepeatedCall
from ufora_worker.native.service import Location

if TYPE_CHECKING:
    from ufora_worker.loops.splitting import Splitter

#: A slice of turns that run as written, and how much longer than the one before it may be.
_SLICE_NS, _GROWTH = 500_000, 8
#: Turns that take longer had better run apart, where they can; and where they cannot, what is in
#: them can be divided.
_APART_NS, _DIVISIBLE_NS = 8_000, 1_000_000
#: Of turns that take less, records would take longer than the turns.
_LEAST_APART_NS = 150
#: A loop's first turns may take much longer than the others, since they reach places for the first
#: time; after the lesser of these times, a turn is not taken for what it takes to begin a slice.
_SHOWN_NS, _SETTLING_NS = 100_000, 3_000_000
#: What is left of the loop must take so long to be worth a compiler's while; and if there was code
#: already.
_WORTH_NS, _WORTH_AGAIN_NS = 50_000_000, 1_000_000
#: Turns of the first call, and what a call may take.
_FIRST_CALL, _CALL_NS = 1024, 10_000_000
#: Native turns that take longer gain from others who could help, though all that they compute has
#: to be folded then; if that much is left.
_HELPED_NS, _HELPED_FROM_NS = 400, 50_000_000
#: Where so few turns cannot run natively, CPython goes on.
_FEW = 16


class Next(Enum):
    """How a loop goes on that has begun as written."""

    NOT_YET = "that is not known yet"
    AS_WRITTEN = "to its end as written"
    OTHERWISE = "turn after turn, or with its items apart"


@dataclass(slots=True)
class TurnAfterTurn:
    """The loops of one job that may run in this way."""

    splitter: "Splitter"
    runs: Runs
    bodies: Bodies
    _plans: Plans = field(default_factory=Plans, init=False)

    def first(self, run: Run) -> Iterator[Iterable[Any]]:
        """The items that run as written, in slices."""
        if run.items is None or run.done:
            return
        run.visited = True
        # Nothing is proved yet: what a turn does to the items may show in the next ones.
        run.iterator = iter(as_written(run.iterable))
        began, goes_on = thread_time_ns(), False
        try:
            yield from self._slices(run, len(run.items), run.iterator)
            goes_on = True
        finally:
            run.written_ns = thread_time_ns() - began - run.asked_ns
            self._tell(run)
            if not goes_on:
                self.runs.end(run)  # the loop ended otherwise

    def turns(self, run: Run) -> Iterator[tuple[Any, ...]]:
        """What the loop's variables hold after some turns."""
        plan, items = run.plan, run.items
        if plan is None or items is None or not plan.native.ready:
            return
        state = numbers_of(run, plan.turns)
        if state is None or not plan.native.keeps_classes(state):
            return
        run.iterator = None
        try:
            yield from self._calls(run, items, plan, state)
        except BaseException:
            self.runs.end(run)  # it ended in the middle
            raise
        finally:
            self._tell(run)

    def _tell(self, run: Run) -> None:
        """Have the report tell of what was done so far."""
        chronicle, place = self.splitter.chronicle, self.splitter.place
        if run.native_turns and run.plan is not None:
            functions, seconds = run.plan.native.functions, run.untold_seconds()
            chronicle.in_turn(run.site, run.filename, run.native_turns, seconds, functions)
            self.splitter.on_use(self._use(run))
        elif run.apart is not None and run.apart.refusal is not None:
            chronicle.as_written(run.site, run.filename, run.apart, place, run.untold_seconds())

    def _use(self, run: Run) -> ExecutorUse:
        """What this executor did of the loop, turn after turn."""
        return ExecutorUse(
            worker=self.splitter.worker,
            executor=self.splitter.place.executor,
            items=run.native_turns,
            ranges=1,
            busy_seconds=run.native_ns / 1e9,
            native_items=run.native_turns,
        )

    # ------------------------------------------------------------------ as written

    def _slices(self, run: Run, count: int, items: Iterator[Any]) -> Iterator[Iterable[Any]]:
        size, began = 1, thread_time_ns()
        while run.done < count:
            before = thread_time_ns()
            yield islice(items, size)
            run.done, now = min(run.done + size, count), thread_time_ns()
            turn_ns = max(now - before, 1) / size
            size = max(1, min(int(_SLICE_NS / turn_ns), size * _GROWTH))
            match self._next(run, turn_ns, now - began):
                case Next.AS_WRITTEN:
                    break
                case Next.OTHERWISE:
                    return
        run.done = count
        yield items

    def _next(self, run: Run, turn_ns: float, spent: int) -> Next:
        """How the loop goes on after turns that took so long, the last of them ``turn_ns``."""
        left_ns = turn_ns * (run.count - run.done)
        apart = run.loop.records is not None
        if apart and spent > _SETTLING_NS and min(turn_ns, spent / run.done) > _APART_NS:
            return Next.OTHERWISE
        if self.splitter.place.native is None:
            return Next.NOT_YET if apart else Next.AS_WRITTEN
        if run.plan is None and run.apart is None:
            lasts = spent > _SHOWN_NS and left_ns >= self._worth_ns(run)
            if turn_ns > _DIVISIBLE_NS or not lasts:
                return Next.NOT_YET
            run.plan = self._planned(run, left_ns)
        if run.plan is not None and run.plan.native.refusal is None:
            return Next.OTHERWISE if run.plan.native.ready else Next.NOT_YET
        if not apart or turn_ns < _LEAST_APART_NS:
            return Next.AS_WRITTEN
        return self._next_apart(run, spent)

    def _next_apart(self, run: Run, spent: int) -> Next:
        """The same, where the items run apart as soon as there is native code for them: before
        that, gathering what they give takes longer than they do."""
        if run.apart is None:
            run.plan, run.apart = None, self.bodies.native_records(run)
        if run.apart is None or run.apart.refusal is not None:
            return Next.AS_WRITTEN
        run.apart.prepare(spent)
        return Next.OTHERWISE if run.apart.is_made else Next.NOT_YET

    def _worth_ns(self, run: Run) -> int:
        """What is left must take so long to be worth native code."""
        return _WORTH_AGAIN_NS if self._native(run).history.was_made else _WORTH_NS

    def _planned(self, run: Run, left_ns: float) -> Plan | None:
        """The plan for the rest of the loop, for which native code is made; or None."""
        native = self._native(run)
        if run.loop.turns is None:
            return None
        if native.refusal is not None and left_ns < native.history.worth_ns:
            return None
        plan = self._plans.plan(run, native)
        if plan is not None:
            plan.prepare(self.splitter.python)
        return plan

    def _native(self, run: Run) -> RepeatedCall:
        native = self.splitter.place.native
        assert native is not None
        # No loop has such a column: the items of this one may have code of their own.
        return native.repeated(Location(run.filename, run.site.line, ~run.site.column))

    # ------------------------------------------------------------------ as machine code

    def _calls(
        self, run: Run, items: Sequence[Any], plan: Plan, state: list[Any]
    ) -> Iterator[tuple[Any, ...]]:
        turns, size = plan.turns, _FIRST_CALL
        kept = {i: run.value(name) for i, name in enumerate(turns.state) if name in turns.found}
        while run.done < len(items):
            hi = min(run.done + size, len(items))
            started = perf_counter_ns()
            found = plan.native.run(dict(zip(plan.varying, (*state, run.done, hi), strict=True)))
            if found is None or any(each != each for each in found):
                # Something that is up to CPython; or a NaN, of which Python knows several.
                if hi - run.done <= _FEW:
                    return
                size = max((hi - run.done) // _GROWTH, _FEW)
                continue
            *state, at, broken = found
            call_ns = max(perf_counter_ns() - started, 1)
            run.native_ns += call_ns
            turn_ns = call_ns / (at - run.done)
            size = max(1, min(int(_CALL_NS / turn_ns), size * _GROWTH))
            run.native_turns += at - run.done
            run.done = at
            left = state if broken else [kept.get(i, value) for i, value in enumerate(state)]
            yield (items[at - 1], *left, *([broken] if turns.breaks else []))
            if self._would_be_helped(run, turn_ns, turn_ns * (len(items) - at)):
                return

    def _would_be_helped(self, run: Run, turn_ns: float, left_ns: float) -> bool:
        worth = turn_ns > _HELPED_NS and left_ns > _HELPED_FROM_NS
        return worth and run.loop.records is not None and self.splitter.place.hungry()
