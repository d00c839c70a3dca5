"""How far a running block is, and a ready-made way to show it."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from ufora_core.protocol.client import JobProgress


@dataclass(frozen=True, slots=True)
class Progress:
    """A running block's outermost loop: items done and in all, and executors at work on it."""

    items_done: int
    items_total: int
    executors: int

    @property
    def fraction(self) -> float:
        """Share of the loop's items that are done, from 0.0 to 1.0."""
        return self.items_done / self.items_total if self.items_total else 0.0


#: Called with each report, and with None when the block has ended.
ProgressCallback = Callable[[Progress | None], None]


def progress_of(message: JobProgress) -> Progress:
    """What the wire says, for the user's callback."""
    return Progress(message.items_done, message.items_total, message.executors)


#: Seconds between two plain lines: a log is read later, so it need not follow every report.
_PLAIN_INTERVAL = 1.0


def progress(
    stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
) -> ProgressCallback:
    """A callback that prints progress to ``stream`` (default: ``sys.stderr``).

    On a terminal one line is rewritten in place; elsewhere plain lines appear, one a second.
    Use it as ``cluster.remotely.with_progress(pyfora.progress())``.
    """
    out = sys.stderr if stream is None else stream
    if out.isatty():
        return _terminal_line(out)
    return _plain_lines(out, clock)


def _describe(report: Progress) -> str:
    where = f"on {report.executors} executor{'' if report.executors == 1 else 's'}"
    if not report.items_total:
        return f"running {where}"  # outside of any loop that could be counted
    items = f"{report.items_done:,} of {report.items_total:,} items"
    return f"{report.fraction:4.0%}  {items}  {where}"


def _terminal_line(out: TextIO) -> ProgressCallback:
    width = 0

    def show(report: Progress | None) -> None:
        nonlocal width
        if report is None:
            if width:
                out.write("\n")
            width = 0
        else:
            text = _describe(report)
            # A shorter line must cover what the longer one before it left behind.
            out.write("\r" + text.ljust(width))
            width = len(text)
        out.flush()

    return show


def _plain_lines(out: TextIO, clock: Callable[[], float]) -> ProgressCallback:
    due = clock()

    def show(report: Progress | None) -> None:
        nonlocal due
        if report is not None and clock() >= due:
            due = clock() + _PLAIN_INTERVAL
            out.write(_describe(report) + "\n")
            out.flush()

    return show
