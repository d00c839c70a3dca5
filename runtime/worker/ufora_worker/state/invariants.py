"""What must hold in a worker's books after every event. Tests call this; a running worker does not.

* An executor that has nothing to do holds nothing; what it holds says the same the other way round.
* Every range of a loop that is owned here has its owner; no item of a loop is in two leases.
* Nobody is idle while there is something that could be run.
* A retiring worker keeps no root that was not begun, and no lease that could be returned.
"""

from collections.abc import Iterator
from itertools import pairwise

from ufora_worker.state.executor_table import ExecutorRecord, Status, Wait
from ufora_worker.state.leases import AtPeer, Fetching, Home, Interval, Lease, OnExecutor, Queued
from ufora_worker.state.ledger import Ledger
from ufora_worker.state.retirement import is_to_go

_EMPTY_HANDED = (Status.STARTING, Status.IDLE, Status.DEAD)
_BUSY = (Status.ROOT, Status.WAITING, Status.RANGE)


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
    if executor.status in _EMPTY_HANDED and (executor.root is not None or executor.frames):
        yield f"{who} holds root {executor.root} and {executor.frames}"
    if executor.status in _BUSY and executor.status is not executor.doing:
        yield f"{who} has root {executor.root} and {executor.frames}"
    if executor.status in _BUSY and executor.root is None and not executor.leases:
        yield f"{who} does what nobody needs"
    if executor.root is not None and ledger.roots[executor.root].executor != executor.index:
        yield f"{who} holds root {executor.root}, which knows nothing of it"
    for id in executor.leases:
        lease = ledger.leases.get(id)
        if lease is None or lease.holder != OnExecutor(executor.index):
            yield f"{who} holds {lease}"
    if executor.status in _BUSY:
        yield from _stack(who, executor)
    if executor.deadline is not None and executor.status not in (Status.STARTING, Status.STOPPING):
        yield f"{who} has a deadline"


def _stack(who: str, executor: ExecutorRecord) -> Iterator[str]:
    """Waits and ranges take turns, and all are of one job."""
    for frame, following in pairwise(executor.frames):
        if isinstance(frame, Wait) == isinstance(following, Wait):
            yield f"{who} has {executor.frames}"
    if len({run.range.job for run in executor.runs} | {executor.job}) > 1:
        yield f"{who} works for several jobs: {executor.frames}"


def _lease(ledger: Ledger, lease: Lease) -> Iterator[str]:
    if lease.range.lo >= lease.range.hi and not isinstance(lease.holder, OnExecutor):
        yield f"lease {lease.id} has no items: {lease}"
    on = lease.holder.executor if isinstance(lease.holder, OnExecutor) else None
    if on is not None and lease.id not in ledger.executors[on].leases:
        yield f"lease {lease.id} is on executor {on}, which does not hold it"
    if isinstance(lease.origin, Home):
        owner = ledger.executors[lease.origin.executor]
        if owner.job != lease.range.job or owner.status not in _BUSY:
            yield f"lease {lease.id} is of job {lease.range.job}, whose owner is not where it says"
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
        if executor.yielding and not executor.leases:
            yield f"executor {executor.index} is to give away what it does not hold"
