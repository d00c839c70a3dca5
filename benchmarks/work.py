"""Functions that the engines run."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.engines import Floats


def nothing() -> None:
    """Takes no time."""


def pause(seconds: float) -> None:
    """Keeps one process busy, so that the next call goes to another one."""
    time.sleep(seconds)


def last(array: Floats) -> float:
    """One item of an array."""
    return float(array[-1])


def is_prime(n: int) -> bool:
    """By trial division: what it costs varies a hundredfold from one number to the next."""
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return n > 1


def count_primes(numbers: range) -> int:
    """How many of them are prime."""
    return sum(is_prime(n) for n in numbers)


def pieces(stop: int, count: int) -> list[range]:
    """``range(stop)`` cut into ``count`` parts of one length, but for rounding."""
    bounds = [stop * index // count for index in range(count + 1)]
    return [range(low, high) for low, high in itertools.pairwise(bounds)]
