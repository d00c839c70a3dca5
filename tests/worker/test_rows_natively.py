"""Lists that items give: native code hands them out as rows, and they are lists of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inline_cluster import InlineCluster
from prompt_native import native_cluster

#: Much more than columns hold at first.
WIDE = 50_000


def shares(n: int, parts: int) -> list[float]:
    if n == 3:
        return []
    return [n / part for part in range(1, parts)]


def beyond(n: int) -> list[int]:
    return [n, n * 2**62]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[InlineCluster]:
    with native_cluster(tmp_path) as cluster:
        yield cluster


def native_items(cluster: InlineCluster) -> list[int]:
    assert cluster.ended is not None
    return [loop.native_items for loop in cluster.ended.loops if loop.taken]


def test_a_matrix_product_is_native_as_a_whole(cluster: InlineCluster) -> None:
    a = [[n * k % 7 for k in range(12)] for n in range(9)]
    b = [[n + k for k in range(5)] for n in range(12)]
    with cluster.remotely.downloadAll():
        c = [[sum(a[i][k] * b[k][j] for k in range(12)) for j in range(5)] for i in range(9)]
    assert c == [[sum(a[i][k] * b[k][j] for k in range(12)) for j in range(5)] for i in range(9)]
    assert native_items(cluster)[0] == 9


def test_rows_of_a_function_are_lists_of_their_own(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        rows = [shares(n, 4) for n in range(6)]
        rows[0].append(7.0)
    assert rows == [[0.0] * 3 + [7.0], *([shares(n, 4) for n in range(1, 6)])]
    assert native_items(cluster)[0] == 6


def test_a_row_longer_than_the_columns_is_whole(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        rows = [[n * k for k in range(WIDE)] for n in range(3)]
    assert rows == [[n * k for k in range(WIDE)] for n in range(3)]
    assert native_items(cluster)[0] == 3


def test_a_row_with_a_large_number_is_made_in_cpython(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        rows = [beyond(n) for n in range(40)]
    assert rows == [beyond(n) for n in range(40)]
    assert cluster.ended is not None
    assert cluster.ended.loops[0].bails > 0


def test_rows_may_be_taken_apart_and_sorted(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        best = sorted([[-n % 5, n] for n in range(20)])
        kept = tuple([n, n + 1] for n in range(20) if n % 3)
    assert best == sorted([[-n % 5, n] for n in range(20)])
    assert kept == tuple([n, n + 1] for n in range(20) if n % 3)
