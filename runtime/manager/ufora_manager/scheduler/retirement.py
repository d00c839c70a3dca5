"""Workers that retire: they get nothing new, finish or hand over what they have, and may end.

A worker retires under an order, which goes by its name and stands until it is taken back, or
because its process is about to stop and says so. It is empty once it holds no root and no range,
and the manager's store has every object that only retiring workers have and somebody may ask for.
"""

from ufora_core.protocol.worker import Farewell, Retire, Unretire
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, Rescue, TellWorker, Withdraw
from ufora_manager.scheduler.hunger import become_hungry
from ufora_manager.scheduler.lost_roots import return_to_queue
from ufora_manager.scheduler.placement import place_waiting
from ufora_manager.scheduler.state import Kind, Retirement, RetireOrder, State, Worker

#: Seconds before an object that could not be brought here is asked for again.
RETRY_AFTER = 2.0


def ordered(state: State, event: events.RetireOrdered) -> list[Command]:
    """An order for a worker, registered or not."""
    order = state.orders.setdefault(event.worker, RetireOrder(event.now, event.exit))
    order.exit = event.exit
    state.note(Kind.ORDER, event.worker)
    worker = state.workers.get(event.worker)
    if worker is None or worker.retirement is not None:
        return []
    return begin(state, worker, event.now, leaving=False)


def taken_back(state: State, event: events.RetireTakenBack) -> list[Command]:
    """The worker works again, unless it is about to stop for another reason."""
    if state.orders.pop(event.worker, None) is None:
        return []
    state.note(Kind.ORDER, event.worker)
    worker = state.workers.get(event.worker)
    if worker is None or worker.retirement is None:
        return []
    if worker.retirement.leaving or worker.retirement.dismissed:
        return []
    worker.retirement = None
    become_hungry(worker, 0)
    recount_all(state)
    return [TellWorker(worker.name, Unretire()), *place_waiting(state, event.now)]


def leaving(state: State, event: events.WorkerLeaving) -> list[Command]:
    """The worker's process was told to stop."""
    worker = state.registered(event.worker)
    worker.heard_at = event.now
    if worker.retirement is not None:
        worker.retirement.leaving = True
        return []
    return begin(state, worker, event.now, leaving=True)


def begin(state: State, worker: Worker, now: float, *, leaving: bool) -> list[Command]:
    """Tell a worker to retire; roots that have not left for it go elsewhere."""
    order = state.orders.get(worker.name)
    since = now if order is None else order.since
    worker.retirement = Retirement(since=since, leaving=leaving)
    become_hungry(worker, 0)
    recount_all(state)
    commands: list[Command] = [TellWorker(worker.name, Retire())]
    for job in [job for job in state.roots(worker) if job.sent_at is None]:
        commands.append(Withdraw(worker.name, job.id))
        commands += return_to_queue(state, job, now, f"worker {worker.name} retires")
    return commands + place_waiting(state, now)


def holds(state: State, event: events.WorkerHolds) -> list[Command]:
    """Note what a retiring worker still has."""
    worker = state.registered(event.worker)
    worker.heard_at = event.now
    if worker.retirement is not None:
        worker.retirement.roots, worker.retirement.ranges = event.roots, event.ranges
    return []


def rescued(state: State, event: events.ObjectsRescued) -> list[Command]:
    """Objects are safe now."""
    worker = state.workers.get(event.worker)
    if worker is not None and worker.retirement is not None:
        for digest in event.digests:
            worker.retirement.moving.pop(digest, None)
    return objects.store(state, event.digests)


def rescue_failed(state: State, event: events.RescueFailed) -> list[Command]:
    """Try again later, unless the worker does not have the object, in which case nobody has."""
    worker = state.workers.get(event.worker)
    if worker is None:
        return []
    if event.gone:
        objects.disown(state, worker, event.digest)
    if worker.retirement is not None:
        worker.retirement.moving.pop(event.digest, None)
        worker.retirement.retry_at = event.now + RETRY_AFTER
    return []


def advance(state: State, now: float) -> list[Command]:
    """Do what comes next for each worker that retires."""
    commands: list[Command] = []
    for worker in state.workers.values():
        if worker.retirement is not None:
            commands += _advance(state, worker, worker.retirement, now)
    return commands


def left_with(state: State, worker: Worker) -> dict[str, int]:
    """The objects that are still to be moved away from a retiring worker, and their bytes."""
    assert worker.retirement is not None
    if worker.retirement.left is None:
        worker.retirement.left = objects.held_alone(state, worker)
    return worker.retirement.left


def empty(state: State, worker: Worker) -> bool:
    """True when nothing is lost if this retiring worker ends now."""
    retirement = worker.retirement
    assert retirement is not None
    if retirement.roots != 0 or retirement.ranges != 0 or worker.roots:
        return False
    return not left_with(state, worker) and not _has_stray(state, worker)


def ends(state: State, worker: Worker) -> bool:
    """True when a retiring worker is to end once it is empty."""
    assert worker.retirement is not None
    order = state.orders.get(worker.name)
    return worker.retirement.leaving or (order is not None and order.exit)


def recount_all(state: State) -> None:
    """A worker stopped or began to be one that keeps its objects."""
    for worker in state.workers.values():
        objects.recount(worker)


def _advance(state: State, worker: Worker, retirement: Retirement, now: float) -> list[Command]:
    if retirement.dismissed:
        return []
    left = left_with(state, worker)
    if left:
        new = tuple(digest for digest in left if digest not in retirement.moving)
        if not new or now < retirement.retry_at:
            return []
        retirement.moving.update(dict.fromkeys(new))
        return [Rescue(worker.name, new)]
    if empty(state, worker) and ends(state, worker):
        retirement.dismissed = True
        return [TellWorker(worker.name, Farewell())]
    return []


def _has_stray(state: State, worker: Worker) -> bool:
    return any(stray.worker == worker.name for stray in state.strays.values())
