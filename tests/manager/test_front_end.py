"""Clients over socket.io."""

import asyncio
import json
import logging
import socket
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from fake_client import FakeClient, TurnedAway
from fake_worker import FakeWorker
from ufora_core import __version__
from ufora_core.protocol import codec
from ufora_core.protocol.client import CancelJob, JobDone, JobOutput, JobProgress, ToClient
from ufora_core.protocol.parts import Payload
from ufora_core.protocol.version import VERSION
from ufora_core.protocol.worker import CancelRoot, PlaceRoot, RootOutput, RootProgress
from ufora_core.settings import ManagerSettings
from ufora_manager.app import Running, running
from ufora_manager.front_end import frames_of


async def test_job_goes_to_a_worker_and_its_result_comes_back(manager: Running) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a", b"the program")
        root = await worker.next(PlaceRoot)
        assert (root.job, root.program.data) == ("a", b"the program")
        worker.send(
            RootProgress(job="a", items_done=1, items_total=2, executors=1),
            RootOutput(job="a", stream="stdout", text="hello\n"),
            worker.done("a", b"the result"),
        )
        assert (await client.next(JobProgress)).items_total == 2
        assert (await client.next(JobOutput)).text == "hello\n"
        done = await client.next(JobDone)
        assert done.result is not None and done.result.data == b"the result"


async def test_what_happens_at_once_travels_in_one_frame(manager: Running) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a")
        await worker.next(PlaceRoot)
        outputs = [RootOutput(job="a", stream="stdout", text=str(n)) for n in range(50)]
        worker.send(*outputs, worker.done("a"))
        await client.next(JobDone)
        assert len(client.frames) == 1


async def test_cancelled_job_stops_on_its_worker(manager: Running) -> None:
    async with FakeClient(manager.web_port) as client, FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await client.submit("a")
        await worker.next(PlaceRoot)
        await client.send(CancelJob(job="a"))
        assert (await worker.next(CancelRoot)).job == "a"
        done = await client.next(JobDone)
        assert done.failure is not None and done.failure.reason == "cancelled"


async def test_client_of_another_version_is_refused_with_both_versions(manager: Running) -> None:
    with pytest.raises(TurnedAway) as refused:
        async with FakeClient(manager.web_port, protocol=999, release="9.9"):
            pass
    message = str(refused.value)
    assert "Ufora 9.9 (protocol 999)" in message and f"Ufora {__version__}" in message


@pytest.mark.parametrize("auth", [{"protocol": "one"}, {"session": 7}])
async def test_greeting_that_is_none_is_refused(manager: Running, auth: dict[str, Any]) -> None:
    with pytest.raises(TurnedAway, match="this is a Ufora manager"):
        async with FakeClient(manager.web_port, **auth):
            pass


async def test_session_goes_on_where_its_client_connects_again(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        async with FakeClient(manager.web_port) as client:
            await client.submit("a")
            await worker.next(PlaceRoot)
        async with FakeClient(manager.web_port) as client:
            await client.submit("a")
            worker.send(worker.done("a"))
            assert (await client.next(JobDone)).job == "a"
            await client.submit("a")
            assert (await client.next(JobDone)).job == "a"
            assert worker.inbox.empty(), "it ran once"


async def test_newer_connection_of_a_session_replaces_the_older_one(manager: Running) -> None:
    async with FakeClient(manager.web_port) as older, FakeClient(manager.web_port) as newer:
        async with asyncio.timeout(10):
            await older.gone.wait()
        await newer.submit("a")
        await newer.send(CancelJob(job="a"))
        assert (await newer.next(JobDone)).job == "a"
        assert older.inbox.empty()
        assert len(manager.scheduler.state.sessions) == 1


async def test_killed_client_is_noticed_at_once(manager: Running) -> None:
    url = f"http://127.0.0.1:{manager.web_port}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http:
        link = await http.ws_connect(url)
        auth = {"protocol": VERSION, "release": __version__, "session": "s"}
        await link.send_str("40" + json.dumps(auth))
        while not (await link.receive_str()).startswith("40"):
            pass
        assert manager.scheduler.state.sessions["s"].gone_at is None
        link.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        async with asyncio.timeout(2):
            while manager.scheduler.state.sessions["s"].gone_at is None:
                await asyncio.sleep(0)


@pytest.mark.parametrize("garbage", [b"\x00\xff garbage", "text", 7, {"op": "submit"}, None])
async def test_garbage_is_logged_once_and_disturbs_nobody(
    manager: Running, caplog: pytest.LogCaptureFixture, garbage: object
) -> None:
    async with FakeClient(manager.web_port) as client:
        for _ in range(3):
            await client.socket.emit("message", garbage)
        await client.submit("a")
        await client.send(CancelJob(job="a"))
        await client.next(JobDone)
    (logged,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "127.0.0.1" in logged.getMessage() and "ignored" in logged.getMessage()


@pytest.mark.parametrize("garbage", ["9garbage", "4garbage", "451-[", "42[", b"\x00\xff"])
async def test_frames_that_are_no_socketio_are_logged_once(
    manager: Running, caplog: pytest.LogCaptureFixture, garbage: str | bytes
) -> None:
    url = "/socket.io/?EIO=4&transport=websocket"
    async with FakeClient(manager.web_port) as client:
        async with client.http.ws_connect(url) as stranger:
            for _ in range(3):
                if isinstance(garbage, str):
                    await stranger.send_str(garbage)
                else:
                    await stranger.send_bytes(garbage)
        await client.submit("a")
        await client.send(CancelJob(job="a"))
        await client.next(JobDone)
    # pytest also catches what the library says to a logger that goes nowhere.
    (logged,) = [each for each in caplog.records if each.name == "ufora_core.strangers"]
    assert "127.0.0.1 sent frames that are no socket.io" in logged.getMessage()


async def test_clients_hear_that_a_manager_with_a_lifeline_stops(settings: ManagerSettings) -> None:
    # Whoever started it for itself alone holds its lifeline; no manager comes after this one.
    async with running(replace(settings, lifeline=0)) as manager:
        client = await FakeClient(manager.web_port).__aenter__()
        await client.submit("a")
        await client.submit("b")
        while len(manager.scheduler.state.jobs) < 2:
            await client.socket.sleep(0)
    for job in ("a", "b"):
        done = await client.next(JobDone)
        assert done.job == job
        assert done.failure is not None and "manager was stopped" in done.failure.message
    await client.close()


def test_frames_stay_small_and_keep_the_order() -> None:
    data = b"x" * 200_000
    messages: list[ToClient] = [
        JobDone(job=str(number), result=Payload("0" * 64, len(data), data)) for number in range(20)
    ]
    frames = list(frames_of(messages))
    assert max(map(len, frames)) <= 1024 * 1024
    assert [each for frame in frames for each in codec.decode_to_client(frame)] == messages


def test_long_output_is_cut_into_pieces() -> None:
    text = "".join(map(str, range(300_000)))
    frames = list(frames_of([JobOutput(job="a", stream="stdout", text=text)]))
    assert max(map(len, frames)) <= 1024 * 1024
    pieces = [each for frame in frames for each in codec.decode_to_client(frame)]
    assert "".join(each.text for each in pieces if isinstance(each, JobOutput)) == text


def test_no_messages_are_no_frames() -> None:
    assert list(frames_of([])) == []
