"""What workers do: come, go, fall silent, get hungry."""

from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import PeerLeft
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, DropWorker, TellWorker, Withdraw
from ufora_manager.scheduler.hunger import become_hungry
from ufora_manager.scheduler.placement import place_waiting
from ufora_manager.scheduler.state import Job, JobState, State, Worker
from ufora_manager.scheduler.transitions import FAILED, PLACED, Cause, move

#: A worker that sends nothing for this long has left; it sends a heartbeat every second.
SILENT_AFTER = 8.0
#: A root that was placed this long ago and that its worker does not list is lost. A younger one
#: may have crossed the worker's hello on the way.
CROSSING = 2.0


def known(state: State, name: str) -> Worker:
    """The worker of that name; EventRefused when there is none."""
    worker = state.workers.get(name)
    if worker is None:
        raise EventRefused(f"worker {name} is not registered")
    return worker


def joined(state: State, event: events.WorkerJoined) -> list[Command]:
    """Register the worker, or settle what a broken link or a restart left open."""
    commands: list[Command] = []
    name = event.address.name
    worker = state.workers.get(name)
    if worker is not None and worker.incarnation != event.incarnation:
        commands += _remove(state, worker, event.now, "its process ended and was started again")
        worker = None
    if worker is None:
        worker = state.workers[name] = _new_worker(event)
    else:
        worker.address, worker.executors = event.address, event.executors
        worker.heard_at = event.now
        become_hungry(worker, 0)
        commands += _fail_lost_roots(state, worker, event)
    for job in event.roots:
        commands += _settle_root(state, worker, job, event.now)
    return commands + place_waiting(state, event.now)


def heard(state: State, event: events.WorkerHeard) -> list[Command]:
    """Note a sign of life."""
    worker = known(state, event.worker)
    worker.heard_at = event.now
    worker.idle, worker.memory_bytes = event.idle, event.memory_bytes
    return []


def hungry(state: State, event: events.WorkerHungry) -> list[Command]:
    """Note how many executors have nothing to do; the answer comes with ``tell_hungry``."""
    worker = known(state, event.worker)
    worker.heard_at = event.now
    become_hungry(worker, event.slots)
    return []


def left(state: State, event: events.WorkerLeft) -> list[Command]:
    """The worker stops on purpose."""
    worker = known(state, event.worker)
    return _dismiss(state, worker, event.now, event.reason or "it was stopped")


def drop_silent(state: State, now: float) -> list[Command]:
    """Take the workers that were not heard for ``SILENT_AFTER`` for gone."""
    silent = [w for w in state.workers.values() if now - w.heard_at > SILENT_AFTER]
    commands: list[Command] = []
    for worker in silent:
        reason = f"nothing was heard from it for {SILENT_AFTER:.0f} s"
        commands += _dismiss(state, worker, now, reason)
    return commands


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
    )


def _settle_root(state: State, worker: Worker, job_id: str, now: float) -> list[Command]:
    """The worker says that it runs this root: take it as placed, or have it stopped."""
    job = state.jobs.get(job_id)
    if job is not None and job.state is JobState.WAITING:
        cause = Cause(now, f"runs on {worker.name} already", worker=worker.name, running=True)
        return move(state, job, PLACED, cause)
    if job is not None and job.state is PLACED and job.worker == worker.name:
        return []
    return [Withdraw(worker.name, job_id)]


def _fail_lost_roots(state: State, worker: Worker, event: events.WorkerJoined) -> list[Command]:
    """The link to a living worker broke, and roots that it should have are not there."""
    lost = [
        job
        for job in state.roots(worker)
        if job.id not in event.roots and event.now - job.placed_at > CROSSING
    ]
    commands: list[Command] = []
    for job in lost:
        why = f"the link to worker {worker.name} broke, and the job is no longer there"
        commands += _fail(state, job, event.now, why)
    return commands


def _dismiss(state: State, worker: Worker, now: float, reason: str) -> list[Command]:
    commands = _remove(state, worker, now, reason)
    return [*commands, DropWorker(worker.name, reason), *place_waiting(state, now)]


def _remove(state: State, worker: Worker, now: float, reason: str) -> list[Command]:
    """Take the worker out: its roots fail, and the others learn of it."""
    commands: list[Command] = []
    for job in list(state.roots(worker)):
        commands.append(Withdraw(worker.name, job.id))
        commands += _fail(state, job, now, f"worker {worker.name} was lost: {reason}")
    del state.workers[worker.name]
    objects.forget_worker(state, worker.name)
    left_message = PeerLeft(worker=worker.name)
    return commands + [TellWorker(other, left_message) for other in state.workers]


def _fail(state: State, job: Job, now: float, why: str) -> list[Command]:
    sentence = (
        f"{why}, while it ran this block; how far it got is not known, so it was not run again. "
        "Look at that worker's log, and run the block again if it may run twice"
    )
    return move(state, job, FAILED, Cause(now, why, failure=Failure("worker-died", sentence)))
