"""A manager whose token is replaced: its registry port and its links to the workers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from fake_worker import FakeWorker
from ufora_core.protocol.data import CHUNK_SIZE
from ufora_core.protocol.worker import (
    Heartbeat,
    HeartbeatSeen,
    PeerLeft,
    Welcome,
)
from ufora_core.settings import ManagerSettings
from ufora_core.store import ObjectStore
from ufora_core.strangers import Strangers
from ufora_core.tokens import TokenPair, Tokens, TokenSource
from ufora_manager import registry_socket, token_files
from ufora_manager.app import running
from ufora_manager.data_links import DataLinks
from ufora_manager.errors import TransferError
from ufora_manager.registry_socket import Registry
from ufora_manager.scheduler import events

WELCOME = Welcome(release="0", manager="m", store_path="", store_proof="")


class Files:
    """The token files of a process."""

    def __init__(self, folder: Path, name: str, *tokens: str) -> None:
        self.source = TokenSource(
            token_file=folder / f"{name}-token", second_file=folder / f"{name}-second"
        )
        self.write(*tokens)

    def write(self, token: str, second: str = "") -> None:
        assert self.source.token_file is not None and self.source.second_file is not None
        self.source.token_file.write_text(token)
        self.source.second_file.write_text(second)


class Both:
    """A registry and a worker beside it, each with token files of its own."""

    def __init__(self, folder: Path, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self.files = Files(folder, "manager", "one", "two")
        self.tokens = Tokens(self.files.source)
        self.reported: list[events.Event] = []
        self.registry = Registry(
            asyncio.get_running_loop(),
            context,
            self.tokens,
            WELCOME,
            self.reported.append,
            Strangers(),
        )
        self.registry.bind("127.0.0.1", 0)
        source = Files(folder, "worker", "one", "two").source
        self.worker = FakeWorker(self.registry.port, tokens=source)

    def rekey(self) -> None:
        """The manager goes over to the other token."""
        self.files.write("two", "one")
        assert self.tokens.refresh()
        self.registry.rekey()


@asynccontextmanager
async def both(folder: Path) -> AsyncIterator[Both]:
    """The worker has been welcomed."""
    with zmq.Context[zmq.Socket[bytes]]() as context:
        both = Both(folder, context)
        async with both.worker:
            both.worker.send(both.worker.hello())
            await both.worker.next(Welcome)
            try:
                yield both
            finally:
                both.registry.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.001)


async def test_a_worker_comes_back_after_a_new_key_and_gets_what_waited_for_it(
    tmp_path: Path,
) -> None:
    async with both(tmp_path) as here:
        here.registry.send("w0", PeerLeft(worker="before"))
        here.rekey()
        here.registry.send("w0", PeerLeft(worker="after"))
        assert (await here.worker.next(PeerLeft)).worker == "before"
        await until(lambda: here.worker.links == [True, False, True])
        assert here.worker.inbox.empty()
        here.worker.send(here.worker.hello())
        await here.worker.next(Welcome)
        assert (await here.worker.next(PeerLeft)).worker == "after"
        assert [type(each) for each in here.reported] == [events.WorkerJoined] * 2


@pytest.mark.parametrize("away_seconds", [0.0, 60.0])
async def test_what_waited_too_long_or_for_another_incarnation_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away_seconds: float
) -> None:
    monkeypatch.setattr(registry_socket, "_AWAY_SECONDS", away_seconds)
    incarnation = "another" if away_seconds else "one"
    async with both(tmp_path) as here:
        here.rekey()
        here.registry.send("w0", PeerLeft(worker="old news"))
        await until(lambda: here.worker.links == [True, False, True])
        hello = here.worker.hello(incarnation=incarnation)
        here.worker.send(hello, Heartbeat(incarnation=incarnation, idle=1))
        await here.worker.next(Welcome)
        assert isinstance(await here.worker.inbox.get(), HeartbeatSeen)


async def test_another_second_token_is_no_reason_for_a_new_key(tmp_path: Path) -> None:
    async with both(tmp_path) as here:
        here.files.write("one", "three")
        assert here.tokens.refresh()
        here.registry.rekey()
        here.worker.send(Heartbeat(incarnation="one", idle=1))
        await here.worker.next(HeartbeatSeen)
        assert here.worker.links == [True]


async def test_a_manager_follows_its_files_and_knows_what_its_workers_accept(
    settings: ManagerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "REFRESH_SECONDS", 0.01)
    files = Files(tmp_path, "manager", "one", "two")
    guarded = replace(
        settings,
        bind_address="127.0.0.1",
        token_file=files.source.token_file,
        second_token_file=files.source.second_file,
    )
    theirs = Files(tmp_path, "worker", "one", "two")
    async with (
        running(guarded, hold=0) as manager,
        FakeWorker(manager.registry_port, tokens=theirs.source) as worker,
    ):
        before, after = TokenPair("one", "two").fingerprints, TokenPair("two").fingerprints
        worker.send(worker.hello(tokens=before))
        await worker.next(Welcome)
        assert manager.scheduler.state.workers["w0"].tokens == before
        files.write("two")
        await until(lambda: worker.links == [True, False, True])
        worker.send(worker.hello(tokens=before))
        await worker.next(Welcome)
        worker.send(Heartbeat(incarnation="one", idle=1, tokens=after))
        await worker.next(HeartbeatSeen)
        assert manager.scheduler.state.workers["w0"].tokens == after
    await asyncio.get_running_loop().shutdown_default_executor()


class Linked:
    """What ``linked`` gives."""

    def __init__(self, store: ObjectStore, links: DataLinks, worker: FakeWorker) -> None:
        self.store, self.links, self.worker = store, links, worker


@asynccontextmanager
async def linked(folder: Path, manager: Files, worker: Files) -> AsyncIterator[Linked]:
    """A manager's data links and a worker, each with the tokens of its files."""
    store = ObjectStore(folder / "objects")
    tokens = Tokens(manager.source)
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, tokens, store, manager="m", strangers=Strangers())
        async with FakeWorker(1, tokens=worker.source) as fake:
            try:
                yield Linked(store, links, fake)
            finally:
                links.close()


async def test_objects_travel_both_ways_with_a_token(tmp_path: Path) -> None:
    manager, worker = Files(tmp_path, "manager", "one"), Files(tmp_path, "worker", "one")
    async with linked(tmp_path, manager, worker) as here:
        data = bytes(range(256)) * 8192
        digest = here.store.put(data).digest
        await here.links.push(here.worker.address, digest)
        assert here.worker.objects == {digest: data}
        here.store.delete(digest)
        await here.links.fetch(here.worker.address, digest)
        assert bytes(here.store.open(digest)) == data


@pytest.mark.parametrize("way", ["push", "fetch"])
async def test_a_transfer_begins_again_when_the_worker_changes_its_key(
    tmp_path: Path, way: str
) -> None:
    files = Files(tmp_path, "worker", "one", "two")
    async with linked(tmp_path, Files(tmp_path, "manager", "one", "two"), files) as here:
        data = bytes(20 * CHUNK_SIZE)
        digest = here.store.put(data).digest
        if way == "fetch":
            here.worker.objects[digest] = data
            here.store.delete(digest)
        move = here.links.push if way == "push" else here.links.fetch
        moving = asyncio.ensure_future(move(here.worker.address, digest))
        await until(lambda: here.worker.chunks > 0)
        assert not moving.done()
        files.write("two", "one")
        here.worker.rekey()
        await moving
        assert here.worker.chunks > 20
        assert here.worker.objects == {digest: data} and digest in here.store


async def test_a_worker_with_another_token_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_manager.data_links.STALLED_AFTER", 0.2)
    manager, worker = Files(tmp_path, "manager", "one"), Files(tmp_path, "worker", "two")
    async with linked(tmp_path, manager, worker) as here:
        payload = here.store.put(b"secret")
        with pytest.raises(TransferError, match="did not answer"):
            await here.links.push(here.worker.address, payload.digest)
        assert here.worker.objects == {}
