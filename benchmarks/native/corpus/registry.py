"""The programs that were registered, and the data that they work on."""

from __future__ import annotations

import string
from collections.abc import Callable

#: All programs, in the order in which their modules are imported.
PROGRAMS: list[Callable[[], object]] = []


def program(function: Callable[[], object]) -> Callable[[], object]:
    """Registers a program."""
    PROGRAMS.append(function)
    return function


def numbers(count: int, seed: int = 1) -> list[int]:
    """Some that look random, below 2**31."""
    found = []
    for _ in range(count):
        seed = (1103515245 * seed + 12345) & 0x7FFFFFFF
        found.append(seed)
    return found


def words(count: int) -> list[str]:
    """Some that look random, of three to eight letters."""
    letters = string.ascii_lowercase
    found = []
    for number in numbers(count, seed=7):
        length = 3 + number % 6
        found.append("".join(letters[number >> shift & 15] for shift in range(length)))
    return found
