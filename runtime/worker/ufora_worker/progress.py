"""How far the roots of this worker are, for their clients."""

from collections.abc import Sequence

from ufora_core.protocol.worker import RootProgress
from ufora_worker.commands import TellManager
from ufora_worker.executor_table import ExecutorRecord, Status
from ufora_worker.leases import AtPeer, OnExecutor
from ufora_worker.ledger import Ledger, Root

#: Items done and items in all, of one executor.
Count = tuple[int, int]


def report_progress(ledger: Ledger, counts: Sequence[Count]) -> None:
    """Tell the manager of each root that is further than it was. ``counts``: of each executor."""
    for job, root in ledger.roots.items():
        if root.executor is None or root.executor >= len(counts):
            continue
        executor = ledger.executors[root.executor]
        root.counted, extra = _own_items(root, executor, counts[executor.index])
        holders = [lease.holder for lease in ledger.leases.of_job(job)]
        helpers = [
            holder.executor
            for holder in holders
            if isinstance(holder, OnExecutor) and holder.executor != executor.index
        ]
        done, total = root.counted
        done += extra + sum(counts[helper][0] for helper in helpers)
        report = RootProgress(
            job=job,
            items_done=min(done, total),
            items_total=total,
            executors=1 + len(helpers) + sum(isinstance(holder, AtPeer) for holder in holders),
        )
        if report != root.progress:
            root.progress = report
            ledger.commands.append(TellManager(report))


def _own_items(root: Root, executor: ExecutorRecord, count: Count) -> tuple[Count, int]:
    """What the root has of its loop, and what it has of a range that it runs while it waits.

    Both come through the same words, so while the root waits a count of another total is a range's.
    """
    if executor.status is Status.ROOT or root.counted[1] in (0, count[1]):
        return count, 0
    return root.counted, count[0] if executor.status is Status.RANGE else 0
