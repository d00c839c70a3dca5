"""Numeric programs: once as people write them for Ufora, and once as plain loops for numba.

``ours`` runs on the cluster and, for small sizes, in CPython, which says what is right. ``plain``
is the same work in the form that ``numba.njit`` takes, with the items' functions compiled as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Work:
    """One program at one size."""

    name: str
    ours: Callable[..., Any]
    #: The loop for numba; its first arguments are the compiled ``helpers``.
    plain: Callable[..., Any]
    helpers: tuple[Callable[..., Any], ...]
    #: Arguments: for the measurement, and for the comparison with CPython.
    full: Callable[[], tuple[Any, ...]]
    small: Callable[[], tuple[Any, ...]]
    #: Most that one core may take, as a multiple of numba's time.
    bar: float = 1.25
    #: False where numba computes something else than Python: then only times are compared.
    numba_is_right: bool = True


# ---------------------------------------------------------------------- primes


def is_prime(n: int) -> int:
    """1 for a prime: trial division by every number up to the root."""
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return 0
        divisor += 1
    return 1


def primes(count: int) -> int:
    """How many numbers below ``count`` are prime (0 and 1 count here, too)."""
    return sum(is_prime(n) for n in range(count))


def plain_primes(is_prime: Any, count: int) -> int:
    """For numba."""
    total = 0
    for n in range(count):
        total += is_prime(n)
    return total


# ---------------------------------------------------------------------- collatz


def collatz(n: int) -> int:
    """Turns until the Collatz sequence of ``n`` reaches 1."""
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return steps


def longest_collatz(count: int) -> int:
    """The longest of the sequences that begin below ``count``."""
    return max(collatz(n) for n in range(1, count))


def plain_collatz(collatz: Any, count: int) -> int:
    """For numba."""
    best = 0
    for n in range(1, count):
        best = max(best, collatz(n))
    return best


# ---------------------------------------------------------------------- mandelbrot


def escape_complex(x: int, y: int, size: int) -> int:
    """Turns until a pixel's sequence leaves the circle, in complex numbers."""
    c = complex(3.0 * x / size - 2.0, 2.0 * y / size - 1.0)
    z = 0j
    for turn in range(200):
        if z.real * z.real + z.imag * z.imag > 4.0:
            return turn
        z = z * z + c
    return 200


def mandelbrot_complex(size: int) -> int:
    """All turns of all pixels."""
    return sum(escape_complex(x, y, size) for y in range(size) for x in range(size))


def escape_floats(x: int, y: int, size: int) -> int:
    """The same with pairs of floats."""
    a, b = 3.0 * x / size - 2.0, 2.0 * y / size - 1.0
    re = im = 0.0
    for turn in range(200):
        squares = re * re, im * im
        if squares[0] + squares[1] > 4.0:
            return turn
        im = 2.0 * re * im + b
        re = squares[0] - squares[1] + a
    return 200


def mandelbrot_floats(size: int) -> int:
    """All turns of all pixels."""
    return sum(escape_floats(x, y, size) for y in range(size) for x in range(size))


def plain_pixels(escape: Any, size: int) -> int:
    """For numba."""
    total = 0
    for y in range(size):
        for x in range(size):
            total += escape(x, y, size)
    return total


# ---------------------------------------------------------------------- floats


def sines(count: int) -> float:
    """A sum whose terms cancel: every bit of it depends on the order of the additions."""
    return sum(math.sin(x) * x for x in range(count))


def plain_sines(count: int) -> float:
    """For numba."""
    total = 0.0
    for x in range(count):
        total += math.sin(x) * x
    return total


def logistic(start: int, turns: int) -> float:
    """The logistic map after so many turns: each depends on the one before."""
    x = 0.1 + start * 0.001
    for _ in range(turns):
        x = 3.9 * x * (1.0 - x)
    return x


def recurrences(count: int, turns: int) -> float:
    """The greatest value that any start leads to."""
    return max(logistic(start, turns) for start in range(count))


def plain_recurrences(logistic: Any, count: int, turns: int) -> float:
    """For numba."""
    best = 0.0
    for start in range(count):
        best = max(best, logistic(start, turns))
    return best


# ---------------------------------------------------------------------- Monte Carlo


def hits(seed: int, throws: int) -> int:
    """Throws that hit the quarter circle, by a linear congruential generator of 31 bits."""
    state, inside = seed, 0
    for _ in range(throws):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        x = state / 2147483648
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        y = state / 2147483648
        if x * x + y * y <= 1.0:
            inside += 1
    return inside


def monte_carlo(seeds: int, throws: int) -> int:
    """All throws that hit, over all seeds."""
    return sum(hits(seed, throws) for seed in range(seeds))


def plain_monte_carlo(hits: Any, seeds: int, throws: int) -> int:
    """For numba."""
    total = 0
    for seed in range(seeds):
        total += hits(seed, throws)
    return total


# ---------------------------------------------------------------------- recursion


def fib(n: int) -> int:
    """The Fibonacci number, by two calls for each."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def fibs(count: int, n: int) -> int:
    """The same number again and again, summed up."""
    return sum(fib(n) for _ in range(count))


def plain_fibs(fib: Any, count: int, n: int) -> int:
    """For numba."""
    total = 0
    for _ in range(count):
        total += fib(n)
    return total


def place(row: int, columns: int, left: int, right: int, full: int) -> int:
    """Ways to place queens from ``row`` on, with the attacked columns as bits."""
    if columns == full:
        return 1
    ways = 0
    free = full & ~(columns | left | right)
    while free:
        bit = free & -free
        free ^= bit
        ways += place(row + 1, columns | bit, (left | bit) << 1 & full, (right | bit) >> 1, full)
    return ways


def queens(size: int) -> int:
    """Solutions of n-queens, over the first row's columns."""
    full = (1 << size) - 1
    return sum(
        place(1, 1 << column, 1 << column << 1 & full, 1 << column >> 1, full)
        for column in range(size)
    )


def plain_queens(place: Any, size: int) -> int:
    """For numba."""
    full = (1 << size) - 1
    total = 0
    for column in range(size):
        total += place(1, 1 << column, 1 << column << 1 & full, 1 << column >> 1, full)
    return total


# ---------------------------------------------------------------------- text and matrices


def vowels(text: str) -> int:
    """How many letters are vowels."""
    return sum(1 for letter in text if letter in "aeiou")


def plain_vowels(codes: Any) -> int:
    """Over code points: numba's own strings are far slower."""
    total = 0
    for code in codes:
        if code == 97 or code == 101 or code == 105 or code == 111 or code == 117:
            total += 1
    return total


def farthest(matrix: Any, centres: int) -> float:
    """The greatest distance (squared) of a row to the nearest of the first rows, the centres."""
    return max(to_nearest(matrix, centres, row) for row in range(len(matrix)))


def to_nearest(matrix: Any, centres: int, row: int) -> float:
    """The distance (squared) of one row to the nearest centre."""
    least = math.inf
    for centre in range(centres):
        total = 0.0
        for column in range(matrix.shape[1]):
            apart = float(matrix[row, column]) - float(matrix[centre, column])
            total += apart * apart
        least = min(least, total)
    return least


def plain_farthest(to_nearest: Any, matrix: Any, centres: int) -> float:
    """For numba."""
    best = 0.0
    for row in range(matrix.shape[0]):
        best = max(best, to_nearest(matrix, centres, row))
    return best


def _letters(count: int) -> str:
    return ("the quick brown fox jumps over the lazy dog " * (count // 44 + 1))[:count]


def _matrix(rows: int) -> Any:
    return np.random.default_rng(1).random((rows, 100))


WORKS = (
    Work("primes", primes, plain_primes, (is_prime,), lambda: (10_000_000,), lambda: (20_000,)),
    Work("collatz", longest_collatz, plain_collatz, (collatz,),
         lambda: (6_000_000,), lambda: (20_000,), bar=1.5),
    Work("mandelbrot, complex", mandelbrot_complex, plain_pixels, (escape_complex,),
         lambda: (2000,), lambda: (60,)),
    Work("mandelbrot, floats", mandelbrot_floats, plain_pixels, (escape_floats,),
         lambda: (2000,), lambda: (60,)),
    Work("sum of sin(x) * x", sines, plain_sines, (), lambda: (20_000_000,), lambda: (50_000,),
         numba_is_right=False),
    Work("Monte Carlo", monte_carlo, plain_monte_carlo, (hits,),
         lambda: (5_000, 50_000), lambda: (50, 500), bar=1.5),
    Work("float recurrence", recurrences, plain_recurrences, (logistic,),
         lambda: (400, 1_000_000), lambda: (20, 2_000)),
    Work("fib(32)", fibs, plain_fibs, (fib,), lambda: (60, 32), lambda: (3, 16), bar=1.5),
    Work("n-queens", queens, plain_queens, (place,), lambda: (15,), lambda: (7,), bar=1.5),
    Work("vowels", vowels, plain_vowels, (), lambda: (_letters(100_000_000),),
         lambda: (_letters(20_000),)),
    Work("matrix rows", farthest, plain_farthest, (to_nearest,), lambda: (_matrix(20_000), 1000),
         lambda: (_matrix(50), 7)),
)  # fmt: skip
