"""A worker that gets SIGTERM hands over what it holds, for so long and no longer."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fake_registry import FakeRegistry
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import (
    Farewell,
    Goodbye,
    Hello,
    Introduce,
    Leaving,
    PlaceRoot,
    Retire,
    RootOutput,
    RootReturned,
    StillHolds,
    ToManager,
)

NAME = "w"
SUPPORT = Path(__file__).parent.parent / "support"
PROGRAM = Payload("0" * 64, 0, b"")


class Worker:
    """A whole worker process, and the manager that it finds."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self.manager = FakeRegistry(folder / "manager")
        self._lifeline, theirs = socket.socketpair()
        environment = {
            "UFORA_WORKER_BASE_PORT": "0",
            "UFORA_WORKER_CORES": "1",
            "UFORA_WORKER_NAME": NAME,
            "UFORA_DATA_DIR": str(folder / "worker"),
            "UFORA_LIFELINE_FD": str(theirs.fileno()),
            "UFORA_MANAGER_PORT": str(self.manager.port),
            "UFORA_DRAIN_SECONDS": str(seconds),
        }
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, str(SUPPORT / "worker_with_fake_executors.py")],
                env=os.environ | environment,
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                text=True,
            )
        self.until(lambda: self.manager.knows(NAME))

    def until(self, true: Callable[[], object]) -> None:
        """Answer the worker until then; the test's own time limit ends what never comes."""
        while not true():
            self.manager.router.poll(20)
            self.manager.answer()

    def said(self, kind: type[ToManager]) -> list[ToManager]:
        return [x for x in self.manager.said.get(NAME, []) if isinstance(x, kind)]

    def place(self, job: str) -> None:
        self.manager.send(NAME, PlaceRoot(job=job, program=PROGRAM))

    def run(self, job: str) -> None:
        self.place(job)
        self.until(lambda: job in self.manager.ends(NAME))

    def begin(self, job: str) -> None:
        """Place a job that prints when it begins."""
        self.place(job)
        self.until(lambda: self.said(RootOutput))

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def until_it_ends(self) -> tuple[int, str]:
        self.until(lambda: self.process.poll() is not None)
        _, log = self.process.communicate()
        return self.process.returncode, log

    def close(self) -> None:
        self._lifeline.close()
        if self.process.poll() is None:
            self.process.communicate()
        self.manager.close()


@pytest.fixture
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path, getattr(request, "param", 60))
    yield worker
    worker.close()


def test_an_idle_worker_ends_as_soon_as_the_manager_says_farewell(worker: Worker) -> None:
    worker.run("echo")
    worker.terminate()
    worker.until(lambda: worker.said(StillHolds))
    assert worker.said(Leaving) == [Leaving(reason="told to by SIGTERM")]
    worker.manager.send(NAME, Retire())
    worker.manager.send(NAME, Farewell())
    told = time.monotonic()
    status, log = worker.until_it_ends()
    assert (status, time.monotonic() - told < 30.0) == (0, True)  # nowhere near its 60 s
    assert "at most 60 s for the manager's farewell" in log
    assert "it retired, and nothing is left here that anybody needs" in log
    assert len(worker.said(Goodbye)) == 1


def test_a_worker_waits_for_its_root_and_returns_what_it_has_not_begun(worker: Worker) -> None:
    worker.run("echo")
    worker.begin("wait")
    worker.place("later")
    worker.terminate()
    worker.until(lambda: worker.said(RootReturned) and worker.said(StillHolds))
    assert worker.said(RootReturned) == [RootReturned(job="later")]
    worker.until(lambda: worker.said(StillHolds)[-1] == StillHolds(roots=1, ranges=0))
    worker.manager.send(NAME, Farewell())
    assert "1 roots (wait) and 0 ranges" in worker.until_it_ends()[1]


@pytest.mark.parametrize("worker", [1], indirect=True)
def test_what_takes_too_long_is_left_behind_and_named(worker: Worker) -> None:
    worker.run("echo")
    worker.begin("wait")
    began = time.monotonic()
    worker.terminate()
    status, log = worker.until_it_ends()
    assert status == 0 and 1.0 <= time.monotonic() - began < 4.0
    assert "after 1 s it leaves behind 1 roots (wait) and 0 ranges" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("worker", [0], indirect=True)
def test_without_time_to_drain_a_worker_ends_at_once(worker: Worker) -> None:
    worker.run("echo")
    worker.begin("wait")
    worker.terminate()
    assert worker.until_it_ends()[0] == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(worker: Worker, second: signal.Signals) -> None:
    worker.run("echo")
    worker.begin("wait")
    worker.terminate()
    worker.until(lambda: worker.said(Leaving))
    worker.process.send_signal(second)
    assert f"stopping: told to by {second.name}" in worker.until_it_ends()[1]


def test_the_end_of_its_lifeline_ends_a_leaving_worker_at_once(worker: Worker) -> None:
    worker.run("echo")
    worker.begin("wait")
    worker.terminate()
    worker.until(lambda: worker.said(Leaving))
    worker._lifeline.close()
    assert "stopping: its parent is gone" in worker.until_it_ends()[1]


def test_a_manager_that_comes_back_hears_that_the_worker_leaves(worker: Worker) -> None:
    worker.run("echo")
    worker.begin("wait")
    worker.terminate()
    worker.until(lambda: worker.said(Leaving))
    worker.manager.send(NAME, Introduce())
    worker.until(lambda: any(x.leaving for x in worker.manager.hellos(NAME)))
    (hello, *_) = [x for x in worker.said(Hello) if isinstance(x, Hello) and x.leaving]
    assert isinstance(hello, Hello) and "wait" in hello.roots
