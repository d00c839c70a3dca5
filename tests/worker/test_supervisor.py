"""Real supervisors, sockets and processes; the executors' program and the manager are fakes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
import zmq

from fake_registry import FakeRegistry
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import (
    CancelRoot,
    Introduce,
    PlaceRoot,
    RootDone,
    RootOutput,
    WorkAt,
)
from ufora_core.tokens import Tokens, TokenSource
from ufora_worker.identity import Identity
from ufora_worker.shared_words import SharedWords
from ufora_worker.supervisor.driver import Supervisor
from ufora_worker.supervisor.executor_pool import ExecutorPool
from ufora_worker.supervisor.worker_folder import WorkerFolder

SUPPORT = Path(__file__).parent.parent / "support"
FAKE_EXECUTOR = str(SUPPORT / "fake_executor.py")
PROGRAM = Payload("0" * 64, 0, b"")


class Bench:
    """A fake manager and some supervisors, all turned by one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manager = FakeRegistry(folder / "manager")
        self.supervisors: dict[str, Supervisor] = {}
        self.addresses: dict[str, WorkerAddress] = {}
        self.pools: dict[str, ExecutorPool] = {}
        self._closers: list[Callable[[], None]] = []

    def worker(self, name: str, executors: int = 1, memory_bytes: int = 1 << 40) -> Supervisor:
        folder = WorkerFolder(self.folder / name)
        words = SharedWords.create(executors)
        pool = ExecutorPool(words, name, folder, memory_bytes, [FAKE_EXECUTOR])
        identity = Identity.new(name, "127.0.0.1")
        tokens = Tokens(TokenSource())
        supervisor = Supervisor(identity, words, pool, folder, memory_bytes, tokens)
        ports = supervisor.open("127.0.0.1", 0, "127.0.0.1", self.manager.port)
        self._closers += [lambda: supervisor.close("the test ends"), words.close, folder.remove]
        self.supervisors[name], self.pools[name] = supervisor, pool
        self.addresses[name] = identity.address(ports.control_port, ports.data_port)
        self.until(lambda: self.manager.refuse is not None or self.manager.knows(name))
        return supervisor

    def until(self, true: Callable[[], bool]) -> None:
        """Turn everything until ``true``; the test's own time limit ends what never comes."""
        while not true():
            for supervisor in self.supervisors.values():
                supervisor.turn(0.002)
            self.manager.answer()

    def end_of(self, worker: str, job: str) -> RootDone:
        self.until(lambda: job in self.manager.ends(worker))
        return self.manager.ends(worker)[job]

    def run(self, worker: str, job: str) -> RootDone:
        self.manager.send(worker, PlaceRoot(job=job, program=PROGRAM))
        return self.end_of(worker, job)

    def close(self) -> None:
        for close in self._closers:
            close()
        self.manager.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_a_root_runs_and_its_end_is_reported(bench: Bench) -> None:
    bench.worker("w")
    assert bench.run("w", "echo").failure is None


def test_a_worker_that_can_read_the_managers_store_uses_it_and_says_so(bench: Bench) -> None:
    bench.worker("w")
    assert [hello.shares_store for hello in bench.manager.hellos("w")] == [False, True]


def test_what_a_block_prints_reaches_the_manager(bench: Bench) -> None:
    bench.worker("w")
    bench.run("w", "print")
    printed = [x.text for x in bench.manager.said["w"] if isinstance(x, RootOutput)]
    assert printed == ["hello\n"]


def failure_of(done: RootDone) -> tuple[str, str]:
    assert done.failure is not None
    return done.failure.reason, done.failure.message


def test_an_executor_that_exits_fails_its_block_only(bench: Bench) -> None:
    bench.worker("w")
    reason, message = failure_of(bench.run("w", "exit-3"))
    assert reason == "executor-died"
    assert "of worker w ended with status 3, as os._exit(3) does," in message
    assert bench.run("w", "echo").failure is None


def test_a_segmentation_fault_is_told_in_words(bench: Bench) -> None:
    bench.worker("w")
    _, message = failure_of(bench.run("w", "segv"))
    assert "was killed by SIGSEGV (segmentation fault)" in message
    assert bench.run("w", "echo").failure is None


def test_an_executor_that_breaks_its_channel_is_replaced(bench: Bench) -> None:
    bench.worker("w")
    _, message = failure_of(bench.run("w", "garbage"))
    assert "broke its channel to the supervisor" in message
    assert bench.run("w", "echo").failure is None


@pytest.mark.parametrize("job", ["wait", "hang"])
def test_a_cancelled_root_ends_whether_it_hears_the_stop_or_not(bench: Bench, job: str) -> None:
    bench.worker("w")
    bench.run("w", "echo")  # the executor is ready
    bench.manager.send("w", PlaceRoot(job=job, program=PROGRAM))
    bench.manager.send("w", CancelRoot(job=job))
    assert failure_of(bench.end_of("w", job))[0] == "cancelled"
    assert bench.run("w", "echo").failure is None


def test_floats_that_a_dead_executor_left_are_removed_when_all_is_done(bench: Bench) -> None:
    bench.worker("w", executors=2)
    bench.manager.send("w", PlaceRoot(job="wait", program=PROGRAM))
    bench.until(lambda: any(isinstance(x, RootOutput) for x in bench.manager.said["w"]))
    (floats,) = bench.folder.glob("w/worker-*/floats")
    left = floats / ".floats-left"
    left.touch()
    bench.run("w", "exit-3")
    bench.run("w", "echo")  # on the executor that was started in its place
    assert left.exists()
    bench.manager.send("w", CancelRoot(job="wait"))
    bench.until(lambda: not left.exists())


def test_executors_over_the_memory_budget_are_ended(bench: Bench) -> None:
    bench.worker("w", memory_bytes=100 << 20)
    reason, message = failure_of(bench.run("w", "eat"))
    assert reason == "out-of-memory"
    assert re.search(r"ran out of memory \(used \d+ MiB of 100 MiB\)", message)
    assert bench.run("w", "echo").failure is None


def test_a_range_travels_to_another_worker_and_its_piece_back(bench: Bench) -> None:
    bench.worker("home")
    bench.worker("thief", executors=2)
    bench.manager.send("thief", WorkAt(workers=(bench.addresses["home"],)))
    peers = bench.supervisors["home"].state.ledger.peers
    bench.until(lambda: "thief" in peers and peers["thief"].slots == 2)
    bench.manager.send("home", PlaceRoot(job="give", program=PROGRAM))
    assert failure_of(bench.end_of("home", "give"))[1] == "10 to 20 by thief"


def test_objects_of_a_range_travel_between_workers_that_share_no_store(bench: Bench) -> None:
    bench.manager.shares_store = False
    bench.worker("home")
    bench.worker("thief")
    bench.manager.send("thief", WorkAt(workers=(bench.addresses["home"],)))
    peers = bench.supervisors["home"].state.ledger.peers
    bench.until(lambda: "thief" in peers and peers["thief"].slots == 1)
    bench.manager.send("home", PlaceRoot(job="give-bulk", program=PROGRAM))
    assert failure_of(bench.end_of("home", "give-bulk"))[1] == "10 to 20 by thief: did the task"


def test_a_manager_that_forgot_the_worker_is_told_again(bench: Bench) -> None:
    bench.worker("w")
    bench.manager.send("w", Introduce())
    bench.until(lambda: len(bench.manager.hellos("w")) >= 4)
    assert bench.run("w", "echo").failure is None


def test_a_refused_worker_ends_with_the_managers_reason(bench: Bench) -> None:
    bench.manager.refuse = "other version"
    supervisor = bench.worker("w")
    bench.until(lambda: supervisor.over is not None)
    assert supervisor.over == "the manager refused this worker: other version"


def logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text


def test_garbage_on_both_ports_is_logged_once_and_ignored(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.worker("w")
    address = bench.addresses["w"]
    for port in (address.control_port, address.data_port):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 200, b"\xff"):
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(garbage)
                for _ in range(3):
                    bench.run("w", f"echo:{port}{garbage[:3]!r}{_}")
        with bench.manager.context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(f"tcp://127.0.0.1:{port}")
            for _ in range(3):
                dealer.send(b"\xc1 not a message")
            bench.until(partial(logged, caplog, f"port {port}: peer=127.0.0.1 sent garbage"))
    assert bench.run("w", "echo").failure is None
    assert sum("sent garbage" in line for line in caplog.messages) == 2
    strangers = [line for line in caplog.messages if "does not speak our protocol" in line]
    assert {line.split(":")[0] for line in strangers} == {
        f"control port {address.control_port}",
        f"data port {address.data_port}",
    }
    assert len(set(strangers)) == len(strangers)


# ---------------------------------------------------------------------- the whole process


def worker_process(folder: Path, **settings: str) -> tuple[subprocess.Popen[str], socket.socket]:
    """``ufora_worker`` with fake executors, and our end of its lifeline."""
    ours, theirs = socket.socketpair()
    environment = {
        "UFORA_WORKER_BASE_PORT": "0",
        "UFORA_WORKER_CORES": "2",
        "UFORA_DATA_DIR": str(folder),
        "UFORA_LIFELINE_FD": str(theirs.fileno()),
        "UFORA_MANAGER_PORT": "1",
    }
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "worker_with_fake_executors.py")],
            env=os.environ | environment | settings,
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
    return process, ours


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, log = process.communicate()
    return process.returncode, log


def test_the_end_of_the_lifeline_ends_the_worker_and_its_executors(tmp_path: Path) -> None:
    process, lifeline = worker_process(tmp_path)
    with lifeline:
        ports = json.loads(lifeline.recv(1000))
        executors = psutil.Process(process.pid).children()
    assert set(ports) == {"control_port", "data_port"}
    assert len(executors) == 2
    assert finish(process)[0] == 0
    assert [executor for executor in executors if executor.is_running()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_worker_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process, lifeline = worker_process(tmp_path)
    with lifeline:
        lifeline.recv(1000)
        process.send_signal(number)
        status, log = finish(process)
    assert status == 0
    assert f"stopping: told to by {number.name}" in log
    assert "Traceback" not in log


def test_a_killed_worker_leaves_no_executor(tmp_path: Path) -> None:
    process, lifeline = worker_process(tmp_path)
    with lifeline:
        lifeline.recv(1000)
        executors = psutil.Process(process.pid).children()
        process.kill()
        finish(process)
    gone, alive = psutil.wait_procs(executors, timeout=5)
    assert (len(gone), alive) == (2, [])


def test_a_port_that_is_taken_is_named_with_its_variable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, lifeline = worker_process(tmp_path, UFORA_WORKER_BASE_PORT=str(port))
        with lifeline:
            status, log = finish(process)
    assert status == 2
    assert f"cannot listen on 127.0.0.1:{port}" in log
    assert "UFORA_WORKER_BASE_PORT" in log and "Traceback" not in log


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process, lifeline = worker_process(tmp_path / "file")
    with lifeline:
        status, log = finish(process)
    assert status == 2
    assert "the data folder" in log and "UFORA_DATA_DIR" in log and "Traceback" not in log


def test_a_bad_setting_is_refused_in_one_line(tmp_path: Path) -> None:
    process, lifeline = worker_process(tmp_path, UFORA_WORKER_CORES="many")
    with lifeline:
        status, log = finish(process)
    assert status == 2
    assert log.startswith("ufora-worker: UFORA_WORKER_CORES='many' is not allowed")
