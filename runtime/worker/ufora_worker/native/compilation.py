"""From a loop's request to machine code with its values: all passes in order."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ufora_worker.native.ir.printer import text
from ufora_worker.native.llvm.cache import ObjectCache
from ufora_worker.native.llvm.compile import compile_unit, load_llvm
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.optimise import optimise
from ufora_worker.native.service import NativeCode, Translate
from ufora_worker.native.translate.capture import pack
from ufora_worker.native.translate.unit import Translation

#: Units whose code a process keeps.
_KEPT_UNITS = 64


class Compilation:
    """All passes, and the code that they have made so far."""

    def __init__(self, cache: Path | None) -> None:
        """``cache`` is the folder of objects that this and other processes have compiled."""
        self._cache = None if cache is None else ObjectCache(cache)
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Load LLVM, which ``compile`` would do else."""
        with suppress(Exception):  # whoever needs it is told
            load_llvm()

    def compile(
        self, translate: Translate, on_llvm: Callable[[], object] = lambda: None
    ) -> NativeCode:
        """Native code with the values that it was translated for. ``on_llvm`` is called when the
        rest is LLVM's, unless the machine code is there already.

        Raises:
            Refused: this stays in CPython.
            CompilerFailed: a pass is broken.
        """
        translation = translate()
        key = text(translation.unit, lines=False)
        entry = self._find(key)
        if entry is None:
            entry = compile_unit(optimise(translation.unit), self._cache, on_llvm=on_llvm)
            self._keep(key, entry)
        return _with_values(translation, entry)

    def recall(self, translate: Translate) -> NativeCode | None:
        """The same at once, or None where it would have to be compiled; for any thread.

        Raises:
            Refused: this stays in CPython.
        """
        translation = translate()
        entry = self._find(text(translation.unit, lines=False))
        return None if entry is None else _with_values(translation, entry)

    def _find(self, key: str) -> Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def _keep(self, key: str, entry: Entry) -> None:
        with self._lock:
            self._entries[key] = entry
            if len(self._entries) > _KEPT_UNITS:
                self._entries.popitem(last=False)


def _with_values(translation: Translation, entry: Entry) -> NativeCode:
    unit = translation.unit
    captured = zip(unit.functions[0].parameters[1:], translation.values, strict=True)
    packed = [pack(parameter.type, value) for parameter, value in captured]
    words = [word for each in packed for word in each.words]
    return NativeCode(unit, entry, words, [each.keep for each in packed], translation.functions)
