"""Blocks whose loops are split wherever they can be: the answers are Python's."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generous import give_everything
from inline_cluster import InlineCluster
from ufora_core.errors import UnconvertibleValueError


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InlineCluster]:
    """Somebody is always hungry, and everything seems worth giving away."""
    give_everything(monkeypatch)
    monkeypatch.setattr("ufora_worker.loops.loop.SLICE_NS", 1)
    inline = InlineCluster(tmp_path / "store", random.Random(0).randrange)
    inline.words.set_hungry(1)
    yield inline
    inline.close()


def is_prime(p: int) -> int:
    x = 2
    while x * x <= p:
        if p % x == 0:
            return 0
        x = x + 1
    return 1


class Point:
    def __init__(self, x: int) -> None:
        self.x = x


def test_a_sum_is_split_and_right(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        result = sum(is_prime(n) for n in range(500))
    assert result == sum(is_prime(n) for n in range(500))
    assert cluster.ranges_run > 2


def test_float_sums_have_the_bits_of_one_loop(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        result = sum(1 / (n + 1) for n in range(3000))
    assert repr(result) == repr(sum(1 / (n + 1) for n in range(3000)))
    assert cluster.ranges_run > 2


def test_collections_keep_their_order(cluster: InlineCluster) -> None:
    words = [f"word {n % 7}" for n in range(100)]
    with cluster.remotely.downloadAll():
        squares = [n * n for n in range(200) if n % 3]
        letters = {word: len(word) + at for at, word in list(enumerate(words))}
        some = {word[-1] for word in words}
        doubled = tuple(word + word for word in words)
    assert squares == [n * n for n in range(200) if n % 3]
    assert list(letters.items()) == list({w: len(w) + at for at, w in enumerate(words)}.items())
    assert some == {word[-1] for word in words}
    assert doubled == tuple(word + word for word in words)
    assert cluster.ranges_run > 4


def test_the_first_exception_in_order_is_raised_at_the_users_line(cluster: InlineCluster) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        with cluster.remotely.downloadAll():
            [1 // ((n - 300) * (n - 700)) for n in range(1000)]
    assert str(raised.traceback[0].statement).strip().startswith("[1 //")
    assert cluster.ranges_run > 0


def test_an_error_behind_the_answer_is_never_reached(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        found = any(n == 600 or n // (n - 700) == 999 for n in range(1000))
        every = all(n != 600 and n // (n - 700) != 999 for n in range(1000))
    assert found is True
    assert every is False
    assert cluster.ranges_run > 0


def test_an_error_before_the_answer_is_raised(cluster: InlineCluster) -> None:
    with pytest.raises(ZeroDivisionError):
        with cluster.remotely.downloadAll():
            any(n // (n - 300) == 999 or n == 600 for n in range(1000))


def test_items_that_are_objects_of_the_block_come_back_as_these_objects(
    cluster: InlineCluster,
) -> None:
    captured = [Point(n) for n in range(40)]
    with cluster.remotely.downloadAll():
        own = [[n] for n in range(40)]
        again = [each for each in own]
        points = [point for point in captured if point.x % 2]
        same = all(a is b for a, b in zip(own, again, strict=True))
    assert same
    assert all(a is b for a, b in zip(own, again, strict=True))
    assert [id(point) for point in points] == [id(p) for p in captured if p.x % 2]
    assert cluster.ranges_run > 2


def test_a_loop_sees_what_the_block_changed_before_it(cluster: InlineCluster) -> None:
    data = list(range(100))
    with cluster.remotely.downloadAll():
        data[0] = 1000
        data.append(5)
        total = sum(value for value in data)
    assert total == sum(range(100)) + 1000 + 5
    assert data[0] == 1000
    assert data[-1] == 5


def test_arrays_are_read_in_place(cluster: InlineCluster) -> None:
    array = numpy.arange(30_000, dtype=float).reshape(300, 100)
    with cluster.remotely.downloadAll():
        rows = [float(row.sum()) for row in array]
        largest = max(float(value) for value in array[:, 0])
    assert rows == [float(row.sum()) for row in array]
    assert largest == 29900.0


def test_what_is_not_pure_runs_once_and_in_order(
    cluster: InlineCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []

    def note(n: int) -> int:
        seen.append(n)
        return n

    with cluster.remotely.downloadAll():
        total = sum(note(n) for n in range(100))
    assert total == 4950
    assert seen == list(range(100))
    assert cluster.ranges_run == 0


def test_loops_of_threads_run_as_they_are_written(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        from concurrent.futures import ThreadPoolExecutor

        def total(start: int) -> int:
            return sum(n * n for n in range(start, start + 20_000))

        with ThreadPoolExecutor(4) as pool:
            totals = list(pool.map(total, range(40)))
    assert totals == [sum(n * n for n in range(s, s + 20_000)) for s in range(40)]


def test_an_exception_between_two_parts_of_an_expression_leaves_nothing_behind(
    cluster: InlineCluster,
) -> None:
    with cluster.remotely.downloadAll():
        outcomes = []
        for divisor in (1, 0, 2):
            try:
                outcomes.append(sum((n for n in range(50)), 10 // divisor))
            except ZeroDivisionError:
                outcomes.append(-1)
    assert outcomes == [1235, -1, 1230]


@given(values=st.lists(st.integers(-5, 5) | st.floats(width=16), min_size=2, max_size=60))
def test_mixed_sums_minima_and_maxima_are_those_of_python(
    cluster: InlineCluster, values: list[float]
) -> None:
    with cluster.remotely.downloadAll():
        total = sum(value for value in values)
        least = min(value for value in values)
        most = max(value for value in values)
    expected = (sum(values), min(values), max(values))
    assert repr((total, least, most)) == repr(expected)


def test_what_cannot_leave_the_cluster_says_that_it_stayed_there(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        squares = (n * n for n in range(5))
        first = next(squares)
    assert first == 0
    with pytest.raises(UnconvertibleValueError) as raised:
        next(squares)
    message = str(raised.value)
    assert message.startswith("the value of squares (a generator) was made in the cluster and ")
    assert message.endswith("or let the block assign what it gives, such as a list.")
