"""What the transport does when its link breaks, over real sockets, against a scripted manager."""

import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

import pyfora
from fake_manager import FakeManager
from pyfora import _dialling
from pyfora._socketio import SocketIoTransport
from pyfora._transport import Unfinished
from recorder import Recorder, connected, somebody_else, submit
from ufora_core.protocol.client import CancelJob, Release
from ufora_core.store import Buffer, digest_of


def test_a_broken_link_is_made_anew_with_the_same_session() -> None:
    with FakeManager() as manager, connected(manager) as (transport, recorder):
        manager.break_links()
        recorder.wait_for(lambda: recorder.reconnects == 1)
        assert recorder.interruptions == 1
        assert len(manager.sessions) == 2 and len(set(manager.sessions)) == 1
        transport.send([submit(1)])
        manager.wait_for(lambda: bool(manager.received))


def test_one_line_in_the_log_tells_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="pyfora")
    with FakeManager() as manager, connected(manager) as (_, recorder):
        manager.break_links()
        recorder.wait_for(lambda: recorder.reconnects == 1)
        url = manager.url
    assert [each.getMessage() for each in caplog.records] == [
        f"the connection to {url} was lost (it ended without a word); trying again for 20 s"
    ]


def test_what_may_be_lost_goes_first_with_its_objects_and_programs_once() -> None:
    with FakeManager() as manager:
        port = manager.port
        recorder = Recorder()
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    recorder.wait_for(lambda: recorder.interruptions == 1)
    transport.send([submit(1), Release(digests=("a",))])
    transport.send([CancelJob(job="job-0"), submit(2)])
    content = b"needed by job-1"
    objects = {digest_of(content): content}
    recorder.again = Unfinished(objects, [submit(1), submit(2), CancelJob(job="job-3")])
    with FakeManager(port=port) as manager:
        manager.wait_for(lambda: len(manager.received) == 5)
        transport.send([submit(4)])
        manager.wait_for(lambda: len(manager.received) == 6)
        transport.close()
        assert manager.objects == objects
        assert manager.received == [
            submit(1),
            submit(2),
            CancelJob(job="job-3"),
            Release(digests=("a",)),
            CancelJob(job="job-0"),
            submit(4),
        ]


def test_a_request_outlives_a_restart_of_the_manager() -> None:
    with FakeManager() as manager:
        port = manager.port
        recorder = Recorder()
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    answer: list[list[str]] = []
    asking = threading.Thread(target=lambda: answer.append(transport.missing(["a" * 64])))
    asking.start()
    with FakeManager(port=port):
        asking.join()
        recorder.wait_for(lambda: recorder.reconnects == 1)
        transport.close()
    assert answer == [["a" * 64]]


def test_an_upload_that_breaks_with_the_link_is_made_again() -> None:
    content = bytes(range(256)) * 4000
    objects = {digest_of(content): content}
    manager = FakeManager(unanswered=1)
    with manager, connected(manager) as (transport, recorder):
        sending = threading.Thread(target=transport.upload, args=(objects,))
        sending.start()
        manager.wait_for(lambda: manager.unanswered == 1)
        assert manager.objects == {}
        manager.break_links()
        sending.join()
        assert manager.objects == objects
        assert recorder.reconnects == 1


def test_a_peer_that_never_answers_is_given_up_for_a_manager_that_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_dialling, "_ATTEMPT_SECONDS", 0.2)
    recorder = Recorder()
    with FakeManager() as manager:
        port = manager.port
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    asked = threading.Semaphore(0)
    with somebody_else(b"", port, asked.release):
        assert asked.acquire(timeout=20)
        assert asked.acquire(timeout=20)  # and the first connection is still open
    with FakeManager(port=port):
        recorder.wait_for(lambda: recorder.reconnects == 1)
        transport.close()


def test_a_stranger_in_the_place_of_the_manager_is_waited_out() -> None:
    recorder = Recorder()
    with FakeManager() as manager:
        port = manager.port
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    asked = threading.Event()
    with somebody_else(answer, port, asked.set):
        assert asked.wait(20)
    with FakeManager(port=port):
        recorder.wait_for(lambda: recorder.reconnects == 1)
        transport.close()


# ------------------------------------------------------------------ giving up


def lost(reconnect_seconds: float, during: Callable[[SocketIoTransport], None]) -> Recorder:
    """The receiver of a transport that has given up; ``during`` runs while it tries."""
    recorder = Recorder()
    with FakeManager() as manager:
        transport = SocketIoTransport(
            manager.url, token=None, timeout=20, reconnect_seconds=reconnect_seconds
        )
        transport.start(recorder)
    recorder.wait_for(lambda: recorder.interruptions == 1)
    during(transport)
    recorder.wait_for(lambda: recorder.lost is not None)
    transport.close()
    return recorder


def test_the_error_says_what_happened_since_when_what_is_lost_and_what_to_do() -> None:
    recorder = lost(0.3, lambda transport: None)
    assert recorder.lost is not None
    message = str(recorder.lost)
    assert "the connection to http://127.0.0.1:" in message
    assert "was lost at " in message and "(it ended without a word)" in message
    assert "within 0.3 s (connection refused)" in message
    assert "in flight were 3 blocks and calls, and 0 requests" in message
    assert "kubectl port-forward" in message and "pyfora.connect()" in message


def test_requests_that_wait_fail_with_the_same_error_and_later_ones_at_once() -> None:
    waiting: list[Future[Buffer]] = []

    def during(transport: SocketIoTransport) -> None:
        waiting.extend(transport.download(digit * 64) for digit in "ab")
        transports.append(transport)

    transports: list[SocketIoTransport] = []
    recorder = lost(0.3, during)
    assert "and 2 requests for objects" in str(recorder.lost)
    for each in waiting:
        assert str(each.exception(timeout=20)) == str(recorder.lost)
    with pytest.raises(pyfora.ConnectionError, match="was lost at"):
        transports[0].missing(["a" * 64])


def test_another_token_after_a_restart_is_an_error_at_once() -> None:
    recorder = Recorder()
    manager = FakeManager(token="old")
    with manager:
        port = manager.port
        transport = SocketIoTransport(manager.url, token="old", timeout=20)
        transport.start(recorder)
    with FakeManager(port=port, token="new"):
        recorder.wait_for(lambda: recorder.lost is not None)
    transport.close()
    assert isinstance(recorder.lost, pyfora.AuthenticationError)
    assert "the token is not the one" in str(recorder.lost)


def test_closing_while_the_manager_is_away_ends_at_once_what_waits() -> None:
    recorder = Recorder()
    with FakeManager() as manager:
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    recorder.wait_for(lambda: recorder.interruptions == 1)
    waiting = transport.download("a" * 64)
    transport.close()
    with pytest.raises(pyfora.ConnectionError, match="is closed; connect again"):
        waiting.result(timeout=0)
    assert recorder.lost is None


def test_ctrl_c_while_a_request_waits_for_the_manager_goes_on_at_once() -> None:
    recorder = Recorder()
    with FakeManager() as manager:
        transport = SocketIoTransport(manager.url, token=None, timeout=20)
        transport.start(recorder)
    recorder.wait_for(lambda: recorder.interruptions == 1)
    main = threading.get_ident()
    timer = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        transport.missing(["a" * 64])
    timer.join()
    transport.close()
