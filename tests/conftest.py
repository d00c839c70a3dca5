"""What every test gets: a clean environment, and guards against what it may leave behind.

A test that ends with a thread, a process or a file descriptor which was not there when it began
fails, and the failure names them. What a fixture of a wider scope holds is there before the test
begins, so a cluster may be shared by a module's tests; descendants of such a process may come and
go. The guards look twice: what is on its way out gets ``GRACE`` seconds to go.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

# How fast this machine is at the moment says nothing about the code; and the fixtures that every
# test gets (below) hold nothing that one example could leave to the next.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

#: Seconds that an ending thread or process gets; only a test that leaks waits that long.
GRACE = 3.0

#: Where clusters keep compiled code.
NATIVE_CACHE = "UFORA_NATIVE_CACHE"

#: Set for the whole run, so that a process which lost its parents can be told to be ours.
RUN_VARIABLE = "TEST_RUN"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases",
        action="store_true",
        help="write what the code gives now into golden files and text cases; read the diff",
    )


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches the code."""
    for name in [name for name in os.environ if name.startswith("UFORA_")]:
        if name != NATIVE_CACHE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _own_native_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Clusters of tests neither use nor fill the cache of the person who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NATIVE_CACHE, str(tmp_path_factory.mktemp("native")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> Iterator[None]:
    """Ctrl-C works, here and in the processes that tests start: a shell without job control starts
    what it puts in the background with SIGINT ignored, and every child inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _no_leaks() -> Iterator[None]:
    threads, processes, descriptors = set(threading.enumerate()), _descendants(), _descriptors()
    yield
    leaks = _leaked_threads(threads) + _leaked_processes(processes)
    leaks += _leaked_descriptors(descriptors, processes.values())
    if leaks:
        pytest.fail("the test left behind:\n  " + "\n  ".join(leaks), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def _no_orphans() -> Iterator[None]:
    """Processes that lost their parents are found at the end of the run, by their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUN_VARIABLE, str(os.getpid()))
        yield
    _, alive = psutil.wait_procs(_orphans(), timeout=GRACE)
    if alive:
        named = "\n  ".join(_describe(process) for process in alive)
        pytest.fail(f"processes of this run are still there:\n  {named}", pytrace=False)


def _leaked_threads(before: set[threading.Thread]) -> list[str]:
    fresh = [thread for thread in threading.enumerate() if thread not in before]
    for thread in fresh:
        thread.join(GRACE)
    return [
        f"thread {thread.name!r}{' (a daemon)' if thread.daemon else ''}"
        for thread in fresh
        if thread.is_alive()
    ]


def _descendants() -> dict[int, psutil.Process]:
    return {process.pid: process for process in psutil.Process().children(recursive=True)}


def _leaked_processes(before: dict[int, psutil.Process]) -> list[str]:
    fresh = [
        process
        for pid, process in _descendants().items()
        if pid not in before and not any(parent.pid in before for parent in _parents(process))
    ]
    _, alive = psutil.wait_procs(fresh, timeout=GRACE if fresh else 0)
    return [f"process {_describe(process)}" for process in alive]


def _parents(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.parents())
    except psutil.NoSuchProcess:
        return []


def _orphans() -> list[psutil.Process]:
    marker = str(os.getpid())
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _environment(process).get(RUN_VARIABLE) == marker
    ]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} ({process.status()}): {' '.join(process.cmdline())[:200]}"
    except psutil.NoSuchProcess:
        return f"{process.pid}, which is gone by now"


def _descriptors() -> dict[int, str]:
    """Open sockets, pipes and the like: descriptor -> what it stands for.

    Files are left out: Python itself warns of one that was not closed, and warnings are errors.
    """
    found = {}
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue  # the descriptor by which the folder itself was listed
        if not target.startswith("/"):
            found[int(entry.name)] = target
    return found


def _leaked_descriptors(before: dict[int, str], servers: Iterable[psutil.Process]) -> list[str]:
    if not _fresh_descriptors(before):
        return []
    gc.collect()  # an object in a cycle closes what it holds when the cycle is collected
    ports = _ports_of(servers)
    ends: dict[int, str] = {}
    for connection in psutil.Process().net_connections("all"):
        if connection.raddr and getattr(connection.raddr, "port", None) in ports:
            before[connection.fd] = _descriptors().get(connection.fd, "")
        ends[connection.fd] = (
            f"{connection.laddr or '-'} -> {connection.raddr or '-'} {connection.status}"
        )
    return [
        f"descriptor {descriptor}: {target} {ends.get(descriptor, '')}".rstrip()
        for descriptor, target in sorted(_fresh_descriptors(before).items())
    ]


def _ports_of(servers: Iterable[psutil.Process]) -> set[int]:
    """Ports on which these processes listen. The client of a cluster that several tests share
    connects to it when it needs to, and lets connections go when they have been idle."""
    ports: set[int] = set()
    for process in servers:
        with contextlib.suppress(psutil.Error):
            ports.update(
                connection.laddr.port
                for connection in process.net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            )
    return ports


def _fresh_descriptors(before: dict[int, str]) -> dict[int, str]:
    return {
        descriptor: target
        for descriptor, target in _descriptors().items()
        if before.get(descriptor) != target
    }
