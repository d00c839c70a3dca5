"""The items of one loop as native code: from the moment that there is some, as far as it goes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.shapes import Accumulator
from ufora_worker.loops.sums import Summed
from ufora_worker.native.attention import Attention
from ufora_worker.native.ir.nodes import Sink
from ufora_worker.native.refusal import Refusal, UserFunction
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.segments import add_run, has_nan
from ufora_worker.native.service import Compiler, NativeCode, Request

if TYPE_CHECKING:
    from ufora_worker.native.llvm.columns import Columns

#: With more bails than this share of the items, CPython alone is faster.
_MOST_BAILS = 0.05
#: Bails after which the share is looked at, and the items that CPython then gets before native
#: code has another try.
_FEW_BAILS, _PAUSE = 16, 4096
#: How long a loop stands still while its items are compiled. The compiler is Python up to where
#: LLVM begins: two threads would take turns, and what runs in CPython meanwhile is little anyway.
_PATIENCE_SECONDS = 0.02
#: Values that one call collects at most, to begin with.
_CAPACITY = 1 << 14


@dataclass(slots=True)
class NativeItems:
    """See ``loops.runners.Native``."""

    request: Request
    compiler: Compiler
    attention: Attention
    kind: SiteKind
    #: Items that ran natively, and bails, since ``counts``.
    _items: int = field(default=0, init=False)
    _bails: int = field(default=0, init=False)
    _submitted: bool = field(default=False, init=False)
    #: What ``prepare`` was told last.
    _spent_ns: int = field(default=0, init=False)
    _resume_at: int = field(default=0, init=False)
    _recent_bails: int = field(default=0, init=False)
    _recent_items: int = field(default=0, init=False)
    _capacity: int = field(default=_CAPACITY, init=False)
    _columns: "Columns | None" = field(default=None, init=False)

    @property
    def refusal(self) -> Refusal | None:
        """See ``loops.runners.Native``."""
        return None if self.request.code is not None else self.request.history.refusal

    @property
    def is_made(self) -> bool:
        """See ``loops.runners.Native``."""
        return self.request.code is not None

    @property
    def functions(self) -> Sequence[UserFunction]:
        """See ``loops.runners.Native``."""
        if self.request.code is not None:
            return self.request.code.functions
        return () if self.refusal is None else self.refusal.within

    def counts(self) -> tuple[int, int]:
        """See ``loops.runners.Native``."""
        counts = self._items, self._bails
        self._items = self._bails = 0
        return counts

    def prepare(self, spent_ns: int) -> None:
        """See ``loops.runners.Native``; waits no longer than for the compiler's own passes."""
        # Where several loops share this, each begins with no time spent.
        begun = self._spent_ns if spent_ns >= self._spent_ns else 0
        history = self.request.history
        history.spent_ns += spent_ns - begun
        self._spent_ns = spent_ns
        if self._submitted or self.request.code is not None or not history.is_due:
            return
        self._submitted = history.asked = True
        self.compiler.submit(self.request)
        self.request.passed.wait(_PATIENCE_SECONDS)

    def ready(self, index: int) -> bool:
        """See ``loops.runners.Native``."""
        return self.request.code is not None and index >= self._resume_at

    def run(self, lo: int, hi: int, results: Accumulator) -> tuple[int, bool]:
        """See ``loops.runners.Native``."""
        code = self.request.code
        if code is None or not self.ready(lo):
            return lo, False
        if code.unit.sink is Sink.TOTAL and results.keep_values:
            return lo, False  # somebody needs the values, and this code adds them up
        first = lo
        while lo < hi:
            run = self._call(code, lo, hi, _sum_of(code, results))
            if self.kind is not SiteKind.SUM and has_nan(run, code.unit):
                # Which NaN it is can be seen: a list finds the one that it holds.
                self._resume_at = run.next
                return lo, False
            decided = add_run(results, run, code.unit, self.kind, lo)
            lo = run.next
            if decided or run.status is Status.DECIDED:
                self._count(lo - first, False, lo)
                return lo, True
            if run.status is not Status.FULL:
                self._count(lo - first, run.status is Status.BAILED, lo)
                return lo, False
        return lo, False

    def leave(self) -> None:
        """See ``loops.runners.Native``."""
        self.attention.leave()

    def _call(self, code: NativeCode, lo: int, hi: int, sum: tuple[float, float] | None) -> Run:
        while True:
            columns = None
            if code.unit.sink.fills_columns and sum is None:
                columns = self._columns_for(code, max(self._capacity, hi - lo))
            with self.attention.native_code():
                run = code.entry.run(lo, hi, code.words, columns, self.attention, sum)
            if run.status is not Status.FULL or run.next > lo:
                return run
            self._capacity = 2 * max(self._capacity, hi - lo)

    def _columns_for(self, code: NativeCode, capacity: int) -> "Columns":
        """Columns of at least this capacity: those of the last call, if they are large enough,
        since new memory takes longer to get than to fill."""
        from ufora_worker.native.llvm.columns import Columns

        if self._columns is None or self._columns.capacity < capacity:
            self._columns = Columns.for_unit(code.unit, capacity)
        return self._columns

    def _count(self, items: int, bailed: bool, index: int) -> None:
        self._items += items
        self._recent_items += items
        if not bailed:
            return
        self._bails += 1
        self._recent_bails += 1
        if self._recent_bails < _FEW_BAILS:
            return
        if self._recent_bails > _MOST_BAILS * self._recent_items:
            self._resume_at = index + max(_PAUSE, self._recent_items)
        self._recent_bails = self._recent_items = 0


def _sum_of(code: NativeCode, results: Accumulator) -> tuple[float, float] | None:
    """What the code is to add its values to."""
    if code.unit.sink.adds_up and isinstance(results, Summed):
        return results.floats
    return None
