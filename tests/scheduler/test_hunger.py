"""Hungry workers hear who has work worth stealing."""

import pytest

from scheduling import Cluster, address, of, told_worker
from ufora_core.protocol.worker import WorkAt
from ufora_manager.scheduler.commands import Command, WakeAt
from ufora_manager.scheduler.events import Tick
from ufora_manager.scheduler.hunger import WORTH_STEALING_AFTER

NOTHING = WorkAt(workers=())
AT_W0 = WorkAt(workers=(address("w0"),))


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.connect()
    for name in ("w0", "w1"):
        cluster.join(name)
    return cluster


def wake(cluster: Cluster, answer: list[Command]) -> list[Command]:
    (at,) = of(answer, WakeAt)
    cluster.now = at.at
    return cluster.handle(Tick(cluster.now))


def test_hungry_worker_is_answered_even_when_there_is_nothing(cluster: Cluster) -> None:
    assert told_worker(cluster.hunger("w1"), "w1") == [NOTHING]
    assert told_worker(cluster.hunger("w1", slots=2), "w1") == [NOTHING]


def test_hungry_worker_hears_of_a_root_once_it_is_worth_stealing_from(cluster: Cluster) -> None:
    cluster.hunger("w1")
    answer = cluster.submit("a")
    assert told_worker(answer, "w1") == []
    assert told_worker(wake(cluster, answer), "w1") == [AT_W0]


def test_worker_that_grows_hungry_later_hears_of_old_roots_at_once(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(1.0)
    assert told_worker(cluster.hunger("w1"), "w1") == [AT_W0]


def test_work_is_taken_back_when_its_root_ends(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(1.0)
    cluster.hunger("w1")
    assert told_worker(cluster.end("a", "w0"), "w1") == [NOTHING]


def test_short_roots_bother_nobody(cluster: Cluster) -> None:
    cluster.hunger("w1")
    for number in range(10):
        answer = cluster.submit(str(number))
        cluster.now += WORTH_STEALING_AFTER / 4
        answer += cluster.end(str(number), "w0")
        assert told_worker(answer, "w1") == []


def test_no_worker_is_sent_to_itself(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(1.0)
    assert told_worker(cluster.hunger("w0"), "w0") == [NOTHING]


def test_nobody_is_told_the_same_thing_twice(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(1.0)
    cluster.hunger("w1")
    assert told_worker(cluster.pass_time(2.0), "w1") == []


def test_worker_that_is_not_hungry_any_more_hears_nothing(cluster: Cluster) -> None:
    cluster.hunger("w1")
    cluster.hunger("w1", slots=0)
    cluster.submit("a")
    assert told_worker(cluster.pass_time(1.0), "w1") == []


def test_busiest_workers_are_named_first(cluster: Cluster) -> None:
    cluster.join("w2")
    for job in ("a", "b"):
        cluster.submit(job)
    cluster.pass_time(1.0)
    cluster.hunger("w0", slots=1)
    assert told_worker(cluster.hunger("w2"), "w2") == [
        WorkAt(workers=(address("w1"), address("w0")))
    ]


def test_work_of_a_worker_that_left_is_taken_back(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.pass_time(1.0)
    cluster.hunger("w1")
    assert NOTHING in told_worker(cluster.leave("w0"), "w1")
