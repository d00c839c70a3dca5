"""What an executor keeps for native code: a compiler, and its attention while such code runs."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.loops.float_sum import compensates
from ufora_worker.native import float_fold
from ufora_worker.native.attention import Attention
from ufora_worker.native.body import NativeItems
from ufora_worker.native.float_fold import FloatFold, fold_translation
from ufora_worker.native.history import History
from ufora_worker.native.ir.types import FLOAT
from ufora_worker.native.repeated import RepeatedCall
from ufora_worker.native.service import Compiler, Location, NativeCode, Request, Translate

#: The compiler. It takes 0.1 s to load, and twice that beside a loop that runs already.
_COMPILER = (
    "ufora_worker.native.compilation",
    "ufora_worker.native.translate.site",
    "ufora_worker.native.llvm.driver",
)
#: Locations in programs that are remembered.
_MOST_LOCATIONS = 4096


class NativeEngine:
    """Makes the native side of loops."""

    def __init__(self, compiler: Compiler, attention: Attention) -> None:
        self._compiler = compiler
        self._attention = attention
        self._folds: dict[bool, Request] = {}
        self._histories: dict[Location, History] = {}

    def prepare(self) -> None:
        """Get ready for the first loop, in the background."""
        self._compiler.prepare()

    def close(self) -> None:
        """End its threads."""
        self._compiler.close()
        self._attention.close()

    def items(
        self,
        kind: SiteKind,
        translate: Translate,
        location: Location,
        python: tuple[int, int],
    ) -> NativeItems:
        """The items of a loop, whose code is made once it is worth it, or is there at once if it
        was made before; ``python`` is the version whose rules it follows."""

        def prepare_fold(code: NativeCode) -> None:
            if kind is SiteKind.SUM and code.unit.emits == FLOAT:
                self.float_fold(python)

        request = Request(translate, location, self._history_of(location), prepare_fold)
        if request.history.was_made:
            self._compiler.recall(request)
        return NativeItems(request, self._compiler, self._attention, kind)

    def repeated(self, location: Location) -> RepeatedCall:
        """A function that is called many times, made of what stands there."""
        return RepeatedCall(location, self._history_of(location), self._compiler, self._attention)

    def is_refused(self, location: Location) -> bool:
        """Whether the last that is known of this location is that no code can be made for it."""
        history = self._histories.get(location)
        return history is not None and history.refusal is not None

    def float_fold(self, python: tuple[int, int]) -> FloatFold | None:
        """Native code that adds floats as this version's ``sum``; None until it is there, which is
        some time after the first call."""
        compensated = compensates(python)
        if compensated not in self._folds:
            location = Location(float_fold.__file__, 1, 0)
            request = Request(
                lambda: fold_translation(compensated=compensated), location, History()
            )
            self._folds[compensated] = request
            self._compiler.submit(request)
        code = self._folds[compensated].code
        return None if code is None else FloatFold(code, self._attention)

    def _history_of(self, location: Location) -> History:
        if len(self._histories) >= _MOST_LOCATIONS:
            self._histories.clear()
        return self._histories.setdefault(location, History())


def native_engine(folder: str | None, interrupts: Interrupts) -> NativeEngine | None:
    """An engine that keeps compiled code in ``folder``; None where there is no folder (native
    code is switched off) or no llvmlite. LLVM itself is not loaded yet."""
    if folder is None or find_spec("llvmlite") is None:
        return None
    for module in _COMPILER:
        import_module(module)
    return NativeEngine(Compiler(Path(folder)), Attention(interrupts))
