"""How far the roots of this worker are, for their clients."""

from collections.abc import Sequence

from ufora_core.protocol.worker import RootProgress
from ufora_worker.state.commands import TellManager
from ufora_worker.state.leases import AtPeer, OnExecutor
from ufora_worker.state.ledger import Ledger


def report_progress(ledger: Ledger, counts: Sequence[tuple[int, int]]) -> None:
    """Tell the manager of each root that is further than it was.

    ``counts`` are the items done and the items in all of each executor. A root counts its loop,
    also while it runs a range of it.
    """
    for job, root in ledger.roots.items():
        if root.executor is None or root.executor >= len(counts):
            continue
        holders = [lease.holder for lease in ledger.leases.of_job(job)]
        helpers = [
            holder.executor
            for holder in holders
            if isinstance(holder, OnExecutor) and holder.executor != root.executor
        ]
        done, total = counts[root.executor]
        done += sum(counts[helper][0] for helper in helpers)
        report = RootProgress(
            job=job,
            items_done=min(done, total),
            items_total=total,
            executors=1 + len(helpers) + sum(isinstance(holder, AtPeer) for holder in holders),
        )
        if report != root.progress:
            root.progress = report
            ledger.commands.append(TellManager(report))
