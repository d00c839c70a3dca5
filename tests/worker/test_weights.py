"""What it costs to send values: in proportion to how much there is, found out in little time."""

from typing import Any

import pytest

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


def test_nothing_is_weighed_beyond_the_limit() -> None:
    seen = []

    def values() -> Any:
        for index in range(10**9):
            seen.append(index)
            yield [str(index)]

    assert weigh(values(), 1e6) > 1e6
    assert len(seen) < 100


def test_of_a_long_list_of_texts_a_few_are_weighed() -> None:
    texts = ["x" * 100] * 10_000
    assert weigh([texts], ENOUGH) == pytest.approx(weigh([texts * 10], ENOUGH) / 10, rel=0.02)
    some = [*texts, Node(1, 2)]
    assert weigh([some], ENOUGH) == pytest.approx(weigh([texts], ENOUGH), rel=0.01)
    assert weigh([[Node(1, 2), *texts]], ENOUGH) > 2 * weigh([texts], ENOUGH)


def test_what_contains_itself_is_weighed_once() -> None:
    loop: list[Any] = ["a"]
    loop.append(loop)
    assert weigh([loop, loop], ENOUGH) < 2 * weigh([["a"]], ENOUGH)
