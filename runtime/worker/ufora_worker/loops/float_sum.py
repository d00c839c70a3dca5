"""``sum`` by the rule of the client's Python, whatever Python the worker runs.

Up to Python 3.11 ``sum`` adds floats one after the other; from 3.12 it carries the rounding error
along (Neumaier's variant of Kahan summation; A. Neumaier, 1974) and adds it at the end, but only to
floats: an int among them is added plainly. Adding partial sums would give other bits, so the engine
folds the *values*, in order, with these rules. See CPython's ``builtin_sum_impl``.
"""

import math
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

#: Adds doubles to a total in order, by the rule of one version: (values, total, error) to the new
#: total and the error that is carried along.
Fold = Callable[["array[float]", float, float], tuple[float, float]]

#: ``int``s that the C code of ``sum`` adds without building Python objects: a C long.
_LONG = range(-(2**63), 2**63)

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
    return _emulated(iter(values), _own_sum((), start), compensates(python))


def folded_sum(
    arrays: Sequence["array[float]"], start: int | float, python: tuple[int, int], fold: Fold
) -> float:
    """What ``ordered_sum`` gives for all these doubles, by a faster way to add them.

    Raises:
        OverflowError: the start is an int beyond floats.
    """
    first, *rest = arrays
    total, error = start, 0.0
    if type(start) is int:
        # The sum is a float from the first value on, which is added without compensation.
        total, first = start + first[0], first[1:]
    for values in (first, *rest):
        total, error = fold(values, total, error)
    return _settled(total, error) if compensates(python) else total


def _emulated(values: Iterable[Any], total: Any, compensated: bool) -> Any:
    if type(total) is int:
        for value in values:
            exact = type(value) in (int, bool)
            total = total + value
            if not exact or total not in _LONG:
                break
    if type(total) is float:
        total = _add_floats(values, total, compensated)
    for value in values:
        total = total + value
    return total


def _add_floats(values: Iterable[Any], total: float, compensated: bool) -> Any:
    """The part of ``sum`` that runs while the total is a float; stops after the first value that
    is neither a float nor a machine int, with the total that it leads to."""
    error = 0.0
    for value in values:
        if type(value) is float:
            new = total + value
            if compensated and abs(total) >= abs(value):
                error += (total - new) + value
            elif compensated:
                error += (value - new) + total
            total = new
        elif isinstance(value, int) and value in _LONG:
            total += float(value)
        else:
            return _settled(total, error) + value
    return _settled(total, error)


def _settled(total: float, error: float) -> float:
    return total + error if error and math.isfinite(error) else total
