"""The state of one worker: events in, commands out, and nothing else.

``WorkerState`` opens no socket, starts no process, reads no clock and throws no dice, so the very
class that runs a worker also runs in simulations of whole clusters. ``supervisor.driver`` turns
what happens into events and carries the commands out.
"""

from collections import deque

from ufora_core.protocol.parts import WorkerAddress
from ufora_worker.errors import RefusedEvent
from ufora_worker.state import dispatch, orders, reports, retirement, trades
from ufora_worker.state.commands import Command
from ufora_worker.state.events import (
    Event,
    ExecutorEnded,
    ExecutorSaid,
    Leave,
    LinkBroken,
    ManagerSaid,
    ObjectsHere,
    ObjectsMissing,
    PeerSaid,
    Registered,
    Shutdown,
    Tick,
)
from ufora_worker.state.executor_table import ExecutorRecord, Status
from ufora_worker.state.leases import LeaseBook
from ufora_worker.state.ledger import Ledger
from ufora_worker.supervisor.progress import report_progress

#: Events that a refusal's message shows.
_STORY_LENGTH = 20


class WorkerState:
    """One worker: its executors, the roots it runs, and the ranges it gave and was given.

    ``first_lease`` should differ from one start of the worker to the next, so that a piece for a
    lease of the time before finds no lease.
    """

    def __init__(self, address: WorkerAddress, executors: int, first_lease: int = 0) -> None:
        records = [ExecutorRecord(index) for index in range(executors)]
        self.ledger = Ledger(address, records, LeaseBook(first_lease))
        self._story: deque[tuple[float, Event]] = deque(maxlen=_STORY_LENGTH)

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event, at ``now`` seconds on the driver's clock, and say what is to be done.

        Raises:
            RefusedEvent: the event cannot follow what came before; nothing changed.
        """
        ledger = self.ledger
        ledger.now = now
        try:
            self._apply(event)
        except RefusedEvent as refusal:
            story = "".join(f"\n  {when:.3f} {what}" for when, what in self._story)
            raise RefusedEvent(f"{refusal}; before that:{story}") from None
        if not isinstance(event, Tick):
            self._story.append((now, event))
        dispatch.settle(ledger)
        commands, ledger.commands = ledger.commands, []
        return commands

    def _apply(self, event: Event) -> None:
        ledger = self.ledger
        match event:
            case ExecutorSaid(executor=executor, message=message):
                reports.apply(ledger, executor, message)
            case ExecutorEnded():
                reports.ended(ledger, event)
            case PeerSaid(message=words):
                trades.apply(ledger, words)
            case ManagerSaid(message=order):
                orders.apply(ledger, order)
            case ObjectsHere() | ObjectsMissing():
                trades.apply_objects(ledger, event)
            case LinkBroken(worker=worker):
                orders.mend_link(ledger, worker)
            case Tick(progress=progress):
                report_progress(ledger, progress)
            case Registered() | Leave() | Shutdown():
                self._apply_standing(event)

    def _apply_standing(self, event: Registered | Leave | Shutdown) -> None:
        match event:
            case Registered():
                retirement.registered(self.ledger)
                dispatch.tell_all(self.ledger)
            case Leave(reason=reason):
                retirement.leave(self.ledger, reason)
            case Shutdown(reason=reason):
                trades.give_everything_back(self.ledger, reason)

    # ------------------------------------------------------------------ what may be read

    @property
    def idle(self) -> int:
        """Executors that have nothing to do."""
        return sum(executor.status is Status.IDLE for executor in self.ledger.executors)

    @property
    def ready(self) -> bool:
        """True while no executor is about to start."""
        missing = (Status.STARTING, Status.DEAD)
        return all(executor.status not in missing for executor in self.ledger.executors)

    @property
    def busy(self) -> bool:
        """True while there is anything to run, or to be waited for."""
        return bool(self.ledger.roots) or len(self.ledger.leases) > 0

    @property
    def roots(self) -> tuple[str, ...]:
        """Jobs whose root is here."""
        return tuple(self.ledger.roots)

    @property
    def next_deadline(self) -> float | None:
        """When a ``Tick`` is due: to start, kill or ask an executor, or to tell the manager."""
        times = [executor.deadline for executor in self.ledger.executors]
        times += [root.ask_at for root in self.ledger.roots.values()]
        times.append(self.ledger.tell_manager_at)
        dead = [x.restart_at for x in self.ledger.executors if x.status is Status.DEAD]
        return min([*dead, *(time for time in times if time is not None)], default=None)
