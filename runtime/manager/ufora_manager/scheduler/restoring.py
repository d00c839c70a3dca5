"""The state of a manager that was started again, from the records of the one before it.

Workers are not there yet: each that the records name is *missing* until it says hello, and what it
had stays its own until then. Nothing is placed in that time, since a root that the records call
waiting may have been sent just before the end.
"""

from collections.abc import Iterable
from typing import TypeVar

from ufora_core.protocol.parts import WorkerAddress
from ufora_manager.errors import BrokenRecords
from ufora_manager.scheduler import invariants, objects
from ufora_manager.scheduler.client_events import ANSWER_KEPT_FOR
from ufora_manager.scheduler.records import (
    JobRecord,
    ObjectRecord,
    OrderRecord,
    OutputRecord,
    Record,
    SessionRecord,
    WorkerRecord,
)
from ufora_manager.scheduler.state import (
    Job,
    JobState,
    RetireOrder,
    Session,
    State,
    StoredObject,
    Worker,
)

R = TypeVar("R", bound=Record)

#: Seconds that clients get at least to come back to a manager that was started again. A pod takes
#: up to half a minute to move to another node, and its Service some seconds more to lead there.
CLIENTS_BACK_WITHIN = 60.0
#: Seconds that workers get. They try again every second or so, once the manager's name leads to it.
WORKERS_BACK_WITHIN = 15.0
#: Seconds during which a new manager places no root in any case. In that time workers come back
#: that it does not know of, since the journal was lost or they came just before the end.
FIRST_HOLD = 3.0


def fresh(now: float, hold: float = 0.0) -> State:
    """The state of a manager without records. With ``hold`` (seconds) it may be the successor of
    one whose records are lost, and is prepared for its workers and clients."""
    state = State(idle_since=now)
    if hold:
        state.held_until = state.settled_at = now + hold
        state.strays_until = now + CLIENTS_BACK_WITHIN
    return state


def restored(records: Iterable[Record], now: float, shift: float = 0.0) -> State:
    """The state that the records describe, ``shift`` being what must be added to their times.

    Raises:
        BrokenRecords: they contradict each other.
    """
    known = list(records)
    state = State(idle_since=now, strays_until=now + CLIENTS_BACK_WITHIN)
    state.answers_until = now + CLIENTS_BACK_WITHIN + ANSWER_KEPT_FOR
    try:
        _restore_peers(state, known, now, shift)
        for record in _of(known, ObjectRecord):
            _restore_object(state, record, shift)
        for job in sorted(_of(known, JobRecord), key=lambda each: each.number):
            _restore_job(state, job, shift)
        for piece in sorted(_of(known, OutputRecord), key=lambda each: each.output.at or 0):
            state.jobs[piece.output.job].printed.keep(piece.output)
        _restore_order(state, known, shift)
        state.settled_at = now + FIRST_HOLD
        state.held_until = now + (WORKERS_BACK_WITHIN if state.missing else FIRST_HOLD)
        invariants.check(state)
    except (KeyError, AssertionError) as error:
        raise BrokenRecords(f"the records contradict each other: {error!r}") from error
    return state


def _of(records: list[Record], kind: type[R]) -> list[R]:
    return [each for each in records if isinstance(each, kind)]


def _restore_peers(state: State, records: list[Record], now: float, shift: float) -> None:
    for session in _of(records, SessionRecord):
        # It counts as gone only when what it gets beyond its own patience is over.
        gone_at = now + max(0.0, CLIENTS_BACK_WITHIN - session.patience)
        state.sessions[session.id] = Session(session.id, gone_at, session.patience)
    for order in _of(records, OrderRecord):
        state.orders[order.worker] = RetireOrder(order.since + shift, order.exit)
    for worker in _of(records, WorkerRecord):
        state.missing[worker.name] = Worker(
            address=WorkerAddress(worker.name, "", 0, 0),
            executors=1,
            incarnation=worker.incarnation,
            python="",
            release="",
            joined_at=now,
            heard_at=now,
        )


def _restore_object(state: State, record: ObjectRecord, shift: float) -> None:
    entry = StoredObject(
        digest=record.digest,
        size=record.size,
        sessions=dict.fromkeys(record.sessions),
        workers=dict.fromkeys(record.workers),
        stored=record.stored,
        kept_until=record.kept_until + shift if record.kept_until else 0.0,
    )
    state.objects[entry.digest] = entry
    for session in entry.sessions:
        state.sessions[session].objects[entry.digest] = None
    for worker in entry.workers:
        state.missing[worker].made[entry.digest] = None


def _restore_job(state: State, record: JobRecord, shift: float) -> None:
    job = Job(
        id=record.id,
        number=record.number,
        session=record.session,
        title=record.title,
        program=record.program,
        needs=record.needs,
        submitted_at=record.submitted_at + shift,
        state=record.state,
        worker=record.worker,
        placed_at=record.placed_at + shift,
        depth=record.depth,
        sent_at=None if record.sent_at is None else record.sent_at + shift,
        repeatable=record.repeatable,
        repeats=record.repeats,
        ended_at=record.ended_at + shift,
        answer=record.answer,
        story=[(when + shift, what) for when, what in record.story],
    )
    state.jobs[job.id] = job
    state.submitted = job.number
    if record.orphaned_at is None:
        state.sessions[job.session].jobs[job.id] = None
    if job.state is JobState.WAITING:
        state.waiting[job.id] = None
    elif job.state is JobState.PLACED:
        state.missing[job.worker].roots[job.id] = None
    for payload in objects.bulk((job.program, *job.needs)):
        state.objects[payload.digest].jobs[job.id] = None


def _restore_order(state: State, records: list[Record], shift: float) -> None:
    """What is kept in the order in which it happened, rather than that of submission."""
    ended = [job for job in state.jobs.values() if job.state.ended]
    orphaned = {
        record.id: record.orphaned_at + shift
        for record in _of(records, JobRecord)
        if record.orphaned_at is not None
    }
    for job in sorted(ended, key=lambda each: each.ended_at):
        if job.id not in orphaned:
            state.ended[job.id] = None
    state.orphaned.update(sorted(orphaned.items(), key=lambda each: each[1]))
    kept = [entry for entry in state.objects.values() if entry.kept_until]
    for entry in sorted(kept, key=lambda each: each.kept_until):
        state.announced[entry.digest] = None
    for worker in state.missing.values():
        worker.roots = dict.fromkeys(
            sorted(worker.roots, key=lambda each: (state.jobs[each].placed_at, each))
        )
