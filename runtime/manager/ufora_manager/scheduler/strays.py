"""Roots whose jobs this manager does not know, though it may soon.

When a manager's journal was lost with its volume, workers come back to the next one with roots
that nobody has submitted to it. Their clients are on the way back, too, and submit again what they
wait for. Until then such a root is left alone, and how it ended is kept.
"""

from dataclasses import replace

from ufora_core.protocol.worker import ForgetObjects
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, TellWorker, Withdraw
from ufora_manager.scheduler.root_events import ended
from ufora_manager.scheduler.state import NEVER, Job, State, Stray
from ufora_manager.scheduler.transitions import PLACED, Cause, move


def meet(state: State, worker: str, job: str, now: float) -> list[Command]:
    """``worker`` says that it has the root of an unknown job: keep it for a while, or stop it."""
    if now >= state.strays_until:
        return [Withdraw(worker, job)]
    stray = state.strays.setdefault(job, Stray(worker))
    return [] if stray.worker == worker else [Withdraw(worker, job)]


def adopt(state: State, job: Job, now: float) -> list[Command]:
    """The client of a stray root is back: its waiting job is placed where the root is."""
    stray = state.strays.pop(job.id, None)
    if stray is None:
        return []
    why = f"runs on {stray.worker} already"
    commands = move(state, job, PLACED, Cause(now, why, worker=stray.worker, running=True))
    if stray.ended is not None:
        commands += ended(state, replace(stray.ended, now=now))
    return commands


def forget(state: State, worker: str, keep: tuple[str, ...] = ()) -> None:
    """The roots that ``worker`` had are not there any more, but for those in ``keep``."""
    gone = [
        job for job, stray in state.strays.items() if stray.worker == worker and job not in keep
    ]
    for job in gone:
        del state.strays[job]


def expire(state: State, now: float) -> list[Command]:
    """Nobody came for them in time."""
    if now < state.strays_until:
        return []
    commands: list[Command] = []
    for job, stray in state.strays.items():
        if stray.ended is None:
            commands.append(Withdraw(stray.worker, job))
        else:
            late = objects.unwanted(state, (stray.ended.result, *stray.ended.objects))
            commands.append(TellWorker(stray.worker, ForgetObjects(digests=late)))
    state.strays.clear()
    state.strays_until = NEVER
    return commands


def note_end(state: State, event: events.RootEnded) -> bool:
    """Keep how a stray root ended; False when it is none."""
    stray = state.strays.get(event.job)
    if stray is None or stray.worker != event.worker:
        return False
    stray.ended = event
    made = (event.result, *event.objects)
    objects.announce_made(state, state.workers[event.worker], made, event.now)
    return True
