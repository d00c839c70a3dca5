"""The transport over real sockets, against a scripted manager."""

import socket
import threading
from pathlib import Path

import pytest

import pyfora
from fake_manager import FakeManager
from pyfora._socketio import SocketIoTransport
from recorder import Recorder, connected, somebody_else, submit, unused_port
from ufora_core.protocol.client import CancelJob, JobOutput, Release, Submit, ToClient
from ufora_core.protocol.version import VERSION
from ufora_core.store import ObjectStore, digest_of


def refused(url: str, *, token: str | None = None, timeout: float = 0.3) -> str:
    """The message of the error that connecting there raises."""
    transport = SocketIoTransport(url, token=token, timeout=timeout)
    with pytest.raises(pyfora.ConnectionError) as raised:
        transport.start(Recorder())
    assert url in str(raised.value)
    return f"{type(raised.value).__name__}: {raised.value}"


# ------------------------------------------------------------------ messages


def test_messages_arrive_in_their_order_both_ways() -> None:
    def reply(message: object) -> list[ToClient]:
        assert isinstance(message, Submit)
        return [JobOutput(job=message.job, stream="stdout", text="hello")]

    with FakeManager(reply) as manager, connected(manager) as (transport, recorder):
        for number in range(100):
            transport.send([submit(number)])
        recorder.wait_for(lambda: len(recorder.messages) == 100)
        assert [each.job for each in recorder.messages] == [f"job-{n}" for n in range(100)]


def test_what_waits_is_sent_as_one_frame() -> None:
    with FakeManager() as manager, connected(manager) as (transport, _):
        transport.send([submit(number) for number in range(1000)])
        manager.wait_for(lambda: len(manager.received) == 1000)
        assert manager.frames < 10


def test_a_frame_stays_below_what_servers_take() -> None:
    with FakeManager() as manager, connected(manager) as (transport, _):
        data = bytes(200_000)
        transport.send([submit(number, data) for number in range(20)])
        manager.wait_for(lambda: len(manager.received) == 20)
        assert manager.sessions == manager.sessions[:1]


def test_what_is_sent_last_arrives_before_the_link_closes() -> None:
    with FakeManager() as manager:
        with connected(manager) as (transport, _):
            transport.send([CancelJob(job="a"), Release(digests=("b",))])
        assert manager.received == [CancelJob(job="a"), Release(digests=("b",))]


def test_garbage_from_the_manager_is_ignored() -> None:
    good = JobOutput(job="a", stream="stdout", text="still here")
    with FakeManager() as manager, connected(manager) as (_, recorder):
        manager.send_raw(b"\x93\xff\x00")
        manager.send_raw("text")
        manager.send(good)
        recorder.wait_for(lambda: bool(recorder.messages))
        assert recorder.messages == [good]


# ------------------------------------------------------------------ objects


def test_objects_go_up_in_one_body_and_come_down_writable() -> None:
    contents = [b"", b"x", bytes(range(256)) * 20_000]
    objects = {digest_of(each): each for each in contents}
    with FakeManager() as manager, connected(manager) as (transport, _):
        assert transport.missing(objects) == list(objects)
        transport.upload(objects)
        assert manager.uploads == 1
        assert manager.objects == objects
        assert transport.missing(objects) == []
        for digest, content in objects.items():
            copy = transport.download(digest).result()
            assert bytes(copy) == content
            assert not memoryview(copy).readonly


def test_an_object_that_the_manager_lost_is_named() -> None:
    digest = digest_of(b"gone")
    with FakeManager() as manager, connected(manager) as (transport, _):
        found = transport.download(digest)
        with pytest.raises(pyfora.ConnectionError, match=f"{digest[:12]}.*no worker has it"):
            found.result()


def test_a_shared_folder_replaces_the_network(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    store.prove("nonce")
    content = bytes(100_000)
    digest = digest_of(content)
    shared = str(tmp_path), "nonce"
    with FakeManager(store=shared) as manager, connected(manager) as (transport, _):
        transport.upload({digest: content})
        assert manager.uploads == 0
        assert store.path(digest).read_bytes() == content
        copy = memoryview(transport.download(digest).result())
        copy[0] = 1
        assert bytes(store.open(digest)) == content


def test_a_folder_with_another_proof_is_not_shared(tmp_path: Path) -> None:
    ObjectStore(tmp_path).prove("of another manager")
    unlike = str(tmp_path), "nonce"
    with FakeManager(store=unlike) as manager, connected(manager) as (transport, _):
        transport.upload({digest_of(b"x"): b"x"})
        assert manager.uploads == 1


# ------------------------------------------------------------------ connecting


def test_nobody_at_the_address_is_an_error_within_the_timeout() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    message = refused(url, timeout=0.3)
    assert "no Ufora manager can be reached" in message
    assert "connection refused; tried for 0.3 s" in message


def test_a_manager_that_comes_up_late_is_waited_for() -> None:
    port = unused_port()
    recorder = Recorder()
    transport = SocketIoTransport(f"http://127.0.0.1:{port}", token=None, timeout=20)
    starting = threading.Thread(target=transport.start, args=(recorder,))
    starting.start()
    with FakeManager(port=port) as manager:
        starting.join()
        assert len(manager.sessions) == 1
        transport.close()


def test_somebody_who_never_answers_is_an_error_within_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = refused(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
    assert "(no answer; tried for 0.3 s)" in message


def test_somebody_else_at_the_address_is_told_from_a_manager() -> None:
    with somebody_else(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno") as url:
        assert "is no Ufora manager: it answered HTTP 404" in refused(url)
    with somebody_else(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html") as url:
        assert "is no Ufora manager: it answered with something else than JSON" in refused(url)


def test_another_version_is_an_error_that_names_both() -> None:
    with FakeManager(refusal="too old", protocol=VERSION + 1) as manager:
        message = refused(manager.url, timeout=5)
    assert message.startswith("VersionError")
    assert f"protocol {VERSION + 1}" in message and f"protocol {VERSION})" in message


def test_a_refusal_for_another_reason_is_passed_on() -> None:
    with FakeManager(refusal="closed on Sundays") as manager:
        assert "refused this client: closed on Sundays" in refused(manager.url, timeout=5)


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_wrong_token_is_an_error_that_says_where_to_put_the_right_one(token: str | None) -> None:
    with FakeManager(token="right") as manager:
        message = refused(manager.url, token=token, timeout=5)
    assert message.startswith("AuthenticationError")
    assert "the token is not the one" in message and "UFORA_AUTH_TOKEN" in message


def test_the_right_token_opens_every_route() -> None:
    manager = FakeManager(token="right")
    with manager, connected(manager, token="right") as (transport, _):
        assert transport.missing([]) == []
