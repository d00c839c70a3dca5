"""The compiler of an executor: one thread that makes native code while items run in CPython."""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ufora_worker.native.history import History
from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.refusal import Refusal, Refused, UserFunction

if TYPE_CHECKING:
    from ufora_worker.native.compilation import Compilation
    from ufora_worker.native.llvm.entry import Entry
    from ufora_worker.native.translate.unit import Translation

log = logging.getLogger(__name__)

Translate = Callable[[], "Translation"]

#: Seconds that a thread runs Python while another one waits, as long as something is compiled. The
#: compiler reads files, and has to get its turn back after each.
_TURN_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class NativeCode:
    """Machine code with the values that one loop gives it."""

    unit: Unit
    entry: "Entry"
    words: Sequence[int]
    #: What the words point to.
    keep: Sequence[object]
    #: The user's functions in it.
    functions: Sequence[UserFunction] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """Where a loop stands in a program's text."""

    filename: str
    line: int
    column: int


@dataclass(slots=True)
class Request:
    """One loop's wish for native code. Some time later ``code`` appears, or the history has a
    refusal."""

    translate: Translate
    location: Location
    history: History
    #: Called in the compiler's thread when there is code.
    then: Callable[[NativeCode], None] = lambda code: None
    code: NativeCode | None = None
    #: Set as soon as it is of no use to wait: there is code or a refusal, or LLVM has it, which
    #: needs none of Python's time, or has something else.
    passed: threading.Event = field(default_factory=threading.Event)
    _translation: "Translation | None" = field(default=None, init=False)

    def translated(self) -> "Translation":
        """What the code is made of. It is translated once: should there be no code for it in
        memory, it is compiled from that.

        Raises:
            Refused: this stays in CPython.
        """
        if self._translation is None:
            self._translation = self.translate()
        return self._translation


class Compiler:
    """Serves requests one after the other, in a thread of its own."""

    def __init__(self, cache: Path | None) -> None:
        """``cache``: see ``Compilation``."""
        self._cache = cache
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        #: Ends by itself: a program that counts threads would find one more than Python has.
        self._preparing: threading.Thread | None = None
        self._compilation: Compilation | None = None
        self._serving = False

    def prepare(self) -> None:
        """Load in the background what requests need, LLVM above all."""
        self._preparing = threading.Thread(target=self._prepare, name="ufora-loader", daemon=True)
        self._preparing.start()

    def submit(self, request: Request) -> None:
        """Serve it in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="ufora-compiler", daemon=True)
            self._thread.start()
        if self._serving:
            request.passed.set()
        self._requests.put(request)

    def recall(self, request: Request) -> None:
        """Serve it now if its code is in memory."""
        if self._compilation is None:
            return
        try:
            request.code = self._compilation.recall(request.translated)
        except Refused as refused:
            request.history.refused(refused.refusal)
        except Exception as error:
            request.history.refused(_broken(request, error))

    def close(self) -> None:
        """End the thread once everything that was submitted is served."""
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join()
        if self._preparing is not None:
            self._preparing.join()

    def _prepare(self) -> "Compilation":
        from ufora_worker.native.compilation import Compilation

        self._compilation = Compilation(self._cache)
        with _short_turns():
            self._compilation.prepare()
        return self._compilation

    def _serve(self) -> None:
        if self._preparing is not None:
            self._preparing.join()
        compilation = self._compilation or self._prepare()
        while (request := self._requests.get()) is not None:
            self._serving = True
            with _short_turns():
                self._serve_one(request, compilation)
            self._serving = False

    def _serve_one(self, request: Request, compilation: "Compilation") -> None:
        try:
            code = compilation.compile(request.translated, request.passed.set)
            request.code = code
            request.history.made()
            request.then(code)
        except Refused as refused:
            request.history.refused(refused.refusal)
        except Exception as error:
            request.history.refused(_broken(request, error))
        finally:
            request.passed.set()


@contextmanager
def _short_turns() -> Iterator[None]:
    """Within it, threads take turns often; unless the program changes that itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN_SECONDS))
    during = sys.getswitchinterval()
    try:
        yield
    finally:
        if sys.getswitchinterval() == during:
            sys.setswitchinterval(before)


def _broken(request: Request, error: Exception) -> Refusal:
    """A mistake of the compiler, or of an installation, must not become the user's."""
    said, edit = f"({type(error).__name__}: {error}), so this runs in CPython", ""
    message = f"the native compiler failed {said}; please report it"
    if isinstance(error, ImportError | OSError):
        edit = "pip install --force-reinstall llvmlite"
        message = f"the worker's llvmlite cannot be loaded {said}"
    message += ". UFORA_NATIVE=0 does without native code"
    where = request.location
    log.error("%s:%d: %s", where.filename, where.line, message, exc_info=error)
    return Refusal(message, where.filename, where.line, edit)
