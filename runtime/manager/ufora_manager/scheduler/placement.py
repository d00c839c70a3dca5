"""Which worker gets the next root: pure ranking, and jobs in the order in which they came.

A worker holds one root an executor. Where roots are short it also holds some in advance, so that
ten thousand small jobs do not wait for one message round trip each; where they are long it does
not, since a root that waits behind a long one cannot move to a worker that falls idle.
"""

from collections.abc import Iterable

from ufora_manager.scheduler.commands import Command
from ufora_manager.scheduler.state import Job, State, Worker
from ufora_manager.scheduler.transitions import PLACED, Cause, move

#: Roots in advance, per executor: enough to cover a message round trip (about a millisecond) with
#: roots of a fraction of one.
PREFETCH = 4
#: Roots are short while they take less than this many seconds.
SHORT = 0.05
#: Weight of the last root in a worker's pace.
_LATEST = 0.25


def capacity(worker: Worker) -> int:
    """Roots that the worker may hold."""
    quick = worker.pace is not None and worker.pace < SHORT
    return worker.executors * (1 + PREFETCH if quick else 1)


def choose(workers: Iterable[Worker]) -> Worker | None:
    """The worker with the fewest roots per executor; ties go by name. None: all are full, or
    retire."""
    free = [
        worker
        for worker in workers
        if worker.retirement is None and len(worker.roots) < capacity(worker)
    ]
    return min(free, key=lambda each: (len(each.roots) / each.executors, each.name), default=None)


def place_waiting(state: State, now: float) -> list[Command]:
    """Place waiting jobs, first come first served, while a worker takes them."""
    commands: list[Command] = []
    if state.held_until is not None:
        return commands
    while state.waiting and (worker := choose(state.workers.values())) is not None:
        job = state.jobs[next(iter(state.waiting))]
        commands += move(state, job, PLACED, Cause(now, f"on {worker.name}", worker=worker.name))
    return commands


def note_pace(worker: Worker, job: Job, now: float) -> None:
    """Learn from a root that ended how long roots take on this worker."""
    seconds = (now - job.placed_at) / job.depth
    if worker.pace is None:
        worker.pace = seconds
    else:
        worker.pace += _LATEST * (seconds - worker.pace)
