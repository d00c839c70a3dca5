"""Health, the cluster as JSON, and objects up and down."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from fake_client import FakeClient, upload_body
from fake_worker import FakeWorker
from ufora_core import __version__
from ufora_core.errors import StoreError
from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.version import VERSION
from ufora_core.protocol.worker import PlaceRoot, RootDone, Welcome
from ufora_core.settings import ManagerSettings
from ufora_core.store import ObjectStore, digest_of, shares
from ufora_manager.app import Running

BIG = bytes(range(256)) * 12_345


@pytest.fixture
async def http(manager: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{manager.web_port}") as session:
        yield session


@pytest.fixture
def objects(settings: ManagerSettings) -> Path:
    return settings.data_dir / "objects"


async def test_manager_is_alive_and_ready(http: aiohttp.ClientSession) -> None:
    assert (await http.get("/healthz")).status == 200
    assert (await http.get("/readyz")).status == 200


async def test_manager_is_not_ready_without_a_store(
    http: aiohttp.ClientSession, objects: Path
) -> None:
    shutil.rmtree(objects)
    objects.write_text("no folder")
    response = await http.get("/readyz")
    assert response.status == 503
    assert str(objects) in (await response.json())["error"]
    assert (await http.get("/healthz")).status == 200


async def test_unknown_pages_are_answered_with_a_sentence(http: aiohttp.ClientSession) -> None:
    response = await http.get("/nothing")
    assert response.status == 404
    assert await response.json() == {"error": "GET /nothing: Not Found"}


async def test_uploaded_objects_come_back_as_they_were(http: aiohttp.ClientSession) -> None:
    response = await http.post("/api/v1/objects", data=io.BytesIO(upload_body(BIG, b"", b"small")))
    assert response.status == 200
    for each in (BIG, b"", b"small"):
        response = await http.get(f"/api/v1/objects/{digest_of(each)}")
        assert response.status == 200
        assert await response.read() == each


async def test_body_of_unknown_length_is_taken_too(http: aiohttp.ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        body = upload_body(BIG)
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    assert (await http.post("/api/v1/objects", data=pieces())).status == 200
    response = await http.get(f"/api/v1/objects/{digest_of(BIG)}")
    assert await response.read() == BIG


async def test_altered_object_is_refused_and_leaves_no_file(
    http: aiohttp.ClientSession, objects: Path
) -> None:
    response = await http.post("/api/v1/objects", data=io.BytesIO(upload_body(BIG)[:-1] + b"x"))
    assert response.status == 400
    assert "send it again" in (await response.json())["error"]
    assert [each.name for each in objects.iterdir()] == ["proof"]


async def test_broken_connection_leaves_no_file(manager: Running, objects: Path) -> None:
    body = upload_body(BIG)
    reader, writer = await asyncio.open_connection("127.0.0.1", manager.web_port)
    head = (
        f"POST /api/v1/objects HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body[: len(body) // 2])
    await writer.drain()
    async with asyncio.timeout(10):
        while len(list(objects.iterdir())) < 2:
            await asyncio.sleep(0)
        writer.transport.abort()
        while len(list(objects.iterdir())) > 1:
            await asyncio.sleep(0)
    assert [each.name for each in objects.iterdir()] == ["proof"]
    assert await reader.read() == b""


async def test_full_disk_is_answered_with_507(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk:
        def write(self, data: object) -> None:
            raise StoreError("object 123 cannot be written to /x: No space left on device")

        def discard(self) -> None:
            pass

    monkeypatch.setattr(ObjectStore, "writer", lambda *_: FullDisk())
    response = await http.post("/api/v1/objects", data=upload_body(b"x"))
    assert response.status == 507
    assert "No space left" in (await response.json())["error"]


async def test_manager_says_which_objects_it_lacks(http: aiohttp.ClientSession) -> None:
    await http.post("/api/v1/objects", data=upload_body(b"here"))
    here, away = digest_of(b"here"), digest_of(b"away")
    response = await http.post("/api/v1/objects/missing", json=[away, here])
    assert await response.json() == [away]


@pytest.mark.parametrize("body", ["", "7", '["../../etc/passwd"]', "[1]", "{"])
async def test_question_that_is_no_list_of_digests_is_refused(
    http: aiohttp.ClientSession, body: str
) -> None:
    response = await http.post("/api/v1/objects/missing", data=body)
    assert response.status == 400
    assert "digest" in (await response.json())["error"]


@pytest.mark.parametrize("digest", ["0" * 64, "proof", "..%2Fmanager.lock", "0" * 63])
async def test_object_that_is_nowhere_is_a_404_with_a_sentence(
    http: aiohttp.ClientSession, digest: str
) -> None:
    response = await http.get(f"/api/v1/objects/{digest}")
    assert response.status == 404
    assert "object" in (await response.json())["error"]


async def test_client_on_the_same_machine_can_tell_that_it_shares_the_store(
    http: aiohttp.ClientSession,
) -> None:
    answer = await (await http.get("/api/v1/store")).json()
    assert shares(answer["path"], answer["proof"])
    assert not shares(answer["path"], "another proof")


async def test_result_that_a_worker_holds_is_fetched_from_it(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a")
        await worker.next(PlaceRoot)
        worker.objects[digest_of(BIG)] = BIG
        result = Payload(digest_of(BIG), len(BIG))
        worker.send(RootDone(job="a", result=result))
        assert (await client.next(JobDone)).result == result
        response = await http.get(f"/api/v1/objects/{result.digest}")
        assert await response.read() == BIG


async def test_result_that_its_worker_lost_is_a_404_that_names_the_worker(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a")
        await worker.next(PlaceRoot)
        worker.send(RootDone(job="a", result=Payload("0" * 64, 5)))
        await client.next(JobDone)
        response = await http.get(f"/api/v1/objects/{'0' * 64}")
        assert response.status == 404
        assert "worker w0" in (await response.json())["error"]


async def test_cluster_lists_workers_and_jobs(
    manager: Running, http: aiohttp.ClientSession
) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await worker.next(Welcome)
        await client.submit("a")
        await worker.next(PlaceRoot)
        answer = await (await http.get("/api/v1/cluster")).json()
    assert (answer["release"], answer["protocol"]) == (__version__, VERSION)
    (listed,) = answer["workers"]
    assert listed["name"] == "w0" and listed["executors"] == 2 and listed["python"] == "3.11"
    assert listed["data_port"] == worker.address.data_port
    (job,) = answer["jobs"]
    assert (job["state"], job["title"], job["worker"]) == ("placed", "a.py:1", "w0")
    assert answer["counts"]["jobs"]["placed"] == 1
