"""``sum`` by the rule of the client's Python, whatever Python the worker runs.

Up to Python 3.11 ``sum`` adds floats one after the other; from 3.12 it carries the rounding error
along (Neumaier's variant of Kahan summation; A. Neumaier, 1974) and adds it at the end, but only to
floats: an int among them is added plainly. Adding partial sums would give other bits, so the engine
folds the *values*, in order, with these rules. See CPython's ``builtin_sum_impl``.
"""

import math
import operator
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

#: Doubles in a row in memory.
Doubles: TypeAlias = "array[float] | memoryview"

#: Adds doubles to a total in order, by the rule of one version: (values, total, error) to the new
#: total and the error that is carried along.
Fold = Callable[[Doubles, float, float], tuple[float, float]]

#: ``int``s that the C code of ``sum`` adds without building Python objects: a C long.
_LONG = range(-(2**63), 2**63)
#: A version whose ``sum`` adds floats as ``+=`` does.
PLAIN = (3, 11)
#: As starts, ``sum`` refuses these; a total may become one on the way.
_TEXTS = (str, bytes, bytearray)

#: The running interpreter's; while a program of another version runs, ``sum`` is not.
_own_sum = sum


def compensates(python: tuple[int, int]) -> bool:
    """True when this version's ``sum`` carries rounding errors of floats along."""
    return python >= (3, 12)


def follows_own_rule(python: tuple[int, int]) -> bool:
    """True when the running interpreter's ``sum`` gives what the one of ``python`` gives."""
    return compensates(python) == compensates(sys.version_info[:2])


def ordered_sum(values: Iterable[Any], start: Any, python: tuple[int, int]) -> Any:
    """What ``sum(values, start)`` gives in the given version of Python.

    Raises:
        TypeError: as ``sum`` does, for values that do not add up.
    """
    if follows_own_rule(python):
        return _own_sum(values, start)
    running = running_sum(_own_sum((), start), python)
    running.add(values)
    return running.value


def folded_sum(
    parts: Sequence[Doubles], start: int | float, python: tuple[int, int], fold: Fold
) -> Any:
    """What ``ordered_sum`` gives for all these doubles, by a faster way to add them.

    Raises:
        OverflowError: the start is an int beyond floats.
    """
    running = running_sum(start, python)
    for values in parts:
        running.add_doubles(values, fold)
    return running.value


@dataclass(slots=True)
class RunningSum:
    """A ``sum`` on its way, by the rule up to 3.11: each value is added to the total before it.

    Where the sum is cut into parts makes no difference. What raises leaves the sum as it was.
    """

    total: Any

    @property
    def value(self) -> Any:
        """What ``sum`` gives if nothing follows."""
        return self.total

    @property
    def floats(self) -> tuple[float, float] | None:
        """The total and its error, while floats are added to a float; None at other times."""
        return (self.total, 0.0) if type(self.total) is float else None

    @floats.setter
    def floats(self, state: tuple[float, float]) -> None:
        self.total = state[0]

    def copy(self) -> "RunningSum":
        """One that goes on by itself."""
        return RunningSum(self.total)

    def add(self, values: Iterable[Any]) -> None:
        """Go on with these values.

        Raises:
            Exception: as adding them does.
        """
        own = follows_own_rule(PLAIN) and not isinstance(self.total, _TEXTS)
        total = self.total
        self.total = _own_sum(values, total) if own else reduce(operator.add, values, total)

    def add_doubles(self, values: Doubles, fold: Fold | None) -> None:
        """As ``add``, by a faster way where there is one.

        Raises:
            OverflowError: the total is an int beyond floats.
        """
        if type(self.total) is int and values:
            # The sum is a float from the first value on.
            self.add(values[:1])
            values = values[1:]
        state = self.floats
        if fold is None or state is None:
            self.add(values)
        else:
            self.floats = fold(values, *state)


@dataclass(slots=True)
class CompensatedSum(RunningSum):
    """The same by the rule from 3.12 on: among floats, their rounding errors are carried along."""

    error: float = 0.0
    #: ``sum`` met what its two fast ways cannot add: a sum of ints beyond a machine word, or an
    #: object. It adds plainly from there on, whatever comes.
    plainly: bool = False

    @property
    def value(self) -> Any:
        """See ``RunningSum``."""
        return self.total if self.floats is None else _settled(self.total, self.error)

    @property
    def floats(self) -> tuple[float, float] | None:
        """See ``RunningSum``."""
        return (self.total, self.error) if type(self.total) is float and not self.plainly else None

    @floats.setter
    def floats(self, state: tuple[float, float]) -> None:
        self.total, self.error = state

    def copy(self) -> "CompensatedSum":
        """See ``RunningSum``."""
        return CompensatedSum(self.total, self.error, self.plainly)

    def add(self, values: Iterable[Any]) -> None:
        """See ``RunningSum``."""
        before = self.total, self.error, self.plainly
        try:
            self._add(iter(values))
        except BaseException:
            self.total, self.error, self.plainly = before
            raise

    def _add(self, values: Iterator[Any]) -> None:
        if type(self.total) is int and not self.plainly:
            self._add_ints(values)
        if self.floats is not None:
            self._add_floats(values)
        for value in values:
            self.plainly = True
            self.total = self.total + value

    def _add_ints(self, values: Iterator[Any]) -> None:
        """Up to the first value after which the total is no machine int."""
        total = self.total
        if total not in _LONG:
            return
        for value in values:
            fits = type(value) in (int, bool) and value in _LONG
            total = total + value
            if not fits or total not in _LONG:
                self.plainly = type(total) is not float
                break
        self.total = total

    def _add_floats(self, values: Iterator[Any]) -> None:
        """Up to the first value that is neither a float nor a machine int, and with it."""
        total, error = self.total, self.error
        for value in values:
            if type(value) is float:
                new = total + value
                larger, smaller = (total, value) if abs(total) >= abs(value) else (value, total)
                error += (larger - new) + smaller
                total = new
            elif isinstance(value, int) and value in _LONG:
                total += float(value)
            else:
                total, self.plainly = _settled(total, error) + value, True
                break
        self.total, self.error = total, error


def running_sum(start: Any, python: tuple[int, int]) -> RunningSum:
    """A sum that begins at ``start``, by the rule of a version."""
    return CompensatedSum(start) if compensates(python) else RunningSum(start)


def _settled(total: float, error: float) -> float:
    return total + error if error and math.isfinite(error) else total
