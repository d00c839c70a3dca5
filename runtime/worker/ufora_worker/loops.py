"""Runs the items of one loop in this process, and gives the back half away if somebody is hungry.

A loop is never cut into tasks in advance. Its items run in order at full speed, in *slices* of
about half a millisecond, and between two slices there is one look at the shared words. If an
executor somewhere is hungry, the back half of what is left becomes a range of its own (lazy binary
splitting: Tzannes et al., PPoPP 2010); a heartbeat does the same in the middle of a long item
(heartbeat scheduling: Acar et al., PLDI 2018).

``Body`` is the seam for other ways to run a slice than CPython.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, Protocol

from ufora_core.errors import CoreError
from ufora_worker.interrupts import HEARTBEAT, Interrupts
from ufora_worker.shapes import Accumulator
from ufora_worker.shared_words import SharedWords

log = logging.getLogger(__name__)

#: A slice cannot be given away any more, so its length bounds what a thief may wait for where the
#: last items are much slower than the first ones; what is done between two slices takes a hundredth
#: of it.
SLICE_NS = 500_000
#: The back half is worth a message only if the rest will take longer than this.
WORTH_GIVING_NS = 1_000_000
#: A slice grows at most by this factor at once: costs may rise along the range.
_GROWTH = 8


class Body(Protocol):
    """Runs the user's expression over some items."""

    def run(self, items: Sequence[Any]) -> Any:
        """What the items yield: a list, or for ``any``/``all`` whether one of them decided it.

        Raises:
            Exception: whatever the user's code raises.
        """


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

    def hungry(self) -> bool:
        """True when somebody could take items."""
        return self.words.hungry() > 0

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
    #: What the first giving costs besides: the loop's values have to be encoded.
    task_ns: float = 0.0
    #: Item ``hi`` raised an exception; nothing at or past it counts.
    failed: bool = False
    #: An item decided the loop (``any``, ``all``); nothing at or past ``next`` counts.
    decided: bool = False
    splits: int = 0
    busy_ns: int = 0
    #: True while ``next`` moves: a heartbeat must not give items away then.
    _moving: bool = field(default=False, init=False)
    #: Giving failed once (a full disk, for example).
    _keeps_all: bool = field(default=False, init=False)
    #: Items of the next slice, and what the last one showed an item to cost.
    _count: int = field(default=1, init=False)
    _item_ns: float = field(default=0.0, init=False)

    def run(self) -> None:
        """Run until nothing is left that is still this process's own."""
        with self.place.interrupts.heartbeat(self._on_heartbeat):
            while self.next < self.hi and not self.decided and not self.failed:
                first, started = self.next, perf_counter_ns()
                try:
                    self._run_slice()
                finally:
                    spent = perf_counter_ns() - started
                    self.busy_ns += spent
                    self.place.words.add_busy(self.place.executor, spent)
                self._adapt(self.next - first, spent)
                self.on_progress(self.next - first)
                if self.place.yields():
                    self._give_rest()
                elif self.place.hungry():
                    self._give_back_half()
                self.place.interrupts.check()

    def _run_slice(self) -> None:
        self._moving = True
        lo, hi = self.next, min(self.next + self._count, self.hi)
        self.next = hi
        self._moving = False
        try:
            values = self.body.run(self.items[lo:hi])
        except Exception:
            self._find_failure(lo, hi)
            return
        self.decided = self.accumulator.add(values, lo, hi)

    def _adapt(self, count: int, spent: int) -> None:
        if count:
            self._item_ns = max(spent, 1) / count
            fitting = int(SLICE_NS / self._item_ns)
            self._count = max(1, min(fitting, self._count * _GROWTH))

    def _give_back_half(self) -> None:
        # No heartbeat between looking at what is left and giving half of it.
        with self.place.interrupts.deferred():
            left = self.hi - self.next
            if left >= 2 and self._is_worth_giving(left, self._item_ns):
                self._give(self.next + (left + 1) // 2)

    def _give_rest(self) -> None:
        """Somebody else will run what is left: this worker retires."""
        with self.place.interrupts.deferred():
            if self.next < self.hi and not self._keeps_all:
                self._give(self.next)

    def _on_heartbeat(self) -> None:
        """A long item runs: half of everything behind its slice may go, the last item too."""
        with self.place.interrupts.deferred():
            left = self.hi - self.next
            if left < 1 or self._moving:
                return
            if self.place.yields():
                self._give_rest()
            elif self.place.hungry():
                item_ns = max(self._item_ns, HEARTBEAT * 1e9)
                if self._is_worth_giving(left, item_ns):
                    self._give(self.next + left // 2)

    def _is_worth_giving(self, left: int, item_ns: float) -> bool:
        """Whether running the back half elsewhere takes less than sending it there and back."""
        spared = left * (item_ns - self.accumulator.shipping_ns)
        return spared >= max(WORTH_GIVING_NS, 2 * self.task_ns) and not self._keeps_all

    def _give(self, middle: int) -> None:
        try:
            self.give(middle, self.hi)
        except CoreError as error:
            log.warning("a loop is not split any more: %s", error)
            self._keeps_all = True
            return
        self.hi = middle
        self.splits += 1
        self.task_ns = 0.0

    def _find_failure(self, first: int, end: int) -> None:
        """Some item of ``[first, end)`` raised. Items are pure: run them one by one to learn which,
        and what those before it yield."""
        for index in range(first, end):
            try:
                values = self.body.run(self.items[index : index + 1])
            except Exception:
                self.failed = True
                self.next = self.hi = index
                return
            if self.accumulator.add(values, index, index + 1):
                self.decided = True
                self.next = index + 1
                return
