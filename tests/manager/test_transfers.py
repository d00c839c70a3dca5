"""Objects on their way to workers, and from them."""

import asyncio
from pathlib import Path

import pytest
import zmq

from fake_client import FakeClient
from fake_worker import FakeWorker
from ufora_core.protocol.client import CancelJob, JobDone
from ufora_core.protocol.data import CHUNK_SIZE
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.protocol.worker import Heartbeat, HeartbeatSeen, PlaceRoot, Welcome
from ufora_core.store import ObjectStore, digest_of
from ufora_core.strangers import Strangers
from ufora_core.tokens import Tokens, TokenSource
from ufora_manager.app import Running
from ufora_manager.data_links import DataLinks
from ufora_manager.errors import TransferError

NO_TOKENS = Tokens(TokenSource())
SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 20 * CHUNK_SIZE + 7]


def bytes_of(size: int) -> bytes:
    return (b"0123456789abcdef!" * (size // 17 + 1))[:size]


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@pytest.mark.parametrize("size", SIZES)
async def test_objects_arrive_as_they_were_in_both_directions(
    store: ObjectStore, size: int
) -> None:
    data = bytes_of(size)
    digest = store.put(data).digest
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        async with FakeWorker(1) as worker:
            await links.push(worker.address, digest)
            assert worker.objects == {digest: data}
            store.delete(digest)
            await links.fetch(worker.address, digest)
            assert bytes(store.open(digest)) == data
        links.close()


async def test_many_transfers_share_one_link(store: ObjectStore) -> None:
    objects = {digest_of(data): data for data in (bytes_of(n * 400_000) for n in range(12))}
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        async with FakeWorker(1) as worker:
            worker.objects = objects
            twice = [*objects, *objects]
            await asyncio.gather(*(links.fetch(worker.address, each) for each in twice))
        links.close()
    assert {digest: bytes(store.open(digest)) for digest in objects} == objects


async def test_object_that_several_jobs_need_at_once_arrives_whole(store: ObjectStore) -> None:
    data = bytes_of(10 * CHUNK_SIZE)
    digest = store.put(data).digest
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        async with FakeWorker(1) as worker:
            await asyncio.gather(*(links.push(worker.address, digest) for _ in range(4)))
            assert worker.objects == {digest: data}
        links.close()


async def test_object_that_the_worker_lacks_is_refused_with_its_reason(store: ObjectStore) -> None:
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        async with FakeWorker(1) as worker:
            with pytest.raises(TransferError, match=r"worker w0 .* says: no such object"):
                await links.fetch(worker.address, "0" * 64)
        links.close()
    assert list(store.directory.iterdir()) == []


async def test_object_that_is_altered_on_its_way_is_refused(store: ObjectStore) -> None:
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        async with FakeWorker(1) as worker:
            worker.objects["0" * 64] = b"something else"
            with pytest.raises(TransferError, match="not that object"):
                await links.fetch(worker.address, "0" * 64)
        links.close()
    assert list(store.directory.iterdir()) == []


async def test_transfer_with_a_worker_that_leaves_fails_at_once(store: ObjectStore) -> None:
    nobody = WorkerAddress("w9", "127.0.0.1", 1, 9)
    with zmq.Context[zmq.Socket[bytes]]() as context:
        links = DataLinks(context, NO_TOKENS, store, manager="m", strangers=Strangers())
        transfer = asyncio.ensure_future(links.fetch(nobody, "0" * 64))
        await asyncio.sleep(0)
        links.drop("w9")
        with pytest.raises(TransferError, match=r"worker w9 .* left the cluster"):
            await transfer
    assert list(store.directory.iterdir()) == []


async def test_inputs_are_at_the_worker_before_its_root(manager: Running) -> None:
    data = bytes_of(3 * CHUNK_SIZE)
    need = Payload(digest_of(data), len(data))
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(), Heartbeat(incarnation="one", idle=2))
        await client.upload(data)
        await client.submit("a", b"program", need)
        root = await worker.next(PlaceRoot)
        assert root.needs == (need,)
        assert worker.objects == {need.digest: data}


async def test_worker_that_shares_the_store_is_sent_nothing(manager: Running) -> None:
    data = bytes_of(CHUNK_SIZE)
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await worker.next(Welcome)
        worker.send(worker.hello(shares_store=True))
        await client.upload(data)
        await client.submit("a", b"program", Payload(digest_of(data), len(data)))
        await worker.next(PlaceRoot)
        assert worker.pushed == {}


async def test_object_that_one_worker_made_reaches_another_that_needs_it(manager: Running) -> None:
    data = bytes_of(2 * CHUNK_SIZE)
    made = Payload(digest_of(data), len(data))
    async with (
        FakeClient(manager.web_port) as client,
        FakeWorker(manager.registry_port, "w0", executors=1) as maker,
        FakeWorker(manager.registry_port, "w1", executors=1) as user,
    ):
        maker.send(maker.hello(), Heartbeat(incarnation="one", idle=1))
        await maker.next(HeartbeatSeen)
        await client.submit("a")
        await maker.next(PlaceRoot)
        maker.objects[made.digest] = data
        done = maker.done("a")
        maker.send(type(done)(job="a", result=done.result, objects=(made,)))
        await client.next(JobDone)
        await client.submit("keeps w0 busy")
        await maker.next(PlaceRoot)
        user.send(user.hello(), Heartbeat(incarnation="one", idle=1))
        await user.next(HeartbeatSeen)
        await client.submit("b", b"program", made)
        await user.next(PlaceRoot)
        assert user.objects == {made.digest: data}


async def test_job_whose_input_is_nowhere_fails_with_its_digest(manager: Running) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(), Heartbeat(incarnation="one", idle=2))
        await client.submit("a", b"program", Payload("ab" * 32, 5))
        failure = (await client.next(JobDone)).failure
    assert failure is not None
    assert failure.reason == "missing-object" and "abababababab" in failure.message


async def test_job_cancelled_while_its_inputs_travel_never_reaches_the_worker(
    manager: Running,
) -> None:
    data = bytes_of(CHUNK_SIZE)
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())  # and no heartbeat: the manager waits to hear of the store
        await worker.next(Welcome)
        await client.upload(data)
        await client.submit("a", b"program", Payload(digest_of(data), len(data)))
        await client.send(CancelJob(job="a"))
        await client.next(JobDone)
        worker.send(Heartbeat(incarnation="one", idle=2))
        await client.submit("b")
        assert (await worker.next(PlaceRoot)).job == "b"
