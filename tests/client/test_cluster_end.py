"""How jobs are stopped, what a broken link does to them, and how a connection ends."""

import contextlib
import gc
import os
import signal
import threading
import warnings
from collections.abc import Iterator

import pytest

import pyfora
from program_runner import run
from pyfora.testing import LocalTransport
from scripted_transport import ScriptedTransport, done
from ufora_core.protocol.client import CancelJob, FromClient, JobDone, JobProgress, Submit, ToClient
from ufora_core.protocol.parts import Failure

PATIENCE = 20.0


@contextlib.contextmanager
def scripted(transport: ScriptedTransport) -> Iterator[pyfora.Cluster]:
    with pyfora.Cluster(transport) as connected:
        yield connected


class Mistake(Exception):
    pass


# ------------------------------------------------------------------ cancelling


def cancels_obeyed(message: FromClient) -> list[ToClient]:
    if isinstance(message, CancelJob):
        return [JobDone(job=message.job, failure=Failure("cancelled", "cancelled by its client"))]
    return []


def test_cancel_reaches_the_workers() -> None:
    transport = ScriptedTransport(cancels_obeyed)
    with scripted(transport) as cluster:
        future = cluster.submit(len, "")
        assert future.cancel()
        assert transport.sent[-1] == CancelJob(job=transport.jobs[0].job)
        with pytest.raises(pyfora.CancelledError):
            future.result()


def test_a_result_that_comes_after_the_cancel_is_let_go() -> None:
    transport = ScriptedTransport()
    with scripted(transport) as cluster:
        future = cluster.submit(len, "")
        future.cancel()
        transport.receiver.on_messages([done(transport.jobs[0], 1)])
        assert cluster.submit(len, "") is not future
        assert future.cancelled()


def test_ctrl_c_in_a_block_cancels_the_job_and_goes_on() -> None:
    def reply(message: FromClient) -> list[ToClient]:
        if isinstance(message, Submit):
            # The handler runs as soon as the main thread waits for the block's end.
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        return cancels_obeyed(message)

    transport = ScriptedTransport(reply)
    with scripted(transport) as cluster:
        with pytest.raises(KeyboardInterrupt), cluster.remotely:
            pass
        assert transport.sent[-1] == CancelJob(job=transport.jobs[0].job)


def test_an_exception_of_the_progress_callback_cancels_the_job() -> None:
    def reply(message: FromClient) -> list[ToClient]:
        if isinstance(message, Submit):
            return [JobProgress(job=message.job, items_done=1, items_total=2, executors=1)]
        return cancels_obeyed(message)

    def callback(report: pyfora.Progress | None) -> None:
        if report is not None:
            raise Mistake

    transport = ScriptedTransport(reply)
    with scripted(transport) as cluster:
        with pytest.raises(Mistake), cluster.remotely.with_progress(callback):
            pass
        assert isinstance(transport.sent[-1], CancelJob)


# ------------------------------------------------------------------ losing the link


def test_jobs_in_flight_are_submitted_again_after_a_reconnect() -> None:
    transport = ScriptedTransport()
    with scripted(transport) as cluster:
        wanted = cluster.submit(len, bytes(100_000))
        unwanted = cluster.submit(len, "b")
        unwanted.cancel()
        first, second = transport.jobs
        transport.receiver.on_interrupted()
        unfinished = transport.receiver.unfinished()
        assert unfinished.messages == [first, CancelJob(job=second.job)]
        assert list(unfinished.objects) == [first.needs[0].digest]
        transport.receiver.on_messages([done(first, 5)])
        assert wanted.result(PATIENCE) == 5


def test_a_lost_cluster_fails_what_waits_and_what_comes() -> None:
    transport = ScriptedTransport()
    with scripted(transport) as cluster:
        future = cluster.submit(len, "")
        error = pyfora.ConnectionError("http://cluster:30000 cannot be reached any more")
        transport.receiver.on_lost(error)
        for wait in (future.result, lambda: cluster.submit(len, ""), lambda: cluster.remotely):
            with pytest.raises(pyfora.ConnectionError, match="http://cluster:30000"):
                wait()
        assert cluster.is_closed()


# ------------------------------------------------------------------ the end


def test_a_closed_cluster_says_so() -> None:
    cluster = pyfora.Cluster(ScriptedTransport())
    assert repr(cluster) == "<pyfora.Cluster http://cluster:30000>"
    cluster.close()
    cluster.close()
    assert cluster.is_closed()
    assert repr(cluster) == "<pyfora.Cluster http://cluster:30000, closed>"
    for use in (
        lambda: cluster.remotely,
        lambda: cluster.submit(len, ""),
        lambda: cluster.define(1),
        cluster.info,
        cluster.__enter__,
    ):
        with pytest.raises(pyfora.PyforaError, match="was closed by this program"):
            use()


def test_closing_cancels_what_runs_and_ends_what_waits() -> None:
    transport = ScriptedTransport()
    closed: list[str] = []
    cluster = pyfora.Cluster(transport, on_close=lambda: closed.append("the cluster as well"))
    future = cluster.submit(len, "")
    cluster.close()
    assert transport.sent[-1] == CancelJob(job=transport.jobs[0].job)
    assert transport.closed and closed == ["the cluster as well"]
    with pytest.raises(pyfora.PyforaError, match="was closed by this program"):
        future.result(PATIENCE)


def test_a_connection_that_fails_leaves_nothing_behind() -> None:
    transport = ScriptedTransport()
    transport.refusal = pyfora.AuthenticationError("wrong token")
    with pytest.raises(pyfora.AuthenticationError):
        pyfora.Cluster(transport)
    assert transport.closed == 1


def test_a_dropped_cluster_closes_when_its_last_value_is_gone() -> None:
    closed = threading.Event()
    cluster = pyfora.Cluster(LocalTransport(run), on_close=closed.set)
    remote = cluster.define(1).result(PATIENCE)
    del cluster
    gc.collect()
    assert remote.to_local().result(PATIENCE) == 1
    assert not closed.is_set()
    del remote
    gc.collect()
    assert closed.wait(PATIENCE)


def test_a_fork_is_told_that_the_connection_is_not_its_own() -> None:
    with scripted(ScriptedTransport()) as cluster:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12: threads and fork
            child = os.fork()
        if child == 0:
            try:
                cluster.submit(len, "")
            except pyfora.PyforaError as error:
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with open(reader) as pipe:
            assert "this is a fork of it; call pyfora.connect() in this process" in pipe.read()
