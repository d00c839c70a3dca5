"""What clients do: come, go, submit, cancel, release."""

from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Failure
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import events, objects, strays
from ufora_manager.scheduler.commands import Command, TellClient
from ufora_manager.scheduler.placement import place_waiting
from ufora_manager.scheduler.state import AWAY_FOR, Job, Kind, Session, State
from ufora_manager.scheduler.transitions import CANCELLED, Cause, move

#: Seconds that the answer of an ended job is kept for a client whose link broke while it was on
#: its way: the time to notice the break (25 s), and some more. While it is away, it is kept anyway.
ANSWER_KEPT_FOR = 35.0
#: Seconds that the ids of a finished session's jobs are known, so that none of them runs twice.
ORPHANS_KEPT_FOR = 3600.0

_CANCELLED = Failure("cancelled", "the job was cancelled")
_STOPPING = Failure("cancelled", "the manager was stopped; the job ended with it")


def connected(state: State, event: events.SessionConnected) -> list[Command]:
    """A session begins, or its client is back in time."""
    if event.session not in state.sessions:
        state.sessions[event.session] = Session(event.session)
        state.note(Kind.SESSION, event.session)
    session = state.sessions[event.session]
    if session.gone_at is not None:
        # It is about to ask for what ended while it was away.
        state.answers_until = max(state.answers_until, event.now + ANSWER_KEPT_FOR)
    session.gone_at = None
    session.links += 1
    patience = AWAY_FOR if event.returns_within is None else event.returns_within
    if patience != session.patience:
        session.patience = patience
        state.note(Kind.SESSION, session.id)
    return []


def gone(state: State, event: events.SessionGone) -> list[Command]:
    """The session's link broke; it has ``Session.patience`` seconds to come back."""
    session = _known(state, event.session)
    if session.gone_at is None:
        session.gone_at = event.now
    return []


def submitted(state: State, event: events.JobSubmitted) -> list[Command]:
    """Take a new job in; for one that is known already, say again what became of it."""
    session = _known(state, event.session)
    job = state.jobs.get(event.job)
    if job is not None:
        return _again(state, job, session, event.heard)
    if state.stopping:
        return [TellClient(session.id, JobDone(job=event.job, failure=_STOPPING))]
    state.submitted += 1
    job = Job(
        id=event.job,
        number=state.submitted,
        session=session.id,
        title=event.title,
        program=event.program,
        needs=event.needs,
        submitted_at=event.now,
        asked_on=session.links,
    )
    state.jobs[job.id] = job
    state.waiting[job.id] = None
    session.jobs[job.id] = None
    state.note(Kind.JOB, job.id)
    objects.need(state, job)
    return strays.adopt(state, job, event.now) + place_waiting(state, event.now)


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
        if session.gone_at is not None and now - session.gone_at > session.patience
    ]
    commands: list[Command] = []
    for session in absent:
        cause = Cause(now, "client stayed away", failure=_away(session.patience))
        commands += _cancel_all(state, session, cause)
        for job in session.jobs:
            state.jobs[job].answer = JobDone(job=job, failure=_away(session.patience))
            state.note_output(job, state.jobs[job].printed.clear())
            del state.ended[job]
            state.orphaned[job] = now
            state.note(Kind.JOB, job)
        commands += objects.release(state, session.id, list(session.objects), now)
        del state.sessions[session.id]
        state.note(Kind.SESSION, session.id)
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
        if now <= max(job.ended_at + ANSWER_KEPT_FOR, state.answers_until):
            break
        if state.sessions[job.session].gone_at is not None:
            break
        state.note(Kind.JOB, job.id)
        state.note_output(job.id, job.printed.places())
        del state.ended[job.id], state.jobs[job.id], state.sessions[job.session].jobs[job.id]
    while state.orphaned:
        job_id, since = next(iter(state.orphaned.items()))
        if now - since <= ORPHANS_KEPT_FOR:
            break
        state.note(Kind.JOB, job_id)
        del state.orphaned[job_id], state.jobs[job_id]


def _known(state: State, session: str) -> Session:
    found = state.sessions.get(session)
    if found is None:
        raise EventRefused(f"session {session} is not connected")
    return found


def _away(seconds: float) -> Failure:
    sentence = (
        f"the client was away for more than {seconds:g} s, which ended its jobs; run the block "
        "again if it may run twice"
    )
    return Failure("cancelled", sentence)


def _again(state: State, job: Job, session: Session, heard: int) -> list[Command]:
    if job.id in state.orphaned and job.answer is not None:
        return [TellClient(session.id, job.answer)]
    if job.session != session.id:
        raise EventRefused(f"job {job.id} belongs to another session")
    job.asked_on = session.links
    missed: list[Command] = [TellClient(session.id, each) for each in job.printed.since(heard)]
    return missed if job.answer is None else [*missed, TellClient(session.id, job.answer)]


def _cancel_all(state: State, session: Session, cause: Cause) -> list[Command]:
    commands: list[Command] = []
    for job_id in session.jobs:
        job = state.jobs[job_id]
        if not job.state.ended:
            commands += move(state, job, CANCELLED, cause)
    return commands
