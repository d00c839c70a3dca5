"""A manager and workers as processes, on ports that stay the same however often one is killed;
and a forwarded port in front of the manager, which breaks when a test says so."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ufora_core.settings import LOOPBACK, ManagerSettings, WorkerSettings

#: Seconds in which everything that is awaited must have happened, on a loaded machine too.
PATIENCE = 60.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


class RestartableCluster:
    """Workers with one executor each. The manager keeps what it has in ``folder``."""

    def __init__(self, folder: Path, workers: int = 2, drain_seconds: int = 60) -> None:
        self._folder = folder
        self._names = [f"worker-{number}" for number in range(workers)]
        self._drain_seconds = drain_seconds
        self._web_port, self._registry_port = free_ports(2)
        self._manager: subprocess.Popen[bytes] | None = None
        #: Their processes, by name.
        self.workers: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def port(self) -> int:
        return self._web_port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._web_port}"

    def __enter__(self) -> Self:
        self.start_manager()
        for name in self._names:
            self.start_worker(name)
        wait_until(lambda: self._workers_known() == len(self._names), "the workers are there")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill_manager()
        for worker in self.workers.values():
            worker.send_signal(signal.SIGINT)  # at once, without handing over what it holds
        for worker in self.workers.values():
            worker.wait(PATIENCE)

    def start_manager(self) -> None:
        """It answers when this returns."""
        settings = ManagerSettings(
            web_port=self._web_port,
            registry_port=self._registry_port,
            bind_address=LOOPBACK,
            data_dir=self._folder / "manager",
            no_worker=True,
        )
        self._manager = self._start("ufora_manager", "manager", settings.to_env())
        wait_until(lambda: self._workers_known() >= 0, "the manager answers")

    def kill_manager(self) -> None:
        """As its machine would: without a warning."""
        if self._manager is not None:
            self._manager.kill()
            self._manager.wait()
            self._manager = None

    def stop_manager(self) -> None:
        """As Kubernetes does when it deletes the pod."""
        assert self._manager is not None
        self._manager.terminate()
        self._manager.wait(PATIENCE)
        self._manager = None

    def empty_managers_folder(self) -> None:
        """As Kubernetes does with an ``emptyDir`` when the pod is gone."""
        assert self._manager is None
        shutil.rmtree(self._folder / "manager")

    def state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/api/v1/cluster", timeout=PATIENCE) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def start_worker(self, name: str) -> None:
        settings = WorkerSettings(
            manager_address=LOOPBACK,
            manager_port=self._registry_port,
            own_address=LOOPBACK,
            base_port=0,
            bind_address=LOOPBACK,
            name=name,
            executors=1,
            drain_seconds=self._drain_seconds,
            data_dir=self._folder / name,
        )
        self.workers[name] = self._start("ufora_worker", name, settings.to_env())

    def _workers_known(self) -> int:
        try:
            return len(self.state()["workers"])
        except (urllib.error.URLError, OSError):
            return -1

    def _start(self, module: str, name: str, env: dict[str, str]) -> "subprocess.Popen[bytes]":
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


class ForwardedPort:
    """Passes every connection on to ``target``, as ``kubectl port-forward`` does, until it ends.

    It lets ``limit`` bytes through to ``target`` at most; ``full`` is set when that much went.
    """

    def __init__(self, target: int, *, limit: float = float("inf")) -> None:
        self.full = threading.Event()
        self._target = target
        self._limit = limit
        self._left = limit
        self.port = free_ports(1)[0]
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self.start(limit=self._limit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, *, limit: float = float("inf")) -> None:
        """Forward again, after ``stop``."""
        self._left = limit
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(started)))
        self._thread.start()
        started.result()

    def stop(self) -> None:
        """End, and break every connection."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    async def _main(self, started: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        started.set_result(None)
        await self._stop.wait()
        server.close()

    async def _serve(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            there, forth = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            back.transport.abort()
            return
        try:
            passing = self._pass_on(here, forth, self._count), self._pass_on(there, back, len)
            tasks = [asyncio.ensure_future(each) for each in passing]
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            forth.transport.abort()
            back.transport.abort()

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        count: Callable[[bytes], object],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                count(data)
                if self._left < 0:
                    self.full.set()
                    await self._stop.wait()
                target.write(data)
                await target.drain()

    def _count(self, data: bytes) -> None:
        self._left -= len(data)
