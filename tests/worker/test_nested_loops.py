"""Loops inside of items, and calls side by side: Python's answer, however they are split."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inline_cluster import InlineCluster
from ufora_core.protocol.executor import LoopLost, TakePiece
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.protocol.worker import Piece
from ufora_worker.executor.stack_room import with_room
from ufora_worker.loops.mailbox import Mailbox
from ufora_worker.loops.visits import SHORT_NS, Visits


def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def sort(xs: list[int]) -> list[int]:
    if len(xs) < 2:
        return xs
    middle = len(xs) // 2
    left = sort(xs[:middle])
    right = sort(xs[middle:])
    merged = []
    while left and right:
        merged.append(left.pop(0) if left[0] <= right[0] else right.pop(0))
    return merged + left + right


def queens(n: int, row: int, taken: tuple[int, ...]) -> int:
    if row == n:
        return 1
    return sum(
        queens(n, row + 1, (*taken, column))
        for column in range(n)
        if all(column != c and abs(column - c) != row - r for r, c in enumerate(taken))
    )


def inner(k: int, count: int) -> int:
    return sum(x * k % 7 for x in range(count))


def fails_at(n: int, bad: int) -> int:
    for index in range(n):
        if index == bad:
            raise ValueError(bad)
    return n


@pytest.fixture(params=[0, 1, 2])
def cluster(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InlineCluster]:
    """Everybody is hungry, every item counts as slow, and thieves take ranges in some order."""
    monkeypatch.setattr("ufora_worker.loops.loop.WORTH_GIVING_NS", 0)
    monkeypatch.setattr("ufora_worker.loops.root_loop._NESTED_TASK_NS", 0.0)
    monkeypatch.setattr("ufora_worker.loops.visits.SHORT_NS", 0)
    monkeypatch.setattr("ufora_worker.loops.visits.WORTH", 0)
    cluster = InlineCluster(tmp_path, lambda count: request.param % count)
    cluster.words.set_hungry(3)
    yield cluster
    cluster.close()


def test_inner_loops_give_what_python_gives(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        rows = [inner(k, 300) for k in range(3)]
        nested = [[sum(z * y for z in range(x)) for y in range(4)] for x in range(4)]
    assert rows == [inner(k, 300) for k in range(3)]
    assert nested == [[sum(z * y for z in range(x)) for y in range(4)] for x in range(4)]
    assert cluster.ranges_run > 3


def test_recursions_give_what_python_gives(cluster: InlineCluster) -> None:
    data = [(17 * x) % 101 for x in range(60)]
    with cluster.remotely.downloadAll():
        number = fib(9)
        ordered = sort(data)
        solutions = queens(5, 0, ())
    assert (number, ordered, solutions) == (fib(9), sorted(data), 10)
    assert cluster.ranges_run > 3


def test_the_first_call_that_raises_is_the_one_that_shows(cluster: InlineCluster) -> None:
    a: Any = None
    with pytest.raises(ValueError, match=r"^1$") as raised, cluster.remotely.downloadAll():
        a = fails_at(3, 7)
        b = fails_at(3, 1)
        c = fails_at(3, 2)
        print(b, c)
    assert raised.value.args == (1,)
    assert a == 3


def test_calls_with_effects_run_once_and_in_order(cluster: InlineCluster) -> None:
    log: list[int] = []

    def note(n: int) -> int:
        for _ in range(2):
            log.append(n)
        return n

    with cluster.remotely.downloadAll():
        total = note(1) + note(2)
        first = note(3)
        second = note(4)
    assert (total, first, second) == (3, 3, 4)
    assert log == [1, 1, 2, 2, 3, 3, 4, 4]


def test_a_recursion_without_end_is_a_recursion_error(cluster: InlineCluster) -> None:
    def endless(n: int) -> int:
        return endless(n + 1) + endless(n + 2)

    with pytest.raises(RecursionError), cluster.remotely.downloadAll():
        endless(0)


# ---------------------------------------------------------------------- the parts


def test_a_word_about_an_outer_loop_waits_for_it() -> None:
    mailbox = Mailbox()
    piece = Piece(lo=0, hi=1, partial=Payload("0" * 64, 0, b""))
    words: list[TakePiece | LoopLost] = [
        TakePiece(job="job", loop=1, piece=piece),
        LoopLost(job="job", loop=1, failure=Failure("internal", "gone")),
    ]
    for word in words:
        mailbox.put(word)
    assert mailbox.take("job", 2) is None
    assert [mailbox.take("job", 1) for _ in range(3)] == [*words, None]
    mailbox.put(words[0])
    mailbox.forget("job", 1)
    assert mailbox.take("job", 1) is None


def test_a_site_that_is_reached_for_nothing_rests_ever_longer() -> None:
    visits = Visits()
    asked = [visits.declined() for _ in range(64)]
    assert asked.index(True) == 63
    rests = [visits.rest() for _ in range(9)]
    assert rests == sorted(rests) and rests[1] == 2 * rests[0] and rests[-1] == rests[-2]


def test_short_calls_are_not_taken_so_deep_again_and_long_ones_deeper() -> None:
    visits = Visits()
    visits.open = 5
    assert not visits.note_calls(SHORT_NS - 1, 0) and visits.depth == 5
    visits.open = 4
    assert not visits.note_calls(100 * SHORT_NS, 0) and visits.depth == 7
    visits.open = 0
    assert visits.note_calls(SHORT_NS, SHORT_NS) and visits.depth == 0
    visits.wake()
    assert visits.depth > 0


def test_frames_have_room_at_every_depth() -> None:
    def deep(depth: int) -> int:
        return 0 if depth == 0 else 1 + deep(depth - 1)

    assert with_room(lambda: deep(500)) == 500
