"""Intervals: what is proved is true, and enough is proved."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import random_units
from cases import Case, load
from ufora_worker.native.intervals import Findings, analyse, interval
from ufora_worker.native.intervals.cells import Cells, Diverged, Key, Place, settle
from ufora_worker.native.intervals.interval import INT64, Interval, exactly
from ufora_worker.native.intervals.transfer import cannot_bail, result_of
from ufora_worker.native.ir.evaluator import Limits, Observer, TooManySteps, evaluate
from ufora_worker.native.ir.meanings import Doubt, apply
from ufora_worker.native.ir.nodes import Let, Unit, Var
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.printer import text
from ufora_worker.native.ir.types import INT
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.optimise import mark, optimise

CASES = Path(__file__).parent / "cases"

#: Random units that a run of the tests looks at, in so many parts, and the items that each runs.
UNITS, BATCH, ITEMS = 600, 100, 5
LIMITS = Limits(steps=5000)


@pytest.mark.parametrize("case", load(CASES / "intervals.txt"), ids=lambda case: case.name)
def test_which_operations_are_proved_safe(case: Case, request: pytest.FixtureRequest) -> None:
    unit = parse(case.source)
    verify(unit)
    marked = mark(unit, analyse(unit))
    case.check(text(marked), update=request.config.getoption("--update-cases"))


# ---------------------------------------------------------------------- whole units


@pytest.mark.parametrize("first", range(0, UNITS, BATCH))
def test_every_value_of_a_random_unit_lies_in_its_interval(first: int) -> None:
    for seed in range(first, first + BATCH):
        unit = random_units.unit(seed)
        values = random_units.values(unit, seed)
        unit = random_units.knowing(unit, values, ITEMS)
        observe = _inside(analyse(unit), f"unit {seed}")
        try:
            for index in range(ITEMS):
                evaluate(unit, index, index + 1, values, limits=LIMITS, observe=observe)
        except TooManySteps:
            continue


def _inside(findings: Findings, name: str) -> Observer:
    """Sees that operands and results are what the analysis says."""

    def observe(let: Let, args: Sequence[Any], result: Any) -> None:
        known = findings.ranges.get(id(let))
        assert known is not None, f"{name}: {let} was said not to be reached"
        for value, each in zip((*args, result), known, strict=False):
            assert not isinstance(value, int) or value in each, f"{name}: {let} has {value}"

    return observe


@pytest.mark.parametrize("first", range(0, UNITS, BATCH))
def test_an_optimised_random_unit_gives_the_same_or_bails_less(first: int) -> None:
    for seed in range(first, first + BATCH):
        unit = random_units.unit(seed)
        values = random_units.values(unit, seed)
        unit = random_units.knowing(unit, values, ITEMS)
        try:
            _same_or_less(unit, optimise(unit), values, f"unit {seed}")
        except TooManySteps:
            continue


def _same_or_less(plain: Unit, optimised: Unit, values: list[Any], name: str) -> None:
    """An operation that is marked safe and bails raises ``NotSafe``."""
    for index in range(ITEMS):
        runs = [
            evaluate(unit, index, index + 1, values, limits=LIMITS) for unit in (plain, optimised)
        ]
        if runs[0].next > index:
            assert repr(runs[0]) == repr(runs[1]), name


# ---------------------------------------------------------------------- single operations

_INT_OPERATIONS = [
    name
    for name, operation in OPERATIONS.items()
    if set(operation.takes) == {INT} and name not in ("int.to_float", "np.int")
]
_EDGES = st.sampled_from([0, 1, 2, 7, 63, 64, 100, 2**31, 2**32 - 1, 2**53, 2**62, 2**63 - 1])
_SMALL = st.integers(-20, 70)
_ENDS = st.one_of(_SMALL, _EDGES, _EDGES.map(lambda each: -each), st.just(-(2**63)))
_INTERVALS = st.tuples(_ENDS, _ENDS).map(lambda ends: Interval(min(ends), max(ends)))


def test_ends_that_are_truths_are_ints_to_every_operation() -> None:
    assert interval.invert(Interval(False, True)) == Interval(-2, -1)
    assert interval.bit_or(Interval(False, True), Interval(True, True)) == Interval(1, 1)


def _elements(each: Interval) -> list[int]:
    near = {each.lo, each.lo + 1, (each.lo + each.hi) // 2, each.hi - 1, each.hi, 0, 1, -1}
    return sorted(value for value in near if value in each)


@pytest.mark.parametrize("op", _INT_OPERATIONS)
@given(data=st.data())
def test_an_operation_on_elements_lies_in_that_on_intervals(op: str, data: st.DataObject) -> None:
    operation = OPERATIONS[op]
    operands = [data.draw(_INTERVALS) for _ in operation.takes]
    args = tuple(Var(f"x{number}", INT) for number in range(len(operands)))
    let = Let(Var("%1", operation.gives), op, args)
    certain = cannot_bail(let, operands)
    followed = operation.gives.name in ("int", "bool")
    result = result_of(let, operands) if followed else INT64
    for values in product(*map(_elements, operands)):
        try:
            value = apply(op, list(values), operation.gives)
        except Doubt:
            assert not certain, f"{op}{values} bails"
            continue
        if followed:
            assert result is not None and int(value) in result, f"{op}{values} is {value}"


@pytest.mark.parametrize(
    ("op", "operands"),
    [
        ("int.lshift", (exactly(0), Interval(0, 64))),
        ("int.mod", (INT64, Interval(-1, -1))),
        ("int.floordiv", (exactly(-(2**63)), Interval(-5, -1))),
        ("int.mod", (exactly(1), Interval(-1, 1))),
        ("int.truediv", (exactly(2**53 + 1), exactly(1))),
        ("int.abs", (INT64,)),
    ],
)
def test_what_bails_for_one_element_is_not_proved(op: str, operands: tuple[Interval, ...]) -> None:
    args = tuple(Var(f"x{number}", INT) for number in range(len(operands)))
    assert not cannot_bail(Let(Var("%1", OPERATIONS[op].gives), op, args), operands)


@given(_INTERVALS)
def test_a_square_is_not_negative(each: Interval) -> None:
    square = interval.square(each)
    assert square.lo >= 0 and all(value**2 in square for value in _elements(each))


@given(_INTERVALS, _INTERVALS)
def test_joining_and_meeting(a: Interval, b: Interval) -> None:
    joined, met = a.join(b), a.meet(b)
    assert a.within(joined) and b.within(joined)
    for value in (*_elements(a), *_elements(b)):
        assert (value in a and value in b) == (met is not None and value in met)


# ---------------------------------------------------------------------- assumptions

_KEY: Key = (Place.TURN, 0, "x")


def _counter(limit: int) -> Callable[[Cells], Cells]:
    """What ``x = 0; while x < limit: x += 3`` brings."""

    def bring(cells: Cells) -> Cells:
        known = cells.get(_KEY, exactly(0))
        return {_KEY: Interval(3, min(known.hi, limit - 1) + 3)}

    return bring


@pytest.mark.parametrize("limit", [7, 1000, 10**12])
def test_assumptions_are_widened_and_then_narrowed(limit: int) -> None:
    assert settle(_counter(limit), [])[_KEY] == Interval(3, limit + 2)


def test_assumptions_that_do_not_settle_are_given_up() -> None:
    with pytest.raises(Diverged):
        settle(lambda cells: {_KEY: Interval(0, cells.get(_KEY, exactly(2**300)).hi + 1)}, [])


def test_of_a_unit_that_is_too_long_nothing_is_said() -> None:
    lines = "    x: int = int.and %index, 7\n" * 4001
    unit = parse(f"unit count of int\ndef item(%index: int):\n{lines}")
    assert analyse(unit) == Findings()


def test_an_exact_interval_has_one_element() -> None:
    assert exactly(3).join(exactly(5)) == Interval(3, 5)
    assert exactly(3).meet(exactly(5)) is None
