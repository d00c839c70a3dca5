"""What the books of a job say of its loops and functions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from inline_cluster import InlineCluster
from prompt_native import native_cluster
from ufora_core.program import FunctionFacts, LoopFacts
from ufora_core.protocol.parts import ExecutorUse
from ufora_worker.executor.chronicle import Tally
from ufora_worker.loops.loop import Place
from ufora_worker.loops.runners import Native
from ufora_worker.native.refusal import UserFunction

LOG: list[int] = []


def cube(n: int) -> int:
    return n * n * n


def half(n: int) -> Any:
    if n > 5:
        return "much"
    return cube(n) / 2


def scaled(n: int, text: str) -> Any:
    return text * n if text else n


def note(n: int) -> int:
    LOG.append(n)
    return n


def is_prime(n: int) -> bool:
    for divisor in range(2, math.isqrt(n) + 1):
        if n % divisor == 0:
            return False
    return n > 1


def letters(n: int) -> int:
    return len({str(n): n})


def first_prime(start: int) -> int:
    for n in range(start, 2 * start):
        if is_prime(n):
            return n
    return 0


def note_primes(start: int) -> None:
    for n in range(start, 2 * start):
        note(is_prime(n))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[InlineCluster]:
    with native_cluster(tmp_path) as cluster:
        yield cluster


def loops(cluster: InlineCluster) -> tuple[LoopFacts, ...]:
    assert cluster.ended is not None
    return cluster.ended.loops


def functions(cluster: InlineCluster) -> tuple[FunctionFacts, ...]:
    assert cluster.ended is not None
    return cluster.ended.functions


def line_of(function: Any, offset: int = 0) -> int:
    first: int = function.__code__.co_firstlineno
    return first + offset


def test_a_statement_that_is_no_site_has_its_reason_and_both_lines(cluster: InlineCluster) -> None:
    x = 0.5
    with cluster.remotely.downloadAll():
        for _ in range(5):
            x = x * (1 - x)
        for n in range(3):
            note(n)
    going_on, noting = loops(cluster)
    assert (going_on.text, going_on.taken, going_on.declined) == ("for _ in range(5):", 0, 0)
    assert going_on.why_sequential is not None
    assert going_on.why_sequential.message == (
        "every turn goes on from what the one before it left in `x`"
    )
    assert going_on.why_sequential.line == going_on.line
    assert noting.why_sequential is not None
    assert noting.why_sequential.message.startswith("`note(n)` stands by itself")
    assert (noting.line, noting.why_sequential.line) == (going_on.line + 2, going_on.line + 3)
    assert noting.filename == noting.why_sequential.filename == __file__


def test_statements_in_a_function_that_items_call_are_not_told_of(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        total = sum(first_prime(n) for n in range(2, 60))
    assert total == sum(map(first_prime, range(2, 60)))
    assert [loop.text for loop in loops(cluster)] == ["sum(first_prime(n) for n in range(2, 60))"]


def test_statements_in_a_function_that_the_block_calls_are_told_of(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        note_primes(9)
    told = [loop for loop in loops(cluster) if not loop.taken]
    assert [loop.text for loop in told if "start" in loop.text] == [
        "for n in range(start, 2 * start):"
    ]


def test_functions_of_native_loops_are_native(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        total = sum(cube(n) for n in range(50))
    assert total == sum(map(cube, range(50)))
    assert functions(cluster) == (FunctionFacts("cube", __file__, line_of(cube), native=True),)


def test_a_function_that_is_not_native_says_which_line_stands_in_the_way(
    cluster: InlineCluster,
) -> None:
    with cluster.remotely.downloadAll():
        halves = [half(n) for n in range(8)]
    assert halves == [half(n) for n in range(8)]
    [facts] = functions(cluster)
    assert (facts.name, facts.line, facts.native) == ("half", line_of(half), False)
    assert facts.why_interpreted is not None
    assert facts.why_interpreted.filename == __file__
    assert facts.why_interpreted.line == line_of(half, 2)
    [loop] = loops(cluster)
    assert loop.why_interpreted == facts.why_interpreted


def test_a_function_that_is_native_in_one_loop_is_native(cluster: InlineCluster) -> None:
    with cluster.remotely.downloadAll():
        numbers = [scaled(n, "") for n in range(50)]
        texts = [scaled(n, "ab") for n in range(50)]
    assert (numbers[3], texts[3]) == (3, "ababab")
    assert [bool(loop.native_items) for loop in loops(cluster)] == [True, False]
    [facts] = functions(cluster)
    assert facts.native
    assert facts.why_interpreted is None


@pytest.mark.parametrize("in_time_elsewhere", [False, True])
def test_code_that_came_too_late_for_the_owner_may_be_in_time_for_others(
    in_time_elsewhere: bool,
) -> None:
    function = UserFunction("cube", "numbers.py", 3)
    late = SimpleNamespace(is_made=False, refusal=None, functions=[function])
    place = SimpleNamespace(native=object())
    tally = Tally()
    tally.note_native(cast(Native, late), cast(Place, place))
    tally.add(ExecutorUse("w", 1, items=50, native_items=50 * in_time_elsewhere), stolen=True)
    tally.settle()
    assert (tally.why_interpreted is None) is in_time_elsewhere
    assert (tally.functions[function] is None) is in_time_elsewhere


def test_the_function_made_of_a_turn_is_none_of_the_users(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ufora_worker.for_loops.turns.TurnAfterTurn.first", lambda self, run: ())
    roots = []
    with cluster.remotely.downloadAll():
        for n in range(60):
            if n % 2:
                roots.append(cube(n))
    assert roots == [cube(n) for n in range(60) if n % 2]
    assert [each.name for each in functions(cluster)] == ["cube"]
    [loop] = loops(cluster)
    assert (loop.text, loop.native_items) == ("for n in range(60):", 60)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sorted", "sorted(words, key=lambda word: cube(word))"),
        ("mapped", "list(map(cube, words))"),
        ("nested", "[[cube(k) for k in range(w)] for w in words]"),
    ],
)
def test_a_loop_is_told_of_as_it_is_written(name: str, text: str, cluster: InlineCluster) -> None:
    words = [3, 1, 2] * 20
    with cluster.remotely.downloadAll():
        if name == "sorted":
            found: Any = sorted(words, key=lambda word: cube(word))
        elif name == "mapped":
            found = list(map(cube, words))
        else:
            found = [[cube(k) for k in range(w)] for w in words]
    assert len(found) == 60
    assert text in [loop.text for loop in loops(cluster)]


def test_without_native_code_the_report_says_how_to_get_it(tmp_path: Path) -> None:
    cluster = InlineCluster(tmp_path)
    with cluster.remotely.downloadAll():
        total = sum(cube(n) for n in range(50))
    assert total == 1_500_625
    [loop] = loops(cluster)
    assert loop.why_interpreted is not None
    assert loop.why_interpreted.edit == 'pip install "ufora-worker[native]"'
    assert functions(cluster) == ()
    cluster.close()


def test_a_lasting_loop_that_runs_as_written_says_what_stands_in_the_way(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_WORTH_NS", "_SHOWN_NS", "_LEAST_APART_NS"):
        monkeypatch.setattr(f"ufora_worker.for_loops.turns.{limit}", 0)
    monkeypatch.setattr("ufora_worker.for_loops.turns._SETTLING_NS", 10**12)
    lengths = []
    with cluster.remotely.downloadAll():
        for n in range(40):
            if n % 2:
                lengths.append(letters(n))
    assert lengths == [letters(n) for n in range(40) if n % 2]
    [loop] = loops(cluster)
    assert (loop.taken, loop.declined) == (0, 1)
    assert loop.why_sequential is not None and loop.why_interpreted is not None
    assert loop.why_sequential.message == "its items take less time than dividing it"
    assert loop.why_interpreted.line == line_of(letters, 1)
    assert [each.name for each in functions(cluster)] == ["letters"]


def test_a_loop_whose_variable_is_no_number_begins_as_written(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_WORTH_NS", "_SHOWN_NS"):
        monkeypatch.setattr(f"ufora_worker.for_loops.turns.{limit}", 0)
    monkeypatch.setattr("ufora_worker.for_loops.turns._LEAST_APART_NS", 10**12)
    monkeypatch.setattr("ufora_worker.for_loops.turns._SETTLING_NS", 10**12)
    text, number = "", 0
    with cluster.remotely.downloadAll():
        for n in range(400):
            text += chr(65 + n % 26)
        for n in range(400):
            number += cube(n)
    assert text == "".join(chr(65 + n % 26) for n in range(400))
    assert number == sum(map(cube, range(400)))
    [loop] = loops(cluster)
    assert (loop.text, loop.items) == ("for n in range(400):", 400)


def test_what_a_fold_begins_with_is_not_looked_at_where_its_items_have_effects(
    cluster: InlineCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []
    monkeypatch.setattr("ufora_worker.for_loops.changes.is_plain", lambda item: looked.append(item))
    monkeypatch.setattr("ufora_worker.for_loops.turns.TurnAfterTurn.first", lambda self, run: ())
    found: list[Any] = []
    with cluster.remotely.downloadAll():
        for n in range(40):
            found = [*found, note(n)]
    assert found == list(range(40))
    [loop] = loops(cluster)
    assert (loop.declined, looked) == (1, [])
