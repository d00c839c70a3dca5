"""Clients come, go, come back in time or too late."""

from collections.abc import Callable

import pytest

from scheduling import Cluster, failure, of, placed, told_client
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler.client_events import ANSWER_KEPT_FOR, ORPHANS_KEPT_FOR
from ufora_manager.scheduler.commands import Command, TellClient, Withdraw
from ufora_manager.scheduler.events import Tick
from ufora_manager.scheduler.state import AWAY_FOR, JobState


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    return cluster


def stay_away(cluster: Cluster) -> list[Command]:
    cluster.disconnect()
    answer = cluster.pass_time(AWAY_FOR)
    assert answer == []
    return cluster.pass_time(0.5)


def test_jobs_of_a_client_that_stays_away_are_stopped(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.submit("b")
    assert of(stay_away(cluster), Withdraw) == [Withdraw("w0", "a")]
    assert cluster.state_of("a") is cluster.state_of("b") is JobState.CANCELLED
    assert cluster.scheduler.state.sessions == {}


def test_room_that_an_absent_client_leaves_goes_to_others(cluster: Cluster) -> None:
    cluster.connect("other")
    cluster.submit("a")
    cluster.submit("b", session="other")
    assert placed(stay_away(cluster)) == {"b": "w0"}


def test_client_that_comes_back_in_time_finds_its_jobs_running(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.disconnect()
    cluster.pass_time(AWAY_FOR)
    cluster.connect()
    cluster.pass_time(AWAY_FOR)
    assert cluster.state_of("a") is JobState.PLACED
    assert cluster.submit("a") == []


def test_result_that_came_while_the_client_was_away_is_sent_when_it_asks(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.disconnect()
    missed = told_client(cluster.end("a", "w0"))
    cluster.connect()
    assert told_client(cluster.submit("a")) == missed


def test_client_that_comes_back_too_late_does_not_run_its_jobs_again(cluster: Cluster) -> None:
    cluster.submit("done")
    cluster.end("done", "w0")
    cluster.submit("running")
    stay_away(cluster)
    cluster.connect("anew")
    for job in ("done", "running"):
        answer = cluster.submit(job, session="anew")
        (told,) = of(answer, TellClient)
        assert told.session == "anew"
        assert "away for more than 3 s" in str(told.message)


def test_answers_are_forgotten_when_no_client_can_miss_them_any_more(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0")
    for _ in range(int(ANSWER_KEPT_FOR)):
        cluster.pass_time(1.0)
        cluster.hear("w0")
        assert "a" in cluster.scheduler.state.jobs
    cluster.pass_time(0.5)
    assert "a" not in cluster.scheduler.state.jobs


def test_ids_of_orphaned_jobs_are_forgotten_at_last(cluster: Cluster) -> None:
    cluster.submit("a")
    stay_away(cluster)
    cluster.now += ORPHANS_KEPT_FOR + 1
    cluster.handle(Tick(cluster.now))
    assert cluster.scheduler.state.jobs == {}


def test_absence_does_not_count_while_the_manager_itself_stood_still(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(0.5)
    cluster.disconnect()
    cluster.now += 60.0
    cluster.handle(Tick(cluster.now))
    assert cluster.state_of("a") is JobState.PLACED


def test_unknown_session_is_refused(cluster: Cluster) -> None:
    before = repr(cluster.scheduler.state)
    speeches: list[Callable[[], list[Command]]] = [
        lambda: cluster.submit("a", session="x"),
        lambda: cluster.cancel("a", session="x"),
        lambda: cluster.release("0" * 64, session="x"),
        lambda: cluster.disconnect("x"),
    ]
    for speak in speeches:
        with pytest.raises(EventRefused, match="session x is not connected"):
            speak()
    assert repr(cluster.scheduler.state) == before


def test_failure_says_that_the_client_was_away(cluster: Cluster) -> None:
    cluster.submit("a")
    assert failure(stay_away(cluster)).reason == "cancelled"
