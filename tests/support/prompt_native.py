"""Native code that is there at once, for tests of what loops do with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from inline_cluster import InlineCluster, QuietInterrupts
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.native.attention import Attention
from ufora_worker.native.body import NativeItems
from ufora_worker.native.compilation import Compilation
from ufora_worker.native.engine import NativeEngine
from ufora_worker.native.refusal import Refused
from ufora_worker.native.service import Compiler, Location, Request, Translate


class PromptCompiler(Compiler):
    """Compiles in the thread that asks, and keeps nothing on disk."""

    def __init__(self) -> None:
        super().__init__(None)
        self._compilation = Compilation(None)
        #: How many requests became code; and what went wrong in the compiler itself.
        self.made = 0
        self.failures: list[Exception] = []

    def submit(self, request: Request) -> None:
        """Serve it now."""
        assert self._compilation is not None
        try:
            request.code = self._compilation.compile(request.translated)
        except Refused as refused:
            request.history.refused(refused.refusal)
        except Exception as error:
            self.failures.append(error)
        else:
            self.made += 1
            request.history.made()
            request.then(request.code)
        request.passed.set()


class PromptEngine(NativeEngine):
    """Makes native code for every loop, however short: behind the first item, or before it."""

    def __init__(
        self, compiler: PromptCompiler, attention: Attention, *, before_first: bool
    ) -> None:
        super().__init__(compiler, attention)
        self._before_first = before_first

    def items(
        self, kind: SiteKind, translate: Translate, location: Location, python: tuple[int, int]
    ) -> NativeItems:
        """See ``NativeEngine``."""
        made = super().items(kind, translate, location, python)
        made.request.history.worth_ns = 0
        if self._before_first:
            made.prepare(0)
        return made


@contextmanager
def native_cluster(
    folder: Path, choose: Callable[[int], int] = lambda count: 0, *, before_first: bool = True
) -> Iterator[InlineCluster]:
    """A cluster of one process that makes native code for every loop."""
    attention = Attention(QuietInterrupts())
    engine = PromptEngine(PromptCompiler(), attention, before_first=before_first)
    cluster = InlineCluster(folder, choose, engine)
    yield cluster
    engine.close()
    cluster.close()
