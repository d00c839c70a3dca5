"""The loops of modelled programs, and what an executor of the model knows of one that it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import Range


@dataclass(frozen=True)
class LoopSpec:
    """A loop of a modelled program: how long each item takes, and which end it early."""

    costs: tuple[float, ...]
    #: Items that raise, that decide the loop, and that end the process.
    fails: frozenset[int] = frozenset()
    decides: frozenset[int] = frozenset()
    poison: frozenset[int] = frozenset()
    #: Loops that items run after their own work, by the index of the item.
    inner: Mapping[int, "LoopSpec"] = field(default_factory=dict)

    @property
    def work(self) -> float:
        """Seconds that all items take together."""
        return sum(self.costs) + sum(loop.work for loop in self.inner.values())


def expected_end(loop: LoopSpec) -> int:
    """How far the items count: to the first that raises, or through the first that decides."""
    count = len(loop.costs)
    return min(min(loop.fails, default=count), min(loop.decides, default=count) + 1, count)


@dataclass
class Outcome:
    """Items ``[next, hi)`` are left; why it ended."""

    next: int
    hi: int
    failed: bool = False
    decided: bool = False

    @property
    def over(self) -> bool:
        """Nothing behind counts any more."""
        return self.failed or self.decided


@dataclass
class Mine:
    """A loop, or a range of one, that an executor runs."""

    work: Range
    outcome: Outcome
    #: Of the order to run it; None when the loop is owned here.
    number: int | None = None
    #: In the middle of an item.
    running: bool = False
    #: Whether what is left is worth giving; while an item runs it always is.
    worth: bool = False
    gave: bool = False
    #: So many of the first items went home before the rest.
    sent: int = 0

    @property
    def left(self) -> int:
        """Items that have not begun."""
        return self.outcome.hi - self.outcome.next

    @property
    def gives(self) -> bool:
        """Whether a hungry executor gets something of it."""
        return self.left >= 1 if self.running else self.left >= 2 and self.worth


class Stopped(Exception):
    """The supervisor's stop, in a modelled executor."""


class Lost(Exception):
    """Items of a loop end every process that runs them."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


class Died(Exception):
    """The modelled process ended by itself."""
