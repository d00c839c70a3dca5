"""Signals in an executor: the supervisor's stop and question, and a loop's heartbeat.

Python runs signal handlers between two bytecodes of the main thread, so all work in the middle of
a long item: a stop raises ``Stopped`` there, a heartbeat lets the loop give its back half away, and
the question, which comes once a root has been running for a while, is answered there.
Code that must not be cut in two (a frame half sent) runs inside ``deferred()``.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds between two looks at the hungry word while one item runs.
HEARTBEAT = 0.02
#: The supervisor's signals. The second one comes while any code of the user's runs, so it is one
#: that programs do not use for themselves, and that the system ignores where nobody waits for it.
STOP, QUESTION = signal.SIGUSR1, signal.SIGURG


class Stopped(BaseException):
    """The supervisor wants this work no more. No ``Exception``, so that user code lets it pass."""


class Interrupts:
    """The executor's signal handlers; one object a process, used from the main thread."""

    def __init__(self, stop_requested: Callable[[], bool]) -> None:
        self._stop_requested = stop_requested
        self._beat: Callable[[], None] | None = None
        self._answer: Callable[[], None] | None = None
        self._asked = False
        self._depth = 0
        self._armed = False

    def install(self) -> None:
        """Take over ``STOP``, ``QUESTION`` and ``SIGALRM`` (heartbeat); Ctrl-C is the client's."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(STOP, self._on_stop)
        signal.signal(QUESTION, self._on_question)
        signal.signal(signal.SIGALRM, self._on_beat)

    @contextmanager
    def running_user_code(self) -> Iterator[None]:
        """Within it, and nowhere else, a stop raises ``Stopped``."""
        self._armed = True
        try:
            self.check()
            yield
        finally:
            self._armed = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """No handler acts within it; a stop that came meanwhile is raised at its end.

        Handlers run in the main thread only, so in any other one it means nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self.check()
        self._reply()

    @contextmanager
    def heartbeat(self, beat: Callable[[], None]) -> Iterator[None]:
        """Call ``beat`` every ``HEARTBEAT`` seconds."""
        outer, self._beat = self._beat, beat
        if outer is None:
            signal.setitimer(signal.ITIMER_REAL, HEARTBEAT, HEARTBEAT)
        try:
            yield
        finally:
            self._beat = outer
            if outer is None:
                signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def answering(self, answer: Callable[[], None]) -> Iterator[None]:
        """Call ``answer`` if the supervisor asks within it, and only the first time."""
        self._answer, self._asked = answer, False
        try:
            yield
        finally:
            self._answer = None

    def look(self) -> None:
        """Do now what the handlers would have done inside one ``deferred()``.

        For the callback of code that runs for long between two bytecodes.
        """
        depth, self._depth = self._depth, 0
        try:
            self._on_beat(0, None)
            self._reply()
            self.check()
        finally:
            self._depth = depth

    def check(self) -> None:
        """Raise ``Stopped`` if the supervisor asked for it."""
        if self._armed and self._depth == 0 and self._stop_requested():
            self._armed = False
            raise Stopped

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self.check()

    def _on_question(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        self._reply()

    def _reply(self) -> None:
        if self._asked and self._depth == 0 and self._answer is not None:
            answer, self._answer = self._answer, None
            answer()

    def _on_beat(self, number: int, frame: FrameType | None) -> None:
        if self._beat is not None and self._depth == 0:
            self._beat()
