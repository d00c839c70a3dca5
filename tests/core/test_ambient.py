"""What programs set for a whole process travels as plain data, and is set again elsewhere."""

import decimal
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.random  # its state is read once it is imported
import pytest

from ufora_core import ambient


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Other tests find the process as it was."""
    before = ambient.read()
    yield
    ambient.write(before)


def set_decimals() -> None:
    decimal.getcontext().prec = 7
    decimal.getcontext().rounding = decimal.ROUND_DOWN
    decimal.getcontext().traps[decimal.Inexact] = True
    decimal.getcontext().flags[decimal.Rounded] = True


def set_filters() -> None:
    warnings.filterwarnings("error", "odd", UserWarning, "some_module", 7)


CHANGES: dict[str, Callable[[], Any]] = {
    "random": lambda: random.gauss(0, 1),
    "numpy.random": lambda: np.random.normal(),
    "numpy": lambda: np.seterr(divide="raise"),
    "decimal": set_decimals,
    "digits": lambda: sys.set_int_max_str_digits(700),
    "warnings": set_filters,
}


def drawn() -> list[float]:
    return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.normal()]


def test_every_state_is_changed_by_a_test() -> None:
    assert CHANGES.keys() == ambient.STATES.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_state_travels_as_plain_data(name: str) -> None:
    before = ambient.read()
    CHANGES[name]()
    there = ambient.read()
    assert [each for each in there if there[each] != before[each]] == [name]

    ambient.write(before)
    assert ambient.read() == before
    ambient.write(msgspec.msgpack.decode(msgspec.msgpack.encode(there)))
    assert ambient.read() == there


def test_random_numbers_go_on() -> None:
    drawn()
    states = ambient.read()
    numbers = drawn()
    ambient.write(states)
    assert drawn() == numbers


@pytest.mark.parametrize("name", ["numpy", "decimal", "digits", "warnings"])
def test_what_a_program_set_is_set_back(name: str) -> None:
    before = ambient.read()
    CHANGES[name]()
    ambient.restore(before, ambient.read())
    assert ambient.read() == before


def test_of_a_module_imported_meanwhile_the_default_is_left() -> None:
    CHANGES["numpy"]()
    CHANGES["decimal"]()
    ambient.restore({"warnings": ambient.read()["warnings"]}, ambient.read())
    assert np.geterr() == ambient.NUMPY_ERRORS
    assert decimal.getcontext().prec == decimal.DefaultContext.prec


def test_numbers_that_were_drawn_are_not_drawn_again() -> None:
    before = ambient.read()
    first = drawn()
    ambient.restore(before, ambient.read())
    assert not set(first).intersection(drawn())


def test_what_a_new_process_has_need_not_travel() -> None:
    ambient.write({"numpy": ambient.NUMPY_ERRORS, "digits": 4300})
    decimal.setcontext(decimal.Context())
    assert not {"numpy", "digits", "decimal"}.intersection(ambient.unusual(ambient.read()))
    CHANGES["decimal"]()
    assert "decimal" in ambient.unusual(ambient.read())


def test_what_was_set_comes_home_but_filters() -> None:
    before = ambient.read()
    CHANGES["decimal"]()
    CHANGES["warnings"]()
    now = ambient.read()
    assert ambient.changed(before, now) == {"decimal": now["decimal"]}


def test_calls_side_by_side_share_no_random_numbers() -> None:
    assert not {"random", "numpy.random"}.intersection(ambient.without_chance(ambient.read()))


def test_a_module_that_is_not_here_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    state = ambient.STATES["random"]
    elsewhere = ambient.State("no_such_module", state.read, state.write, None)
    monkeypatch.setitem(ambient.STATES, "elsewhere", elsewhere)
    before = ambient.read()
    ambient.write({"elsewhere": [3], "of a later version": 1})
    assert ambient.read() == before


def test_a_category_that_nobody_imported_is_left_out() -> None:
    filters = ambient.read()["warnings"]
    unknown = [["error", None, ["no_such_module", "Odd"], None, 0], *filters]
    no_category = [["error", None, ["warnings", "warn"], None, 0], *filters]
    for each in (unknown, no_category):
        ambient.write({"warnings": each})
        assert ambient.read()["warnings"] == filters


def test_by_other_filters_what_was_warned_of_is_warned_of_again() -> None:
    def warn() -> None:
        warnings.warn("odd", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        warn()
        warn()
        assert len(heard) == 1
        ambient.write({"warnings": ambient.read()["warnings"]})
        warn()
        assert len(heard) == 2
