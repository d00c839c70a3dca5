"""The smallest engine that runs sites: it takes every loop, or none, and runs it in slices."""

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ufora_core.compiler.sites import rewriting, stages
from ufora_core.compiler.sites.gates import gate_name
from ufora_core.compiler.sites.rewriting import Site
from ufora_core.compiler.sites.slices import SliceCodes
from ufora_worker.loops.moments import Declined, Moment
from ufora_worker.loops.ranges import SliceCall
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import accumulator, finish

PYTHON = sys.version_info[:2]


class Engine:
    """Takes loops over, or declines them; runs what it takes in slices of ``size`` items.

    Without a proof, it declines loops over tuples: there tests may do what no proof would allow.
    """

    def __init__(
        self, found: list[Site], *, takes: bool, size: int = 2, closed: bool = False
    ) -> None:
        self.sites = {site.index: site for site in found}
        self.takes = takes
        self.closed = closed
        self.size = size
        self.taken: list[int] = []
        self._last: list[tuple[Moment, SliceCall | None]] = []
        self._slices = SliceCodes()

    @property
    def names(self) -> dict[str, object]:
        """What rewritten code finds among the built-in names."""
        return {
            rewriting.LOOP: self.loop,
            rewriting.RESULT: self.result,
            rewriting.ITEMS: self.items,
            rewriting.REDUCER: self.reducer,
            rewriting.VIEW: stages.call,
            **{gate_name(index): self.closed for index in self.sites},
        }

    def loop(self, index: int, function: object, iterable: Any, *key: object) -> bool:
        moment = Moment(self.sites[index], function, iterable, key)
        body = self._body(moment, sys._getframe(1)) if self.takes else None
        self._last.append((moment, body))
        return body is not None

    def _body(self, moment: Moment, frame: FrameType) -> SliceCall | None:
        try:
            moment.count()
            scope = moment.scope(frame)
        except Declined:
            return None
        usable = moment.site.kept.isdisjoint(scope) and type(moment.iterable) is not tuple
        return moment.body(scope, frame, self._slices) if usable else None

    def items(self) -> object:
        return self._last.pop()[0].written

    def reducer(self) -> object:
        return self._last[-1][0].reducer

    def result(self, *operand: Any) -> object:
        moment, body = self._last.pop()
        assert body is not None
        self.taken.append(moment.site.index)
        items, kind = moment.items(), moment.site.kind
        fold = moment.fold(items)
        segments: list[LiveSegment] = []
        try:
            # Each slice on another executor.
            for lo in range(0, len(items), self.size):
                hi = min(lo + self.size, len(items))
                results = accumulator(kind)
                decided = results.add(body.run(items[lo:hi]), lo, hi)
                segments += results.segments
                if decided:
                    break
        except Exception:
            results = accumulator(kind, keep_values=True)
            results.add(body.run_exactly(items), 0, len(items))
            segments = results.segments
        if fold is not None:
            return fold(segments, operand)
        return finish(kind, segments, operand, PYTHON, lambda lo, hi: body.run(items[lo:hi]))


@contextmanager
def builtin_names(**names: object) -> Iterator[None]:
    vars(builtins).update(names)
    try:
        yield
    finally:
        for name in names:
            del vars(builtins)[name]
