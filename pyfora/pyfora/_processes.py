"""Child processes on a lifeline: a socket on which a child says that it is ready, and whose end
of file tells it that its parent is gone, however the parent went."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyfora._errors import PyforaError

#: Seconds that a child has to stop by itself before it is killed.
_STOP_SECONDS = 5.0

#: Lines of a child's log that go into the error when it does not start.
_LOG_LINES = 12


class ClusterStartError(PyforaError):
    """A cluster on this machine did not start; the message has the last lines of its log."""


class Child:
    """``python -m module`` in a session of its own, so that Ctrl-C in the terminal is not its."""

    def __init__(self, module: str, name: str, env: Mapping[str, str], log: Path) -> None:
        """Start it with exactly this environment, and its lifeline."""
        self.name = name
        self.log = log
        self.ready = False
        self._heard = b""
        self.lifeline, theirs = socket.socketpair()
        try:
            with theirs, log.open("wb") as output:
                self.process = subprocess.Popen(
                    # -P: no file of the folder that the user happens to be in is taken for a module
                    [sys.executable, "-P", "-m", module],
                    env={**env, "UFORA_LIFELINE_FD": str(theirs.fileno())},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except BaseException:
            self.lifeline.close()
            raise

    def listen(self) -> None:
        """Take what the child says on its lifeline, once there is something.

        Raises:
            ClusterStartError: it said that it is not ready, or ended.
        """
        try:
            data = self.lifeline.recv(4096)
        except ConnectionResetError:
            data = b""
        if not data:
            code = self.process.wait()
            raise ClusterStartError(f"{self.name} ended at its start{_ending(code)}{self.tail()}")
        self._heard += data
        if b"\n" not in self._heard:
            return
        line = self._heard.partition(b"\n")[0]
        try:
            json.loads(line)
        except ValueError:
            raise ClusterStartError(
                f"{self.name} said {line[:80]!r} where a line of JSON was due; are ufora-manager, "
                f"ufora-worker and pyfora of one version?{self.tail()}"
            ) from None
        self.ready = True

    def tail(self) -> str:
        """The end of the child's log, for an error."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "; its last words:\n  " + "\n  ".join(lines) if lines else "; it logged nothing"


def wait_until_ready(children: Sequence[Child], seconds: float) -> None:
    """Return when all of them are ready.

    Raises:
        ClusterStartError: one of them ended, or is not ready after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.lifeline, selectors.EVENT_READ, child)
        while selector.get_map():
            spoke = selector.select(max(0.0, deadline - time.monotonic()))
            if not spoke:
                late = next(child for child in children if not child.ready)
                raise ClusterStartError(
                    f"{late.name} was not ready after {seconds:g} s{late.tail()}"
                )
            for key, _ in spoke:
                key.data.listen()
                if key.data.ready:
                    selector.unregister(key.fileobj)


def stop(children: Sequence[Child]) -> None:
    """End the children, all at once: they are asked to, and killed when they do not."""
    for child in children:
        child.lifeline.close()
        if child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            # The whole group: a child that hangs does not end its own children.
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def _ending(code: int) -> str:
    if code < 0:
        return f", killed by {signal.Signals(-code).name}"
    return f" with status {code}"
