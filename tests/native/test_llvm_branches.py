"""Small branches, of which both are computed: the one that is not taken does nothing."""

from __future__ import annotations

from itertools import product

import pytest

from machine_code import INTEGERS, entry_of, run
from ufora_worker.native.ir.evaluator import evaluate
from ufora_worker.native.ir.nodes import Unit
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.types import INT
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.module import module_text

STEP = """
unit columns of int

def item(%index: int, n: int, by: int):
    x: int = copy by
    %1: bool = int.lt n, by
    if %1:
        {then}
    else:
        {orelse}
    emit x
"""

BRANCHES = [
    ("x: int = int.mul n, 3", "x: int = int.floordiv n, 2"),
    ("x: int = int.mul n, by", "x: int = int.sub x, n"),
    ("x: int = int.neg n", "y: int = int.add x, x"),
    ("x: int = int.lshift n, 3", "x: int = int.mod x, 8"),
    ("x: int = int.add x, n", "pass"),
]


@pytest.mark.parametrize(("then", "orelse"), BRANCHES)
def test_a_branch_bails_only_if_it_is_taken(then: str, orelse: str) -> None:
    unit = parse(STEP.format(then=then, orelse=orelse))
    assert _computes_both(unit)
    entry, columns = entry_of(unit), Columns.for_type(INT, 1)
    bailed = 0
    for values in product(INTEGERS, INTEGERS):
        wanted = evaluate(unit, 0, 1, values)
        got = run(entry, 0, 1, *values, columns=columns)
        assert (got.status, got.next) == (wanted.status, wanted.next), values
        assert list(got.columns[0]) == list(wanted.columns[0]), values
        bailed += wanted.next == 0
    assert 0 < bailed < len(INTEGERS) ** 2


@pytest.mark.parametrize(
    ("then", "orelse"),
    [
        ("x: int = int.floordiv n, by", "pass"),
        ("x: int = int.add n, by\n        return", "pass"),
        ("x: int = int.pow n, by", "x: int = int.add n, 1"),
        ("x: int = copy n", "x: int = int.xor n, by"),
        ("x: int = int.mul n, n\n" + 4 * "        x: int = int.xor x, n\n", "pass"),
    ],
    ids=["a fault", "a way out", "an unknown time", "nothing that bails", "more than a few"],
)
def test_what_does_harm_or_takes_long_is_jumped_over(then: str, orelse: str) -> None:
    assert not _computes_both(parse(STEP.format(then=then, orelse=orelse)))


def test_what_was_proved_of_a_branch_is_not_promised_where_it_is_not_taken() -> None:
    then = "y: int = safe int.add n, 77\n        x: int = int.mul y, by"
    text = module_text(parse(STEP.format(then=then, orelse="pass")))
    (step,) = (line for line in text.splitlines() if line.endswith(", 77"))
    assert "add i64" in step


def _computes_both(unit: Unit) -> bool:
    """The loop over the items has a choice of its own."""
    return module_text(unit).count("select") > 1
