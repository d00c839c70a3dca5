"""Closed intervals of integers, and what operations make of them.

Every function here gives an interval that contains all results of the operation on elements of its
operands, where the operation has one; the results may lie beyond 64 bits.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple


class Interval(NamedTuple):
    """All integers from ``lo`` to ``hi``, which are among them; never empty."""

    lo: int
    hi: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self.lo <= value <= self.hi

    def __str__(self) -> str:
        return f"{self.lo}..{self.hi}"

    def within(self, other: "Interval") -> bool:
        """Whether the other one contains all of this one."""
        return other.lo <= self.lo and self.hi <= other.hi

    def join(self, other: "Interval") -> "Interval":
        """The least interval that contains both."""
        return Interval(min(self.lo, other.lo), max(self.hi, other.hi))

    def meet(self, other: "Interval") -> "Interval | None":
        """What is in both; None when nothing is."""
        return between(max(self.lo, other.lo), min(self.hi, other.hi))

    @property
    def magnitude(self) -> int:
        """The greatest absolute value."""
        return max(abs(self.lo), abs(self.hi))


def between(lo: int, hi: int) -> Interval | None:
    """The interval from ``lo`` to ``hi``; None when that is empty."""
    return Interval(lo, hi) if lo <= hi else None


def exactly(value: int) -> Interval:
    """The interval of one integer."""
    return Interval(value, value)


INT64 = Interval(-(2**63), 2**63 - 1)
TRUTH = Interval(0, 1)
#: Nothing is known, not even that it fits in 64 bits.
ANYTHING = Interval(-(2**200), 2**200)
#: Ints that are floats exactly.
EXACT = Interval(-(2**53), 2**53)
#: More bits than these shift everything out, or beyond 64 bits.
_SHIFTS = Interval(0, 64)


def add(a: Interval, b: Interval) -> Interval:
    """``a + b``."""
    return Interval(a.lo + b.lo, a.hi + b.hi)


def sub(a: Interval, b: Interval) -> Interval:
    """``a - b``."""
    return Interval(a.lo - b.hi, a.hi - b.lo)


def neg(a: Interval) -> Interval:
    """``-a``."""
    return Interval(-a.hi, -a.lo)


def invert(a: Interval) -> Interval:
    """``~a``. The ends may be truths, which Python warns of turning round so."""
    return Interval(-1 - a.hi, -1 - a.lo)


def absolute(a: Interval) -> Interval:
    """``abs(a)``."""
    return Interval(0 if 0 in a else min(abs(a.lo), abs(a.hi)), a.magnitude)


def _corners(function: Callable[[int, int], int], a: Interval, b: Interval) -> Interval:
    """For a function that is monotonic in each operand: its extremes are at the corners."""
    results = [function(x, y) for x, y in product(a, b)]
    return Interval(min(results), max(results))


def mul(a: Interval, b: Interval) -> Interval:
    """``a * b``."""
    return _corners(int.__mul__, a, b)


def square(a: Interval) -> Interval:
    """``a * a``."""
    return Interval(absolute(a).lo ** 2, a.magnitude**2)


def _signs(b: Interval) -> Iterator[Interval]:
    """The negative and the positive part."""
    for part in (b.meet(Interval(ANYTHING.lo, -1)), b.meet(Interval(1, ANYTHING.hi))):
        if part is not None:
            yield part


def _all(parts: Iterator[Interval]) -> Interval:
    """Everything in any of them; anything at all for none, where there is no result."""
    found = list(parts)
    if not found:
        return INT64
    return Interval(min(part.lo for part in found), max(part.hi for part in found))


def floordiv(a: Interval, b: Interval) -> Interval:
    """``a // b``."""
    return _all(_corners(int.__floordiv__, a, part) for part in _signs(b))


def mod(a: Interval, b: Interval) -> Interval:
    """``a % b``, which has the sign of ``b``."""
    return _all(_mod(a, part) for part in _signs(b))


def _mod(a: Interval, b: Interval) -> Interval:
    if b.hi < 0:
        return neg(_mod(neg(a), neg(b)))
    if a.lo >= 0 and a.hi < b.lo:
        return a
    return Interval(0, min(a.hi, b.hi - 1) if a.lo >= 0 else b.hi - 1)


def power(a: Interval, b: Interval) -> Interval:
    """``a ** b`` for ``b >= 0``."""
    least, most = (max(0, min(each, 64)) for each in b)
    if a.lo >= 1:
        return Interval(a.lo**least, a.hi**most)
    greatest = max(a.magnitude, 1) ** most
    return Interval(-greatest if a.lo < 0 else 0, greatest)


def powmod(a: Interval, b: Interval, m: Interval) -> Interval:
    """``pow(a, b, m)``."""
    return mod(INT64, m)


def lshift(a: Interval, b: Interval) -> Interval:
    """``a << b`` for ``b >= 0``."""
    return _corners(int.__lshift__, a, b.meet(_SHIFTS) or exactly(64))


def rshift(a: Interval, b: Interval) -> Interval:
    """``a >> b`` for ``b >= 0``."""
    return _corners(int.__rshift__, a, b.meet(_SHIFTS) or exactly(64))


def _bits(*intervals: Interval) -> int:
    """So many bits below the sign hold all elements."""
    return max((~end if end < 0 else end).bit_length() for each in intervals for end in each)


def bit_and(a: Interval, b: Interval) -> Interval:
    """``a & b``."""
    nonnegative = [each.hi for each in (a, b) if each.lo >= 0]
    if nonnegative:
        return Interval(0, min(nonnegative))
    hi = min(a.hi, b.hi) if max(a.hi, b.hi) < 0 else max(a.hi, b.hi)
    return Interval(-(1 << _bits(a, b)), hi)


def bit_or(a: Interval, b: Interval) -> Interval:
    """``a | b``, by De Morgan's rule."""
    return invert(bit_and(invert(a), invert(b)))


def bit_xor(a: Interval, b: Interval) -> Interval:
    """``a ^ b``."""
    most = 1 << _bits(a, b)
    signs = {x < 0 for x in a}, {y < 0 for y in b}
    if all(len(each) == 1 for each in signs):
        return Interval(0, most - 1) if signs[0] == signs[1] else Interval(-most, -1)
    return Interval(-most, most - 1)


def bit_length(a: Interval) -> Interval:
    """``a.bit_length()``."""
    size = absolute(a)
    return Interval(size.lo.bit_length(), size.hi.bit_length())


def bit_count(a: Interval) -> Interval:
    """``a.bit_count()``."""
    return Interval(0 if 0 in a else 1, a.magnitude.bit_length())


def isqrt(a: Interval) -> Interval:
    """``math.isqrt(a)`` for ``a >= 0``."""
    return Interval(math.isqrt(max(a.lo, 0)), math.isqrt(max(a.hi, 0)))


def gcd(a: Interval, b: Interval) -> Interval:
    """``math.gcd(a, b)``."""
    return Interval(0, max(a.magnitude, b.magnitude))


def mul_add_and(a: Interval, b: Interval, c: Interval, m: Interval) -> Interval:
    """``(a * b + c) & m`` for ``m >= 0``."""
    return Interval(0, max(m.hi, 0))


def mul_add_mod(a: Interval, b: Interval, c: Interval, m: Interval) -> Interval:
    """``(a * b + c) % m`` for ``m > 0``."""
    return Interval(0, max(m.hi - 1, 0))
