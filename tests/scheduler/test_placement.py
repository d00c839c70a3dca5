"""Which worker gets a root, and how many it holds in advance."""

from scheduling import Cluster, placed
from ufora_manager.scheduler.placement import PREFETCH, SHORT, capacity


def cluster_with(**executors: int) -> Cluster:
    cluster = Cluster()
    cluster.connect()
    for name, count in executors.items():
        cluster.join(name, executors=count)
    return cluster


def test_worker_with_fewest_roots_per_executor_comes_first_and_ties_go_by_name() -> None:
    cluster = cluster_with(small=1, big=3, also=1)
    order = [placed(cluster.submit(str(number)))[str(number)] for number in range(5)]
    assert order == ["also", "big", "small", "big", "big"]


def test_full_workers_take_no_more_roots() -> None:
    cluster = cluster_with(w0=1)
    cluster.submit("a")
    assert placed(cluster.submit("b")) == {}


def test_worker_of_short_roots_holds_some_in_advance() -> None:
    cluster = cluster_with(w0=2)
    for number in range(20):
        cluster.submit(str(number))
    cluster.now += SHORT / 10
    answer = cluster.end("0", "w0")
    assert len(placed(answer)) == 2 * (1 + PREFETCH) - 1


def test_worker_of_long_roots_holds_none_in_advance() -> None:
    cluster = cluster_with(w0=2)
    for number in range(20):
        cluster.submit(str(number))
    cluster.now += SHORT * 10
    assert len(placed(cluster.end("0", "w0"))) == 1


def test_roots_that_waited_behind_others_still_count_as_short() -> None:
    cluster = cluster_with(w0=1)
    for number in range(50):
        cluster.submit(str(number))
    for number in range(40):
        cluster.now += 0.6 * SHORT
        cluster.end(str(number), "w0")
    assert capacity(cluster.scheduler.state.workers["w0"]) == 1 + PREFETCH


def test_short_job_does_not_wait_behind_a_long_one_while_another_worker_is_free() -> None:
    cluster = cluster_with(w0=1, w1=1)
    assert placed(cluster.submit("long")) == {"long": "w0"}
    for number in range(10):
        job = str(number)
        assert placed(cluster.submit(job)) == {job: "w1"}
        cluster.now += 1.0
        cluster.end(job, "w1")
