"""Long lists of NumPy's numbers are packed, and come back with class and bits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import Graph, Item, Ref

KINDS = [np.float64, np.float32, np.float16, np.int64, np.int8, np.uint16, np.complex64, np.bool_]


def sent(value: object) -> tuple[Graph, Item]:
    encoder = Encoder()
    item = encoder.item(value)
    return encoder.graph(), item


def arrived(value: object) -> Any:
    graph, item = sent(value)
    return Decoder(graph, lambda digest: b"").value(item)


def form(values: Sequence[Any]) -> list[tuple[type, bytes]]:
    return [(type(each), each.tobytes()) for each in values]


@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_come_back_with_class_and_bits(kind: Any, container: Any) -> None:
    numbers = container(kind(n) for n in range(100))
    graph, item = sent(numbers)
    assert isinstance(item, Ref)
    assert isinstance(graph.nodes[item.index], nodes.Packed)
    back = arrived(numbers)
    assert type(back) is container
    assert form(back) == form(numbers)


def test_special_floats_keep_their_bits() -> None:
    numbers = [np.float64(x) for x in (0.0, -0.0, np.inf, -np.inf, 5e-324) for _ in range(10)]
    assert form(arrived(numbers)) == form(numbers)


@pytest.mark.parametrize(
    "values",
    [
        [np.float64(n) for n in range(50)] + [np.float64("nan")] * 2,
        [np.float64(n) for n in range(50)] + [1.0],
        [np.float64(n) for n in range(50)] + [np.float32(1)],
        [np.datetime64(n, "D") for n in range(50)],
        [np.longdouble(n) for n in range(50)],
        [np.str_(n) for n in range(50)],
        [np.float64(n) for n in range(5)],
    ],
    ids=["nan", "floats", "mixed", "dates", "long doubles", "texts", "few"],
)
def test_what_is_more_than_its_bytes_is_not_packed(values: list[Any]) -> None:
    graph, _ = sent(values)
    assert not any(isinstance(node, nodes.Packed) for node in graph.nodes)
    assert list(map(type, arrived(values))) == list(map(type, values))


def test_one_nan_stays_one() -> None:
    nan = np.float64("nan")
    back = arrived([np.float64(n) for n in range(50)] + [nan, nan])
    assert back[-1] is back[-2]


@pytest.mark.parametrize(("container", "kind"), [("set", np.float64), ("list", np.str_)])
def test_a_bad_node_is_refused(container: str, kind: type) -> None:
    encoder = Encoder()
    item = encoder.item(kind)
    graph = encoder.graph()
    node = nodes.Packed(container, "", nodes.Bytes(8, b"12345678"), scalar=item)
    broken = Graph([*graph.nodes, node])
    with pytest.raises(ValueGraphError, match="can be packed"):
        Decoder(broken, lambda digest: b"").value(Ref(len(graph.nodes)))
