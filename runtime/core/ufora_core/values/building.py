"""Decoding instances, recipes and pickles (see ``objects`` for the other direction)."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ufora_core.errors import ValueGraphError
from ufora_core.values import nodes
from ufora_core.values.contents import add_items, add_pairs
from ufora_core.values.functions import PYTHON
from ufora_core.values.nodes import Item
from ufora_core.values.objects import pickled
from ufora_core.values.restore import set_state
from ufora_core.values.steps import Steps

if TYPE_CHECKING:
    from ufora_core.values.decode import Decoder


def _make_instance(decoder: Decoder, node: nodes.Instance) -> object:
    return object.__new__(decoder.get_as(type, node.type))


def _fill_instance(decoder: Decoder, value: Any, node: nodes.Instance) -> None:
    if node.names:
        vars(value).update(zip(node.names, map(decoder.get, node.values), strict=True))
    for name, item in zip(node.slots, node.slot_values, strict=True):
        object.__setattr__(value, name, decoder.get(item))


def _make_reduced(decoder: Decoder, node: nodes.Reduced) -> object:
    call: Any = decoder.get(node.call)
    arguments = decoder.get_as(tuple, node.arguments)
    return call(*arguments)


def _reduced_fills(node: nodes.Reduced) -> Iterable[Item]:
    return (node.state, node.items, node.pairs)


def _fill_reduced(decoder: Decoder, value: Any, node: nodes.Reduced) -> None:
    if node.items is not None:
        add_items(value, decoder.get_as(list, node.items))
    if node.pairs is not None:
        add_pairs(value, decoder.get_as(list, node.pairs))
    if node.state is not None:
        set_state(value, decoder.get(node.state))


def _make_pickled(decoder: Decoder, node: nodes.Pickled) -> object:
    if node.python != PYTHON:
        raise ValueGraphError(
            f"a {node.type} travels by cloudpickle from Python {node.python}, which this Python "
            f"{PYTHON} cannot load; use the same version on both sides"
        )
    value = pickle.loads(decoder.bytes_of(node.data))
    try:
        decoder.pickles[id(value)] = pickled(value)
    except Exception:  # what cannot be pickled again cannot be compared either
        decoder.pickles.pop(id(value), None)
    return value


def _make_input(decoder: Decoder, node: nodes.Input) -> object:
    return decoder.original(node.index)


def _make_remote(decoder: Decoder, node: nodes.Remote) -> object:
    return decoder.remote(node.digest)


STEPS: dict[type, Steps] = {
    nodes.Instance: Steps(
        _make_instance,
        needs=lambda node: (node.type,),
        fills=lambda node: (*node.values, *node.slot_values),
        fill=_fill_instance,
    ),
    nodes.Reduced: Steps(
        _make_reduced,
        needs=lambda node: (node.call, node.arguments),
        fills=_reduced_fills,
        fill=_fill_reduced,
        firm=_reduced_fills,
    ),
    nodes.Pickled: Steps(_make_pickled),
    nodes.Input: Steps(_make_input),
    nodes.Remote: Steps(_make_remote),
}
