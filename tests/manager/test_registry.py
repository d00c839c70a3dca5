"""Workers at the registry port."""

import asyncio
import logging

import pytest

from fake_worker import FakeWorker
from ufora_core import __version__
from ufora_core.protocol.worker import (
    Goodbye,
    Heartbeat,
    HeartbeatSeen,
    Hungry,
    Introduce,
    PeerLeft,
    Refused,
    Welcome,
    WorkAt,
)
from ufora_core.store import shares
from ufora_manager.app import Running


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


async def test_worker_is_welcomed_and_can_tell_that_it_shares_the_store(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        welcome = await worker.next(Welcome)
        assert welcome.release == __version__
        assert shares(welcome.store_path, welcome.store_proof)
        assert list(manager.scheduler.state.workers) == ["w0"]


async def test_heartbeats_are_answered(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(), Heartbeat(incarnation="one", idle=1, memory_bytes=5))
        await worker.next(HeartbeatSeen)
        assert manager.scheduler.state.workers["w0"].memory_bytes == 5


async def test_hungry_worker_is_answered(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(), Hungry(slots=2))
        assert (await worker.next(WorkAt)).workers == ()


async def test_worker_of_another_version_is_refused_with_both_versions(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello(protocol=999, release="9.9"))
        reason = (await worker.next(Refused)).reason
    assert "worker w0 is Ufora 9.9 (protocol 999)" in reason and f"Ufora {__version__}" in reason
    assert manager.scheduler.state.workers == {}


async def test_hello_of_a_version_that_looks_different_is_refused_by_its_version(
    manager: Running,
) -> None:
    import msgspec

    async with FakeWorker(manager.registry_port) as worker:
        alien = {"op": "hello", "protocol": 7, "release": "7.0", "cores": "all"}
        worker.send_raw(msgspec.msgpack.encode([alien]))
        assert "Ufora 7.0 (protocol 7)" in (await worker.next(Refused)).reason


async def test_worker_without_executors_is_refused(manager: Running) -> None:
    async with FakeWorker(manager.registry_port, executors=0) as worker:
        worker.send(worker.hello())
        assert "0 executors" in (await worker.next(Refused)).reason


@pytest.mark.parametrize("message", [Heartbeat(incarnation="x", idle=0), Hungry(slots=1)])
async def test_stranger_is_asked_to_introduce_itself(
    manager: Running, message: Heartbeat | Hungry
) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(message)
        await worker.next(Introduce)


async def test_heartbeat_of_another_incarnation_is_asked_to_introduce_itself(
    manager: Running,
) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await worker.next(Welcome)
        worker.send(Heartbeat(incarnation="two", idle=0))
        await worker.next(Introduce)


async def test_worker_that_says_goodbye_is_gone_and_others_hear_of_it(manager: Running) -> None:
    async with (
        FakeWorker(manager.registry_port, "w0") as leaving,
        FakeWorker(manager.registry_port, "w1") as staying,
    ):
        for worker in (leaving, staying):
            worker.send(worker.hello())
            await worker.next(Welcome)
        leaving.send(Goodbye(reason="updated"))
        assert (await staying.next(PeerLeft)).worker == "w0"
        leaving.send(Heartbeat(incarnation="one", idle=0))
        await leaving.next(Introduce)


async def test_hello_repeated_for_the_store_is_not_welcomed_again(manager: Running) -> None:
    async with FakeWorker(manager.registry_port) as worker:
        worker.send(worker.hello())
        await worker.next(Welcome)
        worker.send(worker.hello(shares_store=True), Heartbeat(incarnation="one", idle=0))
        await worker.next(HeartbeatSeen)
        worker.send(worker.hello(shares_store=True))
        await worker.next(Welcome)


@pytest.mark.parametrize("frames", [[b"garbage"], [b""], [b"\x90", b"\x90"], [b"\xc1" * 50]])
async def test_garbage_is_logged_once_with_its_peer_and_disturbs_nobody(
    manager: Running, caplog: pytest.LogCaptureFixture, frames: list[bytes]
) -> None:
    async with (
        FakeWorker(manager.registry_port, "w0") as worker,
        FakeWorker(manager.registry_port, "stranger") as stranger,
    ):
        worker.send(worker.hello())
        await worker.next(Welcome)
        for _ in range(3):
            stranger.send_raw(*frames)
        stranger.send(Hungry(slots=1))
        await stranger.next(Introduce)
        worker.send(Heartbeat(incarnation="one", idle=0))
        await worker.next(HeartbeatSeen)
    (complaint,) = warnings_in(caplog)
    assert "127.0.0.1" in complaint and "stranger" in complaint


#: A greeting of ZeroMQ's that asks for a security mechanism which nobody has.
NO_SUCH_MECHANISM = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NONSENSE".ljust(52, b"\0")


async def test_bytes_that_are_no_zeromq_are_logged_once(
    manager: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await meet_strangers(manager, caplog, NO_SUCH_MECHANISM, "does not speak our protocol")
    assert len(warnings_in(caplog)) == 1


@pytest.mark.parametrize("bytes_sent", [b"", b"\xff", b"GET / HTTP/1.1\r\n\r\n"])
async def test_who_connects_and_hangs_up_is_no_warning(
    manager: Running, caplog: pytest.LogCaptureFixture, bytes_sent: bytes
) -> None:
    caplog.set_level(logging.INFO)
    await meet_strangers(manager, caplog, bytes_sent, "hung up")
    assert warnings_in(caplog) == []


async def meet_strangers(
    manager: Running, caplog: pytest.LogCaptureFixture, bytes_sent: bytes, logged: str
) -> None:
    """Two strangers send the same and hang up; one line of the log holds ``logged``."""
    strangers = [
        await asyncio.open_connection("127.0.0.1", manager.registry_port) for _ in range(2)
    ]
    async with FakeWorker(manager.registry_port) as worker, asyncio.timeout(10):
        worker.send(worker.hello())
        await worker.next(Welcome)
        for _, writer in strangers:
            writer.write(bytes_sent)
            writer.close()
        while logged not in caplog.text:
            await asyncio.sleep(0)
        worker.send(Heartbeat(incarnation="one", idle=0))
        await worker.next(HeartbeatSeen)
    assert caplog.text.count(logged) == 1
