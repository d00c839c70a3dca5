"""What it costs to send values: in proportion to how much there is, found out in little time."""

from typing import Any, NamedTuple

import pytest

from ufora_worker.loops import weights
from ufora_worker.loops.segments import shipping_ns
from ufora_worker.loops.weights import weigh

ENOUGH = 1e12


class Node:
    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: Any) -> None:
        self.left = left


def chain(kind: Any, length: int) -> Any:
    head = None
    for _ in range(length):
        head = kind(head)
    return head


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ([1] * 10, [1] * 100_000),
        ("x", "x" * 10_000_000),
        ([[1], [2]], [[n] for n in range(1000)]),
        (["x"] * 10, ["x"] * 10_000),
        (["x"] * 100, ["x" * 20_000] * 100),
        ({1: [2]}, {n: [n] for n in range(1000)}),
        (Node(1, 2), chain(lambda head: Node(head, 0), 1000)),
        (Slotted(None), chain(Slotted, 1000)),
        (chain(lambda head: (head, "a"), 3), chain(lambda head: (head, "a"), 3000)),
    ],
)
def test_more_weighs_more(small: Any, large: Any) -> None:
    assert 20 * weigh([small], ENOUGH) < weigh([large], ENOUGH)
    assert 20 * shipping_ns([small]) < shipping_ns([large])


class Loud(list[Any]):
    nbytes = "not a number of bytes"

    def __iter__(self) -> Any:
        raise AssertionError("it was asked for its items")


class Named(NamedTuple):
    nbytes: str
    size: int


ROWS = [(n, n * 0.5, f"w{n}") for n in range(10_000)]


def test_rows_of_a_table_are_light_and_the_same_tuples_elsewhere_are_not() -> None:
    entries = dict(enumerate(ROWS))
    assert 4 * shipping_ns(ROWS) < shipping_ns(entries.values())
    assert 4 * weigh([ROWS], ENOUGH) < weigh([entries], ENOUGH)


def test_few_of_many_items_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    of_leaf = weights._leaf_ns

    def counted(value: object) -> float | None:
        looked.append(value)
        return of_leaf(value)

    monkeypatch.setattr(weights, "_leaf_ns", counted)
    many = list(range(100_000))
    values = [[str(n) for n in many], ["x" * 300] * 100_000, dict.fromkeys(many), set(many)]
    assert weigh(values, ENOUGH) > 1e7
    assert len(looked) < 50


def test_objects_of_the_user_s_are_not_asked_what_they_weigh() -> None:
    alone = weigh([Loud()], ENOUGH)
    assert weigh([Loud(ROWS)], ENOUGH) > 20 * alone
    assert 0 < weigh([Named("a", 1)], ENOUGH) < 10 * alone


def test_nothing_is_weighed_beyond_the_limit() -> None:
    seen = []

    def values() -> Any:
        for index in range(10**9):
            seen.append(index)
            yield [str(index)]

    assert weigh(values(), 1e6) > 1e6
    assert len(seen) < 400


def test_of_a_long_list_of_texts_a_few_are_weighed() -> None:
    texts = ["x" * 100] * 10_000
    assert weigh([texts], ENOUGH) == pytest.approx(weigh([texts * 10], ENOUGH) / 10, rel=0.02)
    some = [*texts, Node(1, 2)]
    assert weigh([some], ENOUGH) == pytest.approx(weigh([texts], ENOUGH), rel=0.01)
    assert weigh([[Node(1, 2), *texts]], ENOUGH) > weigh([texts], ENOUGH) + weigh([1], ENOUGH)


def test_what_contains_itself_is_weighed_once() -> None:
    loop: list[Any] = ["a"]
    loop.append(loop)
    assert weigh([loop, loop], ENOUGH) < 2 * weigh([["a"]], ENOUGH)
