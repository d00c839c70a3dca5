"""How long a random program may take."""

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TooLong(BaseException):
    """A program does not end in its time."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TooLong after so much processor time (only in a process's main thread).

    Meanwhile nobody looks for garbage: a callback of the collector would swallow the exception.
    """

    def end(number: int, frame: object) -> None:
        raise TooLong

    collects = gc.isenabled()
    gc.disable()
    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if collects:
            gc.enable()
