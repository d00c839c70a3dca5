"""The parts of a fuzzing campaign: what each looks at under a number, and how a failure is told."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from random import Random

from fuzzing.blocks import Rig, block
from fuzzing.brisk import THOROUGH
from fuzzing.items import Different, Outcome, check
from fuzzing.operators import Combination, Values, check_combination, combinations
from fuzzing.programs import program
from fuzzing.shrinking import shrunk

#: Literals on either side of each operator in one round.
_LITERALS = 3


class Part(ABC):
    """Every number stands for one thing to look at, always the same."""

    @abstractmethod
    def check(self, number: int) -> Outcome:
        """Look at it.

        Raises:
            Different: CPython and the product differ.
        """

    @abstractmethod
    def shrunk(self, number: int) -> str:
        """The smallest text that still shows the difference."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Let go of what it holds."""


class Operators(Part):
    """One combination of operator, types and literals, with all values of these types."""

    def check(self, number: int) -> Outcome:
        combination, values = _combination(number)
        return check_combination(combination, values, thorough=number % THOROUGH == 0)

    def shrunk(self, number: int) -> str:
        combination, _ = _combination(number)
        return f"# {combination}\n{combination.text()}"


def _combination(number: int) -> tuple[Combination, Values]:
    # All rounds are equally long.
    turn, index = divmod(number, len(_round(0)[0]))
    found, values = _round(turn)
    return found[index], values


@cache
def _round(turn: int) -> tuple[list[Combination], Values]:
    chance = Random(turn)
    found = list(combinations(chance, _LITERALS))
    chance.shuffle(found)
    return found, Values(chance)


def rounds_of_operators(count: int) -> int:
    """How many numbers so many rounds of all combinations have."""
    return count * len(_round(0)[0])


def _smallest(text: str, check: Callable[[str], Outcome]) -> str:
    """The program, shrunk, and what it shows."""
    shown = Different()

    def fails(smaller: str) -> bool:
        nonlocal shown
        try:
            check(smaller)
        except Different as different:
            shown = different
            return True
        return False

    smallest = shrunk(text, fails)
    return f"{smallest}\n# {shown}"


class Programs(Part):
    """One random program as a unit of machine code."""

    def check(self, number: int) -> Outcome:
        made = program(number)
        return check(made.text, made.scope, thorough=number % THOROUGH == 0)

    def shrunk(self, number: int) -> str:
        made = program(number)
        names = "".join(f"{name} = {value!r}\n" for name, value in made.scope.items())
        thorough = number % THOROUGH == 0
        smallest = _smallest(made.text, lambda text: check(text, made.scope, thorough=thorough))
        return f"# local variables:\n{names}# module:\n{smallest}"


class Blocks(Part):
    """One random block on the engine, whole and split, with native code and without."""

    def __init__(self) -> None:
        self._rig = Rig()

    def check(self, number: int) -> Outcome:
        return self._rig.check(block(number), number)

    def shrunk(self, number: int) -> str:
        return _smallest(block(number), lambda text: self._rig.check(text, number))

    def close(self) -> None:
        self._rig.close()


PARTS: Mapping[str, type[Part]] = {
    "operators": Operators,
    "programs": Programs,
    "blocks": Blocks,
}
