"""A manager that is killed in the middle of a job, and started again."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fake_client import PATIENCE, FakeClient
from fake_worker import FakeWorker
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.worker import (
    Heartbeat,
    HeartbeatSeen,
    Introduce,
    PlaceRoot,
    Retire,
    RootStarted,
    Welcome,
)
from ufora_core.store import digest_of

BIG = bytes(range(256)) * 2000


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Manager:
    """Manager processes, one after the other, on the same ports and folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.web_port, self.registry_port = free_port(), free_port()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start one; return when it is ready."""
        env = {
            "PATH": os.environ["PATH"],
            "UFORA_DATA_DIR": str(self.data),
            "UFORA_WEB_HTTP_PORT": str(self.web_port),
            "UFORA_MANAGER_PORT": str(self.registry_port),
            "UFORA_NO_WORKER": "1",
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ufora_manager", env=env, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.web_port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)

    async def end(self, number: int = signal.SIGKILL) -> None:
        """End it; return when it is gone."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        await self._process.wait()

    async def ask(self) -> Any:
        """The cluster, as JSON."""
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{self.web_port}/api/v1/cluster") as answer:
                return json.loads(await answer.read())

    async def until(self, condition: Callable[[Any], bool]) -> Any:
        """The cluster, once it is like that."""
        async with asyncio.timeout(PATIENCE):
            while not condition(facts := await self.ask()):
                await asyncio.sleep(0.01)
            return facts


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[Manager]:
    manager = Manager(tmp_path)
    await manager.start()
    yield manager
    await manager.end()


@asynccontextmanager
async def running_root(manager: Manager) -> AsyncIterator[FakeWorker]:
    """A worker on which the root of job ``a`` runs."""
    async with (
        FakeClient(manager.web_port) as client,
        FakeWorker(manager.registry_port) as worker,
    ):
        worker.send(worker.hello(), Heartbeat(incarnation="one", idle=2))
        await worker.next(Welcome)
        await client.submit("a", b"the program")
        await worker.next(PlaceRoot)
        worker.send(RootStarted(job="a", repeatable=False), Heartbeat(incarnation="one", idle=1))
        await worker.next(HeartbeatSeen)  # so the journal has what came before it
        yield worker


async def come_back(worker: FakeWorker) -> None:
    """The worker meets a manager that does not know it."""
    worker.send(Heartbeat(incarnation="one", idle=1))
    await worker.next(Introduce)
    worker.send(worker.hello(roots=("a",)), Heartbeat(incarnation="one", idle=1))
    await worker.next(Welcome)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_job_ends_although_its_manager_was_ended_in_between(
    manager: Manager, number: int
) -> None:
    async with running_root(manager) as worker:
        await manager.end(number)
        await manager.start()
        await come_back(worker)
        worker.send(worker.done("a", b"the result"))
        async with FakeClient(manager.web_port) as client:
            await client.submit("a", b"the program")
            done = await client.next(JobDone)
        assert done.result is not None and done.result.data == b"the result"


@pytest.mark.parametrize("client_first", [False, True])
async def test_job_ends_although_the_folder_was_lost_with_its_manager(
    manager: Manager, client_first: bool
) -> None:
    async with running_root(manager) as worker:
        await manager.end()
        shutil.rmtree(manager.data)
        await manager.start()
        async with FakeClient(manager.web_port) as client:
            if client_first:
                await client.submit("a", b"the program")
                await manager.until(lambda facts: bool(facts["jobs"]))
            await come_back(worker)
            worker.send(worker.done("a", b"the result"))
            if not client_first:
                await client.submit("a", b"the program")
            done = await client.next(JobDone)
        assert done.result is not None and done.result.data == b"the result"


async def test_waiting_job_and_its_objects_outlive_their_manager(manager: Manager) -> None:
    async with FakeClient(manager.web_port) as client:
        await client.upload(BIG)
        await client.submit("a", b"the program", Payload(digest_of(BIG), len(BIG)))
        await manager.until(lambda facts: bool(facts["jobs"]))
        await manager.end(signal.SIGTERM)
    await manager.start()
    async with (
        FakeClient(manager.web_port) as client,
        FakeWorker(manager.registry_port) as worker,
    ):
        await client.submit("a", b"the program", Payload(digest_of(BIG), len(BIG)))
        worker.send(worker.hello(), Heartbeat(incarnation="one", idle=2))
        assert (await worker.next(PlaceRoot)).job == "a"
        assert worker.objects[digest_of(BIG)] == BIG
        worker.send(worker.done("a"))
        await client.next(JobDone)


async def test_order_to_retire_outlives_its_manager(manager: Manager) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{manager.web_port}/api/v1/workers/w0/retire", json={"exit": False}
        ) as answer,
    ):
        assert answer.status == 202
    await manager.end(signal.SIGTERM)
    await manager.start()
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        assert isinstance(await worker.next(Retire), Retire)
        (facts,) = (await manager.ask())["workers"]
        assert facts["retiring"]["exit"] is False


async def test_journal_that_is_none_is_put_aside(manager: Manager) -> None:
    await manager.end()
    for part in manager.data.glob("journal.db*"):
        part.write_bytes(b"no database at all" * 100)
    await manager.start()
    assert len(list(manager.data.glob("journal.db.broken-*"))) == 1
    assert "was renamed to" in (manager.data / "logs" / "manager.log").read_text()
