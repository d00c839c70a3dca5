"""Stops a frame at the start of a block, whoever else is tracing it.

The place is the very next instruction after the call of ``__enter__``. Neither the first line nor
the first instruction of the body would do: there may be none, it may be a ``try`` whose ``finally``
would run, and what cannot fail (``pass``) is not protected by the ``with`` statement at all.

From Python 3.12 on ``_monitoring`` does it. In 3.11 it takes the thread's trace function, of which
there is one. In both, the trace function of a debugger or coverage tool gives way from the block's
header to its end and finds everything as it left it; of the block it sees nothing, since nothing of
it happens here. (When a trace function raises, CPython switches tracing off, so restoring is more
than good manners.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from pyfora import _monitoring
from pyfora._errors import BadWithBlockError

_BY_TRACING = sys.version_info < (3, 12)


class Stop:
    """Calls ``action`` when ``frame`` goes on; it must raise, and that leaves the statement."""

    def __init__(self, frame: FrameType, action: Callable[[], None]) -> None:
        self._frame = frame
        self._action = action
        #: Whether anything can be heard of what this thread does.
        self._heard = False
        self._function = sys.gettrace()
        self._found = (frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes)

    def arm(self) -> None:
        """Keeps others from tracing the frame, and has it stopped.

        Raises BadWithBlockError where Python stops no frames; ``disarm`` is due also then.
        """
        if _BY_TRACING:
            self._set(self._in_thread, (self._in_frame, False, True))
            _probe()
        else:
            self._heard = _monitoring.stop_next(self._frame, self._action)
            if self._function is not None:
                self._set(self._in_thread, (None, False, False))
        if not self._heard:
            raise BadWithBlockError(
                "a block was entered where Python traces nothing, so it would run here",
                self._frame.f_code.co_filename,
                self._frame.f_lineno,
                "Enter it outside of trace functions: not from a debugger's prompt, nor from a "
                "callback of another block.",
            )

    def disarm(self) -> None:
        """Leaves tracing as it was found.

        The caller returns at once: a tracer must see no call in between, since it would then see
        returns from calls that it has not seen.
        """
        _monitoring.forget(self._frame)
        if _BY_TRACING or self._function is not None:
            self._set(self._function, self._found)

    def _set(self, function: Any, of_frame: tuple[Any, bool, bool]) -> None:
        frame = self._frame
        frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes = of_frame
        sys.settrace(function)

    def _in_thread(self, _frame: FrameType, _event: str, _argument: Any) -> None:
        """Traces no calls; but there must be some function, or no frame is traced, and the tracer
        that was found would not see ``__enter__`` return."""
        self._heard = True

    def _in_frame(self, frame: FrameType, _event: str, _argument: Any) -> None:
        try:
            self._action()
        finally:
            # What ``f_locals`` holds now is written into the frame when this function ends: it must
            # not be older than the frame's variables are.
            _ = frame.f_locals


def _probe() -> None:
    """Called to see whether calls are traced at all."""
