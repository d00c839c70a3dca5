"""The scheduler's one door: an event goes in, and the commands that answer it come out."""

from typing import assert_never

from ufora_manager.scheduler import client_events, events, objects, root_events, worker_events
from ufora_manager.scheduler.commands import Command
from ufora_manager.scheduler.hunger import tell_hungry
from ufora_manager.scheduler.state import State

#: Ticks come more often than this; after a longer gap the manager itself stood still (a suspended
#: machine), and the silence of the others in that time means nothing.
STOOD_STILL = 3.0


class Scheduler:
    """Decides; does nothing itself. ``state`` is for reading."""

    def __init__(self) -> None:
        self.state = State()

    def handle(self, event: events.Event) -> list[Command]:
        """Take in what happened and say what is to be done, in this order.

        Raises:
            EventRefused: the event contradicts the state, which stays as it was.
        """
        commands = self._dispatch(event)
        if isinstance(event, _QUIET):
            return commands
        return commands + tell_hungry(self.state, event.now)

    def workers_with(self, digest: str) -> list[str]:
        """Names of the workers that made this object."""
        entry = self.state.objects.get(digest)
        return list(entry.workers) if entry is not None else []

    def _dispatch(self, event: events.Event) -> list[Command]:
        state = self.state
        match event:
            case events.WorkerJoined():
                return worker_events.joined(state, event)
            case events.WorkerHeard() | events.WorkerHungry() | events.WorkerLeft():
                return _on_worker(state, event)
            case (
                events.RootProgressed()
                | events.RootPrinted()
                | events.RootEnded()
                | events.RootUnplaced()
            ):
                return _on_root(state, event)
            case events.ObjectsAnnounced():
                objects.announce(state, event.objects, event.now)
                return []
            case events.Tick():
                return _on_tick(state, event.now)
            case events.ManagerStopping():
                return client_events.stop_all(state, event.now)
            case _:
                return _on_client(state, event)


#: Events after which no hungry worker has news to learn.
_QUIET = (
    events.WorkerHeard,
    events.RootProgressed,
    events.RootPrinted,
    events.ObjectsAnnounced,
    events.ObjectsReleased,
)


def _on_worker(state: State, event: events.WorkerEvent) -> list[Command]:
    match event:
        case events.WorkerHeard():
            return worker_events.heard(state, event)
        case events.WorkerHungry():
            return worker_events.hungry(state, event)
        case events.WorkerLeft():
            return worker_events.left(state, event)
        case _:
            assert_never(event)


def _on_root(state: State, event: events.RootEvent) -> list[Command]:
    match event:
        case events.RootEnded():
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
    client_events.forget_old(state, now)
    return commands + objects.expire(state, now)


def _forgive_silence(state: State, now: float) -> None:
    for worker in state.workers.values():
        worker.heard_at = now
    for session in state.sessions.values():
        if session.gone_at is not None:
            session.gone_at = now
