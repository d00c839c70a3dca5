"""Workers that retire: nothing new, everything handed over, and then farewell."""

import pytest

from scheduling import Cluster, bulk, of, placed, told_worker
from ufora_core.protocol.worker import Farewell, Retire, Unretire, WorkAt
from ufora_manager.scheduler import events
from ufora_manager.scheduler.commands import Command, DeleteObjects, Rescue, Withdraw
from ufora_manager.scheduler.retirement import RETRY_AFTER, empty, left_with
from ufora_manager.scheduler.state import JobState

RESULT = bulk("f")


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    cluster.join("w0")
    return cluster


def retire(cluster: Cluster, name: str = "w0", *, exit: bool = True) -> list[Command]:
    return cluster.handle(events.RetireOrdered(cluster.now, name, exit))


def unretire(cluster: Cluster, name: str = "w0") -> list[Command]:
    return cluster.handle(events.RetireTakenBack(cluster.now, name))


def holds(cluster: Cluster, roots: int = 0, ranges: int = 0) -> list[Command]:
    return cluster.handle(events.WorkerHolds(cluster.now, "w0", roots, ranges))


def rescued(cluster: Cluster, *digests: str) -> list[Command]:
    return cluster.handle(events.ObjectsRescued(cluster.now, "w0", digests))


def test_a_retiring_worker_gets_no_new_roots(cluster: Cluster) -> None:
    assert told_worker(retire(cluster), "w0") == [Retire()]
    assert placed(cluster.submit("a")) == {}
    assert placed(cluster.join("w1")) == {"a": "w1"}


def test_a_retiring_worker_is_not_sent_to_steal_but_is_stolen_from(cluster: Cluster) -> None:
    cluster.submit("a")
    retire(cluster)
    cluster.join("w1")
    cluster.hunger("w1")
    cluster.pass_time(0.5)
    assert told_worker(cluster.hunger("w0"), "w0") == []
    (work,) = told_worker(cluster.hunger("w1"), "w1")
    assert isinstance(work, WorkAt) and [each.name for each in work.workers] == ["w0"]


def test_a_root_that_had_not_left_for_the_worker_goes_elsewhere(cluster: Cluster) -> None:
    cluster.submit("a", needs=(bulk("b"),))
    cluster.join("w1")
    answer = retire(cluster)
    assert of(answer, Withdraw) == [Withdraw("w0", "a")]
    assert placed(answer) == {"a": "w1"}


def test_a_returned_root_waits_before_those_that_came_later(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.submit("b")
    retire(cluster)
    assert cluster.handle(events.RootReturned(cluster.now, "w0", "a")) == []
    assert cluster.state_of("a") is JobState.WAITING
    assert list(cluster.scheduler.state.waiting) == ["a", "b"]


def test_a_worker_that_holds_nothing_is_told_farewell_once(cluster: Cluster) -> None:
    retire(cluster)
    assert told_worker(holds(cluster), "w0") == [Farewell()]
    assert told_worker(holds(cluster), "w0") == []


@pytest.mark.parametrize(("roots", "ranges"), [(1, 0), (0, 1)])
def test_a_worker_that_still_holds_something_stays(
    cluster: Cluster, roots: int, ranges: int
) -> None:
    retire(cluster)
    assert holds(cluster, roots, ranges) == []


def test_a_worker_that_has_not_spoken_is_not_empty(cluster: Cluster) -> None:
    assert Farewell() not in told_worker(retire(cluster), "w0")
    assert Farewell() not in told_worker(cluster.pass_time(1.0), "w0")


def test_a_worker_may_retire_without_an_end(cluster: Cluster) -> None:
    retire(cluster, exit=False)
    assert holds(cluster) == []
    state = cluster.scheduler.state
    assert empty(state, state.workers["w0"])
    assert told_worker(retire(cluster, exit=True), "w0") == [Farewell()]


def test_objects_that_only_a_retiring_worker_has_are_moved_first(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT)
    assert of(retire(cluster), Rescue) == [Rescue("w0", (RESULT.digest,))]
    assert holds(cluster) == [], "it still has the only copy"
    state = cluster.scheduler.state
    assert not empty(state, state.workers["w0"])
    assert told_worker(rescued(cluster, RESULT.digest), "w0") == [Farewell()]


def test_an_object_of_two_workers_that_both_retire_is_moved(cluster: Cluster) -> None:
    cluster.join("w1")
    cluster.submit("a")
    cluster.submit("b")
    cluster.end("a", "w0", result=RESULT)
    cluster.end("b", "w1", result=RESULT)
    assert of(retire(cluster, "w0"), Rescue) == [], "the other one stays"
    assert len(of(retire(cluster, "w1"), Rescue)) == 2


def test_an_object_that_could_not_be_moved_is_tried_again(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT)
    retire(cluster)
    holds(cluster)
    failed = events.RescueFailed(cluster.now, "w0", RESULT.digest, gone=False)
    assert cluster.handle(failed) == []
    assert of(cluster.pass_time(RETRY_AFTER), Rescue) == [Rescue("w0", (RESULT.digest,))]
    state = cluster.scheduler.state
    assert left_with(state, state.workers["w0"]) == {RESULT.digest: RESULT.size}


def test_an_object_that_the_worker_does_not_have_keeps_nobody(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT)
    retire(cluster)
    holds(cluster)
    gone = events.RescueFailed(cluster.now, "w0", RESULT.digest, gone=True)
    assert told_worker(cluster.handle(gone), "w0") == [Farewell()]


def test_an_object_that_was_released_on_its_way_does_not_stay_here(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.end("a", "w0", result=RESULT)
    retire(cluster)
    cluster.release(RESULT.digest)
    assert of(rescued(cluster, RESULT.digest), DeleteObjects) == [DeleteObjects((RESULT.digest,))]


def test_an_order_that_is_taken_back_lets_the_worker_work(cluster: Cluster) -> None:
    retire(cluster)
    cluster.submit("a")
    answer = unretire(cluster)
    assert told_worker(answer, "w0") == [Unretire()]
    assert placed(answer) == {"a": "w0"}


def test_an_order_that_nobody_gave_can_be_taken_back(cluster: Cluster) -> None:
    assert unretire(cluster) == []


def test_an_order_meets_the_worker_when_it_comes_and_whenever_it_comes_back() -> None:
    cluster = Cluster()
    retire(cluster)
    assert told_worker(cluster.join("w0"), "w0") == [Retire()]
    assert told_worker(cluster.join("w0", incarnation="two"), "w0") == [Retire()]
    assert told_worker(cluster.join("w0", incarnation="two"), "w0") == [Retire()]


def test_a_worker_that_is_about_to_stop_retires_and_ends(cluster: Cluster) -> None:
    answer = cluster.handle(events.WorkerLeaving(cluster.now, "w0", "SIGTERM"))
    assert told_worker(answer, "w0") == [Retire()]
    assert unretire(cluster) == [], "nobody ordered that"
    assert told_worker(holds(cluster), "w0") == [Farewell()]


def test_the_cluster_is_idle_since_the_last_job_or_object_went(cluster: Cluster) -> None:
    cluster.now += 5.0
    cluster.submit("a")
    assert cluster.scheduler.state.idle_since is None
    cluster.now += 5.0
    cluster.end("a", "w0", result=RESULT)
    assert cluster.scheduler.state.idle_since is None, "its session keeps an object"
    cluster.now += 5.0
    cluster.release(RESULT.digest)
    assert cluster.scheduler.state.idle_since == cluster.now
