"""Objects live as long as somebody needs them, and no longer."""

import pytest

from scheduling import Cluster, bulk, of, told_worker
from ufora_core.protocol.worker import ForgetObjects
from ufora_manager.scheduler.commands import Command, DeleteObjects
from ufora_manager.scheduler.objects import ANNOUNCED_FOR
from ufora_manager.scheduler.state import AWAY_FOR

INPUT, RESULT = bulk("a"), bulk("b")


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    return cluster


def deleted(answer: list[Command]) -> list[str]:
    return [digest for each in of(answer, DeleteObjects) for digest in each.digests]


def test_released_object_is_deleted_here_and_on_every_worker(cluster: Cluster) -> None:
    cluster.join("w1")
    cluster.submit("a", needs=(INPUT,))
    cluster.end("a", "w0")
    answer = cluster.release(INPUT.digest)
    assert deleted(answer) == [INPUT.digest]
    for worker in ("w0", "w1"):
        assert told_worker(answer, worker) == [ForgetObjects(digests=(INPUT.digest,))]


def test_released_object_stays_while_a_job_needs_it(cluster: Cluster) -> None:
    cluster.submit("a", needs=(INPUT,))
    assert cluster.release(INPUT.digest) == []
    assert deleted(cluster.end("a", "w0")) == [INPUT.digest]


def test_object_stays_while_another_session_holds_it(cluster: Cluster) -> None:
    cluster.connect("other")
    for job, session in (("a", "s"), ("b", "other")):
        cluster.submit(job, session=session, needs=(INPUT,))
        cluster.end(job, "w0")
    assert cluster.release(INPUT.digest) == []
    assert deleted(cluster.release(INPUT.digest, session="other")) == [INPUT.digest]


def test_result_stays_with_its_worker_until_it_is_released(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT, objects=(bulk("c"),))
    assert cluster.scheduler.workers_with(RESULT.digest) == ["w0"]
    assert deleted(cluster.release(RESULT.digest, bulk("c").digest)) == ["b" * 64, "c" * 64]
    assert cluster.scheduler.workers_with(RESULT.digest) == []


def test_objects_of_a_session_go_when_its_client_stays_away(cluster: Cluster) -> None:
    cluster.submit("a", program=bulk("d"), needs=(INPUT,))
    cluster.disconnect()
    assert sorted(deleted(cluster.pass_time(AWAY_FOR + 1))) == ["a" * 64, "d" * 64]
    assert cluster.scheduler.state.objects == {}


def test_announced_object_waits_for_its_job_and_then_goes(cluster: Cluster) -> None:
    cluster.announce(INPUT)
    assert deleted(cluster.pass_time(ANNOUNCED_FOR - 1)) == []
    assert deleted(cluster.pass_time(1)) == [INPUT.digest]


def test_announced_object_that_its_job_took_goes_when_it_is_released(cluster: Cluster) -> None:
    cluster.announce(INPUT)
    cluster.submit("a", needs=(INPUT,))
    cluster.end("a", "w0")
    assert deleted(cluster.release(INPUT.digest)) == [INPUT.digest]


def test_late_result_of_a_cancelled_job_is_thrown_away_by_its_worker(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.cancel("a")
    answer = cluster.end("a", "w0", result=RESULT)
    assert told_worker(answer, "w0") == [ForgetObjects(digests=(RESULT.digest,))]


def test_releasing_what_one_does_not_hold_changes_nothing(cluster: Cluster) -> None:
    cluster.connect("other")
    cluster.submit("a", session="other", needs=(INPUT,))
    assert cluster.release(INPUT.digest, "e" * 64) == []
    assert INPUT.digest in cluster.scheduler.state.objects


def test_payloads_that_carry_their_bytes_are_no_objects(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0")
    assert cluster.scheduler.state.objects == {}


def test_worker_that_left_has_its_objects_no_more(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT)
    cluster.leave("w0")
    assert cluster.scheduler.workers_with(RESULT.digest) == []
