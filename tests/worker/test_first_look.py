"""Loops that gain nothing are told by their first items."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pytest

from inline_cluster import InlineCluster
from prompt_native import native_cluster
from ufora_core.compiler.effects.judgement import Verdict, judge
from ufora_core.compiler.sites.views import view_of
from ufora_core.program import LoopFacts
from ufora_worker.loops.first_look import CHEAP, first_items, take_less, takes_a_look
from ufora_worker.loops.visits import NATIVE_SHORT_NS

MANY = 5000
NOTED: list[int] = []


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[InlineCluster]:
    with native_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets what passes from one look at the clock to the next."""

    def set_step(nanoseconds: int) -> None:
        ticks = itertools.count(0, nanoseconds)
        monkeypatch.setattr("ufora_worker.loops.first_look.perf_counter_ns", lambda: next(ticks))

    return set_step


def loops(cluster: InlineCluster) -> list[LoopFacts]:
    assert cluster.ended is not None
    return list(cluster.ended.loops)


def note(n: int) -> int:
    NOTED.append(n)
    return n


def thorough(*about: Any, **more: Any) -> Verdict:
    """A proof that takes longer than native loops have to, to be worth one."""
    end = perf_counter_ns() + 3 * NATIVE_SHORT_NS
    verdict = judge(*about, **more)
    while perf_counter_ns() < end:
        pass
    return verdict


def doubled(n: int) -> int:
    return 2 * n


def digits(n: int) -> int:
    total = 0
    for character in str(n):
        total += int(character)
    return total


@pytest.mark.parametrize(
    ("iterable", "long"),
    [
        ([0] * MANY, True),
        ((0,) * MANY, True),
        ([0] * 100, False),
        (range(MANY), False),
        ("a" * MANY, False),
        (dict.fromkeys(range(MANY)).items(), True),
        (view_of(enumerate, [[0] * MANY], {}), True),
        (view_of(enumerate, [range(MANY)], {}), False),
        (view_of(zip, [range(MANY), [0] * MANY], {}), True),
        (view_of(itertools.product, [[0] * 90, [0] * 90], {}), False),
    ],
    ids=lambda value: "",
)
def test_a_look_at_all_items_is_long_where_they_are_many_objects(iterable: Any, long: bool) -> None:
    assert takes_a_look(iterable, len(iterable)) is long


def test_the_first_items_of_a_dict_are_those_that_iterating_gives() -> None:
    squares = {n: n * n for n in range(MANY)}
    for iterable in (squares, squares.keys(), squares.values(), squares.items()):
        first = first_items(iterable)
        assert list(first) == list(iterable)[: len(first)]
        assert 1 < len(first) < 100


def test_items_are_cheap_when_one_try_says_so(clock: Callable[[int], None]) -> None:
    tried: list[int] = []
    clock(1000)
    assert take_less(100, lambda items: tried.append(len(items)), range(64), 1000)
    assert tried == [1, 64]
    assert not take_less(10, lambda items: tried.append(len(items)), range(64), 1000)
    assert tried == [1, 64, 1, 64, 64, 64]


def test_no_more_than_one_slow_item_is_tried_and_of_few_none(clock: Callable[[int], None]) -> None:
    tried: list[int] = []
    clock(1_000_000)
    assert not take_less(10**9, lambda items: tried.append(len(items)), range(64), 1000)
    assert tried == [1]
    assert not take_less(10**9, lambda items: tried.append(len(items)), range(64), 100)
    assert tried == [1]


def test_items_that_fail_and_single_items_are_not_cheap(clock: Callable[[int], None]) -> None:
    clock(1)
    assert not take_less(100, lambda items: 1 // 0, range(64), 1000)
    assert not take_less(100, len, range(1), 1000)
    assert not take_less(100, len, (), 1000)


def test_trivial_items_of_a_long_list_run_as_written(
    cluster: InlineCluster, clock: Callable[[int], None]
) -> None:
    clock(1000)
    data = list(range(MANY))
    with cluster.remotely.downloadAll():
        total = sum(n + 1 for n in data)
        most = 0
        for n in data:
            most += doubled(n)
    assert (total, most) == (sum(data) + MANY, 2 * sum(data))
    found = [(loop.taken, loop.why_sequential) for loop in loops(cluster)]
    assert [taken for taken, _ in found] == [0, 0]
    assert {why.message for _, why in found if why is not None} == {CHEAP}


def test_items_that_take_longer_are_taken_over(
    cluster: InlineCluster, clock: Callable[[int], None]
) -> None:
    clock(10_000)
    data = list(range(MANY))
    with cluster.remotely.downloadAll():
        total = sum(n + 1 for n in data)
        keys = {n + 1 for n in data}
        counts = Counter(n % 7 for n in data)
        computed = Counter(n % 7 for n in range(MANY))
    assert (total, len(keys)) == (sum(data) + MANY, MANY)
    assert counts == computed == Counter(n % 7 for n in data)
    # Where they are hashed, they have to take longer than that.
    assert [loop.taken for loop in loops(cluster)] == [1, 0, 0, 1]


def test_effects_are_found_before_all_items_are_looked_at(cluster: InlineCluster) -> None:
    seen: Any = []
    data: list[Any] = [*range(MANY), iter(())]
    with cluster.remotely.downloadAll():
        marks = [seen.append(0) for _ in data]
    assert len(marks) == MANY + 1
    [loop] = loops(cluster)
    assert loop.why_sequential is not None
    assert "seen" in loop.why_sequential.message


def test_what_only_later_items_show_is_found_too(
    cluster: InlineCluster, clock: Callable[[int], None]
) -> None:
    clock(10_000)
    data: list[Any] = [*range(MANY), iter(())]
    with cluster.remotely.downloadAll():
        kinds = sum(operator.truth(each) for each in data)
    assert kinds == MANY
    [loop] = loops(cluster)
    assert loop.taken == 0 and loop.why_sequential is not None
    assert "iterator" in loop.why_sequential.message


def test_a_short_loop_is_left_alone_however_long_it_takes_to_look_at(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.bodies.judge", thorough)
    sums, number = [], 0
    with cluster.remotely.downloadAll():
        while number < 50:
            sums.append(digits(123_456_789 + number))
            number += 1
    assert sums == [digits(123_456_789 + n) for n in range(50)]
    [loop] = [each for each in loops(cluster) if each.text.startswith("for")]
    assert loop.taken <= 2
    assert loop.taken + loop.declined <= 50


def test_a_total_without_native_code_is_given_up_where_nobody_helps(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.sites._MOST_LOST_NS", 0)
    total = letters = 0
    with cluster.remotely.downloadAll():
        for n in range(MANY):
            letters += len(str(n))
        for n in range(MANY):
            total += doubled(n)
    assert (letters, total) == (sum(len(str(n)) for n in range(MANY)), MANY * (MANY - 1))
    given_up, native = loops(cluster)
    assert given_up.items < MANY and given_up.native_items == 0
    assert (native.items, native.native_items) == (MANY, MANY)


@pytest.mark.parametrize("native", [True, False], ids=["native", "refused"])
def test_all_items_are_looked_at_when_there_is_native_code_for_the_first(
    native: bool, cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_WORTH_NS", "_SHOWN_NS", "_LEAST_APART_NS"):
        monkeypatch.setattr(f"ufora_worker.for_loops.turns.{limit}", 0)
    monkeypatch.setattr("ufora_worker.for_loops.turns._SETTLING_NS", 10**12)
    looked_at: list[int] = []

    def counted(site: Any, names: Any, scope: Any, items: Any, **more: Any) -> Verdict:
        looked_at.append(len(items))
        return judge(site, names, scope, items, **more)

    monkeypatch.setattr("ufora_worker.for_loops.bodies.judge", counted)
    data = list(range(MANY))
    work = doubled if native else digits
    found: list[int] = []
    with cluster.remotely.downloadAll():
        for n in data:
            found.append(work(n))
    assert found == list(map(work, data))
    assert (max(looked_at) == MANY) is native
    assert min(looked_at) < 100


def test_a_reason_is_not_hidden_by_the_loops_being_short(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.turns.TurnAfterTurn.first", lambda self, run: ())
    proofs: list[Verdict] = []

    def counted(*about: Any, **more: Any) -> Verdict:
        proofs.append(judge(*about, **more))
        return proofs[-1]

    monkeypatch.setattr("ufora_worker.for_loops.bodies.judge", counted)
    found: list[int] = []
    turn = 0
    with cluster.remotely.downloadAll():
        while turn < 3:
            marks = [note(n) for n in range(9)]
            for n in range(9):
                found.append(note(n))
            turn += 1
    assert (len(marks), len(found), len(proofs)) == (9, 27, 1)
    for loop in loops(cluster):
        assert (loop.taken, loop.declined) == (0, 3)
        assert loop.why_sequential is not None
        assert "NOTED" in loop.why_sequential.message


def test_without_native_code_a_loop_runs_as_written_until_its_turns_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = InlineCluster(tmp_path)
    monkeypatch.setattr("ufora_worker.for_loops.turns._APART_NS", 10**12)
    short: list[int] = []
    with cluster.remotely.downloadAll():
        for n in range(500):
            short.append(doubled(n))
    monkeypatch.setattr("ufora_worker.for_loops.turns._SETTLING_NS", -1)
    monkeypatch.setattr("ufora_worker.for_loops.turns._APART_NS", -1)
    taken = [loop.taken for loop in loops(cluster)]
    long: list[int] = []
    with cluster.remotely.downloadAll():
        for n in range(500):
            long.append(doubled(n))
    assert short == long == [2 * n for n in range(500)]
    assert (taken, [loop.taken for loop in loops(cluster)]) == ([], [1])
    cluster.close()
