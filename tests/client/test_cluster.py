"""A cluster object: what goes out for a call, and what comes back."""

import contextlib
import gc
import io
import threading
import traceback
import weakref
from collections.abc import Iterator, Sequence

import pytest

import pyfora
import pyfora.testing
from program_runner import run
from pyfora.testing import LocalTransport
from scripted_transport import ScriptedTransport, done
from ufora_core.protocol.client import (
    FromClient,
    JobDone,
    JobOutput,
    JobProgress,
    Release,
    Submit,
    ToClient,
)
from ufora_core.protocol.parts import ExecutorUse, Failure, Payload

PATIENCE = 20.0


@pytest.fixture
def transport() -> LocalTransport:
    return LocalTransport(run)


@pytest.fixture
def cluster(transport: LocalTransport) -> Iterator[pyfora.Cluster]:
    """A cluster that really runs what is sent, in this process."""
    with pyfora.Cluster(transport) as connected:
        yield connected


@contextlib.contextmanager
def scripted(transport: ScriptedTransport) -> Iterator[pyfora.Cluster]:
    with pyfora.Cluster(transport) as connected:
        yield connected


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


class Mistake(Exception):
    pass


def shout(text: str, mark: str = "!") -> str:
    return text.upper() + mark


def fail(number: int) -> None:
    raise Mistake(number)


def append_to(items: list[int], item: int) -> list[int]:
    items.append(item)
    return items


# ------------------------------------------------------------------ calls


def test_a_call_returns_what_the_function_returns(cluster: pyfora.Cluster) -> None:
    assert cluster.submit(shout, "hello").result(PATIENCE) == "HELLO!"
    assert cluster.submit(shout, "hello", mark="?").result(PATIENCE) == "HELLO?"
    assert cluster.submit(lambda: 2**100).result(PATIENCE) == 2**100


def test_futures_among_the_arguments_are_waited_for(cluster: pyfora.Cluster) -> None:
    first = cluster.submit(shout, "a")
    assert cluster.submit(shout, first, mark=first).result(PATIENCE) == "A!A!"


def test_an_exception_comes_back_as_itself_with_the_user_s_line(cluster: pyfora.Cluster) -> None:
    error = cluster.submit(fail, 3).exception(PATIENCE)
    assert type(error) is Mistake and error.args == (3,)
    [only] = traceback.extract_tb(error.__traceback__)
    assert (only.name, only.line) == ("fail", "raise Mistake(number)")


def test_an_argument_that_was_changed_in_place_is_changed_here(cluster: pyfora.Cluster) -> None:
    items = [1, 2]
    returned = cluster.submit(append_to, items, 3).result(PATIENCE)
    assert items == [1, 2, 3]
    assert returned is items


def test_an_instance_that_comes_back_is_one_of_the_client_s_class(cluster: pyfora.Cluster) -> None:
    point = cluster.submit(Point, 5).result(PATIENCE)
    assert type(point) is Point and point.x == 5


def test_a_future_that_is_kept_does_not_keep_what_it_was_made_of(
    cluster: pyfora.Cluster,
) -> None:
    argument = Point(1)
    argument.ballast = bytes(100_000)  # type: ignore[attr-defined]
    gone = weakref.ref(argument)
    future = cluster.submit(type, argument)
    assert future.result(PATIENCE) is Point
    del argument
    cluster.submit(len, "").result(PATIENCE)  # the delivery thread has let go of the first
    gc.collect()
    assert gone() is None


def test_bulk_is_uploaded_once_and_comes_back(
    cluster: pyfora.Cluster, transport: LocalTransport
) -> None:
    data = bytes(200_000)
    assert cluster.submit(len, data).result(PATIENCE) == 200_000
    assert cluster.submit(lambda each: each * 2, data).result(PATIENCE) == data * 2
    submits = [each for each in transport.sent if isinstance(each, Submit)]
    assert submits[0].needs == submits[1].needs
    assert submits[0].needs[0].size == 200_000


# ------------------------------------------------------------------ remote values


def test_a_defined_value_can_be_had_back(cluster: pyfora.Cluster) -> None:
    remote = cluster.define({"a": [1, 2]}).result(PATIENCE)
    assert repr(remote) == "<RemoteValue dict: {'a': [1, 2]}>"
    assert remote.to_local().result(PATIENCE) == {"a": [1, 2]}


def test_a_remote_function_is_called_there(cluster: pyfora.Cluster) -> None:
    function = cluster.define(shout).result(PATIENCE)
    text = function("hi", mark="?").result(PATIENCE)
    assert isinstance(text, pyfora.RemoteValue)
    assert text.to_local().result(PATIENCE) == "HI?"


def test_the_exception_of_a_remote_call_is_raised_here(cluster: pyfora.Cluster) -> None:
    function = cluster.define(fail).result(PATIENCE)
    with pytest.raises(Mistake):
        function(1).result(PATIENCE)


def test_a_remote_value_is_an_argument_without_a_detour(
    cluster: pyfora.Cluster, transport: LocalTransport
) -> None:
    remote = cluster.define(bytes(300_000)).result(PATIENCE)
    assert cluster.submit(len, remote).result(PATIENCE) == 300_000
    assert cluster.submit(len, cluster.define("abc")).result(PATIENCE) == 3
    assert all(b"to_local" not in each for each in transport.objects.values())


def test_a_remote_value_is_released_when_nothing_refers_to_it() -> None:
    released = threading.Event()

    class Watched(LocalTransport):
        def send(self, messages: Sequence[FromClient]) -> None:
            super().send(messages)
            if any(isinstance(each, Release) for each in messages):
                released.set()

    transport = Watched(run)
    with pyfora.Cluster(transport) as cluster:
        remote = cluster.define(bytes(300_000)).result(PATIENCE)
        digest, _ = remote.__ufora_remote__()
        assert cluster.submit(len, remote).result(PATIENCE) == 300_000
        assert not released.is_set() and digest in transport.objects
        del remote
        gc.collect()
        assert released.wait(PATIENCE)
        assert digest not in transport.objects


# ------------------------------------------------------------------ output, progress, reports


def test_output_is_written_in_order_before_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = io.StringIO()
    monkeypatch.setattr("sys.stdout", both)
    monkeypatch.setattr("sys.stderr", both)

    def reply(message: FromClient) -> list[ToClient]:
        if not isinstance(message, Submit):
            return []
        return [
            JobOutput(job=message.job, stream="stdout", text="one\n"),
            JobOutput(job=message.job, stream="stderr", text="two\n"),
            JobOutput(job=message.job, stream="stdout", text="three\n"),
            done(message),
        ]

    with scripted(ScriptedTransport(reply)) as cluster:
        cluster.submit(len, "").result(PATIENCE)
        assert both.getvalue() == "one\ntwo\nthree\n"


def test_a_closed_stdout_does_not_hurt_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)

    def reply(message: FromClient) -> list[ToClient]:
        assert isinstance(message, Submit)
        return [JobOutput(job=message.job, stream="stdout", text="lost"), done(message, 4)]

    with scripted(ScriptedTransport(reply)) as cluster:
        assert cluster.submit(len, "").result(PATIENCE) == 4


def test_progress_of_a_block_reaches_its_callback_and_ends_with_none() -> None:
    def reply(message: FromClient) -> list[ToClient]:
        assert isinstance(message, Submit)
        report = JobProgress(job=message.job, items_done=1, items_total=4, executors=2)
        return [report, done(message)]

    with scripted(ScriptedTransport(reply)) as cluster:
        reports: list[pyfora.Progress | None] = []
        with cluster.remotely.with_progress(reports.append):
            pass
    assert reports == [pyfora.Progress(1, 4, 2), None]


def test_the_last_report_tells_who_worked() -> None:
    use = (ExecutorUse("a", 0, items=3, ranges=1, busy_seconds=0.5), ExecutorUse("b", 1))

    def reply(message: FromClient) -> list[ToClient]:
        assert isinstance(message, Submit)
        end = done(message)
        return [JobDone(job=end.job, result=end.result, seconds=0.75, use=use)]

    with scripted(ScriptedTransport(reply)) as cluster:
        assert cluster.last_report is None
        cluster.submit(len, "").result(PATIENCE)
        report = cluster.last_report
    assert report is not None and (report.cores, report.busy_seconds) == (1, 0.5)
    assert str(report) == (
        "len: 0.750 s on 1 core, 0.500 s busy\n"
        "  a executor 0: 0.500 s, 3 items in 1 ranges\n"
        "  b executor 1: 0.000 s, 0 items in 0 ranges"
    )


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("executor-died", pyfora.WorkerDiedError),
        ("worker-died", pyfora.WorkerDiedError),
        ("out-of-memory", pyfora.OutOfMemoryError),
        ("missing-package", pyfora.MissingPackageError),
        ("cancelled", pyfora.CancelledError),
        ("no-workers", pyfora.JobFailedError),
    ],
)
def test_a_failure_is_an_error_of_its_kind_with_the_cluster_s_sentence(
    reason: str, error: type[Exception]
) -> None:
    def reply(message: FromClient) -> list[ToClient]:
        assert isinstance(message, Submit)
        return [JobDone(job=message.job, failure=Failure(reason, "worker-0 says why"))]

    with scripted(ScriptedTransport(reply)) as cluster:
        with pytest.raises(error, match="worker-0 says why"):
            cluster.submit(len, "").result(PATIENCE)
        with pytest.raises(error, match="worker-0 says why"), cluster.remotely:
            pass


def test_a_result_that_cannot_be_read_is_an_error_and_the_cluster_goes_on() -> None:
    answers = iter([b"\xc1garbage", None])

    def reply(message: FromClient) -> list[ToClient]:
        assert isinstance(message, Submit)
        data = next(answers)
        if data is None:
            return [done(message, 1)]
        return [JobDone(job=message.job, result=Payload("0" * 64, len(data), data))]

    with scripted(ScriptedTransport(reply)) as cluster:
        with pytest.raises(pyfora.PyforaError, match="cannot be read"):
            cluster.submit(len, "").result(PATIENCE)
        assert cluster.submit(len, "").result(PATIENCE) == 1


def test_a_lost_bulk_value_is_an_error_that_names_the_cluster() -> None:
    def reply(message: FromClient) -> list[ToClient]:
        if not isinstance(message, Submit):
            return []
        return [JobDone(job=message.job, result=Payload("a" * 64, 10**6))]

    with scripted(ScriptedTransport(reply)) as cluster:
        future = cluster.submit(len, "")
        with pytest.raises(pyfora.ConnectionError, match="http://cluster:30000"):
            future.result(PATIENCE)


def test_info_and_the_number_of_workers_are_the_manager_s() -> None:
    with scripted(ScriptedTransport()) as cluster:
        assert cluster.worker_count() == cluster.getWorkerCount() == 2
        assert cluster.info()["workers"][0]["name"] == "a"
        assert cluster.url == "http://cluster:30000"


def test_a_callback_may_submit_more() -> None:
    with pyfora.testing.connect(run) as cluster:
        followed: list[pyfora.Future[str]] = []
        ready = threading.Event()

        def follow(first: "pyfora.Future[str]") -> None:
            followed.append(cluster.submit(shout, first))
            ready.set()

        cluster.submit(shout, "a").add_done_callback(follow)  # type: ignore[arg-type]
        assert ready.wait(PATIENCE)
        assert followed[0].result(PATIENCE) == "A!!"
