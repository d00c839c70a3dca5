"""Workers come, go, fall silent, and come back."""

import pytest

from scheduling import Cluster, address, failure, of, placed, told_client, told_worker
from ufora_core.protocol.worker import PeerLeft
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler.commands import DropWorker, Withdraw
from ufora_manager.scheduler.events import Tick
from ufora_manager.scheduler.state import JobState
from ufora_manager.scheduler.worker_events import SILENT_AFTER


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    return cluster


def test_root_on_a_worker_that_leaves_fails_with_its_name_and_what_to_do(cluster: Cluster) -> None:
    cluster.submit("a")
    told = failure(cluster.leave("w0"))
    assert told.reason == "worker-died"
    assert "worker w0 was lost: it was told to" in told.message
    assert "run the block again" in told.message


def test_others_learn_of_a_worker_that_left(cluster: Cluster) -> None:
    cluster.join("w1")
    answer = cluster.leave("w0")
    assert told_worker(answer, "w1") == [PeerLeft(worker="w0")]
    assert told_worker(answer, "w0") == []


def test_waiting_jobs_go_to_the_workers_that_are_left(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.submit("b")
    assert placed(cluster.join("w1")) == {"b": "w1"}
    cluster.leave("w1")
    cluster.submit("c")
    assert placed(cluster.end("a", "w0")) == {"c": "w0"}


def test_silent_worker_has_left(cluster: Cluster) -> None:
    cluster.join("w1")
    cluster.submit("a")
    answer = []
    for _ in range(9):
        answer += cluster.pass_time(1.0)
        cluster.hear("w1")
    assert [each.worker for each in of(answer, DropWorker)] == ["w0"]
    assert f"nothing was heard from it for {SILENT_AFTER:.0f} s" in failure(answer).message
    assert list(cluster.scheduler.state.workers) == ["w1"]


def test_no_worker_is_dropped_because_the_manager_itself_stood_still(cluster: Cluster) -> None:
    cluster.pass_time(1.0)
    cluster.now += 100.0
    assert cluster.handle(Tick(cluster.now)) == []
    assert of(cluster.pass_time(SILENT_AFTER + 1), DropWorker) != []


def test_worker_that_was_dropped_is_unknown_until_it_joins_again(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.leave("w0")
    for speak in (cluster.hear, cluster.hunger, cluster.leave):
        with pytest.raises(EventRefused, match="w0 is not registered"):
            speak("w0")
    answer = cluster.join("w0", roots=("a",))
    assert of(answer, Withdraw) == [Withdraw("w0", "a")], "its job has failed meanwhile"


def test_reconnected_worker_keeps_the_roots_that_it_still_has(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.now += 60.0
    assert cluster.join("w0", roots=("a",)) == []
    assert cluster.state_of("a") is JobState.PLACED


def test_root_that_a_reconnected_worker_no_longer_has_is_lost(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.now += 60.0
    told = failure(cluster.join("w0"))
    assert told.reason == "worker-died"
    assert "link to worker w0 broke" in told.message


def test_root_that_crossed_the_hello_or_went_down_with_the_link_is_sent_again(
    cluster: Cluster,
) -> None:
    cluster.submit("a")
    cluster.now += 0.1
    assert placed(cluster.join("w0")) == {"a": "w0"}
    assert cluster.state_of("a") is JobState.PLACED


def test_restarted_worker_has_lost_its_roots_and_gets_new_ones(cluster: Cluster) -> None:
    cluster.join("w1")
    cluster.submit("a")
    cluster.submit("on w1")
    cluster.submit("b")
    answer = cluster.join("w0", incarnation="two")
    assert failure(answer).reason == "worker-died"
    assert told_worker(answer, "w1") == [PeerLeft(worker="w0")]
    assert of(answer, DropWorker) == [], "the address is that of the new process already"
    assert placed(answer) == {"b": "w0"}


def test_root_that_the_manager_never_heard_of_is_stopped(cluster: Cluster) -> None:
    assert cluster.join("w1", roots=("whose",)) == [Withdraw("w1", "whose")]


def test_root_of_a_waiting_job_that_runs_already_is_taken_as_placed() -> None:
    cluster = Cluster()
    cluster.connect()
    cluster.submit("a")
    cluster.submit("b")
    answer = cluster.join("w0", roots=("b",))
    assert placed(answer) == {}, "its one executor is taken"
    assert cluster.state_of("b") is JobState.PLACED
    assert told_client(cluster.end("b", "w0")) != []


def test_worker_that_moved_is_known_by_its_new_address(cluster: Cluster) -> None:
    cluster.join("w0", incarnation="two")
    assert cluster.scheduler.state.workers["w0"].address == address("w0")
