"""The executors' processes: started, spoken to, signalled, killed and buried.

Nothing here waits for an executor. What cannot be written now is written when its socket can take
it, so one that is stuck in user's code holds up nobody. This module loads without ZeroMQ, since
processes are started before that is imported.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ufora_core.errors import ProtocolError
from ufora_core.protocol.codec import decode_from_executor, encode
from ufora_core.protocol.executor import FromExecutor, ToExecutor
from ufora_worker.executor.orders import Orders
from ufora_worker.shared_words import SharedWords
from ufora_worker.state.events import Event, ExecutorEnded, ExecutorSaid
from ufora_worker.supervisor.worker_folder import WorkerFolder

_LENGTH = struct.Struct("<I")
_READ_SIZE = 1024 * 1024
#: No frame is longer: bulk data goes through the store.
_LONGEST_FRAME = 256 * 1024 * 1024
#: Seconds that a process has to end after it closed its channel.
_LAST_BREATH = 0.5

#: What the interpreter is told to run; ``-P``: no file of the current folder hides a module.
EXECUTOR = ("-P", "-m", "ufora_worker.executor")

Reason = Literal["executor-died", "out-of-memory"]


class Watcher(Protocol):
    """Calls back when a descriptor can be read or written."""

    def watch(
        self,
        descriptor: int,
        on_readable: Callable[[], None],
        on_writable: Callable[[], None] | None = None,
    ) -> None:
        """Start, or change, watching."""

    def unwatch(self, descriptor: int) -> None:
        """Stop watching; a descriptor that is not watched is fine."""


@dataclass(slots=True)
class _Process:
    """A running executor."""

    popen: subprocess.Popen[bytes]
    channel: socket.socket
    #: Becomes readable when the process ends; None where the system has no such thing.
    pidfd: int | None
    received: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    #: Why it was killed, when this side did it.
    verdict: tuple[Reason, str] | None = None
    #: The other end of the channel is closed.
    mute: bool = False
    #: When it is killed if it has not ended by itself.
    patience_ends: float | None = None


class ExecutorPool:
    """The processes of one worker, by index."""

    def __init__(
        self,
        words: SharedWords,
        worker: str,
        folder: WorkerFolder,
        memory_bytes: int,
        program: Sequence[str] = EXECUTOR,
        native_folder: Path | None = None,
    ) -> None:
        """``native_folder``: see ``WorkerSettings``."""
        self._words = words
        self._worker = worker
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._program = program
        self._native_folder = native_folder
        self._processes: dict[int, _Process] = {}
        self._watcher: Watcher | None = None
        self._report: Callable[[Event], None] = lambda event: None

    # ------------------------------------------------------------------ life

    def start(self, index: int) -> None:
        """Start an executor; one that runs already (started ahead) is left alone."""
        if index in self._processes:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            popen = subprocess.Popen(
                [sys.executable, *self._program, self._orders(index, theirs.fileno())],
                pass_fds=[theirs.fileno(), self._words.fd],
                stdin=subprocess.DEVNULL,
                # What user's code prints past Python's own streams belongs in the worker's log.
                stdout=2,
            )
        ours.setblocking(False)
        pidfd = os.pidfd_open(popen.pid) if hasattr(os, "pidfd_open") else None
        self._processes[index] = _Process(popen, ours, pidfd)
        self._watch(index)

    def attach(self, watcher: Watcher, report: Callable[[Event], None]) -> None:
        """Report what executors say, and their ends, from now on."""
        self._watcher, self._report = watcher, report
        for index in self._processes:
            self._watch(index)

    def kill(self, index: int, story: str, reason: Reason = "executor-died") -> None:
        """End an executor by force; its end is reported, with the first story that it got."""
        process = self._processes.get(index)
        if process is not None:
            process.verdict = process.verdict or (reason, story)
            process.popen.kill()

    def signal(self, index: int, number: int) -> None:
        """Make an executor look at its stop word, or answer a question (see ``interrupts``)."""
        process = self._processes.get(index)
        if process is not None and process.popen.poll() is None:
            process.popen.send_signal(number)

    def tick(self, now: float) -> None:
        """Notice ends that no descriptor told of, and end what only half ended."""
        for index, process in list(self._processes.items()):
            if process.popen.poll() is not None:
                self._bury(index)
            elif process.mute and process.patience_ends is None:
                process.patience_ends = now + _LAST_BREATH
            elif process.patience_ends is not None and process.patience_ends <= now:
                self.kill(index, "closed its channel to the supervisor")

    def close(self) -> None:
        """End all executors, whatever they do."""
        for process in self._processes.values():
            process.popen.kill()
        for index, process in list(self._processes.items()):
            process.popen.wait()
            self._release(index)

    def pids(self) -> dict[int, int]:
        """Process number of each executor that runs."""
        return {index: process.popen.pid for index, process in self._processes.items()}

    def _orders(self, index: int, channel: int) -> str:
        return Orders(
            index=index,
            executors=self._words.executors,
            worker=self._worker,
            channel_fd=channel,
            words_fd=self._words.fd,
            store=str(self._folder.store),
            floats=str(self._folder.floats),
            memory_bytes=self._memory_bytes,
            native_folder=None if self._native_folder is None else str(self._native_folder),
        ).text()

    # ------------------------------------------------------------------ their end

    def _bury(self, index: int) -> None:
        """The process ended: hear its last words, and report it."""
        process = self._processes[index]
        if process.popen.poll() is None:
            return
        while not process.mute and self._receive(index, process):
            pass
        self._release(index)
        reason, story = process.verdict or ("executor-died", how_it_ended(process.popen.returncode))
        self._report(ExecutorEnded(index, reason, story))

    def _release(self, index: int) -> None:
        process = self._processes.pop(index)
        if self._watcher is not None:
            self._watcher.unwatch(process.channel.fileno())
        process.channel.close()
        if process.pidfd is not None:
            if self._watcher is not None:
                self._watcher.unwatch(process.pidfd)
            os.close(process.pidfd)

    # ------------------------------------------------------------------ their channels

    def send(self, index: int, message: ToExecutor) -> None:
        """Send a message, now or as soon as the executor reads; one to a dead executor is lost."""
        process = self._processes.get(index)
        if process is None or process.mute:
            return
        frame = encode([message])
        process.unsent += _LENGTH.pack(len(frame)) + frame
        self._flush(index)

    def _watch(self, index: int) -> None:
        process, watcher = self._processes[index], self._watcher
        if watcher is None:
            return
        on_writable = (lambda: self._flush(index)) if process.unsent else None
        watcher.watch(process.channel.fileno(), lambda: self._on_readable(index), on_writable)
        if process.pidfd is not None:
            watcher.watch(process.pidfd, lambda: self._bury(index))

    def _flush(self, index: int) -> None:
        process = self._processes[index]
        waited = bool(process.unsent)
        try:
            while process.unsent:
                del process.unsent[: process.channel.send(process.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            process.unsent.clear()  # it is gone, which its end will tell
        if waited or process.unsent:
            self._watch(index)

    def _on_readable(self, index: int) -> None:
        process = self._processes.get(index)
        if process is not None and not process.mute:
            self._receive(index, process)

    def _receive(self, index: int, process: _Process) -> bool:
        """Take what is there; False when there is nothing."""
        try:
            data = process.channel.recv(_READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            process.mute = True
            if self._watcher is not None:
                self._watcher.unwatch(process.channel.fileno())
            return False
        process.received += data
        try:
            messages = _take_frames(process.received)
        except ProtocolError as error:
            process.mute = True
            self.kill(index, f"broke its channel to the supervisor ({error})")
            return False
        for message in messages:
            self._report(ExecutorSaid(index, message))
        return True


def _take_frames(received: bytearray) -> list[FromExecutor]:
    """Cut whole frames off the front of ``received``."""
    messages: list[FromExecutor] = []
    start = 0
    while len(received) - start >= _LENGTH.size:
        length = _LENGTH.unpack_from(received, start)[0]
        if length > _LONGEST_FRAME:
            raise ProtocolError(f"a frame of {length} bytes")
        end = start + _LENGTH.size + length
        if len(received) < end:
            break
        messages += decode_from_executor(bytes(received[start + _LENGTH.size : end]))
        start = end
    del received[:start]
    return messages


def how_it_ended(status: int) -> str:
    """An exit status in words that continue "executor 0 of worker w ..."."""
    if status >= 0:
        return f"ended with status {status}, as os._exit({status}) does,"
    try:
        name, meaning = signal.Signals(-status).name, signal.strsignal(-status) or "unknown"
    except ValueError:
        return f"was killed by signal {-status}"
    return f"was killed by {name} ({meaning.lower()})"
