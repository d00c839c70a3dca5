"""Letting a worker go: it takes nothing new and hands over what it holds, without losing an item.

A worker retires because the manager says so, or because it is leaving: its own process was told to
stop. Roots that run here go on, and others may still steal from them. Roots that were not begun go
back to the manager. Ranges go back to their givers: an executor that runs one gives everything
behind its slice away, so that what is done becomes a piece; a peer that was passed a part is asked
for it (``Recall``), and does with it what is done here. Once nothing of a giver's lease runs any
more, its rest is returned.
"""

from ufora_core.protocol.worker import Leaving, Recall, RootReturned, StillHolds
from ufora_worker.errors import RefusedEvent
from ufora_worker.state.commands import CancelFetch, Depart, SetYield, TellManager
from ufora_worker.state.executor_table import ExecutorRecord, Status
from ufora_worker.state.leases import AtPeer, Fetching, Giver, Lease, Queued
from ufora_worker.state.ledger import Ledger

# ------------------------------------------------------------------ what is ordered


def retire(ledger: Ledger) -> None:
    """Take no new work from now on; an order that comes again is answered again."""
    ledger.retiring = True
    ledger.told_holdings = None


def unretire(ledger: Ledger) -> None:
    """Work as before, unless this process is about to stop in any case."""
    if not ledger.leaving:
        ledger.retiring = False
        ledger.told_holdings = None


def leave(ledger: Ledger, reason: str) -> None:
    """This process was told to stop: hand everything over first."""
    ledger.leaving = True
    retire(ledger)
    ledger.commands.append(TellManager(Leaving(reason=reason)))


def registered(ledger: Ledger) -> None:
    """The manager knows this worker (again), and says so if it is to retire."""
    ledger.retiring = ledger.leaving
    ledger.told_holdings = None


def farewell(ledger: Ledger) -> None:
    """Nobody needs this worker any more.

    Raises:
        RefusedEvent: it was never told to retire, so somebody does.
    """
    if not ledger.retiring:
        raise RefusedEvent("the manager said farewell to a worker that does not retire")
    ledger.commands.append(Depart("it retired, and nothing is left here that anybody needs"))


def refuse_range(ledger: Ledger, origin: Giver) -> None:
    """A range came while this worker retires."""
    ledger.give_back(origin, _reason(ledger))


# ------------------------------------------------------------------ what follows


def hand_over(ledger: Ledger) -> None:
    """Send on its way back whatever can be sent now."""
    if ledger.retiring:
        _return_roots(ledger)
    for origin in dict.fromkeys(x.origin for x in ledger.leases if is_to_go(ledger, x)):
        assert isinstance(origin, Giver)
        _hand_back(ledger, origin)
    for executor in ledger.executors:
        _cut_short(ledger, executor)


def is_to_go(ledger: Ledger, lease: Lease) -> bool:
    """Whether a lease is to go back to its giver."""
    return isinstance(lease.origin, Giver) and (ledger.retiring or lease.recalled)


def report_holdings(ledger: Ledger) -> None:
    """Tell the manager what a retiring worker still has, when that has changed."""
    holdings = StillHolds(roots=len(ledger.roots), ranges=len(ledger.leases))
    if ledger.retiring and holdings != ledger.told_holdings:
        ledger.told_holdings = holdings
        ledger.commands.append(TellManager(holdings))


def _return_roots(ledger: Ledger) -> None:
    for job, root in list(ledger.roots.items()):
        if root.executor is None:
            del ledger.roots[job]
            if root.ticket is not None:
                ledger.commands.append(CancelFetch(root.ticket))
            ledger.commands.append(TellManager(RootReturned(job=job)))


def _hand_back(ledger: Ledger, origin: Giver) -> None:
    leases = ledger.leases.of_origin(origin)
    for lease in leases:
        if isinstance(lease.holder, AtPeer) and not lease.recall_sent:
            lease.recall_sent = True
            recall = Recall(sender=ledger.address.name, lease=lease.id)
            ledger.tell_peer(lease.holder.worker, recall)
    # Not before everything of it is here: what is returned is all that no piece was sent of.
    if all(isinstance(lease.holder, Queued | Fetching) for lease in leases):
        for lease in leases:
            ledger.leases.remove(lease)
            if isinstance(lease.holder, Fetching):
                ledger.commands.append(CancelFetch(lease.id))
        ledger.give_back(origin, _reason(ledger))


def _cut_short(ledger: Ledger, executor: ExecutorRecord) -> None:
    """Let an executor end its range with its slice; a root that helps meanwhile goes on."""
    running = Status.RANGE, Status.WAITING
    held = executor.leases if executor.status in running and executor.root is None else []
    leases = map(ledger.leases.get, held)
    wanted = any(lease is not None and is_to_go(ledger, lease) for lease in leases)
    if wanted != executor.yielding:
        executor.yielding = wanted
        ledger.commands.append(SetYield(executor.index, wanted))


def _reason(ledger: Ledger) -> str:
    return f"worker {ledger.address.name} " + (
        "retires" if ledger.retiring else "was asked to hand it back"
    )
