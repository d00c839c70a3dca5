"""The supervisor: one thread that owns a worker's sockets and carries out what its state wants.

Whatever happens becomes an event; events are handled one after the other, and so are the commands
that each gives. Nothing in here waits for user code.
"""

import logging
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import zmq

from ufora_core.protocol.worker import HeartbeatSeen, Introduce, Refused, ToWorker, Welcome
from ufora_core.sockets import PortTaken
from ufora_core.store import ObjectStore, shares
from ufora_core.tokens import REFRESH_SECONDS, Tokens
from ufora_worker.errors import RefusedEvent, StartError
from ufora_worker.executor.interrupts import QUESTION, STOP
from ufora_worker.identity import Identity
from ufora_worker.loops.float_files import sweep_all
from ufora_worker.shared_words import SharedWords
from ufora_worker.state import commands
from ufora_worker.state.events import (
    Event,
    ExecutorSaid,
    Leave,
    ManagerSaid,
    Registered,
    Shutdown,
    Tick,
)
from ufora_worker.state.ledger import STOP_SECONDS
from ufora_worker.state.machine import WorkerState
from ufora_worker.supervisor import memory
from ufora_worker.supervisor.data_port import DataPort
from ufora_worker.supervisor.executor_pool import ExecutorPool
from ufora_worker.supervisor.fetches import Fetches
from ufora_worker.supervisor.manager_socket import ManagerSocket
from ufora_worker.supervisor.peers import Peers
from ufora_worker.supervisor.poll_loop import PollLoop
from ufora_worker.supervisor.registration import SILENT_SECONDS, Registration
from ufora_worker.supervisor.worker_folder import WorkerFolder

log = logging.getLogger(__name__)

#: Seconds between two looks at the clock, the shared words and the executors' memory; while there
#: is nothing to do, often enough for a heartbeat.
TICK_SECONDS, IDLE_TICK_SECONDS = 0.2, 1.0
#: Time for the last messages to leave, in milliseconds.
_LAST_WORDS_MS = 200


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the worker listens."""

    control_port: int
    data_port: int


class Supervisor:
    """Runs one worker from ``open`` to ``close``; ``turn`` does what there is to do."""

    def __init__(
        self,
        identity: Identity,
        words: SharedWords,
        pool: ExecutorPool,
        folder: WorkerFolder,
        memory_budget: int,
        tokens: Tokens,
    ) -> None:
        self.loop = PollLoop()
        #: Why the worker cannot go on, once it cannot.
        self.over: str | None = None
        #: Why it may end, once it has handed everything over.
        self.departed: str | None = None
        self._tokens = tokens
        self._refreshed_at = self.loop.now()
        self._identity = identity
        self._words = words
        self._pool = pool
        self._folder = folder
        self._store = ObjectStore(folder.store)
        self._memory_budget = memory_budget
        self._memory_used = 0
        self._events: deque[Event] = deque()
        self._ticked_at = 0.0
        self._silence_logged = False

    def open(self, bind: str, base_port: int, manager_host: str, manager_port: int) -> Ports:
        """Open the ports, and begin to look for the manager.

        Raises:
            StartError: a port is in use.
        """
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        name, report = self._identity.name, self._events.append
        data_port = base_port + 1 if base_port else 0
        with ExitStack() as opened:
            opened.callback(self._context.destroy, 0)
            try:
                self._peers = Peers(
                    self._context, self.loop, self._tokens, bind, base_port, name, report
                )
                opened.callback(self._peers.close, 0)
                self._data = DataPort(
                    self._context, self.loop, self._tokens, bind, data_port, self._store
                )
            except PortTaken as error:
                raise StartError(str(error)) from None
            opened.pop_all()
        ports = Ports(self._peers.port, self._data.port)
        address = self._identity.address(ports.control_port, ports.data_port)
        self._fetches = Fetches(self._context, self.loop, self._tokens, self._store, name, report)
        self.state = WorkerState(address, self._words.executors, self._identity.first_lease)
        self._registration = Registration(
            self._identity.hello(address, self._words.executors, self._tokens.current.fingerprints),
            self.loop.now(),
        )
        self._manager = ManagerSocket(
            self._context,
            self.loop,
            self._tokens,
            manager_host,
            manager_port,
            self._identity.incarnation,
            self._on_manager,
            self._on_manager_link,
        )
        self._pool.attach(self.loop, report)
        self._tick()
        return ports

    def turn(self, longest: float = IDLE_TICK_SECONDS) -> None:
        """Wait for something to happen (not longer than until the next tick) and deal with it."""
        self.loop.turn(min(longest, max(0.0, self._next_tick() - self.loop.now())))
        self._handle_all()
        if self._next_tick() <= self.loop.now():
            self._tick()

    def leave(self, reason: str) -> None:
        """Hand over what is here, and ``depart`` once the manager needs nothing more of it."""
        self._registration.leave()
        self._events.append(Leave(reason))
        self._handle_all()

    @property
    def ready(self) -> bool:
        """True while every executor has started."""
        return self.state.ready

    @property
    def forlorn(self) -> bool:
        """True when nothing is left here, and there is no manager to say so."""
        known = self._registration.registered or self._registration.unproven
        return not self.state.busy and not known

    def close(self, reason: str) -> None:
        """Say goodbye, end the executors and close the ports."""
        self._events.append(Shutdown(reason))
        self._handle_all()
        self._manager.send(self._registration.goodbye(reason))
        self._pool.close()
        self._fetches.close()
        self._data.close()
        self._peers.close(_LAST_WORDS_MS)
        self._manager.close(_LAST_WORDS_MS)
        self._context.term()

    # ------------------------------------------------------------------ events

    def _handle_all(self) -> None:
        while self._events:
            event = self._events.popleft()
            try:
                wanted = self.state.handle(event, self.loop.now())
            except RefusedEvent as refusal:
                self._on_refusal(event, refusal)
                continue
            for command in wanted:
                self._carry_out(command)

    def _on_refusal(self, event: Event, refusal: RefusedEvent) -> None:
        log.error("refused: %s", refusal)
        if isinstance(event, ExecutorSaid):
            self._pool.kill(event.executor, "sent its supervisor what made no sense")

    def _next_tick(self) -> float:
        deadline = self.state.next_deadline
        regular = self._ticked_at + (TICK_SECONDS if self.state.busy else IDLE_TICK_SECONDS)
        return regular if deadline is None else min(regular, deadline)

    def _tick(self) -> None:
        now = self._ticked_at = self.loop.now()
        self._pool.tick(now)
        self._look_for_tokens(now)
        self._manager.tick()
        self._peers.tick()
        self._fetches.tick()
        self._watch_memory()
        executors = range(self._words.executors)
        self._events.append(Tick(tuple(self._words.progress(index) for index in executors)))
        self._handle_all()
        if not self.state.busy:
            sweep_all(self._folder.floats)
        self._manager.send(
            self._registration.tick(now, self.state.idle, self._memory_used, self.state.roots)
        )
        silent = self._registration.silent(now)
        if silent and not self._silence_logged:
            log.warning("the manager has not answered for %g s; trying on", SILENT_SECONDS)
        self._silence_logged = silent

    def _look_for_tokens(self, now: float) -> None:
        if now - self._refreshed_at < REFRESH_SECONDS:
            return
        self._refreshed_at = now
        if self._tokens.refresh():
            self._registration.accepts(self._tokens.current.fingerprints)
            self._peers.rekey()
            self._data.rekey()

    def _watch_memory(self) -> None:
        use = {index: memory.used_by(pid) for index, pid in self._pool.pids().items()}
        self._memory_used = sum(use.values())
        victim = memory.to_sacrifice(use, self._memory_budget)
        if victim is not None:
            story = memory.story(use.values(), self._memory_budget)
            log.warning("executor=%d %s; it is ended", victim, story)
            self._pool.kill(victim, story, "out-of-memory")

    # ------------------------------------------------------------------ the manager

    def _on_manager_link(self, connected: bool) -> None:
        if connected:
            self._manager.send(self._registration.connected(self.state.roots))
        else:
            self._registration.disconnected()

    def _on_manager(self, message: ToWorker) -> None:
        match message:
            case Refused(reason=reason):
                self._end(f"the manager refused this worker: {reason}")
            case Welcome() | Introduce() | HeartbeatSeen():
                answers = self._registration.heard(message, self.loop.now(), self.state.roots)
                if isinstance(message, Welcome):
                    self._join_store(message)
                self._manager.send(answers)
            case _:
                self._events.append(ManagerSaid(message))

    def _join_store(self, welcome: Welcome) -> None:
        log.info("registered with %s (Ufora %s)", welcome.manager, welcome.release)
        if shares(welcome.store_path, welcome.store_proof):
            self._folder.use_store(Path(welcome.store_path))
            self._manager.send(self._registration.shares_store(self.state.roots))
        else:
            self._folder.use_store(self._folder.own_store)
        self._events.append(Registered())
        self._ticked_at = 0.0  # a heartbeat at once: the manager waits for one to settle the store

    def _end(self, reason: str) -> None:
        log.error("%s", reason)
        self.over = reason

    # ------------------------------------------------------------------ commands

    def _carry_out(self, command: commands.Command) -> None:
        match command:
            case commands.TellExecutor(executor=index, message=message):
                self._pool.send(index, message)
            case commands.TellManager(message=report):
                self._manager.send(self._registration.post(report))
            case commands.TellPeer(peer=peer, message=words):
                self._peers.send(peer, words)
            case commands.FetchObjects():
                self._fetches.start(command)
            case commands.CancelFetch(ticket=ticket):
                self._fetches.cancel(ticket)
            case commands.ClosePeer(worker=worker):
                self._peers.drop(worker)
                self._fetches.drop(worker)
            case commands.DeleteObjects(digests=digests):
                for digest in digests:
                    self._store.delete(digest)
            case commands.Depart() | commands.GiveUp():
                self._part(command)
            case _:
                self._control(command)

    def _part(self, command: commands.Depart | commands.GiveUp) -> None:
        if isinstance(command, commands.Depart):
            self.departed = command.reason
        else:
            self._end(command.reason)

    def _control(
        self,
        command: commands.StartExecutor
        | commands.KillExecutor
        | commands.SetStop
        | commands.SetYield
        | commands.AskRepeatable
        | commands.SetHungry,
    ) -> None:
        match command:
            case commands.StartExecutor(executor=index):
                self._pool.start(index)
            case commands.KillExecutor(executor=index):
                self._pool.kill(index, f"did not react to a stop within {STOP_SECONDS:g} s")
            case commands.SetStop(executor=index, value=value):
                self._words.set_stop(index, value)
                if value:
                    self._pool.signal(index, STOP)
            case commands.SetYield(executor=index, wanted=wanted):
                self._words.set_yield(index, wanted)
            case commands.AskRepeatable(executor=index):
                self._pool.signal(index, QUESTION)
            case commands.SetHungry(slots=slots, here=here):
                self._words.set_hungry(slots, here)
