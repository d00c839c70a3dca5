"""The manager as a process: how it starts, what stops it, and the worker beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ufora_core.settings import ManagerSettings
from ufora_manager.worker_process import worker_environment

#: Stands in for the worker's package: says what it was given, then waits for its lifeline's end.
FAKE_WORKER = """
import json, os, socket, sys
test = socket.socket(socket.AF_UNIX)
test.connect(os.environ["TEST_SOCKET"])
ufora = {name: value for name, value in os.environ.items() if name.startswith("UFORA_")}
test.sendall(json.dumps(ufora | {"pid": os.getpid()}).encode() + b"\\n")
if "TEST_STATUS" in os.environ:
    sys.exit(int(os.environ["TEST_STATUS"]))
if "UFORA_LIFELINE_FD" in ufora:
    socket.socket(fileno=int(ufora["UFORA_LIFELINE_FD"])).recv(1)
"""


class Process:
    """A manager process and its lifeline."""

    def __init__(self, folder: Path, **env: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ufora_manager"],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(folder),
                    "UFORA_DATA_DIR": str(folder / "data"),
                    "UFORA_WEB_HTTP_PORT": "0",
                    "UFORA_MANAGER_PORT": "0",
                    "UFORA_LIFELINE_FD": str(theirs.fileno()),
                    "TEST_SOCKET": str(folder / "socket"),
                }
                | env,
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                text=True,
            )
        self.lifeline = ours
        self.lifeline.settimeout(20)

    def ready(self) -> dict[str, int]:
        """The ports, once they are open."""
        with self.lifeline.makefile() as lines:
            ports: dict[str, int] = json.loads(lines.readline())
            return ports

    def end(self) -> tuple[int, str]:
        """Exit status and what stood on stderr, once it has ended."""
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@contextmanager
def start(folder: Path, **env: str) -> Iterator[Process]:
    manager = Process(folder, **env)
    try:
        yield manager
    finally:
        manager.lifeline.close()
        if manager.process.poll() is None:
            manager.process.kill()
        manager.process.communicate()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[socket.socket]:
    """Where fake workers report."""
    package = tmp_path / "ufora_worker"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE_WORKER)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        listener.settimeout(20)
        yield listener


@contextmanager
def report(workers: socket.socket) -> Iterator[tuple[dict[str, Any], socket.socket]]:
    """What the next worker says, and the socket that ends with it."""
    connection, _ = workers.accept()
    with connection, connection.makefile() as lines:
        connection.settimeout(20)
        yield json.loads(lines.readline()), connection


def test_manager_says_its_ports_and_ends_with_its_lifeline(tmp_path: Path) -> None:
    with start(tmp_path, UFORA_NO_WORKER="1") as manager:
        ports = manager.ready()
        for port in ports.values():
            socket.create_connection(("127.0.0.1", port)).close()
        assert sorted(ports) == ["registry_port", "web_port"]
        manager.lifeline.close()
        assert manager.end()[0] == 0
    assert "manager 0." in (tmp_path / "data" / "logs" / "manager.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_manager_stops_cleanly_when_it_is_told_to(tmp_path: Path, number: int) -> None:
    with start(tmp_path, UFORA_NO_WORKER="1") as manager:
        manager.ready()
        manager.process.send_signal(number)
        status, errors = manager.end()
    assert status == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize("variable", ["UFORA_WEB_HTTP_PORT", "UFORA_MANAGER_PORT"])
def test_port_that_is_taken_is_one_line_with_its_variable(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with start(tmp_path, UFORA_NO_WORKER="1", **{variable: str(port)}) as manager:
            status, errors = manager.end()
    assert status == 2
    (line,) = errors.splitlines()
    assert f"127.0.0.1:{port}" in line and variable in line


def test_data_folder_that_cannot_be_written_is_one_line_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with start(tmp_path, UFORA_DATA_DIR=str(tmp_path / "file" / "data")) as manager:
        status, errors = manager.end()
    assert status == 2
    (line,) = errors.splitlines()
    assert str(tmp_path / "file") in line and "UFORA_DATA_DIR" in line


def test_two_managers_do_not_share_a_data_folder(tmp_path: Path) -> None:
    with start(tmp_path, UFORA_NO_WORKER="1") as first:
        first.ready()
        with start(tmp_path, UFORA_NO_WORKER="1") as second:
            status, errors = second.end()
    assert status == 2
    assert f"another manager (process {first.process.pid})" in errors


def test_objects_of_an_earlier_manager_wait_for_its_clients(tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects"
    objects.mkdir(parents=True)
    (objects / ("a" * 64)).touch()
    with start(tmp_path, UFORA_NO_WORKER="1") as manager:
        manager.ready()
        assert {each.name for each in objects.iterdir()} == {"proof", "a" * 64}


@pytest.mark.parametrize(
    "env",
    [
        {"UFORA_WEB_HTTP_PORT": "many"},
        {"UFORA_MANAGER_ADDRESS": "10.0.0.1", "UFORA_NO_WORKER": "1"},
        {"UFORA_BIND_ADDRESS": "0.0.0.0"},
        {"UFORA_LIFELINE_FD": "999"},
    ],
)
def test_set_up_that_cannot_work_is_one_line_with_its_variable(
    tmp_path: Path, env: dict[str, str]
) -> None:
    with start(tmp_path, **env) as manager:
        status, errors = manager.end()
    assert status == 2
    (line,) = errors.splitlines()
    assert next(iter(env)) in line


def test_with_a_managers_address_the_process_becomes_a_worker(
    tmp_path: Path, workers: socket.socket
) -> None:
    with (
        start(tmp_path, UFORA_MANAGER_ADDRESS="10.0.0.1") as manager,
        report(workers) as (worker, _),
    ):
        assert worker["UFORA_MANAGER_ADDRESS"] == "10.0.0.1"
        assert worker["pid"] == manager.process.pid


def test_worker_beside_the_manager_finds_it_and_ends_with_it(
    tmp_path: Path, workers: socket.socket
) -> None:
    with start(tmp_path, UFORA_WORKER_CORES="3") as manager:
        ports = manager.ready()
        with report(workers) as (worker, ended):
            assert worker["UFORA_MANAGER_ADDRESS"] == "127.0.0.1"
            assert worker["UFORA_MANAGER_PORT"] == str(ports["registry_port"])
            assert worker["UFORA_WORKER_CORES"] == "3"
            manager.process.terminate()
            assert ended.recv(1) == b""
        assert manager.end()[0] == 0


def test_worker_beside_a_manager_that_is_killed_ends_too(
    tmp_path: Path, workers: socket.socket
) -> None:
    with start(tmp_path) as manager, report(workers) as (_, ended):
        manager.process.kill()
        assert ended.recv(1) == b""


def test_worker_that_ends_is_started_again(tmp_path: Path, workers: socket.socket) -> None:
    with start(tmp_path) as manager:
        with report(workers) as (first, _):
            os.kill(first["pid"], signal.SIGKILL)
        with report(workers) as (second, _):
            assert second["pid"] != first["pid"]
        manager.process.terminate()
        _, errors = manager.end()
    assert "the worker ended with status -9; starting it again in 0.5 s" in errors


def test_worker_that_is_set_up_wrongly_is_not_started_again(
    tmp_path: Path, workers: socket.socket
) -> None:
    with start(tmp_path, TEST_STATUS="2") as manager:
        with report(workers) as (_, ended):
            assert ended.recv(1) == b""
        assert manager.process.stderr is not None
        while "cannot run as it is set up" not in manager.process.stderr.readline():
            pass
        assert manager.process.poll() is None


def test_worker_beside_an_open_manager_registers_an_address_that_others_reach() -> None:
    open_to_all = ManagerSettings(insecure=True)
    env = {"UFORA_WORKER_OWN_ADDRESS": "10.0.0.7", "UFORA_NO_WORKER": "0", "HOME": "/root"}
    worker = worker_environment(env, open_to_all, 4711)
    assert worker == {
        "UFORA_WORKER_OWN_ADDRESS": "10.0.0.7",
        "UFORA_MANAGER_ADDRESS": "127.0.0.1",
        "UFORA_MANAGER_PORT": "4711",
        "HOME": "/root",
    }


def test_worker_beside_the_manager_gets_its_tokens_but_not_its_lifeline() -> None:
    env = {"UFORA_AUTH_TOKEN": "secret", "UFORA_LIFELINE_FD": "5"}
    worker = worker_environment(env, ManagerSettings(bind_address="127.0.0.1"), 1)
    assert worker["UFORA_AUTH_TOKEN"] == "secret" and "UFORA_LIFELINE_FD" not in worker
