"""The scheduler's one door: an event goes in, and the commands that answer it come out."""

from typing import assert_never

from ufora_manager.scheduler import (
    client_events,
    events,
    objects,
    retirement,
    root_events,
    strays,
    worker_events,
)
from ufora_manager.scheduler.commands import Command
from ufora_manager.scheduler.hunger import tell_hungry
from ufora_manager.scheduler.state import State

#: Ticks come more often than this; after a longer gap the manager itself stood still (a suspended
#: machine), and the silence of the others in that time means nothing.
STOOD_STILL = 3.0


class Scheduler:
    """Decides; does nothing itself. ``state`` is for reading."""

    def __init__(self, state: State | None = None) -> None:
        """Begin with ``state`` (see ``restoring``), or as a manager that has seen nothing."""
        self.state = State() if state is None else state

    def handle(self, event: events.Event) -> list[Command]:
        """Take in what happened and say what is to be done, in this order.

        Raises:
            EventRefused: the event contradicts the state, which stays as it was.
        """
        commands = self._dispatch(event)
        if isinstance(event, _QUIET):
            return commands
        state = self.state
        commands += retirement.advance(state, event.now)
        if not _in_use(state):
            state.idle_since = event.now if state.idle_since is None else state.idle_since
        else:
            state.idle_since = None
        return commands + tell_hungry(state, event.now)

    def workers_with(self, digest: str) -> list[str]:
        """Names of the workers that made this object."""
        entry = self.state.objects.get(digest)
        return list(entry.workers) if entry is not None else []

    def _dispatch(self, event: events.Event) -> list[Command]:
        state = self.state
        match event:
            case (
                events.WorkerJoined()
                | events.WorkerHeard()
                | events.WorkerHungry()
                | events.WorkerLeft()
            ):
                return _on_worker(state, event)
            case (
                events.JobSubmitted()
                | events.JobCancelled()
                | events.ObjectsReleased()
                | events.SessionConnected()
                | events.SessionGone()
            ):
                return _on_client(state, event)
            case events.ObjectsAnnounced():
                objects.announce(state, event.objects, event.now)
                return []
            case events.Tick():
                return _on_tick(state, event.now)
            case events.ManagerStopping():
                return client_events.stop_all(state, event.now)
            case _:
                return _on_root_or_retirement(state, event)


#: Events after which no hungry worker has news to learn.
_QUIET = (
    events.WorkerHeard,
    events.RootProgressed,
    events.RootPrinted,
    events.RootSent,
    events.RootStarted,
    events.ObjectsAnnounced,
)


def _on_worker(state: State, event: events.WorkerEvent) -> list[Command]:
    match event:
        case events.WorkerJoined():
            return worker_events.joined(state, event)
        case events.WorkerHeard():
            return worker_events.heard(state, event)
        case events.WorkerHungry():
            return worker_events.hungry(state, event)
        case events.WorkerLeft():
            return worker_events.left(state, event)
        case _:
            assert_never(event)


def _on_root_or_retirement(
    state: State, event: events.RootEvent | events.RetirementEvent
) -> list[Command]:
    match event:
        case events.RetireOrdered():
            return retirement.ordered(state, event)
        case events.RetireTakenBack():
            return retirement.taken_back(state, event)
        case events.WorkerLeaving():
            return retirement.leaving(state, event)
        case events.WorkerHolds():
            return retirement.holds(state, event)
        case events.ObjectsRescued():
            return retirement.rescued(state, event)
        case events.RescueFailed():
            return retirement.rescue_failed(state, event)
        case _:
            return _on_root(state, event)


def _on_root(state: State, event: events.RootEvent) -> list[Command]:
    match event:
        case events.RootSent():
            return root_events.sent(state, event)
        case events.RootStarted():
            return root_events.started(state, event)
        case events.RootReturned():
            return root_events.returned(state, event)
        case events.RootEnded():
            if state.strays and strays.note_end(state, event):
                return []
            return root_events.ended(state, event)
        case events.RootProgressed():
            return root_events.progressed(state, event)
        case events.RootPrinted():
            return root_events.printed(state, event)
        case events.RootUnplaced():
            return root_events.unplaced(state, event)
        case _:
            assert_never(event)


def _on_client(state: State, event: events.ClientEvent) -> list[Command]:
    match event:
        case events.JobSubmitted():
            return client_events.submitted(state, event)
        case events.JobCancelled():
            return client_events.cancelled(state, event)
        case events.ObjectsReleased():
            return client_events.released(state, event)
        case events.SessionConnected():
            return client_events.connected(state, event)
        case events.SessionGone():
            return client_events.gone(state, event)
        case _:
            assert_never(event)


def _on_tick(state: State, now: float) -> list[Command]:
    if state.ticked_at is not None and now - state.ticked_at > STOOD_STILL:
        _forgive_silence(state, now)
    state.ticked_at = now
    commands = worker_events.drop_silent(state, now) + client_events.end_absent(state, now)
    commands += worker_events.drop_missing(state, now) + strays.expire(state, now)
    client_events.forget_old(state, now)
    return commands + objects.expire(state, now)


def _in_use(state: State) -> bool:
    """True while a job is unfinished, or a session keeps objects."""
    unfinished = len(state.jobs) - len(state.ended) - len(state.orphaned)
    return bool(unfinished or state.strays or any(each.objects for each in state.sessions.values()))


def _forgive_silence(state: State, now: float) -> None:
    for worker in state.workers.values():
        worker.heard_at = now
    for session in state.sessions.values():
        if session.gone_at is not None:
            session.gone_at = now
