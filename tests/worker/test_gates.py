"""The gates of sites: what they say, for how long they are there, and what a closed one spares."""

import builtins
import gc
import weakref
from collections import Counter
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest

from inline_cluster import InlineCluster
from ufora_core.compiler.effects.judgement import Verdict
from ufora_core.compiler.sites.gates import gate_name, gates_in, runs_as_written
from ufora_core.compiler.sites.site import Site
from ufora_worker.loops.calls import CallLoops
from ufora_worker.loops.gates import Gates, keep_gates_of
from ufora_worker.loops.moments import Moment

#: Numbers that no engine of these tests gives to a site.
FIRST = 10**9


def says(index: int) -> object:
    return vars(builtins).get(gate_name(index))


@pytest.fixture
def gates() -> Gates:
    gates = Gates()
    for index in (FIRST, FIRST + 1):
        gates.add(index)
    return gates


def test_outside_of_an_engine_all_gates_are_closed(gates: Gates) -> None:
    assert says(FIRST) is True
    assert gates.close(False) is True
    assert says(FIRST) is False
    gates.remove()
    assert says(FIRST) is None


def test_the_gate_of_a_site_that_rests_stays_closed(gates: Gates) -> None:
    gates.close(False)
    gates.set(FIRST, True)
    assert (says(FIRST), says(FIRST + 1)) == (True, False)
    assert gates.close(True) is False
    gates.set(FIRST, False)
    assert (says(FIRST), says(FIRST + 1)) == (True, True)
    gates.close(False)
    assert (says(FIRST), says(FIRST + 1)) == (False, False)
    gates.remove()


def test_a_site_is_asked_again_when_its_rest_is_over(gates: Gates) -> None:
    gates.close(False)
    gates.rest(FIRST, 0)
    gates.rest(FIRST + 1, 10**15)
    assert gates.due(helped=False) == [FIRST]
    assert (says(FIRST), says(FIRST + 1)) == (False, True)
    gates.remove()


def test_a_gate_is_there_as_long_as_code_that_asks_for_it(gates: Gates) -> None:
    code = compile(f"def f(): return {gate_name(FIRST)}", "program.py", "exec")
    keep_gates_of(code)
    inner = next(each for each in code.co_consts if hasattr(each, "co_code"))
    late = FunctionType(inner, {})
    del code, inner
    gates.close(False)
    gates.remove()
    assert late() is True and says(FIRST + 1) is None
    del late
    gc.collect()
    Gates().remove()
    assert says(FIRST) is None


def test_nothing_is_called_where_code_dies(gates: Gates) -> None:
    codes = [compile(gate_name(FIRST), "program.py", "eval")]
    keep_gates_of(codes[0])
    # That may be at the recursion limit, where a callback would fail and be complained of.
    assert [each.__callback__ for each in weakref.getweakrefs(codes[0])] == [None]
    gates.close(False)
    codes.clear()
    gates.remove()
    assert says(FIRST) is None


def test_a_site_rests_until_somebody_could_help(gates: Gates) -> None:
    gates.close(False)
    gates.rest_until_helped(FIRST)
    gates.set(FIRST, False)
    assert gates.due(helped=False) == []
    assert says(FIRST) is True
    assert gates.due(helped=True) == [FIRST]
    assert says(FIRST) is False
    assert gates.due(helped=True) == []
    gates.remove()


def test_the_names_of_gates_are_told_from_others() -> None:
    assert gates_in(("x", gate_name(3), "__ufora_loop__")) == [gate_name(3)]
    assert runs_as_written(3).__class__.__name__ == "Name"


# ---------------------------------------------------------------------- what it costs


def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def tiny(count: int) -> int:
    total = 0
    while count:
        total += sum(x for x in (1, 2, 3))
        count -= 1
    return total


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often sites asked the engine."""
    counts: Counter[str] = Counter()
    alone, count = CallLoops.alone, Moment.count

    def counted_alone(loops: CallLoops, frame: FrameType, site: Site) -> bool:
        counts["alone"] += 1
        return alone(loops, frame, site)

    def counted_count(moment: Moment) -> int:
        counts["loops"] += 1
        return count(moment)

    judge = CallLoops._judge

    def counted_judge(*arguments: Any) -> Verdict:
        counts["judged"] += 1
        return judge(*arguments)

    monkeypatch.setattr(CallLoops, "alone", counted_alone)
    monkeypatch.setattr(CallLoops, "_judge", counted_judge)
    monkeypatch.setattr(Moment, "count", counted_count)
    return counts


def test_a_site_that_gains_nothing_is_left_alone(tmp_path: Path, asked: Counter[str]) -> None:
    cluster = InlineCluster(tmp_path)
    with cluster.remotely.downloadAll():
        number = fib(17)
        total = tiny(5_000)
    cluster.close()
    assert (number, total) == (1597, 30_000)
    # Of 2,583 and 5,000 visits; nothing wakes a site here, since no heart beats.
    assert asked["alone"] < 40
    assert asked["judged"] < 10
    assert asked["loops"] < 100


class Node:
    def __init__(self, value: int, left: "Node | None", right: "Node | None") -> None:
        self.value, self.left, self.right = value, left, right


def grown(low: int, high: int) -> Node | None:
    if low == high:
        return None
    middle = (low + high) // 2
    return Node(middle, grown(low, middle), grown(middle + 1, high))


def sorted_by_merging(items: list[int]) -> list[int]:
    if len(items) < 2:
        return items
    middle = len(items) // 2
    return merged(sorted_by_merging(items[:middle]), sorted_by_merging(items[middle:]))


def merged(left: list[int], right: list[int]) -> list[int]:
    result = []
    while left and right:
        result.append((left if left[-1] > right[-1] else right).pop())
    return [*left, *right, *reversed(result)]


def fails_below(depth: int) -> int:
    if depth == 0:
        raise KeyError(depth)
    return fails_below(depth - 1) + fails_below(depth - 1)


def test_lists_of_numbers_are_proved_once_at_all_levels(
    tmp_path: Path, asked: Counter[str]
) -> None:
    cluster = InlineCluster(tmp_path)
    cluster.words.set_hungry(1)
    with cluster.remotely.downloadAll():
        result = sorted_by_merging(list(range(3000, 0, -1)))
    cluster.close()
    assert result == list(range(1, 3001))
    assert 0 < asked["judged"] <= 3 < asked["alone"]


def test_where_nobody_could_help_calls_without_native_code_are_left_alone(
    tmp_path: Path, asked: Counter[str]
) -> None:
    cluster = InlineCluster(tmp_path)
    with cluster.remotely.downloadAll():
        result = sorted_by_merging(list(range(3000, 0, -1)))
    cluster.close()
    assert result == list(range(1, 3001))
    assert asked["judged"] == 0
    assert asked["alone"] <= 2


def test_what_is_larger_than_what_it_takes_to_make_it_is_left_alone(
    tmp_path: Path, asked: Counter[str]
) -> None:
    cluster = InlineCluster(tmp_path)
    cluster.words.set_hungry(1)
    with cluster.remotely.downloadAll():
        tree = grown(0, 20_000)
    cluster.close()
    assert tree is not None and tree.value == 10_000
    assert cluster.ranges_run == 0
    assert asked["alone"] < 40


def test_a_call_that_raises_is_not_taken_over_again_at_each_level(
    tmp_path: Path, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.loops.visits.SHORT_NS", 0)
    monkeypatch.setattr("ufora_worker.loops.visits.WORTH", 0)
    cluster = InlineCluster(tmp_path)
    cluster.words.set_hungry(1)
    with pytest.raises(KeyError), cluster.remotely.downloadAll():
        fails_below(40)
    cluster.close()
    assert 0 < asked["alone"] < 40


@pytest.mark.parametrize("hungry", [0, 1])
def test_a_long_chain_of_objects_travels_and_is_walked(tmp_path: Path, hungry: int) -> None:
    head = None
    for value in range(20_000):
        head = Node(value, head, None)
    cluster = InlineCluster(tmp_path)
    cluster.words.set_hungry(hungry)
    with cluster.remotely.downloadAll():
        total = walked(head) + walked(head)
        first, second = walked(head), walked(head)
        totals = [walked(head) for _ in range(2)]
    cluster.close()
    assert (total, first, second, totals) == (40_000, 20_000, 20_000, [20_000] * 2)


def walked(node: Node | None) -> int:
    count = 0
    while node is not None:
        count, node = count + 1, node.left
    return count
