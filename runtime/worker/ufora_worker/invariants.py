"""What must hold in a worker's books after every event. Tests call this; a running worker does not.

* An executor that has nothing to do holds nothing; what it holds says the same the other way round.
* Every range of a root that is here has its root; no item of a loop is in two leases.
* Nobody is idle while there is something that could be run.
* A retiring worker keeps no root that was not begun, and no lease that could be returned.
"""

from collections.abc import Iterator
from itertools import pairwise

from ufora_worker.executor_table import ExecutorRecord, Status
from ufora_worker.leases import AtPeer, Fetching, Home, Interval, Lease, OnExecutor, Queued
from ufora_worker.ledger import Ledger
from ufora_worker.retirement import is_to_go

_EMPTY_HANDED = (Status.STARTING, Status.IDLE, Status.DEAD)


def broken(ledger: Ledger) -> list[str]:
    """A sentence for each invariant that does not hold."""
    sentences: list[str] = []
    for executor in ledger.executors:
        sentences += _executor(ledger, executor)
    for lease in ledger.leases:
        sentences += _lease(ledger, lease)
    sentences += _overlaps(ledger)
    sentences += _idleness(ledger)
    sentences += _retirement(ledger)
    return sentences


def _executor(ledger: Ledger, executor: ExecutorRecord) -> Iterator[str]:
    who = f"executor {executor.index} ({executor.status.value})"
    if executor.status in _EMPTY_HANDED and (executor.root, executor.lease) != (None, None):
        yield f"{who} holds root {executor.root} and lease {executor.lease}"
    if executor.status in (Status.ROOT, Status.WAITING) and executor.root is None:
        yield f"{who} has no root"
    if (executor.status is Status.RANGE) != (executor.lease is not None):
        yield f"{who} holds lease {executor.lease}"
    if executor.root is not None and ledger.roots[executor.root].executor != executor.index:
        yield f"{who} holds root {executor.root}, which knows nothing of it"
    if executor.lease is not None:
        lease = ledger.leases.get(executor.lease)
        if lease is None or lease.holder != OnExecutor(executor.index):
            yield f"{who} holds {lease}"
    if executor.deadline is not None and executor.status not in (Status.STARTING, Status.STOPPING):
        yield f"{who} has a deadline"


def _lease(ledger: Ledger, lease: Lease) -> Iterator[str]:
    if lease.range.lo >= lease.range.hi and not isinstance(lease.holder, OnExecutor):
        yield f"lease {lease.id} has no items: {lease}"
    on = lease.holder.executor if isinstance(lease.holder, OnExecutor) else None
    if on is not None and ledger.executors[on].lease != lease.id:
        yield f"lease {lease.id} is on executor {on}, which does not hold it"
    if isinstance(lease.origin, Home):
        root = ledger.roots.get(lease.range.job)
        if root is None or root.executor != lease.origin.executor:
            yield f"lease {lease.id} is of job {lease.range.job}, whose root is not where it says"
    elif lease.origin.worker not in ledger.peers:
        yield f"lease {lease.id} is from {lease.origin.worker}, which is not known"


def _overlaps(ledger: Ledger) -> Iterator[str]:
    """Leases of one loop with one origin are of different items."""
    loops: dict[tuple[object, ...], list[Interval]] = {}
    for lease in ledger.leases:
        key = (lease.origin, lease.range.job, lease.range.loop)
        holder = lease.holder
        whole = ((lease.range.lo, lease.range.hi),)
        loops.setdefault(key, []).extend(holder.out if isinstance(holder, AtPeer) else whole)
    for loop, intervals in loops.items():
        intervals.sort()
        for (_, end), (start, _) in pairwise(intervals):
            if start < end:
                yield f"items from {start} to {end} of {loop} are in two leases"


def _idleness(ledger: Ledger) -> Iterator[str]:
    if all(executor.status is not Status.IDLE for executor in ledger.executors):
        return
    if not all(is_to_go(ledger, lease) for lease in ledger.leases.queued()):
        yield "an executor is idle while ranges are queued"
    if any(root.executor is None and root.ticket is None for root in ledger.roots.values()):
        yield "an executor is idle while roots are queued"


def _retirement(ledger: Ledger) -> Iterator[str]:
    if ledger.leaving and not ledger.retiring:
        yield "it leaves and does not retire"
    if ledger.retiring and any(root.executor is None for root in ledger.roots.values()):
        yield "it retires and keeps roots that were not begun"
    for lease in ledger.leases:
        if not is_to_go(ledger, lease):
            continue
        holders = [x.holder for x in ledger.leases.of_origin(lease.origin)]
        if all(isinstance(holder, Queued | Fetching) for holder in holders):
            yield f"lease {lease.id} could be returned: {lease}"
    for executor in ledger.executors:
        if executor.yielding and executor.lease is None:
            yield f"executor {executor.index} is to give away what it does not hold"
