"""What other workers' messages do to the books, and what arrives from their stores."""

from ufora_core.protocol.parts import Failure, Payload
from ufora_core.protocol.worker import (
    Abandon,
    GiveRange,
    PeerPiece,
    Piece,
    Range,
    Recall,
    ReturnRange,
    RootDone,
    StealRequest,
    ToPeer,
)
from ufora_worker.state.events import ObjectsHere, ObjectsMissing
from ufora_worker.state.leases import (
    ALL_LEASES,
    Arriving,
    AtPeer,
    Fetching,
    Giver,
    Home,
    Lease,
    Queued,
    below,
    span,
    without,
)
from ufora_worker.state.ledger import Ledger, Root
from ufora_worker.state.orders import note_peer, take_back
from ufora_worker.state.retirement import refuse_range

#: Seconds in which nothing is given to a worker that could not run what it was given.
DISTRUST_SECONDS = 1.0


def apply(ledger: Ledger, message: ToPeer) -> None:
    """Take a peer's message; one about a lease that is closed changes nothing."""
    match message:
        case StealRequest(sender=sender, slots=slots, waiting=waiting):
            peer = note_peer(ledger, sender)
            peer.slots, peer.waiting = slots, waiting
        case GiveRange():
            _take_range(ledger, message)
        case PeerPiece(sender=sender, lease=lease, piece=piece):
            _take_piece(ledger, sender, lease, piece)
        case ReturnRange():
            _take_back(ledger, message)
        case Recall(sender=sender, lease=lease):
            for recalled in ledger.leases.of_origin(Giver(sender, lease)):
                recalled.recalled = True
        case Abandon(beyond=beyond, sender=sender, lease=lease):
            ledger.cut(ledger.leases.of_origin(Giver(sender, lease)), beyond)


def _objects_of(range: Range) -> tuple[Payload, ...]:
    return range.task, *range.needs


def _take_range(ledger: Ledger, message: GiveRange) -> None:
    giver = note_peer(ledger, message.sender)
    if message.lease <= giver.last_lease:
        return
    giver.last_lease = message.lease
    origin = Giver(message.sender.name, message.lease)
    if ledger.retiring:
        refuse_range(ledger, origin)
        return
    lease = ledger.leases.add(message.range, origin, Queued())
    if ledger.fetch(lease.id, _objects_of(message.range), message.sender):
        lease.holder = Fetching()


def _take_piece(ledger: Ledger, sender: str, id: int, piece: Piece) -> None:
    lease = ledger.leases.get(id)
    if lease is None or not isinstance(lease.holder, AtPeer) or lease.holder.worker != sender:
        return
    lo, hi = span(piece)
    out = lease.holder.out
    if not any(first <= lo < hi <= end for first, end in out):
        return  # it came before
    rest = without(out, (lo, hi))
    if piece.failed or piece.decides:
        rest = below(rest, hi)
    lease.holder = AtPeer(sender, rest)
    if not rest:
        ledger.leases.remove(lease)
    arriving = ledger.leases.split(lease, (lo, hi), Arriving(sender, piece))
    source = ledger.peers[sender].address
    if not ledger.fetch(arriving.id, (piece.partial, *piece.needs), source):
        _arrived(ledger, arriving, piece)


def _arrived(ledger: Ledger, lease: Lease, piece: Piece) -> None:
    ledger.leases.remove(lease)
    ledger.deliver(lease.range, lease.origin, piece)


def _take_back(ledger: Ledger, message: ReturnRange) -> None:
    if message.lease == ALL_LEASES:
        take_back(ledger, message.sender)
        return
    lease = ledger.leases.get(message.lease)
    if lease is None or not isinstance(lease.holder, AtPeer):
        return
    if lease.holder.worker != message.sender:
        return
    if message.failure is not None:
        ledger.lose(lease, message.failure)
        return
    ledger.peers[message.sender].trusted_at = ledger.now + DISTRUST_SECONDS
    ledger.requeue(lease, lease.holder.out)


# ------------------------------------------------------------------ objects


def apply_objects(ledger: Ledger, event: ObjectsHere | ObjectsMissing) -> None:
    """What a range, a piece or a root waited for is in the store, or cannot be had."""
    reason = event.reason if isinstance(event, ObjectsMissing) else None
    lease = ledger.leases.get(event.ticket)
    root = _root_with(ledger, event.ticket)
    if lease is not None:
        _lease_equipped(ledger, lease, reason)
    elif root is not None:
        root.ticket = None
        if reason is not None:
            _root_unequipped(ledger, root.order.job, reason)


def _lease_equipped(ledger: Ledger, lease: Lease, reason: str | None) -> None:
    if isinstance(lease.holder, Arriving):
        if reason is None:
            _arrived(ledger, lease, lease.holder.piece)
        else:
            ledger.requeue(lease, [(lease.range.lo, lease.range.hi)])
    elif isinstance(lease.holder, Fetching) and isinstance(lease.origin, Giver):
        if reason is None:
            lease.holder = Queued()
        else:
            ledger.leases.remove(lease)
            ledger.give_back(lease.origin, reason)


def _root_unequipped(ledger: Ledger, job: str, reason: str) -> None:
    message = f"Worker {ledger.address.name} lacks an object that the block needs: {reason}"
    ledger.end_root(job, RootDone(job=job, failure=Failure("missing-object", message)))


def _root_with(ledger: Ledger, ticket: int) -> Root | None:
    return next((root for root in ledger.roots.values() if root.ticket == ticket), None)


# ------------------------------------------------------------------ the end


def give_everything_back(ledger: Ledger, reason: str) -> None:
    """The worker stops: let the givers run elsewhere what they gave."""
    origins = dict.fromkeys(x.origin for x in ledger.leases if not isinstance(x.origin, Home))
    for origin in origins:
        ledger.give_back(origin, reason)
