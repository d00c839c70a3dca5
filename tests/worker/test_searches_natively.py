"""``next``, ``accumulate``, ``islice`` and iterables taken at once: as machine code, and stolen."""

import operator
import random
from collections import deque
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

import pytest

from generous import give_everything
from inline_cluster import InlineCluster
from prompt_native import native_cluster
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import accumulator, finish


@pytest.fixture(params=[0, 1, 2])
def cluster(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InlineCluster]:
    """Somebody is always hungry, and native code is there at once."""
    give_everything(monkeypatch)
    monkeypatch.setattr("ufora_worker.loops.loop.SLICE_NS", 1)
    monkeypatch.setattr("ufora_worker.loops.loop.NATIVE_SLICE_NS", 1 + 40_000 * request.param)
    choose = random.Random(request.param).randrange
    with native_cluster(tmp_path, choose, before_first=request.param > 0) as cluster:
        cluster.words.set_hungry(1)
        yield cluster


def natively(cluster: InlineCluster) -> list[bool]:
    assert cluster.ended is not None
    return [each.native_items > 0 for each in cluster.ended.loops]


def test_the_first_value_is_that_of_the_first_item_that_has_one(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        found = next(n for n in range(3, 900) if n * n % 1009 == 5)
        computed = next((n * 2 + 10**30 for n in range(400) if n * n > 50_000), None)
        missing = next((n for n in range(300) if n * n < 0), "none")
        pair = next((n, n * 0.5) for n in range(300) if n // 7 == 20)
    assert found == next(n for n in range(3, 900) if n * n % 1009 == 5)
    assert computed == 10**30 + 2 * 224
    assert missing == "none"
    assert repr(pair) == "(140, 70.0)"
    assert natively(cluster) == [True] * 4
    assert cluster.ranges_run > 4


def test_an_error_before_the_first_value_is_raised(cluster: InlineCluster) -> None:
    with pytest.raises(ZeroDivisionError), cluster.remotely.downloadAll():
        next(n for n in range(300) if 1 // (200 - n) < 0)
    with cluster.remotely.downloadAll():
        found = next(n for n in range(300) if 1 // (200 - n) > 0)
    assert found == 199


def test_running_totals_of_native_items(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        ints = list(accumulate(n * n % 97 for n in range(300)))
        last = deque(accumulate((n / 7 for n in range(300)), operator.sub), maxlen=1)
        most = max(accumulate(map(lambda n: n * n % 101 - 50, range(300)), initial=2**70))
        squares = [y * y for y in accumulate(range(300))]
        spread = [0, *(n * n for n in range(300))]
    assert ints == list(accumulate(n * n % 97 for n in range(300)))
    assert last == deque(accumulate((n / 7 for n in range(300)), operator.sub), maxlen=1)
    assert most == max(accumulate((n * n % 101 - 50 for n in range(300)), initial=2**70))
    assert squares == [y * y for y in accumulate(range(300))]
    assert spread == [0, *(n * n for n in range(300))]
    assert natively(cluster) == [True] * 5


def halved(n: int) -> float:
    return n / 2


def test_parts_of_lists(cluster: InlineCluster) -> None:
    numbers = [n * n % 101 for n in range(300)]
    with cluster.remotely.downloadAll():
        third = [n + 1 for n in islice(numbers, 5, 290, 3)]
        halves = sum(islice(map(halved, numbers), 200))
        both = [i * n for i, n in enumerate(islice(numbers, 9, None))]
    assert third == [n + 1 for n in numbers[5:290:3]]
    assert halves == sum(map(halved, numbers[:200]))
    assert both == [i * n for i, n in enumerate(numbers[9:])]
    assert natively(cluster) == [True] * 3


def test_the_value_of_the_first_segment_counts() -> None:
    results = accumulator(SiteKind.FIRST)
    assert results.add((), 0, 4) is False
    assert results.add((None,), 4, 7) is True
    later = LiveSegment("first", 9, 12, True)
    first = finish(SiteKind.FIRST, [*results.segments, later], (), (3, 12), lambda lo, hi: [5])
    assert first is None
    rerun = finish(SiteKind.FIRST, [later], (7,), (3, 12), lambda lo, hi: [lo, hi])
    assert rerun == 11
    assert finish(SiteKind.FIRST, [], (7,), (3, 12), lambda lo, hi: []) == 7
    with pytest.raises(StopIteration):
        finish(SiteKind.FIRST, [], (), (3, 12), lambda lo, hi: [])
