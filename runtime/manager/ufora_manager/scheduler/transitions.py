"""The life of a job, as a table: ``(from, to)`` -> what goes with it.

A pair that is not in ``TRANSITIONS`` cannot happen. ``move`` looks there before it changes
anything, so a refused step leaves the state as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import ExecutorUse, Failure, Payload
from ufora_manager.errors import InvalidTransition
from ufora_manager.scheduler import objects
from ufora_manager.scheduler.commands import Command, Place, TellClient, Withdraw
from ufora_manager.scheduler.state import Job, JobState, Kind, State

WAITING, PLACED = JobState.WAITING, JobState.PLACED
DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a job moves on, and what it takes along."""

    now: float
    #: For the job's story.
    why: str
    #: Where the root goes (on the way to PLACED).
    worker: str = ""
    #: The root runs there already: the worker said so.
    running: bool = False
    #: What the client is told (on the way to an end).
    result: Payload | None = None
    objects: tuple[Payload, ...] = ()
    failure: Failure | None = None
    use: tuple[ExecutorUse, ...] = ()


Transition = Callable[[State, Job, Cause], list[Command]]


def move(state: State, job: Job, target: JobState, cause: Cause) -> list[Command]:
    """Bring ``job`` into the state ``target``.

    Raises:
        InvalidTransition: the table has no such step; nothing has changed.
    """
    transition = TRANSITIONS.get((job.state, target))
    if transition is None:
        raise InvalidTransition(
            f"job {job.id} is {job.state.value} and cannot become {target.value} "
            f"({cause.why}); its story: {story_of(job)}"
        )
    job.story.append((cause.now, f"{target.value}: {cause.why}"))
    commands = transition(state, job, cause)
    job.state = target
    state.note(Kind.JOB, job.id)
    return commands


def story_of(job: Job) -> str:
    """What happened to the job so far, on one line; times count from its submission."""
    steps = (f"{when - job.submitted_at:.3f} s {what}" for when, what in job.story)
    return "; ".join(steps) or "nothing yet"


def _place(state: State, job: Job, cause: Cause) -> list[Command]:
    assert job.program is not None
    worker = state.workers[cause.worker]
    del state.waiting[job.id]
    worker.roots[job.id] = None
    job.worker, job.placed_at = worker.name, cause.now
    on_the_way = not cause.running and objects.bulk((job.program, *job.needs))
    job.sent_at = None if on_the_way else cause.now
    job.depth = max(1.0, len(worker.roots) / max(1, worker.executors))
    return [] if cause.running else [Place(worker.name, job.id, job.program, job.needs)]


def _give_up_waiting(state: State, job: Job, cause: Cause) -> list[Command]:
    del state.waiting[job.id]
    return _end(state, job, cause)


def _take_back(state: State, job: Job, cause: Cause) -> list[Command]:
    """Wait once more, before all who came later."""
    del state.host(job.worker).roots[job.id]
    job.worker, job.sent_at = "", None
    earlier = list(takewhile(lambda each: state.jobs[each].number < job.number, state.waiting))
    state.waiting[job.id] = None
    for each in (job.id, *reversed(earlier)):
        state.waiting.move_to_end(each, last=False)
    return []


def _leave_worker(state: State, job: Job, cause: Cause) -> list[Command]:
    del state.host(job.worker).roots[job.id]
    return _end(state, job, cause)


def _stop_on_worker(state: State, job: Job, cause: Cause) -> list[Command]:
    return [Withdraw(job.worker, job.id), *_leave_worker(state, job, cause)]


def _end(state: State, job: Job, cause: Cause) -> list[Command]:
    job.ended_at = cause.now
    job.answer = JobDone(
        job=job.id,
        result=cause.result,
        objects=cause.objects,
        failure=cause.failure,
        seconds=cause.now - job.submitted_at,
        use=cause.use,
    )
    state.ended[job.id] = None
    outcome = cause.failure.reason if cause.failure is not None else "done"
    state.outcomes[outcome] = state.outcomes.get(outcome, 0) + 1
    objects.receive(state, job)
    dropped = objects.stop_needing(state, job, cause.now)
    job.program, job.needs = None, ()
    told: list[Command] = [TellClient(job.session, job.answer)] if state.listens(job) else []
    return [*told, *dropped]


#: Every step that a job can take.
TRANSITIONS: Mapping[tuple[JobState, JobState], Transition] = {
    (WAITING, PLACED): _place,
    (WAITING, CANCELLED): _give_up_waiting,
    (PLACED, WAITING): _take_back,
    (PLACED, DONE): _leave_worker,
    (PLACED, FAILED): _leave_worker,
    (PLACED, CANCELLED): _stop_on_worker,
}
