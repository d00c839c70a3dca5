"""Between the pure scheduler and the world: events go in, commands are carried out.

The only caller of ``Scheduler.handle``; all of it happens on the loop's thread, one event at a
time.
"""

import asyncio
import logging
from typing import Protocol, assert_never

from ufora_core.protocol.client import ToClient
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import ToWorker
from ufora_core.store import ObjectStore
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler import commands, events
from ufora_manager.scheduler.scheduler import Scheduler

log = logging.getLogger(__name__)

#: Seconds between ticks: how late silence and absence may be noticed.
TICK_EVERY = 0.5


class Workers(Protocol):
    """The workers, by name."""

    def send(self, worker: str, message: ToWorker) -> None:
        """Put a message on its way; never waits."""

    def drop(self, worker: str) -> None:
        """Forget a worker."""


class Clients(Protocol):
    """The clients, by session."""

    def send(self, session: str, message: ToClient) -> None:
        """Put a message on its way; never waits."""


class Roots(Protocol):
    """Roots on their way to workers."""

    def place(self, command: commands.Place) -> None:
        """Bring a root to its worker."""

    def withdraw(self, worker: str, job: str) -> None:
        """Stop a root."""


class Transfers(Protocol):
    """Objects on their way here."""

    def start(self, command: commands.Rescue) -> None:
        """Bring objects of a retiring worker into the manager's store."""


class Books(Protocol):
    """What is written down for the next manager."""

    def changed(self) -> None:
        """Something may have changed."""


class Driver:
    """Gives events to the scheduler and carries out what it says."""

    def __init__(self, loop: asyncio.AbstractEventLoop, scheduler: Scheduler) -> None:
        self._loop = loop
        self._scheduler = scheduler
        self._ticker: asyncio.TimerHandle | None = None
        self._waker: asyncio.TimerHandle | None = None
        self._workers: Workers
        self._clients: Clients
        self._roots: Roots
        self._rescues: Transfers
        self._store: ObjectStore
        self._books: Books | None

    def connect(
        self,
        *,
        workers: Workers,
        clients: Clients,
        roots: Roots,
        rescues: Transfers,
        store: ObjectStore,
        books: Books | None = None,
    ) -> None:
        """Say where commands go, before the first event. Without ``books`` no journal is kept."""
        self._workers, self._clients, self._roots = workers, clients, roots
        self._rescues, self._store, self._books = rescues, store, books
        self._tick()

    def close(self) -> None:
        """No more ticks."""
        for timer in (self._ticker, self._waker):
            if timer is not None:
                timer.cancel()

    def handle(self, event: events.Event) -> None:
        """Take in what happened. An event that contradicts what is known is logged, no more."""
        _log_event(event)
        try:
            answer = self._scheduler.handle(event)
        except EventRefused as error:
            log.warning("refused: %s", error)
            return
        for command in answer:
            self._carry_out(command)
        if self._books is not None:
            self._books.changed()

    def announce(self, objects: tuple[Payload, ...]) -> None:
        """Objects are in the store, and a job that needs them is about to come."""
        self.handle(events.ObjectsAnnounced(self._loop.time(), objects))

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.TellClient():
                self._clients.send(command.session, command.message)
            case commands.Place():
                self._roots.place(command)
            case commands.TellWorker():
                self._workers.send(command.worker, command.message)
            case commands.Withdraw():
                self._roots.withdraw(command.worker, command.job)
            case commands.DeleteObjects():
                for digest in command.digests:
                    self._store.delete(digest)
            case commands.DropWorker():
                log.warning("worker=%s left: %s", command.worker, command.reason)
                self._workers.drop(command.worker)
            case commands.Rescue():
                self._rescues.start(command)
            case commands.WakeAt():
                self._wake_at(command.at)
            case _:
                assert_never(command)

    def _tick(self) -> None:
        self._ticker = self._loop.call_later(TICK_EVERY, self._tick)
        self.handle(events.Tick(self._loop.time()))

    def _wake_at(self, at: float) -> None:
        if self._waker is not None:
            self._waker.cancel()
        self._waker = self._loop.call_at(at, self._wake, at)

    def _wake(self, at: float) -> None:
        # The loop calls up to its clock's resolution too early.
        self.handle(events.Tick(max(at, self._loop.time())))


def _log_event(event: events.Event) -> None:
    match event:
        case events.WorkerJoined():
            where = event.address
            log.info(
                "worker=%s joined at %s:%d with %d executors",
                *(where.name, where.host, where.control_port, event.executors),
            )
        case events.SessionConnected():
            log.info("session=%s connected", event.session)
        case events.SessionGone():
            log.info("session=%s went away", event.session)
        case events.WorkerLeaving():
            log.info("worker=%s is about to stop: %s", event.worker, event.reason or "no reason")
        case events.RetireOrdered():
            log.info("worker=%s is to retire", event.worker)
        case events.RetireTakenBack():
            log.info("worker=%s need not retire any more", event.worker)
        case _:
            pass
