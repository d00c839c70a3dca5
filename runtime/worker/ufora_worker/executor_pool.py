"""The executors' processes: started, spoken to, signalled, killed and buried.

Nothing here waits for an executor. What cannot be written now is written when its socket can take
it, so one that is stuck in user's code holds up nobody.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ufora_core.errors import ProtocolError
from ufora_core.protocol.codec import decode_from_executor, encode
from ufora_core.protocol.executor import FromExecutor, ToExecutor
from ufora_worker.events import Event, ExecutorEnded, ExecutorSaid
from ufora_worker.shared_words import SharedWords

_LENGTH = struct.Struct("<I")
_READ_SIZE = 1024 * 1024
#: A longer frame is none: bulk data goes through the store.
_LONGEST_FRAME = 256 * 1024 * 1024
#: Seconds that a process has to end after it closed its channel.
_LAST_BREATH = 0.5

Reason = Literal["executor-died", "out-of-memory"]


@dataclass(slots=True)
class _Process:
    """A running executor."""

    popen: subprocess.Popen[bytes]
    channel: socket.socket
    #: Becomes readable when the process ends; -1 where the system has no such thing.
    pidfd: int
    received: bytearray = field(default_factory=bytearray)
    unsent: bytearray = field(default_factory=bytearray)
    #: Why it was killed, when this side did it.
    verdict: tuple[Reason, str] | None = None
    closed_at: float | None = None


class ExecutorPool:
    """The processes of one worker, by index. ``now`` is the supervisor's clock, in seconds."""

    def __init__(
        self,
        words: SharedWords,
        worker: str,
        store: Path,
        memory_bytes: int,
        program: Sequence[str] = ("-P", "-m", "ufora_worker.executor"),
    ) -> None:
        self.words = words
        self._worker = worker
        self._store = store
        self._memory_bytes = memory_bytes
        self._program = program
        self._processes: dict[int, _Process] = {}

    # ------------------------------------------------------------------ life

    def start(self, index: int) -> None:
        """Start an executor; one that runs already (started ahead) is left alone."""
        if index in self._processes:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            orders = {
                "index": index,
                "executors": self.words.executors,
                "worker": self._worker,
                "channel_fd": theirs.fileno(),
                "words_fd": self.words.fd,
                "store": str(self._store),
                "memory_bytes": self._memory_bytes,
            }
            popen = subprocess.Popen(
                [sys.executable, *self._program, json.dumps(orders)],
                pass_fds=[theirs.fileno(), self.words.fd],
                stdin=subprocess.DEVNULL,
                # What user's code prints past Python's streams belongs in the worker's log.
                stdout=2,
            )
        ours.setblocking(False)
        pidfd = os.pidfd_open(popen.pid) if hasattr(os, "pidfd_open") else -1
        self._processes[index] = _Process(popen, ours, pidfd)

    def kill(self, index: int, story: str, reason: Reason = "executor-died") -> None:
        """End an executor by force; its end is reported by ``ended``."""
        process = self._processes.get(index)
        if process is not None:
            process.verdict = process.verdict or (reason, story)
            process.popen.kill()

    def signal(self, index: int) -> None:
        """Make an executor look at its stop word."""
        process = self._processes.get(index)
        if process is not None and process.popen.poll() is None:
            process.popen.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        """End all executors, whatever they do."""
        for process in self._processes.values():
            process.popen.kill()
        for process in self._processes.values():
            process.popen.wait()
            _release(process)
        self._processes.clear()

    def pids(self) -> dict[int, int]:
        """Process number of each executor that runs."""
        return {index: process.popen.pid for index, process in self._processes.items()}

    # ------------------------------------------------------------------ sockets

    def readers(self) -> dict[int, Callable[[float], list[Event]]]:
        """Descriptors to watch, and what to call when one is readable."""
        found: dict[int, Callable[[float], list[Event]]] = {}
        for index, process in self._processes.items():
            if process.closed_at is None:
                found[process.channel.fileno()] = lambda now, index=index: self._read(index, now)  # type: ignore[misc]
            if process.pidfd >= 0:
                found[process.pidfd] = lambda now, index=index: self._bury(index)  # type: ignore[misc]
        return found
