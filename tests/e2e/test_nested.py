"""Loops inside of items, over real processes: whoever owns an inner loop gives parts of it away."""

from collections.abc import Iterator

import pytest

import pyfora

#: Of an inner loop: some 100 ms, of which two helpers can take a part that is worth its way.
ITEMS = 20_000


def slow(n: int) -> str:
    """Text, so that it stays in CPython."""
    text = ""
    for _ in range(60):
        text = str(n) + text[:20]
    return text


def row(k: int, count: int) -> int:
    return sum(len(slow(n * k)) for n in range(count))


def spell(n: int) -> str:
    if n < 2:
        return str(n)
    return (spell(n - 1) + spell(n - 2))[-20:]


@pytest.fixture(scope="module")
def cluster() -> Iterator[pyfora.Cluster]:
    with (
        pyfora.LocalCluster(workers=2, cores_per_worker=2) as local,
        local.connect() as connected,
    ):
        yield connected


def test_an_outer_loop_of_two_uses_four_executors(cluster: pyfora.Cluster) -> None:
    expected = [row(k, ITEMS) for k in (1, 2)]
    helpers: set[tuple[str, int]] = set()
    # Who comes to help depends on the machine; the test's own time limit ends what never does.
    while len(helpers) < 3:
        with cluster.remotely.downloadAll() as block:
            rows = [row(k, ITEMS) for k in (1, 2)]
        assert rows == expected
        assert isinstance(block.report, pyfora.Report)
        helpers = {(use.worker, use.executor) for use in block.report.executors if use.items}


def test_a_recursion_is_divided_among_executors(cluster: pyfora.Cluster) -> None:
    expected = spell(22)
    steals = 0
    while not steals:
        with cluster.remotely.downloadAll() as block:
            spelled = spell(22)
        assert spelled == expected
        assert isinstance(block.report, pyfora.Report)
        steals = sum(loop.steals for loop in block.report.loops)
