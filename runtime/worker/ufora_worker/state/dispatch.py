"""From work that waits and executors that are free to who runs what, and to whom it is told."""

from collections.abc import Iterator

from ufora_core.protocol.executor import RunRoot
from ufora_core.protocol.worker import GiveRange, Hungry, RootStarted, StealRequest
from ufora_worker.state.commands import (
    AskRepeatable,
    KillExecutor,
    SetHungry,
    TellExecutor,
    TellManager,
    TellPeer,
)
from ufora_worker.state.executor_table import ExecutorRecord, Status
from ufora_worker.state.leases import AtPeer, Fetching, Giver, Lease, Queued
from ufora_worker.state.ledger import Ledger, PeerRecord, Root
from ufora_worker.state.retirement import hand_over, is_to_go, report_holdings

#: Seconds that a change in the number of free executors lasts before the manager hears of it. Most
#: blocks are over sooner, and two messages for each of them would double what they cost.
HUNGRY_SECONDS = 0.005


#: Seconds that a root runs before the manager hears of it, and whether it may run twice. Most
#: blocks are over sooner.
LONG_SECONDS = 0.1


def settle(ledger: Ledger) -> None:
    """Do everything that can be done now; nothing is left for later but by time."""
    _watch_clock(ledger)
    hand_over(ledger)
    _run_roots(ledger)
    _run_ranges(ledger)
    _return_stranded(ledger)
    _ask_executors(ledger)
    _ask_manager(ledger)
    _ask_peers(ledger)
    report_holdings(ledger)


def tell_all(ledger: Ledger) -> None:
    """The manager may be another one, or have missed something: tell it what it should know."""
    ledger.told_manager = None
    for job, root in ledger.roots.items():
        if root.repeatable is not None:
            started = RootStarted(job=job, repeatable=root.repeatable)
            ledger.commands.append(TellManager(started))


def _watch_clock(ledger: Ledger) -> None:
    for executor in ledger.executors:
        if executor.status is Status.DEAD and executor.restart_at <= ledger.now:
            ledger.start(executor)
        elif executor.deadline is not None and executor.deadline <= ledger.now:
            executor.deadline = None
            ledger.commands.append(KillExecutor(executor.index))
    for root in ledger.roots.values():
        if root.executor is not None and root.ask_at is not None and root.ask_at <= ledger.now:
            root.ask_at = None
            ledger.commands.append(AskRepeatable(root.executor))


# ------------------------------------------------------------------ who runs what


def _idle(ledger: Ledger) -> Iterator[ExecutorRecord]:
    return (executor for executor in ledger.executors if executor.status is Status.IDLE)


def _ready_roots(ledger: Ledger) -> list[Root]:
    return [x for x in ledger.roots.values() if x.executor is None and x.ticket is None]


def _run_roots(ledger: Ledger) -> None:
    for root, executor in zip(_ready_roots(ledger), list(_idle(ledger)), strict=False):
        ledger.move(executor, Status.ROOT)
        root.executor, executor.root = executor.index, root.order.job
        executor.printed = 0
        root.ask_at = ledger.now + LONG_SECONDS
        message = RunRoot(job=root.order.job, program=root.order.program)
        ledger.commands.append(TellExecutor(executor.index, message))


def _run_ranges(ledger: Ledger) -> None:
    for lease in ledger.leases.queued():
        if is_to_go(ledger, lease):
            continue
        executor = next(_idle(ledger), None) or _waiting_executor(ledger, lease)
        if executor is not None:
            ledger.run(lease, executor)
            continue
        peer = _hungry_peer(ledger, lease)
        if peer is not None:
            _give(ledger, lease, peer)


def _waiting_executor(ledger: Ledger, lease: Lease) -> ExecutorRecord | None:
    """One that waits and works for this job, if possible one that waits for this very loop.

    Nobody waits for ever: what an executor waits for was begun after it, so of all that wait in a
    circle one would have been begun before itself.
    """
    waiting = [
        executor
        for executor in ledger.executors
        if executor.status is Status.WAITING and executor.job == lease.range.job
    ]
    return min(waiting, key=lambda x: x.waited != lease.range.loop, default=None)


def _hungry_peer(ledger: Ledger, lease: Lease) -> PeerRecord | None:
    for peer in ledger.peers.values():
        waits = any(job == lease.range.job for job, _ in peer.waiting)
        if peer.trusted_at <= ledger.now and (waits or peer.slots > 0):
            return peer
    return None


def _give(ledger: Ledger, lease: Lease, peer: PeerRecord) -> None:
    range = lease.range
    waiting = [loop for loop in peer.waiting if loop[0] == range.job]
    if waiting:
        mine = (range.job, range.loop)
        taker = mine if mine in waiting else waiting[0]
        peer.waiting = tuple(x for x in peer.waiting if x != taker)
    else:
        peer.slots -= 1
    name = peer.address.name
    # A number of its own for each gift: the receiver knows by it what came before.
    ledger.leases.remove(lease)
    interval = (range.lo, range.hi)
    given = ledger.leases.split(lease, interval, AtPeer(name, (interval,)))
    message = GiveRange(sender=ledger.address, lease=given.id, range=range)
    ledger.commands.append(TellPeer(peer.address, message))
    ledger.peers[name] = ledger.peers.pop(name)  # to the end: the next range goes to the next peer


def _return_stranded(ledger: Ledger) -> None:
    # While every executor has a root or waits, and each waits for ranges that are elsewhere, a
    # range in this queue might wait for ever.
    if any(x.root is None and x.status is not Status.WAITING for x in ledger.executors):
        return
    for lease in ledger.leases.queued():
        if isinstance(lease.origin, Giver) and not is_to_go(ledger, lease):
            ledger.leases.remove(lease)
            ledger.give_back(lease.origin, "every executor here works for somebody else")


# ------------------------------------------------------------------ who is told to give


def _free_slots(ledger: Ledger) -> int:
    coming = sum(isinstance(x.holder, Fetching | Queued) for x in ledger.leases)
    roots = sum(root.executor is None for root in ledger.roots.values())
    return max(0, sum(1 for _ in _idle(ledger)) - coming - roots)


def _waiting_loops(ledger: Ledger) -> tuple[tuple[str, int], ...]:
    """Loops that an executor here waits for, with nothing to do meanwhile."""
    waiting = [
        (executor.job, executor.waited)
        for executor in ledger.executors
        if executor.status is Status.WAITING
    ]
    return tuple(
        (job, loop)
        for job, loop in waiting
        if job is not None
        and loop is not None
        and any(lease.of(job, loop) for lease in ledger.leases)
    )


def _ask_executors(ledger: Ledger) -> None:
    running = [x for x in ledger.executors if x.status in (Status.ROOT, Status.RANGE)]
    own = slots = _free_slots(ledger) + len(_waiting_loops(ledger))
    here = {executor.job for executor in running}
    for peer in ledger.peers.values():
        slots += peer.slots + sum(job in here for job, _ in peer.waiting)
    queued = len(ledger.leases.queued())
    wanted = [max(0, each - queued) if running else 0 for each in (slots, own)]
    hungry = SetHungry(*wanted)
    if hungry != ledger.hungry:
        ledger.hungry = hungry
        ledger.commands.append(hungry)


def _ask_manager(ledger: Ledger) -> None:
    hungry = Hungry(slots=0 if ledger.retiring else _free_slots(ledger))
    if hungry == ledger.told_manager:
        ledger.tell_manager_at = None
    elif ledger.tell_manager_at is None and ledger.told_manager is not None:
        ledger.tell_manager_at = ledger.now + HUNGRY_SECONDS
    elif ledger.tell_manager_at is None or ledger.tell_manager_at <= ledger.now:
        ledger.tell_manager_at = None
        ledger.told_manager = hungry
        ledger.commands.append(TellManager(hungry))


def _ask_peers(ledger: Ledger) -> None:
    slots, waiting = _free_slots(ledger), _waiting_loops(ledger)
    for name, peer in ledger.peers.items():
        busy = peer.has_work or bool(ledger.leases.at_peer(name))
        wanted = (slots, waiting) if busy and not ledger.retiring else (0, ())
        if wanted != (peer.told_slots, peer.told_waiting):
            peer.told_slots, peer.told_waiting = wanted
            message = StealRequest(sender=ledger.address, slots=wanted[0], waiting=wanted[1])
            ledger.commands.append(TellPeer(peer.address, message))
