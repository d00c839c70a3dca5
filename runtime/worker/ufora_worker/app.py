"""A worker process from its start to its end.

Executors are started first: they load while this process imports ZeroMQ and opens its ports.
"""

import logging
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from ufora_core.lifeline import Lifeline
from ufora_core.settings import WorkerSettings
from ufora_core.tokens import Tokens
from ufora_worker.identity import Identity
from ufora_worker.shared_words import SharedWords
from ufora_worker.supervisor.executor_pool import ExecutorPool
from ufora_worker.supervisor.health import HealthFiles
from ufora_worker.supervisor.memory import default_budget
from ufora_worker.supervisor.worker_folder import WorkerFolder, log_to_file

if TYPE_CHECKING:
    from ufora_worker.supervisor.driver import Supervisor

log = logging.getLogger(__name__)


class _Ending:
    """Why the worker is to stop, once it is: now, or (``leaving``) when its work is handed over."""

    reason: str | None = None
    leaving: str | None = None

    def because(self, reason: str) -> None:
        """Stop now. The first reason counts."""
        self.reason = self.reason or reason

    def signalled(self, number: int) -> None:
        """The first SIGTERM is a request to leave, and whatever follows it an order."""
        told = f"told to by {signal.Signals(number).name}"
        if number == signal.SIGTERM and self.leaving is None:
            self.leaving = told
        else:
            self.because(told)


def run(settings: WorkerSettings, executor: Sequence[str]) -> int:
    """Run a worker until a signal, the end of its lifeline, or the manager ends it.

    SIGTERM lets it hand over what it holds first, for at most ``settings.drain_seconds``.
    ``executor`` is what the interpreter runs as executors. Returns the exit status: 0 if the worker
    was told to stop, 1 if it cannot go on.

    Raises:
        StartError: a port or the data folder cannot be used.
    """
    ending = _Ending()
    with ExitStack() as stack:
        wakeup = stack.enter_context(_signals_as_socket(ending))
        lifeline = None
        if settings.lifeline is not None:
            lifeline = Lifeline(settings.lifeline, lambda: ending.because("its parent is gone"))
            stack.callback(lifeline.close)
        tokens = Tokens(settings.token_source)
        identity = Identity.new(_name(settings), settings.own_address)
        folder = WorkerFolder(settings.data_dir)
        stack.callback(folder.remove)
        words = SharedWords.create(settings.executors)
        stack.callback(words.close)
        budget = settings.memory_bytes or default_budget()
        pool = ExecutorPool(words, identity.name, folder, budget, executor, settings.native_folder)
        stack.callback(pool.close)
        for index in range(settings.executors):
            pool.start(index)

        from ufora_worker.supervisor.driver import Supervisor

        supervisor = Supervisor(identity, words, pool, folder, budget, tokens)
        ports = supervisor.open(
            settings.bind, settings.base_port, settings.manager_address, settings.manager_port
        )
        stack.callback(lambda: supervisor.close(ending.reason or "it cannot go on"))
        health = HealthFiles(settings.data_dir, ports.control_port)
        stack.callback(health.remove)
        logging.getLogger().addHandler(log_to_file(settings.data_dir, ports.control_port))
        log.info(
            "worker %s listens on ports %d and %d, executors=%d, memory=%d MiB",
            identity.name,
            ports.control_port,
            ports.data_port,
            settings.executors,
            budget >> 20,
        )
        supervisor.loop.watch(wakeup.fileno(), lambda: _drain(wakeup))
        if lifeline is not None:
            supervisor.loop.watch(lifeline.fileno(), lifeline.read)
            lifeline.announce(asdict(ports))
        _turn(supervisor, ending, health, settings.drain_seconds)
        log.info("stopping: %s", ending.reason or supervisor.over)
    return 0 if ending.reason is not None else 1


def _turn(
    supervisor: "Supervisor", ending: _Ending, health: HealthFiles, drain_seconds: float
) -> None:
    """Turn the supervisor until it cannot go on, or ``ending`` has a reason to stop."""
    from ufora_worker.supervisor.drain import Drain

    drain: Drain | None = None
    while ending.reason is None and supervisor.over is None:
        health.beat(supervisor.loop.now(), supervisor.ready)
        if supervisor.departed is not None:
            ending.because(supervisor.departed)
        elif ending.leaving is None:
            supervisor.turn()
        elif drain is None:
            drain = Drain(supervisor, ending.leaving, drain_seconds)
        elif drain.over is not None:
            ending.because(drain.over)
        else:
            drain.turn()


def _name(settings: WorkerSettings) -> str:
    """The worker's name; one that was made from port 0 would not tell workers apart."""
    if settings.base_port == 0 and settings.name in ("", f"{settings.own_address}:0"):
        return f"{settings.own_address}:{os.getpid()}"
    return settings.name


@contextmanager
def _signals_as_socket(ending: _Ending) -> Iterator[socket.socket]:
    """SIGTERM and SIGINT reach ``ending``; the socket is readable when one came."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        before = {
            number: signal.signal(number, lambda got, frame: ending.signalled(got))
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        old_wakeup = signal.set_wakeup_fd(theirs.fileno())
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)


def _drain(sock: socket.socket) -> None:
    try:
        sock.recv(1024)
    except BlockingIOError:
        return
