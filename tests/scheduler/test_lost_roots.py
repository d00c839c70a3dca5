"""Roots whose worker is lost: again where that is certain to be right, else reported as lost."""

import pytest

from scheduling import SMALL, Cluster, bulk, failure, of, placed, told_client
from ufora_manager.scheduler import events
from ufora_manager.scheduler.commands import Withdraw
from ufora_manager.scheduler.lost_roots import MOST_REPEATS
from ufora_manager.scheduler.restoring import CLIENTS_BACK_WITHIN, FIRST_HOLD, fresh
from ufora_manager.scheduler.scheduler import Scheduler
from ufora_manager.scheduler.state import JobState, Kind


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    return cluster


def start(cluster: Cluster, job: str, worker: str, *, repeatable: bool) -> None:
    cluster.handle(events.RootStarted(cluster.now, worker, job, repeatable))


def test_a_repeatable_root_runs_again_before_jobs_that_came_later(cluster: Cluster) -> None:
    cluster.submit("a")
    start(cluster, "a", "w0", repeatable=True)
    cluster.submit("b")
    cluster.leave("w0")
    assert placed(cluster.join("w1")) == {"a": "w1"}


def test_a_root_with_effects_is_lost(cluster: Cluster) -> None:
    cluster.submit("a")
    start(cluster, "a", "w0", repeatable=False)
    assert failure(cluster.leave("w0")).reason == "worker-died"


def test_a_root_that_had_not_left_for_its_worker_goes_elsewhere(cluster: Cluster) -> None:
    cluster.submit("a", needs=(bulk("b"),))
    assert told_client(cluster.leave("w0")) == []
    assert placed(cluster.join("w1")) == {"a": "w1"}


def test_a_root_that_had_left_for_its_worker_is_lost(cluster: Cluster) -> None:
    cluster.submit("a", needs=(bulk("b"),))
    cluster.handle(events.RootSent(cluster.now, "w0", "a"))
    assert failure(cluster.leave("w0")).reason == "worker-died"


def test_a_root_that_loses_worker_after_worker_is_given_up(cluster: Cluster) -> None:
    cluster.submit("a")
    start(cluster, "a", "w0", repeatable=True)
    for repeat in range(MOST_REPEATS):
        assert told_client(cluster.leave("w0")) == []
        assert placed(cluster.join("w0", incarnation=str(repeat))) == {"a": "w0"}
    told = failure(cluster.leave("w0"))
    assert told.reason == "worker-died"
    assert f"run again {MOST_REPEATS} times" in told.message


def successor() -> Cluster:
    """A manager whose journal is lost."""
    cluster = Cluster()
    cluster.scheduler = Scheduler(fresh(cluster.now, FIRST_HOLD))
    return cluster


def test_a_stray_root_is_adopted_by_the_client_that_comes_back() -> None:
    cluster = successor()
    assert cluster.join("w0", roots=("a",)) == []
    cluster.connect()
    assert placed(cluster.submit("a")) == {}
    assert cluster.state_of("a") is JobState.PLACED
    assert told_client(cluster.end("a", "w0")) != []


def test_the_end_of_a_stray_root_is_kept_for_its_client() -> None:
    cluster = successor()
    cluster.join("w0", roots=("a",))
    assert cluster.end("a", "w0") == []
    cluster.connect()
    assert told_client(cluster.submit("a")) != []
    assert cluster.state_of("a") is JobState.DONE


def test_a_value_whose_job_was_never_written_down_is_found_at_its_worker() -> None:
    cluster = successor()
    cluster.join("w0", roots=("a",))
    cluster.end("a", "w0", result=SMALL, objects=(bulk("e"),))
    cluster.connect()
    cluster.submit("b", needs=(bulk("e"),))
    assert cluster.scheduler.workers_with(bulk("e").digest) == ["w0"]
    assert not cluster.scheduler.state.objects[bulk("e").digest].stored


def test_a_stray_root_that_nobody_wants_is_stopped() -> None:
    cluster = successor()
    cluster.join("w0", roots=("a",))
    answer = []
    for _ in range(int(CLIENTS_BACK_WITHIN)):
        answer += cluster.pass_time(1.0)
        cluster.hear("w0")
    assert of(answer, Withdraw) == [Withdraw("w0", "a")]
    assert cluster.join("w1", roots=("b",)) == [Withdraw("w1", "b")]


def test_no_root_is_placed_until_workers_had_time_to_come_back() -> None:
    cluster = successor()
    cluster.connect()
    cluster.submit("a")
    assert placed(cluster.join("w1")) == {}
    assert cluster.join("w0", roots=("a",)) == []
    assert cluster.job("a").worker == "w0"


def test_what_a_worker_said_of_a_root_is_written_down(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.scheduler.state.unsaved = {}
    start(cluster, "a", "w0", repeatable=True)
    assert list(cluster.scheduler.state.unsaved) == [(Kind.JOB, "a")]
