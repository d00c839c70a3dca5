"""A change that the client's own object cannot show is reported, and none is half made."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from ufora_core.errors import UnappliedChangeError, ValueGraphError
from ufora_core.values import changes, nodes
from ufora_core.values.decode import Decoder
from ufora_core.values.nodes import Change, Ref

Journey = Any


class Recipe:
    def __init__(self, x: int) -> None:
        self.x = x

    def __reduce__(self) -> tuple[Any, ...]:
        return Recipe, (self.x,)


def reshape_in_place(value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        value.shape = (2, 3)


def test_what_cannot_follow_is_reported_and_nothing_lost(journey: Journey) -> None:
    for value, change in (
        (Recipe(1), lambda v: setattr(v, "x", 2)),
        (enumerate([1]), next),
        (np.arange(6), reshape_in_place),
    ):
        sent = journey.send([value])
        change(sent.value[0])
        with pytest.raises(UnappliedChangeError, match=r"block"):
            journey.land(sent)


def test_one_change_that_cannot_be_made_leaves_all_others_unmade(journey: Journey) -> None:
    first, array_ = [1], np.arange(3)
    sent = journey.send([first, array_])
    sent.value[0].append(2)
    sent.value[1][0] = 9
    array_.setflags(write=False)
    with pytest.raises(UnappliedChangeError, match="cannot be written"):
        journey.land(sent)
    assert first == [1]


def test_changes_that_do_not_fit_are_refused() -> None:
    decoder = Decoder(nodes.Graph(), lambda _: b"")
    for change in (
        Change(5, nodes.List([])),
        Change(0, nodes.Set([])),
        Change(0, nodes.Namespace("m", ["a"], [])),
        Change(0, nodes.Namespace("m", ["a"], [1])),
        Change(0, nodes.List([Ref(7)])),
        Change(0, nodes.Cell(True, None)),
    ):
        with pytest.raises(ValueGraphError):
            changes.apply([change], [[1]], decoder)
