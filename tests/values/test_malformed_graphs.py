"""Whatever a graph says, decoding it gives values or an error of the core."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ufora_core.errors import CoreError, StoreError, ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.nodes import Graph, Named, Pickled, Ref


class Plain:
    limit = 3

    def __init__(self) -> None:
        self.x = [1]

    @property
    def double(self) -> int:
        return self.limit * 2


@dataclasses.dataclass
class Point:
    x: int = 0


def with_closure(n: int) -> Callable[[int], int]:
    def inner(x: int = 5) -> int:
        return x + n + Plain.limit

    return inner


def sample() -> Graph:
    encoder = Encoder()
    encoder.item(
        [
            *(2**70, 1j, "\ud800", b"x", bytearray(b"y"), (1, [2]), {"k": {1, 2}}, range(3)),
            *(slice(1), frozenset([4]), list(range(50)), np.arange(4), np.zeros((2, 3), order="F")),
            *(Plain(), Point(3), with_closure(1), Plain().double, collections.deque([1, 2])),
            *(threading.Lock(), ValueError("x"), collections.OrderedDict(a=1), "a".upper),
        ]
    )
    return encoder.graph()


SAMPLE = sample()
FIXED = (Named, Pickled)  # what these name is imported or loaded, and any of it may be


def mutate(data: st.DataObject, node: Any) -> Any:
    """The node with one field of another node's kind, size or index."""
    fields = [name for name in node.__struct_fields__ if name not in ("code", "call")]
    field = data.draw(st.sampled_from(fields))
    old = getattr(node, field)
    odd = data.draw(
        st.sampled_from([None, -1, 3, 2.5, "x", "__dict__", [], ["a"], [Ref(0), 1]])
        | st.integers(-2, len(SAMPLE.nodes) + 1).map(Ref)
        | st.lists(st.integers(0, len(SAMPLE.nodes)).map(Ref), max_size=3)
        | st.just(old)
    )
    return msgspec.structs.replace(node, **{field: odd})


def missing(digest: str) -> bytes:
    raise StoreError(f"there is no {digest!r}")


def run(graph: Graph) -> None:
    decoder = Decoder(graph, missing)
    for index in range(len(graph.nodes)):
        with contextlib.suppress(CoreError):
            decoder.value(Ref(index))


@given(st.data())
@settings(max_examples=600)
def test_mutated_nodes_give_values_or_errors_of_the_core(data: st.DataObject) -> None:
    found = list(SAMPLE.nodes)
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(found) - 1))
        if not isinstance(found[index], FIXED):
            found[index] = mutate(data, found[index])
    # What the typed decoder of the wire refuses never gets here.
    try:
        graph = msgspec.msgpack.decode(msgspec.msgpack.encode(Graph(found)), type=Graph)
    except msgspec.DecodeError:
        return
    run(graph)


@given(st.data())
@settings(max_examples=200)
def test_swapped_nodes_give_values_or_errors_of_the_core(data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(SAMPLE.nodes))))
    run(Graph([SAMPLE.nodes[index] for index in order]))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (nodes.List([Ref(9)]), "no node 9 among 1"),
        (nodes.Tuple([Ref(0)]), "before itself"),
        (nodes.FrozenSet([Ref(0)]), "before itself"),
        (nodes.Dict([1], []), "1 keys and 0 values"),
        (nodes.Binary(nodes.Bytes(5, b"ab")), "5 bytes are announced, 2 are there"),
        (nodes.Packed("list", "d", nodes.Bytes(3, b"abc")), "cannot be built"),
        (nodes.Packed("set", "d", nodes.Bytes(0, b"")), "no set can be packed"),
        (nodes.BigInt("zz"), "invalid literal"),
        (nodes.Array("<f8", (2,), "C", nodes.Bytes(8, b"x" * 8), True), "8 bytes are no array"),
        (nodes.Array("<f8", (-1,), "C", nodes.Bytes(0, b""), True), "no array has shape"),
        (nodes.Array("O", (1,), "C", nodes.Bytes(8, b"x" * 8), True), "is not its bytes"),
        (nodes.Array("nonsense", (1,), "C", nodes.Bytes(8, b""), True), "nonsense"),
        (nodes.Input(0), "no input 0 among 0"),
        (nodes.Remote("ab", 1), "not available"),
        (nodes.Wrapped("eval", [1]), "wraps no functions"),
        (nodes.Instance(5, [], [], [], []), "a type is needed, not a int"),
        (nodes.Named("", ""), "no name of a module"),
        (nodes.Pickled(nodes.Bytes(1, b"x"), "Odd", "1.0"), "Odd travels by cloudpickle"),
    ],
)
def test_each_kind_of_nonsense_is_named(node: Any, text: str) -> None:
    with pytest.raises(ValueGraphError) as raised:
        Decoder(Graph([node]), lambda _: b"").value(Ref(0))
    assert text in str(raised.value)


def test_a_missing_blob_is_the_stores_error() -> None:
    graph = Graph([nodes.Binary(nodes.Bytes(5, None, "abc"))])
    with pytest.raises(StoreError, match="no 'abc'"):
        Decoder(graph, missing).value(Ref(0))


def test_source_that_is_no_function_is_refused() -> None:
    namespace = nodes.Namespace("m", [], [])
    for text in ("", "x = 1", "def f(:", "lambda", "import os"):
        source = nodes.Source(text, "f.py", 1, 0, "")
        node = nodes.Function(
            "f", "f", source, None, Ref(1), [], None, None, None, None, None, None
        )
        with pytest.raises(ValueGraphError, match=r"f\.py|is no function"):
            Decoder(Graph([node, namespace]), lambda _: b"").value(Ref(0))
