"""A cluster of real processes on this machine."""

import atexit
import importlib.util
import json
import os
import socket
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pyfora import _environment, _processes
from pyfora._cluster import Cluster, close_sessions
from pyfora._processes import Child, ClusterStartError
from pyfora._scratch import ScratchFolder
from ufora_core.settings import LOOPBACK, ManagerSettings, WorkerSettings, usable_cores

#: A port that was free a moment ago may be taken when the manager binds it.
_ATTEMPTS = 3

#: Nobody starts the manager of a local cluster again: what may come back is a busy machine.
_RECONNECT_SECONDS = 10.0

#: Pause between two looks at how many workers the manager knows; it takes a few milliseconds.
_POLL_SECONDS = 0.002


class LocalCluster:
    """A manager and workers on this machine, reachable by loopback only.

    ``with pyfora.LocalCluster(workers=2) as local: cluster = local.connect()``. The processes end
    with ``close()`` or the ``with`` block, and with this program, also when it is killed.
    """

    def __init__(
        self,
        workers: int = 1,
        cores_per_worker: int | None = None,
        *,
        memory_mb: int | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Start it; ready for work when this returns.

        Args:
            workers: Number of worker processes.
            cores_per_worker: Executors of each; by default the machine's cores are shared out.
            memory_mb: Memory of each worker's executors together, in MiB; by default nearly all
                of the machine's.
            timeout: Seconds that the start may take.

        Raises:
            ClusterStartError: a part is not installed, or did not start.
        """
        if workers < 1 or (cores_per_worker is not None and cores_per_worker < 1):
            raise ValueError(
                f"workers={workers!r}, cores_per_worker={cores_per_worker!r}: at least 1 of each"
            )
        cores = cores_per_worker or max(1, usable_cores() // workers)
        _check_installed()
        self._scratch = ScratchFolder()
        self._children: list[Child] = []
        self._connections: weakref.WeakSet[Cluster] = weakref.WeakSet()
        self._finalizer = weakref.finalize(self, _end, os.getpid(), self._children, self._scratch)
        self._finalizer.atexit = False  # ``_close_all`` does it, after the connections
        try:
            self.url = self._start(_Plan(workers, cores, memory_mb), timeout)
        except BaseException:
            self.close()
            raise
        _running.add(self)

    def connect(self, *, timeout: float = 30.0, close_with_connection: bool = False) -> Cluster:
        """A connection to it; with ``close_with_connection`` the cluster ends when that does."""
        # Imported here: it takes three times as long as the rest of pyfora together.
        from pyfora._socketio import SocketIoTransport

        transport = SocketIoTransport(
            self.url, token=None, timeout=timeout, reconnect_seconds=_RECONNECT_SECONDS
        )
        cluster = Cluster(transport, self.close if close_with_connection else _nothing)
        self._connections.add(cluster)
        return cluster

    def close(self) -> None:
        """End its connections and the processes, and delete their files. Further calls do
        nothing."""
        for cluster in list(self._connections):
            if not cluster.is_closed():
                cluster.close()
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self._finalizer.alive else ", closed"
        return f"<pyfora.LocalCluster {self.url}{state}>"

    def let_go_of_lifelines(self) -> None:
        """In a fork of this program: the processes are to end with the original, not with it."""
        for child in self._children:
            child.lifeline.close()

    def _start(self, plan: "_Plan", timeout: float) -> str:
        for attempt in range(1, _ATTEMPTS + 1):
            web_port, registry_port = _free_ports(2)
            try:
                for child in _spawn(self._scratch.path, web_port, registry_port, plan):
                    self._children.append(child)
                _processes.wait_until_ready(self._children, timeout)
                _wait_for_workers(web_port, plan.workers, timeout)
            except ClusterStartError:
                _processes.stop(self._children)
                self._children.clear()
                if attempt == _ATTEMPTS or _are_free(web_port, registry_port):
                    raise
            else:
                break
        return f"http://{LOOPBACK}:{web_port}"


def _nothing() -> None:
    """The cluster goes on when a connection ends."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How large the cluster is."""

    workers: int
    #: Executors of each worker.
    cores: int
    memory_mb: int | None


def _spawn(folder: Path, web_port: int, registry_port: int, plan: _Plan) -> Iterator[Child]:
    """Start the manager and all workers at once; workers wait for the manager by themselves."""
    inherited = _environment.for_processes()
    manager = ManagerSettings(
        web_port=web_port,
        registry_port=registry_port,
        bind_address=LOOPBACK,
        data_dir=folder / "manager",
        no_worker=True,
    )
    env = inherited | manager.to_env()
    yield Child("ufora_manager", "the manager", env, folder / "manager.log")
    for number in range(plan.workers):
        name = f"worker-{number}"
        worker = WorkerSettings(
            manager_address=LOOPBACK,
            manager_port=registry_port,
            own_address=LOOPBACK,
            base_port=0,
            bind_address=LOOPBACK,
            name=name,
            executors=plan.cores,
            memory_bytes=plan.memory_mb and plan.memory_mb * 1024 * 1024,
            data_dir=folder / name,
        )
        env = inherited | worker.to_env()
        yield Child("ufora_worker", name, env, folder / f"{name}.log")


def _wait_for_workers(web_port: int, count: int, seconds: float) -> None:
    """Return when the manager knows all workers; a worker is ready a moment before that."""
    # Imported while the processes start: it costs as much as the rest of this module.
    from http.client import HTTPConnection, HTTPException

    deadline = time.monotonic() + seconds
    known = 0
    while time.monotonic() < deadline:
        manager = HTTPConnection(LOOPBACK, web_port, timeout=seconds)
        try:
            manager.request("GET", "/api/v1/cluster")
            known = len(json.load(manager.getresponse())["workers"])
        except (OSError, HTTPException) as error:
            raise ClusterStartError(
                f"the manager stopped answering at its start: {error}"
            ) from None
        finally:
            manager.close()
        if known >= count:
            return
        time.sleep(_POLL_SECONDS)
    raise ClusterStartError(f"{known} of {count} workers found the manager within {seconds:g} s")


def _end(process: int, children: Sequence[Child], scratch: ScratchFolder) -> None:
    if os.getpid() == process:  # a fork of the program leaves its parent's cluster alone
        _processes.stop(children)
        scratch.remove()


def _check_installed() -> None:
    for module in ("ufora_manager", "ufora_worker"):
        if importlib.util.find_spec(module) is None:
            raise ClusterStartError(
                f"a cluster on this machine needs {module.replace('_', '-')}, which is not "
                "installed; `pip install ufora-manager ufora-worker`, or give the address of a "
                "running cluster: pyfora.connect('http://host:30000')"
            )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _are_free(*ports: int) -> bool:
    try:
        for port in ports:
            socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


_running: "weakref.WeakSet[LocalCluster]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A program that ends leaves no process or folder behind."""
    close_sessions()
    for local in list(_running):
        local.close()


def _after_fork() -> None:
    for local in list(_running):
        local.let_go_of_lifelines()


os.register_at_fork(after_in_child=_after_fork)
