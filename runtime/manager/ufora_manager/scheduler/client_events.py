"""What clients do: come, go, submit, cancel, release."""

from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Failure
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import events, objects
from ufora_manager.scheduler.commands import Command, TellClient
from ufora_manager.scheduler.placement import place_waiting
from ufora_manager.scheduler.state import Job, Session, State
from ufora_manager.scheduler.transitions import CANCELLED, Cause, move

#: A client that is away for longer than this many seconds does not come back: its jobs stop.
AWAY_FOR = 3.0
#: Seconds that the answer of an ended job is kept for a client whose link broke while it was on
#: its way: the time to notice the break (25 s), to come back (``AWAY_FOR``), and some more.
ANSWER_KEPT_FOR = 35.0
#: Seconds that the ids of a finished session's jobs are known, so that none of them runs twice.
ORPHANS_KEPT_FOR = 3600.0

_CANCELLED = Failure("cancelled", "the job was cancelled")
_STOPPING = Failure("cancelled", "the manager was stopped; the job ended with it")
_AWAY = Failure(
    "cancelled",
    f"the client was away for more than {AWAY_FOR:.0f} s, which ended its jobs; run the block "
    "again if it may run twice",
)


def connected(state: State, event: events.SessionConnected) -> list[Command]:
    """A session begins, or its client is back in time."""
    session = state.sessions.setdefault(event.session, Session(event.session))
    session.gone_at = None
    return []


def gone(state: State, event: events.SessionGone) -> list[Command]:
    """The session's link broke; it has ``AWAY_FOR`` seconds to come back."""
    session = _known(state, event.session)
    if session.gone_at is None:
        session.gone_at = event.now
    return []


def submitted(state: State, event: events.JobSubmitted) -> list[Command]:
    """Take a new job in; for one that is known already, say again what became of it."""
    session = _known(state, event.session)
    job = state.jobs.get(event.job)
    if job is not None:
        return _again(state, job, session)
    if state.stopping:
        return [TellClient(session.id, JobDone(job=event.job, failure=_STOPPING))]
    job = Job(
        id=event.job,
        session=session.id,
        title=event.title,
        program=event.program,
        needs=event.needs,
        submitted_at=event.now,
    )
    state.jobs[job.id] = job
    state.waiting[job.id] = None
    session.jobs[job.id] = None
    objects.need(state, job)
    return place_waiting(state, event.now)


def cancelled(state: State, event: events.JobCancelled) -> list[Command]:
    """Stop a job. One that has ended, or that nobody knows any more, is stopped already."""
    session = _known(state, event.session)
    job = state.jobs.get(event.job)
    if job is None or job.state.ended or job.session != session.id:
        return []
    cause = Cause(event.now, "by its client", failure=_CANCELLED)
    return move(state, job, CANCELLED, cause) + place_waiting(state, event.now)


def released(state: State, event: events.ObjectsReleased) -> list[Command]:
    """Delete what the client alone still held."""
    _known(state, event.session)
    return objects.release(state, event.session, event.digests, event.now)


def end_absent(state: State, now: float) -> list[Command]:
    """End the sessions whose clients stayed away."""
    absent = [
        session
        for session in state.sessions.values()
        if session.gone_at is not None and now - session.gone_at > AWAY_FOR
    ]
    commands: list[Command] = []
    for session in absent:
        commands += _cancel_all(state, session, Cause(now, "client stayed away", failure=_AWAY))
        for job in session.jobs:
            state.jobs[job].answer = None
            del state.ended[job]
            state.orphaned[job] = now
        commands += objects.release(state, session.id, list(session.objects), now)
        del state.sessions[session.id]
    return commands + (place_waiting(state, now) if absent else [])


def stop_all(state: State, now: float) -> list[Command]:
    """The manager stops: so does every job, and no new one begins."""
    state.stopping = True
    commands: list[Command] = []
    for session in state.sessions.values():
        commands += _cancel_all(state, session, Cause(now, "manager stops", failure=_STOPPING))
    return commands


def forget_old(state: State, now: float) -> None:
    """Forget the jobs that no client can ask about any more."""
    while state.ended:
        job = state.jobs[next(iter(state.ended))]
        if now - job.ended_at <= ANSWER_KEPT_FOR:
            break
        del state.ended[job.id], state.jobs[job.id], state.sessions[job.session].jobs[job.id]
    while state.orphaned:
        job_id, since = next(iter(state.orphaned.items()))
        if now - since <= ORPHANS_KEPT_FOR:
            break
        del state.orphaned[job_id], state.jobs[job_id]


def _known(state: State, session: str) -> Session:
    found = state.sessions.get(session)
    if found is None:
        raise EventRefused(f"session {session} is not connected")
    return found


def _again(state: State, job: Job, session: Session) -> list[Command]:
    if job.id in state.orphaned:
        return [TellClient(session.id, JobDone(job=job.id, failure=_AWAY))]
    if job.session != session.id:
        raise EventRefused(f"job {job.id} belongs to another session")
    return [TellClient(session.id, job.answer)] if job.answer is not None else []


def _cancel_all(state: State, session: Session, cause: Cause) -> list[Command]:
    commands: list[Command] = []
    for job_id in session.jobs:
        job = state.jobs[job_id]
        if not job.state.ended:
            commands += move(state, job, CANCELLED, cause)
    return commands
