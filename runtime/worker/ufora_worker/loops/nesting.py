"""The engine for loops that the items of a stolen range reach.

An executor that runs a range owns such loops, as a root owns its own: it gives parts of them away,
takes the pieces, and reports the range when all of that is done.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import CodeType

from ufora_core.protocol.parts import ExecutorUse
from ufora_core.values.nodes import AnyNode, Source
from ufora_worker.executor.interpreter import engine
from ufora_worker.loops.ranges import SliceCall
from ufora_worker.loops.splitting import Splitter


class NestedEngine:
    """A ``ranges.Nest`` around a splitter, which reports to ``uses``."""

    def __init__(
        self, splitter: Splitter, nodes: Iterable[AnyNode], uses: list[ExecutorUse]
    ) -> None:
        self._splitter = splitter
        self._uses = uses
        splitter.code.look_at(nodes)

    def code_of(self, source: Source) -> CodeType:
        """See ``ranges.Nest``."""
        return self._splitter.code.code_of(source)

    def running(self) -> AbstractContextManager[None]:
        """See ``ranges.Nest``."""
        return engine(self._splitter)

    def divided(self, body: SliceCall) -> SliceCall:
        """See ``ranges.Nest``."""
        return self._splitter.code.divided(body)

    def helpers(self) -> tuple[ExecutorUse, ...]:
        """See ``ranges.Nest``."""
        helpers = tuple(self._uses)
        self._uses.clear()
        return helpers
