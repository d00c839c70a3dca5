"""What the manager's orders do to the books."""

from ufora_core.protocol.parts import Failure, WorkerAddress
from ufora_core.protocol.worker import (
    CancelRoot,
    Farewell,
    ForgetObjects,
    PeerLeft,
    PlaceRoot,
    Retire,
    RootDone,
    Unretire,
    WorkAt,
)
from ufora_worker.state.commands import CancelFetch, ClosePeer, DeleteObjects
from ufora_worker.state.events import Order
from ufora_worker.state.leases import ALL_LEASES, Arriving, AtPeer, Giver
from ufora_worker.state.ledger import Ledger, PeerRecord, Root
from ufora_worker.state.retirement import farewell, retire, unretire


def apply(ledger: Ledger, order: Order) -> None:
    """Carry out one order; one that was carried out before, or is too late, changes nothing."""
    match order:
        case PlaceRoot():
            _place_root(ledger, order)
        case CancelRoot(job=job):
            _cancel_root(ledger, job)
        case WorkAt():
            _note_work(ledger, order)
        case PeerLeft(worker=worker):
            drop_peer(ledger, worker)
        case ForgetObjects(digests=digests):
            ledger.commands.append(DeleteObjects(digests))
        case Retire():
            retire(ledger)
        case Unretire():
            unretire(ledger)
        case Farewell():
            farewell(ledger)


def _place_root(ledger: Ledger, order: PlaceRoot) -> None:
    if order.job in ledger.roots or order.job in ledger.ended:
        return
    ticket = ledger.leases.number()
    on_the_way = ledger.fetch(ticket, (order.program, *order.needs), None)
    ledger.roots[order.job] = Root(order, ticket if on_the_way else None)


def _cancel_root(ledger: Ledger, job: str) -> None:
    root = ledger.roots.get(job)
    if root is None or root.cancelled:
        return
    if root.executor is None:
        ledger.end_root(job, cancelled(job))
        return
    root.cancelled = True
    ledger.close(job)
    ledger.stop(ledger.executors[root.executor])


def cancelled(job: str) -> RootDone:
    """The end of a job that somebody cancelled."""
    return RootDone(job=job, failure=Failure("cancelled", "The job was cancelled."))


def _note_work(ledger: Ledger, order: WorkAt) -> None:
    for peer in ledger.peers.values():
        peer.has_work = False
    for address in order.workers:
        if address.name != ledger.address.name:
            note_peer(ledger, address).has_work = True


def note_peer(ledger: Ledger, address: WorkerAddress) -> PeerRecord:
    """The record of a peer, made if need be; a peer that moved gets its new address."""
    peer = ledger.peers.setdefault(address.name, PeerRecord(address))
    peer.address = address
    return peer


def drop_peer(ledger: Ledger, worker: str) -> None:
    """A worker is gone: what it gave is void, and what it held is run again."""
    ledger.cut(ledger.leases.of_giver(worker), 0)
    take_back(ledger, worker)
    if ledger.peers.pop(worker, None) is not None:
        ledger.commands.append(ClosePeer(worker))


def mend_link(ledger: Ledger, worker: str) -> None:
    """Messages to or from a peer may be lost: both sides forget what they were doing together."""
    peer = ledger.peers.get(worker)
    if peer is None:
        return
    ledger.cut(ledger.leases.of_giver(worker), 0)
    # The last piece of a lease that is closed here may be what was lost: give everything back.
    everything = Giver(worker, ALL_LEASES)
    ledger.give_back(everything, f"the link from {ledger.address.name} to {worker} broke")
    take_back(ledger, worker)
    ledger.peers[worker] = PeerRecord(
        peer.address, has_work=peer.has_work, last_lease=peer.last_lease
    )


def take_back(ledger: Ledger, worker: str) -> None:
    """Run again whatever this worker holds."""
    for lease in ledger.leases.at_peer(worker):
        if isinstance(lease.holder, AtPeer):
            ledger.requeue(lease, lease.holder.out)
        elif isinstance(lease.holder, Arriving):
            ledger.commands.append(CancelFetch(lease.id))
            ledger.requeue(lease, [(lease.range.lo, lease.range.hi)])
