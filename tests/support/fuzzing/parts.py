"""The parts of a fuzzing campaign: what each looks at under a number, and how a failure is told."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from random import Random

from fuzzing.blocks import Rig, block
from fuzzing.brisk import THOROUGH
from fuzzing.comparison import Different, Outcome
from fuzzing.items import Subject, caught, check, check_all
from fuzzing.operators import Combination, Values, combinations
from fuzzing.programs import program
from fuzzing.shrinking import shrunk

#: Literals on either side of each operator in one round; and processor seconds that all values of
#: one combination get in CPython.
_LITERALS, _SECONDS = 3, 20.0


class Part(ABC):
    """Every number stands for one thing to look at, always the same."""

    #: How many numbers are best looked at together.
    batch = 1

    @abstractmethod
    def look(self, numbers: Sequence[int]) -> list[Outcome | Different]:
        """Look at each; a ``Different`` says where CPython and the product differ."""

    @abstractmethod
    def shrunk(self, number: int) -> str:
        """The smallest text that still shows the difference."""

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Let go of what it holds."""


class Units(Part):
    """A part whose every number is one unit of machine code."""

    batch = 16

    @abstractmethod
    def subject(self, number: int) -> Subject:
        """What to compare."""

    def look(self, numbers: Sequence[int]) -> list[Outcome | Different]:
        return check_all([self.subject(number) for number in numbers])


class Operators(Units):
    """One combination of operator, types and literals, with all values of these types."""

    def subject(self, number: int) -> Subject:
        combination, values = _combination(number)
        scope = values.scope(combination)
        thorough = number % THOROUGH == 0
        return Subject(combination.text(), scope, thorough, _SECONDS, combination.signed)

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


class Programs(Units):
    """One random program as a unit of machine code."""

    def subject(self, number: int) -> Subject:
        made = program(number)
        return Subject(made.text, made.scope, number % THOROUGH == 0)

    def shrunk(self, number: int) -> str:
        subject = self.subject(number)
        names = "".join(f"{name} = {value!r}\n" for name, value in subject.scope.items())
        smallest = _smallest(subject.text, lambda text: check(replace(subject, text=text)))
        return f"# local variables:\n{names}# module:\n{smallest}"


class Blocks(Part):
    """One random block on the engine, whole and split, with native code and without."""

    def __init__(self) -> None:
        self._rig = Rig()

    def look(self, numbers: Sequence[int]) -> list[Outcome | Different]:
        return [caught(partial(self._check, each)) for each in numbers]

    def _check(self, number: int) -> Outcome:
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
