"""What happens to the roots of jobs on their workers."""

from typing import Literal, cast

from ufora_core.protocol.client import JobOutput, JobProgress
from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import ForgetObjects
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, TellClient, TellWorker
from ufora_manager.scheduler.placement import note_pace, place_waiting
from ufora_manager.scheduler.state import Job, State
from ufora_manager.scheduler.transitions import DONE, FAILED, PLACED, Cause, move, story_of
from ufora_manager.scheduler.worker_events import known

_NOTHING = Failure(
    "internal", "the worker ended the block without a result; its log says more about it"
)


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
    return [TellClient(job.session, message)]


def printed(state: State, event: events.RootPrinted) -> list[Command]:
    """Pass what a root printed on to its client."""
    job = _running(state, event.worker, event.job)
    if job is None:
        return []
    stream = cast(Literal["stdout", "stderr"], event.stream)
    return [TellClient(job.session, JobOutput(job=job.id, stream=stream, text=event.text))]


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
    known(state, worker)
    job = state.jobs.get(job_id)
    if job is None or job.state.ended:
        return None
    if job.state is not PLACED or job.worker != worker:
        raise EventRefused(
            f"worker {worker} spoke of job {job_id}, which is not there; its story: {story_of(job)}"
        )
    return job
