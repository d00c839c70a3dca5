"""How often a loop goes round, and where that takes the variables that it changes."""

from dataclasses import dataclass

from ufora_worker.native.intervals.interval import ANYTHING, Interval, add, between, exactly

#: No machine lives to see more turns of one ``while``: each reads the attention word anew, so that
#: these take years. (Turns of a ``for`` share that, and LLVM may do many of them at once.)
MOST_WHILE = 2**60
#: More turns than any loop has.
_WITHOUT_END = 2**64
#: The stride of a variable of which nothing is known.
ANYWHERE = ANYTHING


def of_range(start: Interval, stop: Interval, step: Interval) -> tuple[Interval | None, int]:
    """What the counter of ``range(start, stop, step)`` can be, and how many values it can have."""
    up = between(start.lo, stop.hi - 1) if step.hi > 0 else None
    down = between(stop.lo + 1, start.hi) if step.lo < 0 else None
    counter = up.join(down) if up and down else up or down
    counts = [
        -(-(part.hi - part.lo + 1) // least)
        for part, least in ((up, max(step.lo, 1)), (down, max(-step.hi, 1)))
        if part is not None
    ]
    return counter, max(counts, default=0)


@dataclass(frozen=True, slots=True)
class Changing:
    """A variable that a loop changes: what it is before the loop; and, once the loop was seen to
    come back, what it is then, and how far one turn moves it."""

    name: str
    start: Interval
    back: Interval | None
    stride: Interval | None

    def most_turns(self) -> int:
        """So often the loop comes back at most, since the variable always moves one way."""
        if self.back is None or self.stride is None:
            return 0
        if self.stride.lo > 0:
            return max(self.back.hi - self.start.lo, 0) // self.stride.lo
        if self.stride.hi < 0:
            return max(self.start.hi - self.back.lo, 0) // -self.stride.hi
        return _WITHOUT_END

    def total(self, count: int) -> Interval:
        """How far so many turns, or fewer, move it."""
        if self.stride is None:
            return exactly(0)
        return Interval(min(0, self.stride.lo * count), max(0, self.stride.hi * count))

    def after(self, count: int) -> Interval:
        """What it is at the head of the loop, at the first turn or after as many as ``count``."""
        if self.back is None:
            return self.start
        reached = self.start.join(self.back).meet(add(self.start, self.total(count)))
        return self.start if reached is None else reached
