"""What workers do: come, go, fall silent, get hungry."""

from ufora_core.protocol.worker import PeerLeft
from ufora_manager.scheduler import events, objects, strays
from ufora_manager.scheduler.commands import Command, DropWorker, Place, TellWorker, Withdraw
from ufora_manager.scheduler.hunger import become_hungry
from ufora_manager.scheduler.lost_roots import lose, return_to_queue
from ufora_manager.scheduler.placement import place_waiting
from ufora_manager.scheduler.retirement import begin, recount_all
from ufora_manager.scheduler.state import Job, Kind, State, Worker
from ufora_manager.scheduler.transitions import PLACED, WAITING, Cause, move

#: A worker that sends nothing for this long has left; it sends a heartbeat every second.
SILENT_AFTER = 8.0
#: A root that was placed this long ago and that its worker does not list is lost. A younger one
#: may have crossed the worker's hello on the way, or went down with the link: it is sent again, and
#: a worker that had it does not run it twice.
CROSSING = 2.0


def joined(state: State, event: events.WorkerJoined) -> list[Command]:
    """Register the worker, or settle what a broken link or a restart left open."""
    commands: list[Command] = []
    name = event.address.name
    worker = state.workers.get(name) or state.missing.get(name)
    if worker is not None and worker.incarnation != event.incarnation:
        commands += _remove(state, worker, event.now, "its process ended and was started again")
        worker = None
    if worker is None:
        worker = state.workers[name] = _new_worker(event)
        state.note(Kind.WORKER, name)
        recount_all(state)
    else:
        commands += _back(state, worker, event)
    if event.leaving or name in state.orders:
        commands += begin(state, worker, event.now, leaving=event.leaving)
    for job in event.roots:
        commands += _settle_root(state, worker, job, event.now)
    return commands + place_waiting(state, event.now)


def heard(state: State, event: events.WorkerHeard) -> list[Command]:
    """Note a sign of life."""
    worker = state.registered(event.worker)
    worker.heard_at = event.now
    worker.idle, worker.memory_bytes = event.idle, event.memory_bytes
    worker.tokens = event.tokens
    return []


def hungry(state: State, event: events.WorkerHungry) -> list[Command]:
    """Note how many executors have nothing to do; the answer comes with ``tell_hungry``."""
    worker = state.registered(event.worker)
    worker.heard_at = event.now
    become_hungry(worker, event.slots if worker.retirement is None else 0)
    return []


def left(state: State, event: events.WorkerLeft) -> list[Command]:
    """The worker stops on purpose."""
    worker = state.registered(event.worker)
    return _dismiss(state, worker, event.now, event.reason or "it was stopped")


def drop_silent(state: State, now: float) -> list[Command]:
    """Take the workers that were not heard for ``SILENT_AFTER`` for gone."""
    silent = [w for w in state.workers.values() if now - w.heard_at > SILENT_AFTER]
    commands: list[Command] = []
    for worker in silent:
        reason = f"nothing was heard from it for {SILENT_AFTER:.0f} s"
        commands += _dismiss(state, worker, now, reason)
    return commands


def drop_missing(state: State, now: float) -> list[Command]:
    """Place roots again; workers of the manager before that did not come back are lost."""
    if state.held_until is None or now < state.held_until:
        return []
    state.held_until = None
    commands: list[Command] = []
    for worker in list(state.missing.values()):
        reason = "it did not come back after the manager was started again"
        commands += _remove(state, worker, now, reason)
    return commands + place_waiting(state, now)


def _new_worker(event: events.WorkerJoined) -> Worker:
    return Worker(
        address=event.address,
        executors=event.executors,
        incarnation=event.incarnation,
        python=event.python,
        release=event.release,
        joined_at=event.now,
        heard_at=event.now,
        idle=event.executors,
        tokens=event.tokens,
    )


def _back(state: State, worker: Worker, event: events.WorkerJoined) -> list[Command]:
    """The process is known; its link broke, or the manager was started again."""
    to_another_manager = state.missing.pop(worker.name, None) is not None
    if to_another_manager:
        worker.joined_at = event.now
        _stop_waiting_for_nobody(state)
    state.workers[worker.name] = worker
    worker.address, worker.executors = event.address, event.executors
    worker.python, worker.release, worker.tokens = event.python, event.release, event.tokens
    worker.heard_at = event.now
    worker.retirement = None
    become_hungry(worker, 0)
    strays.forget(state, worker.name, keep=event.roots)
    recount_all(state)
    commands: list[Command] = []
    for job in [job for job in state.roots(worker) if job.id not in event.roots]:
        commands += _miss(state, job, event.now, to_another_manager=to_another_manager)
    return commands


def _stop_waiting_for_nobody(state: State) -> None:
    if state.held_until is not None and not state.missing:
        state.held_until = min(state.held_until, state.settled_at)


def _miss(state: State, job: Job, now: float, *, to_another_manager: bool) -> list[Command]:
    """The worker does not have this root."""
    if to_another_manager:
        # It reports each root until it knows that the manager's journal has its end. So it never
        # had this one, and nothing that an earlier manager sent can be on its way still.
        return return_to_queue(state, job, now, f"it had not reached worker {job.worker}")
    if job.sent_at is None:
        return []
    if now - job.sent_at <= CROSSING:
        assert job.program is not None
        return [Place(job.worker, job.id, job.program, job.needs)]
    return lose(
        state,
        job,
        now,
        f"the link to worker {job.worker} broke, and the job is no longer there",
    )


def _settle_root(state: State, worker: Worker, job_id: str, now: float) -> list[Command]:
    """The worker says that it runs this root: take it as placed, or have it stopped."""
    job = state.jobs.get(job_id)
    if job is None:
        return strays.meet(state, worker.name, job_id, now)
    commands: list[Command] = []
    if job.state is PLACED and job.worker in state.missing:
        commands += return_to_queue(state, job, now, f"runs on {worker.name}, not {job.worker}")
    if job.state is WAITING:
        cause = Cause(now, f"runs on {worker.name} already", worker=worker.name, running=True)
        return commands + move(state, job, PLACED, cause)
    if job.state is PLACED and job.worker == worker.name:
        return commands
    return [*commands, Withdraw(worker.name, job_id)]


def _dismiss(state: State, worker: Worker, now: float, reason: str) -> list[Command]:
    commands = _remove(state, worker, now, reason)
    return [*commands, DropWorker(worker.name, reason), *place_waiting(state, now)]


def _remove(state: State, worker: Worker, now: float, reason: str) -> list[Command]:
    """Take the worker out: its roots are lost, and the others learn of it."""
    commands: list[Command] = []
    for job in list(state.roots(worker)):
        commands.append(Withdraw(worker.name, job.id))
        commands += lose(state, job, now, f"worker {worker.name} was lost: {reason}")
    objects.forget_worker(state, worker)
    strays.forget(state, worker.name)
    state.workers.pop(worker.name, None)
    state.missing.pop(worker.name, None)
    _stop_waiting_for_nobody(state)
    state.note(Kind.WORKER, worker.name)
    recount_all(state)
    left_message = PeerLeft(worker=worker.name)
    return commands + [TellWorker(other, left_message) for other in state.workers]
