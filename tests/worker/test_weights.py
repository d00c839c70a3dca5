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


def test_what_contains_itself_is_weighed_once() -> None:
    loop: list[Any] = ["a"]
    loop.append(loop)
    assert weigh([loop, loop], ENOUGH) < 2 * weigh([["a"]], ENOUGH)
