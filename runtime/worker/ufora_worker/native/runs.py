"""What one call of native code comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Status(IntEnum):
    """Why native code returned."""

    #: All items are done.
    DONE = 0
    #: Item ``next`` has to be run in CPython.
    BAILED = 1
    #: An item decided the loop (``any``, ``all``); it is the one before ``next``.
    DECIDED = 2
    #: The columns are full; item ``next`` did not fit.
    FULL = 3
    #: The attention callback asked to stop; item ``next`` is not done.
    STOPPED = 4


@dataclass(slots=True)
class Run:
    """What items ``[lo, next)`` came to."""

    status: Status
    next: int
    #: How many values were emitted.
    count: int = 0
    #: Sum of the values, for ``Sink.TOTAL``.
    total: int = 0
    #: For ``Sink.LEAST`` and ``Sink.GREATEST``; None when nothing was emitted.
    best: bool | int | float | None = None
    #: The sum and its error, where the values were added to one.
    sum: tuple[float, float] | None = None
    #: For sinks that fill columns: one sequence of ``count`` values for each leaf of the emitted
    #: type.
    columns: Sequence[Any] = ()
    #: For ``Sink.ROWS``: for each row, how many values there were when it ended.
    ends: Sequence[int] = ()
