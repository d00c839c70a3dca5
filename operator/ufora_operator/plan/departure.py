"""May a worker go? The one rule for scale-down, roll-out and suspension."""

from dataclasses import dataclass
from enum import Enum

from ufora_operator.facts import Retiring
from ufora_operator.plan.situation import Situation, has_no_process


class Standing(Enum):
    """How far a worker that is to go has come."""

    #: Nobody knows what it holds.
    UNKNOWN = "unknown"
    #: It may be given work at any moment.
    UNORDERED = "unordered"
    HOLDING = "holding"
    #: Holding, for longer than it was given.
    OVERDUE = "overdue"
    #: Nothing is lost with it.
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Departure:
    """A worker that is to go; ``message`` is a sentence on what keeps it."""

    name: str
    standing: Standing
    message: str = ""

    def may_go(self, *, force: bool) -> bool:
        """True when its pod may be deleted."""
        return self.standing is Standing.FREE or (force and self.standing is Standing.OVERDUE)


def departure(situation: Situation, name: str) -> Departure:
    """How far the worker of that name has come on its way out.

    Free is who can hold nothing *and* gets nothing any more: the order comes first, since a worker
    that is empty without one may have a root a moment later, and one that is not registered yet
    may register.
    """
    if situation.facts is None:
        return Departure(name, Standing.UNKNOWN, situation.blind.message)
    if name not in situation.orders:
        return Departure(name, Standing.UNORDERED, f"{name} is being told to retire")
    worker = situation.worker(name)
    if worker is None:
        return _not_registered(situation, name)
    if worker.retiring is None:
        return Departure(name, Standing.UNORDERED, f"{name} has not heard yet that it retires")
    if worker.retiring.empty:
        return Departure(name, Standing.FREE)
    timeout = situation.cluster.spec.workers.drain.timeout_seconds
    overdue = situation.now >= worker.retiring.since + timeout
    return Departure(
        name, Standing.OVERDUE if overdue else Standing.HOLDING, what_is_left(name, worker.retiring)
    )


def _not_registered(situation: Situation, name: str) -> Departure:
    """For the manager it is dead, and what it ran was given to others or taken for lost. Only a
    manager that has just been started does not know that yet."""
    pod = situation.pod(name)
    if situation.manager_is_settled or pod is None or has_no_process(pod):
        return Departure(name, Standing.FREE)
    return Departure(
        name,
        Standing.HOLDING,
        f"{name} is not registered with the manager, which was started a moment ago",
    )


def what_is_left(name: str, retiring: Retiring) -> str:
    """A sentence: ``demo-worker-4 runs 1 block and holds 2 objects (38 MB)``."""
    parts = []
    if retiring.roots:
        parts.append(f"runs {_count(retiring.roots, 'block')}")
    if retiring.ranges:
        parts.append(f"has {_count(retiring.ranges, 'range')} of loops open")
    if retiring.objects:
        parts.append(f"holds {_count(retiring.objects, 'object')} ({_size(retiring.bytes)})")
    if not parts:
        return f"{name} is about to be empty"
    *first, last = parts
    return f"{name} " + (f"{', '.join(first)} and {last}" if first else last)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _size(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.0f} {unit}"
    return f"{size} bytes"
