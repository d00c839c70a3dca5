"""The life of a job: placed, ended, cancelled, asked for twice."""

import pytest

from scheduling import SMALL, Cluster, failure, of, placed, told_client
from ufora_core.protocol.client import JobDone, JobOutput, JobProgress
from ufora_core.protocol.parts import ExecutorUse, Failure
from ufora_manager.errors import EventRefused, InvalidTransition
from ufora_manager.scheduler.commands import Place, Withdraw
from ufora_manager.scheduler.events import RootPrinted, RootProgressed, RootUnplaced
from ufora_manager.scheduler.state import JobState
from ufora_manager.scheduler.transitions import TRANSITIONS, Cause, move


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    return cluster


def test_job_is_placed_and_its_result_reaches_the_client(cluster: Cluster) -> None:
    cluster.join("w0")
    assert cluster.submit("a") == [Place("w0", "a", SMALL, ())]
    cluster.now += 2.0
    use = (ExecutorUse("w0", 0, items=3),)
    (done,) = told_client(cluster.end("a", "w0", result=SMALL, use=use))
    assert done == JobDone(job="a", result=SMALL, seconds=2.0, use=use)
    assert cluster.state_of("a") is JobState.DONE


def test_jobs_wait_until_a_worker_comes_and_then_start_in_their_order(cluster: Cluster) -> None:
    for job in ("c", "a", "b"):
        assert cluster.submit(job) == []
    answer = cluster.join("w0", executors=2)
    assert [each.job for each in of(answer, Place)] == ["c", "a"]
    assert placed(cluster.end("a", "w0")).keys() >= {"b"}


def test_job_submitted_twice_runs_once(cluster: Cluster) -> None:
    cluster.join("w0", executors=4)
    cluster.submit("a")
    assert cluster.submit("a") == []


def test_ended_job_submitted_again_is_answered_again(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    first = told_client(cluster.end("a", "w0"))
    assert told_client(cluster.submit("a")) == first


def test_failure_of_a_root_reaches_the_client_as_it_is(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    died = Failure("executor-died", "executor 0 of w0 ended with SIGSEGV")
    assert failure(cluster.end("a", "w0", failure=died)) == died
    assert cluster.state_of("a") is JobState.FAILED


def test_root_that_ends_with_nothing_is_an_internal_failure(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    assert failure(cluster.end("a", "w0", use=())).reason == "internal"


def test_root_whose_objects_cannot_be_brought_fails_and_makes_room(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.submit("b")
    lost = Failure("missing-object", "gone")
    answer = cluster.handle(RootUnplaced(cluster.now, "w0", "a", lost))
    assert failure(answer) == lost
    assert placed(answer) == {"b": "w0"}


def test_cancelled_job_is_withdrawn_and_its_place_is_taken(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.submit("b")
    answer = cluster.cancel("a")
    assert of(answer, Withdraw) == [Withdraw("w0", "a")]
    assert failure(answer).reason == "cancelled"
    assert placed(answer) == {"b": "w0"}


def test_waiting_job_is_cancelled_without_a_word_to_workers(cluster: Cluster) -> None:
    cluster.submit("a")
    answer = cluster.cancel("a")
    assert of(answer, Withdraw) == []
    assert cluster.state_of("a") is JobState.CANCELLED


def test_cancelling_what_has_ended_or_was_never_there_does_nothing(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.end("a", "w0")
    assert cluster.cancel("a") == []
    assert cluster.cancel("nobody's") == []


def test_nobody_cancels_or_takes_over_the_job_of_another_session(cluster: Cluster) -> None:
    cluster.connect("other")
    cluster.submit("a")
    assert cluster.cancel("a", session="other") == []
    with pytest.raises(EventRefused, match="another session"):
        cluster.submit("a", session="other")


def test_late_end_of_a_cancelled_root_is_no_mistake(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.cancel("a")
    assert cluster.end("a", "w0") == []
    assert cluster.end("never heard of", "w0") == []


def test_output_and_progress_go_to_the_client_of_the_job(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    answer = cluster.handle(RootPrinted(cluster.now, "w0", "a", "stdout", "hello\n"))
    assert told_client(answer) == [JobOutput(job="a", stream="stdout", text="hello\n")]
    answer = cluster.handle(RootProgressed(cluster.now, "w0", "a", 3, 10, 2))
    assert told_client(answer) == [JobProgress(job="a", items_done=3, items_total=10, executors=2)]


@pytest.mark.parametrize("worker", ["w1", "nobody"])
def test_worker_that_speaks_of_a_root_it_does_not_have_is_refused(
    cluster: Cluster, worker: str
) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.join("w1")
    with pytest.raises(EventRefused, match=worker):
        cluster.end("a", worker)
    assert cluster.state_of("a") is JobState.PLACED


def test_every_pair_of_states_that_is_not_in_the_table_is_refused(cluster: Cluster) -> None:
    cluster.submit("a")
    job = cluster.job("a")
    for start in JobState:
        for target in JobState:
            if (start, target) in TRANSITIONS:
                continue
            job.state = start
            before = repr(cluster.scheduler.state)
            with pytest.raises(InvalidTransition, match=f"{start.value} and cannot become"):
                move(cluster.scheduler.state, job, target, Cause(cluster.now, "a test"))
            assert repr(cluster.scheduler.state) == before


def test_refused_transition_tells_the_story_of_the_job(cluster: Cluster) -> None:
    cluster.join("w0")
    cluster.submit("a")
    cluster.now += 1.5
    cluster.cancel("a")
    job = cluster.job("a")
    with pytest.raises(InvalidTransition) as refused:
        move(cluster.scheduler.state, job, JobState.DONE, Cause(cluster.now, "a late result"))
    assert str(refused.value) == (
        "job a is cancelled and cannot become done (a late result); its story: "
        "0.000 s placed: on w0; 1.500 s cancelled: by its client"
    )


def test_stopping_manager_cancels_all_jobs_and_takes_no_new_ones(cluster: Cluster) -> None:
    from ufora_manager.scheduler.events import ManagerStopping

    cluster.join("w0")
    cluster.submit("a")
    cluster.submit("b")
    answer = cluster.handle(ManagerStopping(cluster.now))
    assert of(answer, Withdraw) == [Withdraw("w0", "a")]
    assert [done.job for done in told_client(answer)] == ["a", "b"]
    assert "stopped" in failure(cluster.submit("c")).message
