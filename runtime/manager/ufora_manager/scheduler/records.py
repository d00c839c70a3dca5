"""What the journal keeps of the scheduler's state: flat, frozen copies of its entries.

``changes`` says what is new since it was asked last. It is asked between two events, so all that
one answer holds together is a state that the scheduler was in.
"""

from dataclasses import dataclass

import msgspec

from ufora_core.protocol.client import JobDone, JobOutput
from ufora_core.protocol.parts import Payload
from ufora_manager.scheduler.state import Job, JobState, Kind, State


class Record(msgspec.Struct, frozen=True, array_like=True):
    """Base of all records."""


class SessionRecord(Record, frozen=True):
    """A session that is not over. Its jobs and objects name it."""

    id: str
    patience: float


class WorkerRecord(Record, frozen=True):
    """A process that may come back with what it has."""

    name: str
    incarnation: str


class OrderRecord(Record, frozen=True):
    """An order to retire."""

    worker: str
    since: float
    exit: bool


class ObjectRecord(Record, frozen=True):
    """An object that somebody may ask for. The jobs that need it name it."""

    digest: str
    size: int
    sessions: tuple[str, ...]
    workers: tuple[str, ...]
    stored: bool
    kept_until: float


class JobRecord(Record, frozen=True):
    """A job: all of it while somebody may run it, its answer until the session is over, and then
    its id and what to say of it, so that it does not run a second time."""

    id: str
    number: int
    session: str
    title: str
    program: Payload | None
    needs: tuple[Payload, ...]
    submitted_at: float
    state: JobState
    worker: str
    placed_at: float
    depth: float
    sent_at: float | None
    repeatable: bool
    repeats: int
    ended_at: float
    answer: JobDone | None
    orphaned_at: float | None
    story: tuple[tuple[float, str], ...]


class OutputRecord(Record, frozen=True):
    """A piece of what a job printed, for a client that has not seen it."""

    output: JobOutput


RECORDS: dict[Kind, type[Record]] = {
    Kind.SESSION: SessionRecord,
    Kind.WORKER: WorkerRecord,
    Kind.ORDER: OrderRecord,
    Kind.OBJECT: ObjectRecord,
    Kind.JOB: JobRecord,
    Kind.OUTPUT: OutputRecord,
}


@dataclass(frozen=True, slots=True)
class Change:
    """The record of something, as it is now; None: it is no more."""

    kind: Kind
    key: str
    record: Record | None


def changes(state: State) -> list[Change]:
    """What is new since this was asked last."""
    if not state.unsaved:
        return []
    unsaved, state.unsaved = state.unsaved, {}
    return [Change(kind, key, _record(state, kind, key)) for kind, key in unsaved]


def everything(state: State) -> list[Change]:
    """All that the journal should hold; nothing is new after this."""
    state.unsaved = {}
    for kind, keys in (
        (Kind.SESSION, state.sessions),
        (Kind.WORKER, state.workers | state.missing),
        (Kind.ORDER, state.orders),
        (Kind.OBJECT, state.objects),
        (Kind.JOB, state.jobs),
    ):
        for key in keys:
            state.note(kind, key)
    for job in state.jobs.values():
        state.note_output(job.id, job.printed.places())
    return changes(state)


def _record(state: State, kind: Kind, key: str) -> Record | None:
    match kind:
        case Kind.SESSION:
            session = state.sessions.get(key)
            return SessionRecord(key, session.patience) if session is not None else None
        case Kind.WORKER:
            worker = state.workers.get(key) or state.missing.get(key)
            return WorkerRecord(key, worker.incarnation) if worker is not None else None
        case Kind.ORDER:
            order = state.orders.get(key)
            return OrderRecord(key, order.since, order.exit) if order is not None else None
        case Kind.OBJECT:
            return _object_record(state, key)
        case Kind.JOB:
            job = state.jobs.get(key)
            return _job_record(state, job) if job is not None else None
        case Kind.OUTPUT:
            return _output_record(state, key)


def _object_record(state: State, digest: str) -> ObjectRecord | None:
    entry = state.objects.get(digest)
    if entry is None:
        return None
    return ObjectRecord(
        digest=digest,
        size=entry.size,
        sessions=tuple(entry.sessions),
        workers=tuple(entry.workers),
        stored=entry.stored,
        kept_until=entry.kept_until,
    )


def _output_record(state: State, key: str) -> OutputRecord | None:
    job_id, at = key.rsplit(" ", 1)
    job = state.jobs.get(job_id)
    output = job.printed.at(int(at)) if job is not None else None
    return OutputRecord(output) if output is not None else None


def _job_record(state: State, job: Job) -> JobRecord:
    return JobRecord(
        id=job.id,
        number=job.number,
        session=job.session,
        title=job.title,
        program=job.program,
        needs=job.needs,
        submitted_at=job.submitted_at,
        state=job.state,
        worker=job.worker,
        placed_at=job.placed_at,
        depth=job.depth,
        sent_at=job.sent_at,
        repeatable=job.repeatable,
        repeats=job.repeats,
        ended_at=job.ended_at,
        answer=job.answer,
        orphaned_at=state.orphaned.get(job.id),
        story=tuple(job.story),
    )
