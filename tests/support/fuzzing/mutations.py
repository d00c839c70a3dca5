"""Breaks of the compiler, each of a check that answers depend on: fuzzers have to notice.

``python -m fuzzing.mutations`` tells when they do, and ends with status 1 if one goes unnoticed.
"""

import ast
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from fuzzing.comparison import Different
from fuzzing.parts import PARTS
from ufora_worker.native.intervals import turns
from ufora_worker.native.intervals.interval import Interval
from ufora_worker.native.llvm import emitter, integers
from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.slots import Operand
from ufora_worker.native.translate import operators
from ufora_worker.native.translate.conversions import as_float

#: A break is looked for in so many combinations of operators, programs or blocks.
LIMIT = 1_000

#: What the compiler itself looks at.
_EMITTERS: Any = emitter._ON_SLOTS
_BOOLS: Any = operators.BOOLS
_OF_RANGE = turns.of_range


@dataclass(frozen=True, slots=True)
class Mutation:
    """One break, and the part of a campaign that should notice it."""

    part: str
    applied: Callable[[], AbstractContextManager[object]]
    #: Where looking for it begins: what shows seldom is not worth many seconds in every test run.
    first: int = 0


def caught_at(mutation: Mutation, limit: int) -> int | None:
    """The number that shows the break; None where none of so many does."""
    part = PARTS[mutation.part]()
    try:
        with mutation.applied():
            for first in range(mutation.first, mutation.first + limit, part.batch):
                numbers = range(first, first + part.batch)
                for number, outcome in zip(numbers, part.look(numbers), strict=True):
                    if isinstance(outcome, Different):
                        return number
    finally:
        part.close()
    return None


def _wrapping(code: Code, left: Operand, right: Operand) -> Operand:
    return integers.plain(code, "add", left, right)


def _truncating(code: Code, left: Operand, right: Operand) -> Operand:
    code.guard(integers.compare(code, "ne", right, "0"))
    return integers.plain(code, "sdiv", left, right)


def _one_short(start: Interval, stop: Interval, step: Interval) -> tuple[Interval | None, int]:
    counter, count = _OF_RANGE(start, stop, step)
    if counter is not None and counter.lo < counter.hi:
        counter = Interval(counter.lo, counter.hi - 1)
    return counter, count


MUTATIONS: Mapping[str, Mutation] = {
    "ints that wrap around": Mutation(
        "operators", lambda: patch.dict(_EMITTERS, {"int.add": _wrapping})
    ),
    "divisions that truncate": Mutation(
        "operators", lambda: patch.dict(_EMITTERS, {"int.floordiv": _truncating})
    ),
    "ints rounded before they are compared": Mutation(
        "operators",
        lambda: patch("ufora_worker.native.translate.comparisons.as_float_exactly", as_float),
    ),
    "counters that end one too early": Mutation(
        "programs",
        lambda: patch("ufora_worker.native.intervals.turns.of_range", _one_short),
        first=1376,
    ),
    "bools that are calculated with as bools": Mutation(
        "programs",
        lambda: patch.dict(_BOOLS, {ast.Add: "bool.or", ast.Sub: "bool.xor"}),
        first=672,
    ),
}


def main() -> None:
    """Look for each break."""
    warnings.simplefilter("ignore")
    missed = 0
    for name, mutation in MUTATIONS.items():
        number = caught_at(mutation, LIMIT)
        missed += number is None
        print(f"{name}: {'missed' if number is None else f'{mutation.part} {number}'}", flush=True)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
