"""What a manager says of its cluster (``GET /api/v1/cluster``), as far as the operator needs it."""

from dataclasses import dataclass

import msgspec

#: States of a job that has no answer yet.
UNFINISHED = ("waiting", "placed")


class Retiring(msgspec.Struct, frozen=True):
    """A worker under an order to retire, and what it still has."""

    since: float
    roots: int
    ranges: int
    objects: int
    bytes: int
    empty: bool
    leaving: bool = False


class WorkerFacts(msgspec.Struct, frozen=True):
    """A worker that is registered with the manager; its name is its pod's name."""

    name: str
    executors: int
    idle: int
    python: str
    release: str
    roots: int
    tokens: tuple[str, ...] = ()
    retiring: Retiring | None = None


class ManagerFacts(msgspec.Struct, frozen=True):
    """The manager's own process."""

    name: str
    since: float
    tokens: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True):
    """How many there are of what."""

    #: Jobs by state.
    jobs: dict[str, int]


class Facts(msgspec.Struct, frozen=True):
    """A manager's answer. Times are Unix seconds."""

    release: str
    protocol: int
    manager: ManagerFacts
    idle_since: float | None
    retire_orders: tuple[str, ...]
    workers: tuple[WorkerFacts, ...]
    counts: Counts | None = None

    @property
    def unfinished_jobs(self) -> int | None:
        """Jobs that wait or run; None if the manager does not say."""
        if self.counts is None:
            return None
        return sum(self.counts.jobs.get(state, 0) for state in UNFINISHED)

    def worker(self, name: str) -> WorkerFacts | None:
        """The registered worker of that name."""
        return next((each for each in self.workers if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Report:
    """The last thing that is known of a manager: facts, or why there are none.

    ``facts`` are of the time ``at``, when they were asked for; ``unreachable`` says, in a
    sentence, why the last try gave none, and then ``facts`` are the last that were had, if any.
    """

    at: float
    facts: Facts | None = None
    unreachable: str | None = None
    #: The manager was sent an order (to retire, or back) after it was asked, so that it may
    #: have given a worker work that these facts call empty. Set by whoever sends orders.
    overtaken: bool = False

    @property
    def fresh(self) -> Facts | None:
        """The facts if the last try gave them and nothing was ordered since: what decisions may
        rest on."""
        return None if self.overtaken else self.current

    @property
    def current(self) -> Facts | None:
        """The facts if the last try gave them: what may be shown."""
        return self.facts if self.unreachable is None else None
