"""What the programs of one cluster set for the processes that run them, and for their own."""

import decimal
import os
import random
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import pyfora
from pyfora._ambient import travelling


@pytest.fixture(scope="module")
def cluster() -> Iterator[pyfora.Cluster]:
    """One executor runs everything."""
    with pyfora.LocalCluster(workers=1, cores_per_worker=1) as local, local.connect() as connected:
        yield connected


def change_everything() -> None:
    decimal.getcontext().prec = 5
    np.seterr(all="raise")
    random.seed(1)
    os.environ["LEFT_BEHIND"] = "yes"
    os.chdir("/")


def look() -> tuple[object, ...]:
    found = decimal.getcontext().prec, np.geterr(), os.environ.get("LEFT_BEHIND"), os.getcwd()
    return (*found, random.random())


def test_one_program_finds_nothing_of_another(cluster: pyfora.Cluster) -> None:
    before = cluster.submit(look).result()
    cluster.submit(change_everything).result()
    after = cluster.submit(look).result()

    assert before[:-1] == after[:-1]
    random_after_seeding = random.Random(1).random()
    assert random_after_seeding not in (before[-1], after[-1])


def test_calls_begin_with_what_the_program_set(cluster: pyfora.Cluster) -> None:
    with decimal.localcontext(prec=9), np.errstate(divide="ignore"):
        precision, handling, *_ = cluster.submit(look).result()

    assert precision == 9
    assert handling == {**np.geterr(), "divide": "ignore"}


def test_calls_draw_numbers_of_their_own(cluster: pyfora.Cluster) -> None:
    drawn = {cluster.submit(random.random).result() for _ in range(4)}

    assert len(drawn) == 4
    assert random.random() not in drawn


def test_blocks_at_the_same_time_do_not_draw_the_same_numbers(cluster: pyfora.Cluster) -> None:
    drawn: list[float] = []

    def draw() -> None:
        with cluster.remotely.downloadAll():
            numbers = [random.random() for _ in range(3)]
        drawn.extend(numbers)

    with travelling():  # a block that runs
        threads = [threading.Thread(target=draw) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    draw()

    assert len(set(drawn)) == 9
    assert random.random() not in drawn
