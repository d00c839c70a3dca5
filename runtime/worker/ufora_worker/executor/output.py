"""What a block prints: on its way to the client as it is written, in order.

Each finished line goes out at once until a burst of them would cost more than the block itself;
then text is gathered, and a thread sends what is left a moment later.
"""

import io
import threading
import time
from collections.abc import Callable
from typing import Literal

#: Seconds that text may wait once lines come faster than one a ``_PAUSE``.
_PAUSE = 0.02
#: Characters after which gathered text goes out without waiting.
_ENOUGH = 16 * 1024

Stream = Literal["stdout", "stderr"]
Emit = Callable[[Stream, str], None]


class Output:
    """Gathers the text of both streams, in the order in which it was written."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._waiting: list[tuple[Stream, str]] = []
        self._characters = 0
        self._sent_at = 0.0
        self._flusher: threading.Timer | None = None

    def stream(self, name: Stream) -> io.TextIOBase:
        """A text stream that takes the place of ``sys.stdout`` or ``sys.stderr``."""
        return _OutputStream(self, name)

    def write(self, name: Stream, text: str) -> None:
        """Take text; send it now or soon."""
        with self._lock:
            self._waiting.append((name, text))
            self._characters += len(text)
            rested = time.monotonic() - self._sent_at >= _PAUSE
            if self._characters >= _ENOUGH or (rested and text.endswith("\n")):
                self._send()
            elif self._flusher is None:
                self._flusher = threading.Timer(_PAUSE, self.flush)
                self._flusher.daemon = True
                self._flusher.start()

    def flush(self) -> None:
        """Send what waits."""
        with self._lock:
            self._send()

    def close(self) -> None:
        """Send what waits, and end the thread that would have sent it."""
        self.flush()
        with self._lock:
            flusher, self._flusher = self._flusher, None
        if flusher is not None:
            flusher.cancel()
            flusher.join()

    def _send(self) -> None:
        if threading.current_thread() is self._flusher:
            self._flusher = None
        waiting, self._waiting, self._characters = self._waiting, [], 0
        self._sent_at = time.monotonic()
        while waiting:
            name = waiting[0][0]
            run = 0
            while run < len(waiting) and waiting[run][0] == name:
                run += 1
            self._emit(name, "".join(text for _, text in waiting[:run]))
            del waiting[:run]


class _OutputStream(io.TextIOBase):
    """A text stream over ``Output``."""

    def __init__(self, output: Output, name: Stream) -> None:
        super().__init__()
        self._output = output
        self._name: Stream = name

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._output.write(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._output.flush()
