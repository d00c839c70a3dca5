"""The numeric programs, side by side: each core of Ufora beside numba's one, and its two cores.

Per core, processor time is compared, and between one core and two the time that passes: the best
of each, since what else the machine does only ever adds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from benchmarks.native import rivals
from benchmarks.native.clusters import Cores, started
from benchmarks.native.rows import Row
from benchmarks.native.timing import Contestant, Series, in_turns, load, wall
from benchmarks.native.works import WORKS, Work

ONE, TWO, NUMBA, PRANGE, C = "Ufora", "Ufora x2", "numba", "prange", "C x2"
#: What two cores are to reach: "near 2", and for the primes a bar of their own.
_SPEED_UP, _OF_C = 1.8, 1.1


class WrongAnswer(Exception):
    """Two that should agree do not; nothing that is measured counts then."""


def measure(repeats: int, *, quick: bool, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows of all programs; ``quick``: at the small size.

    Raises:
        WrongAnswer: somebody's result differs.
    """
    with ExitStack() as stack:
        one, two = (stack.enter_context(started(cores)) for cores in (1, 2))
        for work in WORKS:
            now = replace(work, full=work.small) if quick else work
            say(f"{work.name} (load {load():.2f})")
            yield from _rows(now, one, two, repeats)


def _rows(work: Work, one: Cores, two: Cores, repeats: int) -> Iterator[Row]:
    _check_small(work, (one, two))
    before = load()
    series = in_turns(dict(_contestants(work, one, two)), repeats)
    _check_full(work, series)
    seconds = wall(series)

    def row(name: str, figure: float, bar: float, *, at_least: bool = False) -> Row:
        side: Any = "at least" if at_least else "at most"
        return Row(f"{work.name}: {name}", figure, bar, side, "x", before, seconds)

    if NUMBA in series:
        ratio = _cpu(series[ONE]) / _cpu(series[NUMBA])
        yield replace(
            row("one core, of numba", ratio, work.bar),
            series={f"{name}, CPU": series[name].cpu for name in (ONE, NUMBA)},
        )
    speed_up = series[ONE].best / series[TWO].best
    yield row("two cores, faster than one", speed_up, _SPEED_UP, at_least=True)
    if C in series:
        yield row("two cores, of C's", series[TWO].best / series[C].best, _OF_C)
    if PRANGE in series:
        yield row("two cores, of prange's", series[TWO].best / series[PRANGE].best, 1.0)


def _contestants(work: Work, one: Cores, two: Cores) -> Iterator[tuple[str, Contestant]]:
    yield ONE, lambda: one.run(work.ours, work.full)
    yield TWO, lambda: two.run(work.ours, work.full)
    numba, primes = rivals.has_numba(), work.name == "primes"
    if numba:
        yield NUMBA, rivals.numba(work)
    if numba and primes:
        yield PRANGE, rivals.prange_primes(work)
    if primes and rivals.has_gcc():
        yield C, rivals.c_primes(work, 2)


def _cpu(series: Series) -> float:
    return statistics.median(series.cpu)


def _check_small(work: Work, clusters: Sequence[Cores]) -> None:
    """What clusters give is what CPython gives, to the last bit."""
    right = work.ours(*work.small())
    for cluster in clusters:
        found = cluster.run(work.ours, work.small).value
        if _exactly(found) != _exactly(right):
            raise WrongAnswer(f"{work.name}: {found!r}, and in CPython {right!r}")


def _check_full(work: Work, series: dict[str, Series]) -> None:
    """All that compute the same give the same."""
    values = {
        name: _exactly(each.runs[0].value)
        for name, each in series.items()
        if work.numba_is_right or name not in (NUMBA, PRANGE)
    }
    if len(set(values.values())) > 1:
        raise WrongAnswer(f"{work.name}: {values}")


def _exactly(value: object) -> tuple[type, str]:
    return type(value), repr(value)
