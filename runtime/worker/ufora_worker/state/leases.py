"""Leases: who holds which items of a loop, and to whom their results go.

Every range that a root gives away is a lease until its results are back. A lease is in one worker's
books; a worker that passes items on writes a lease of its own, whose *origin* says where the
results go. So the way back is the way there, and each worker answers for what it was given.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from ufora_core.protocol.worker import Piece, Range

#: As the lease of a ``ReturnRange``: every lease that the receiver gave to the sender.
ALL_LEASES = 0

#: Half open: ``lo <= index < hi``.
Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Home:
    """The loop's owner is here, on this executor."""

    executor: int


@dataclass(frozen=True, slots=True)
class Giver:
    """Another worker gave the range; ``lease`` is its number in that worker's books."""

    worker: str
    lease: int


Origin = Home | Giver


@dataclass(frozen=True, slots=True)
class Queued:
    """Nobody runs it yet."""


@dataclass(frozen=True, slots=True)
class Fetching:
    """Nobody runs it yet: objects that it needs are on their way here."""


@dataclass(frozen=True, slots=True)
class OnExecutor:
    """An executor of this worker runs it."""

    executor: int


@dataclass(frozen=True, slots=True)
class AtPeer:
    """Another worker was given it; ``out`` are the items that are not back."""

    worker: str
    out: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Arriving:
    """Another worker ran it; objects of the result are on their way here."""

    worker: str
    piece: Piece


Holder = Queued | Fetching | OnExecutor | AtPeer | Arriving


@dataclass(slots=True)
class Lease:
    """Items ``[range.lo, range.hi)`` that somebody is to run."""

    id: int
    range: Range
    origin: Origin
    holder: Holder
    #: Executors that ended while they ran it.
    strikes: int = 0
    #: Items at or past it are not needed any more.
    beyond: int | None = None
    #: Its giver wants it back.
    recalled: bool = False
    #: The worker that holds it was asked to hand it back.
    recall_sent: bool = False

    def of(self, job: str | None, loop: int) -> bool:
        """True for a range of this loop."""
        return self.range.loop == loop and self.range.job == job


def below(intervals: Iterable[Interval], end: int) -> tuple[Interval, ...]:
    """The parts of ``intervals`` that lie before ``end``."""
    return tuple((lo, min(hi, end)) for lo, hi in intervals if lo < end)


def without(intervals: Iterable[Interval], taken: Interval) -> tuple[Interval, ...]:
    """``intervals`` less the items of ``taken``."""
    parts = []
    for lo, hi in intervals:
        parts += [(lo, min(hi, taken[0])), (max(lo, taken[1]), hi)]
    return tuple((lo, hi) for lo, hi in parts if lo < hi)


def span(piece: Piece) -> Interval:
    """The items that a piece settles: the one that raised is among them."""
    return piece.lo, piece.hi + piece.failed


@dataclass(slots=True)
class LeaseBook:
    """All leases of one worker, in the order in which they were made."""

    next_id: int
    leases: dict[int, Lease] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Lease]:
        return iter(list(self.leases.values()))

    def __len__(self) -> int:
        return len(self.leases)

    def number(self) -> int:
        """A number that no lease or ticket of this worker had before."""
        self.next_id += 1
        return self.next_id

    def add(self, range: Range, origin: Origin, holder: Holder) -> Lease:
        """Write a new lease."""
        lease = Lease(self.number(), range, origin, holder)
        self.leases[lease.id] = lease
        return lease

    def split(self, lease: Lease, interval: Interval, holder: Holder) -> Lease:
        """A new lease for a part of an old one; the old one is not changed."""
        part = replace(lease.range, lo=interval[0], hi=interval[1])
        return self.part(lease, part, holder)

    def part(self, lease: Lease, range: Range, holder: Holder) -> Lease:
        """As ``split``, with the part written out as a range."""
        part = self.add(range, lease.origin, holder)
        part.strikes, part.beyond, part.recalled = lease.strikes, lease.beyond, lease.recalled
        return part

    def get(self, id: int) -> Lease | None:
        """The lease with this number, if it is open."""
        return self.leases.get(id)

    def remove(self, lease: Lease) -> None:
        """Close a lease."""
        del self.leases[lease.id]

    def queued(self) -> list[Lease]:
        """Leases that wait for somebody to run them, oldest first."""
        return [lease for lease in self if isinstance(lease.holder, Queued)]

    def of_job(self, job: str) -> list[Lease]:
        """Leases of a job; some may have come back here by way of other workers."""
        return [lease for lease in self if lease.range.job == job]

    def of_origin(self, origin: Origin) -> list[Lease]:
        """Everything here that is, or was made of, one lease of a giver."""
        return [lease for lease in self if lease.origin == origin]

    def of_giver(self, worker: str) -> list[Lease]:
        """Leases that this worker gave us."""
        return [x for x in self if isinstance(x.origin, Giver) and x.origin.worker == worker]

    def at_peer(self, worker: str) -> list[Lease]:
        """Leases that this worker holds, or whose results are on their way from it."""
        return [
            x for x in self if isinstance(x.holder, AtPeer | Arriving) and x.holder.worker == worker
        ]
