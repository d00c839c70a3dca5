"""What happens to the roots of jobs on their workers."""

from typing import Literal, cast

from ufora_core.protocol.client import JobOutput, JobProgress
from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import ForgetObjects
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, TellClient, TellWorker
from ufora_manager.scheduler.lost_roots import return_to_queue
from ufora_manager.scheduler.placement import note_pace, place_waiting
from ufora_manager.scheduler.state import Job, Kind, State
from ufora_manager.scheduler.transitions import DONE, FAILED, PLACED, Cause, move, story_of

_NOTHING = Failure(
    "internal", "the worker ended the block without a result; its log says more about it"
)


def sent(state: State, event: events.RootSent) -> list[Command]:
    """From now on nobody can be certain that the root has not begun."""
    job = state.jobs.get(event.job)
    if job is not None and job.state is PLACED and job.worker == event.worker:
        job.sent_at = event.now
        state.note(Kind.JOB, job.id)
    return []


def started(state: State, event: events.RootStarted) -> list[Command]:
    """Note whether the root may be run again if it is lost."""
    job = _running(state, event.worker, event.job)
    if job is not None and event.repeatable != job.repeatable:
        job.repeatable = event.repeatable
        state.note(Kind.JOB, job.id)
    return []


def returned(state: State, event: events.RootReturned) -> list[Command]:
    """Place a root elsewhere that its worker has not begun."""
    job = _running(state, event.worker, event.job)
    if job is None:
        return []
    commands = return_to_queue(state, job, event.now, f"{event.worker} had not begun it")
    return commands + place_waiting(state, event.now)


def progressed(state: State, event: events.RootProgressed) -> list[Command]:
    """Pass a root's progress on to its client."""
    job = _running(state, event.worker, event.job)
    if job is None:
        return []
    message = JobProgress(
        job=job.id,
        items_done=event.items_done,
        items_total=event.items_total,
        executors=event.executors,
    )
    return [TellClient(job.session, message)] if state.listens(job) else []


def printed(state: State, event: events.RootPrinted) -> list[Command]:
    """Pass what a root printed on to its client."""
    job = _running(state, event.worker, event.job)
    if job is None:
        return []
    stream = cast(Literal["stdout", "stderr"], event.stream)
    output = JobOutput(job=job.id, stream=stream, text=event.text, at=event.at)
    state.note_output(job.id, job.printed.keep(output))
    return [TellClient(job.session, output)] if state.listens(job) else []


def ended(state: State, event: events.RootEnded) -> list[Command]:
    """End the job as its root ended."""
    job = _running(state, event.worker, event.job)
    if job is None:
        late = objects.unwanted(state, (event.result, *event.objects))
        return [TellWorker(event.worker, ForgetObjects(digests=late))] if late else []
    failure = event.failure or (None if event.result is not None else _NOTHING)
    cause = Cause(
        event.now,
        f"on {event.worker}" + (f": {failure.message}" if failure else ""),
        result=None if failure else event.result,
        objects=event.objects,
        failure=failure,
        use=event.use,
    )
    commands = move(state, job, FAILED if failure else DONE, cause)
    note_pace(state.workers[event.worker], job, event.now)
    return commands + place_waiting(state, event.now)


def unplaced(state: State, event: events.RootUnplaced) -> list[Command]:
    """End a job whose root could not be brought to its worker."""
    job = _running(state, event.worker, event.job)
    if job is None:
        return []
    cause = Cause(event.now, event.failure.message, failure=event.failure)
    return move(state, job, FAILED, cause) + place_waiting(state, event.now)


def _running(state: State, worker: str, job_id: str) -> Job | None:
    """The placed job that ``worker`` speaks of; None when it is over, which is no mistake of the
    worker's: the news may have crossed.

    Raises:
        EventRefused: the worker is unknown, or the root is not there.
    """
    state.registered(worker)
    job = state.jobs.get(job_id)
    if job is None or job.state.ended:
        return None
    if job.state is not PLACED or job.worker != worker:
        raise EventRefused(
            f"worker {worker} spoke of job {job_id}, which is not there; its story: {story_of(job)}"
        )
    return job
