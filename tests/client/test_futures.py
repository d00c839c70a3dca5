"""Futures behave as those of the standard library do, and stop what runs."""

import asyncio
import concurrent.futures
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import pytest

import pyfora
from pyfora._futures import Handle


class FakeJob:
    """A job behind a future."""

    def __init__(self, *, stops: bool = True) -> None:
        self.cancels = 0
        self.ended = threading.Event()
        self._stops = stops

    def cancel(self) -> None:
        self.cancels += 1
        if self._stops:
            self.ended.set()

    def future(self, delivery_thread: int = 0) -> "pyfora.Future[int]":
        return pyfora.Future(Handle(self.cancel, self.ended, delivery_thread))


def interrupt_soon() -> threading.Thread:
    """Ctrl-C for this thread, once it waits."""
    main = threading.get_ident()

    def waits() -> bool:
        frame = sys._current_frames()[main]
        outer = frame.f_back
        return frame.f_code.co_name == "wait" and outer is not None and "_base" in str(outer)

    def interrupt() -> None:
        while not waits():
            time.sleep(0)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_result_and_callbacks_see_the_value() -> None:
    seen: list[int] = []
    future = FakeJob().future()
    future.add_done_callback(lambda done: seen.append(done.result()))
    future.set_result(7)
    assert (future.result(), seen, future.done()) == (7, [7], True)


def test_a_wait_ends_after_its_timeout() -> None:
    with pytest.raises(pyfora.TimeoutError):
        FakeJob().future().result(timeout=0.01)


def test_cancel_stops_the_job_once_and_wakes_those_who_wait() -> None:
    job = FakeJob()
    future = job.future()
    waiting: concurrent.futures.Future[object] = concurrent.futures.Future()

    def wait() -> None:
        waiting.set_result(concurrent.futures.wait([future]))

    thread = threading.Thread(target=wait)
    thread.start()
    assert future.cancel() and future.cancel()
    thread.join()
    assert job.cancels == 1
    assert waiting.result() == ({future}, set())
    with pytest.raises(pyfora.CancelledError):
        future.result()


def test_a_future_that_is_done_cannot_be_cancelled() -> None:
    job = FakeJob()
    future = job.future()
    future.set_result(1)
    assert not future.cancel()
    assert job.cancels == 0


def test_as_completed_gives_them_as_they_come() -> None:
    slow, quick = FakeJob().future(), FakeJob().future()
    done = concurrent.futures.as_completed([slow, quick])
    quick.set_result(1)
    assert next(done) is quick
    slow.set_result(2)
    assert next(done) is slow


async def test_a_future_can_be_awaited() -> None:
    future = FakeJob().future()
    threading.Thread(target=future.set_result, args=(5,)).start()
    assert await future == 5


async def test_a_cancelled_task_cancels_the_job_it_awaits() -> None:
    job = FakeJob()
    future = job.future()

    async def wait() -> int:
        return await future

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(job.ended.wait)
    assert job.cancels == 1


def test_ctrl_c_while_waiting_cancels_the_job_and_goes_on() -> None:
    job = FakeJob()
    thread = interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        job.future().result()
    thread.join()
    assert job.cancels == 1


def test_ctrl_c_goes_on_after_a_second_when_the_job_does_not_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyfora._futures.STOP_SECONDS", 0.01)
    job = FakeJob(stops=False)
    thread = interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        job.future().exception()
    thread.join()
    assert job.cancels == 1


def test_an_interrupt_that_the_job_raised_is_its_result() -> None:
    job = FakeJob()
    future = job.future()
    future.set_exception(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        future.result()
    assert job.cancels == 0


def test_a_callback_that_would_wait_for_its_own_thread_is_told() -> None:
    future = FakeJob().future(delivery_thread=threading.get_ident())
    with pytest.raises(pyfora.PyforaError, match="add_done_callback"):
        future.result()


def test_a_fork_that_would_wait_forever_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    future = FakeJob().future()
    child = os.getpid() + 1
    monkeypatch.setattr("pyfora._futures.os", SimpleNamespace(getpid=lambda: child))
    with pytest.raises(pyfora.PyforaError, match="belongs to another process"):
        future.result()
