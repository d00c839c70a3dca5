"""Where native code begins, ends and stumbles: the first run, a cached one, skewed items, items
that overflow, items that do next to nothing, and the end of an endless loop.

Of times that are compared, the best are: what else the machine does only ever adds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import pyfora
from benchmarks.native.clusters import Cores, started
from benchmarks.native.rows import Row
from benchmarks.native.timing import Series, in_turns, load, measured, wall
from benchmarks.native.works import hits, primes

#: Where a cancelled loop has certainly become native code.
_UNTIL_NATIVE_SECONDS = 0.4


class NotNative(Exception):
    """What was to be measured did not happen: it ran in CPython."""


# ---------------------------------------------------------------------- programs


def last_ones(items: int, turns: int) -> int:
    """The last hundredth of the items takes nine tenths of the time."""
    heavy = items - items // 100
    return sum(hits(n, turns if n < heavy else 891 * turns) for n in range(items))


def scaled(n: int, large: int) -> int:
    """One item of a million has the ``large`` factor, with which 64 bits may do or not."""
    factor = large if n % 1_000_000 == 999_999 else 3
    return n * factor % 1000


def scaled_sum(items: int, large: int) -> int:
    """Items that go beyond 64 bits if ``large`` is."""
    return sum(scaled(n, large) for n in range(items))


def trivial_sum(items: int) -> int:
    """Next to nothing for each item, summed up."""
    return sum(2 * n + 1 for n in range(items))


def trivial_list(items: int) -> int:
    """Next to nothing for each item, collected."""
    return len([n + 1 for n in range(items)])


def turn_down(count: int) -> int:
    """So many turns; for a negative number, more than anybody will wait for."""
    while count != 0:
        count -= 1
    return count


def turns_down(items: int, count: int) -> int:
    """Endless for a negative ``count``."""
    return sum(turn_down(count) for _ in range(items))


def nothing() -> None:
    """What is run to see that a core is free."""


# ---------------------------------------------------------------------- rows


def measure(repeats: int, *, quick: bool, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows of all of these.

    Raises:
        NotNative: a loop that was to run as machine code did not.
    """
    small = 10 if quick else 1
    say("first and second cluster")
    yield from _first_runs(3 if quick else 5, 2_000_000 // small)
    with started(1) as one, started(2) as two:
        say("skewed items")
        yield _skewed(one, two, repeats, 5_000 // small)
        say("items that overflow")
        yield _overflowing(one, repeats, 10_000_000)
        say("trivial items")
        yield from _trivial_native(one, repeats, 1_000_000)
        say("cancelled loops")
        yield from _cancelled(one, 3 if quick else 20)
    with started(2, native=False) as interpreted:
        say("trivial items in CPython")
        yield from _trivial_interpreted(interpreted, repeats, 1_000_000)


def _first_runs(tries: int, count: int) -> Iterator[Row]:
    """Each first run is compared with later ones in the same process."""
    found: dict[str, tuple[Series, Series]] = {
        "new cluster, nothing compiled: over warm": (Series(), Series()),
        "new cluster, compiled before: over warm": (Series(), Series()),
    }
    before = load()
    for _ in range(tries):
        with TemporaryDirectory() as folder:
            for first, later in found.values():
                with started(1, cache=Path(folder)) as cluster:
                    first.runs.append(cluster.run(primes, lambda: (count,)))
                    again = [cluster.run(primes, lambda: (count,)) for _ in range(3)]
                    later.runs.append(min(again, key=lambda run: run.seconds))
    for (name, (first, later)), bar in zip(found.items(), (0.5, 0.05), strict=True):
        series = {"first": first.seconds, "warm": later.seconds}
        yield Row(name, first.best - later.best, bar, "at most", "s", before, series)


def _skewed(one: Cores, two: Cores, repeats: int, turns: int) -> Row:
    before = load()
    series = in_turns(
        {
            "one core": lambda: one.run(last_ones, lambda: (10_000, turns)),
            "two cores": lambda: two.run(last_ones, lambda: (10_000, turns)),
        },
        repeats,
    )
    _check_native(one)
    of_ideal = series["one core"].best / 2 / series["two cores"].best
    return Row("skewed: of the ideal on two cores", of_ideal, 0.9, "at least", "x", before,
               wall(series))  # fmt: skip


def _overflowing(one: Cores, repeats: int, items: int) -> Row:
    before = load()
    series = in_turns(
        {
            "clean": lambda: one.run(scaled_sum, lambda: (items, 2**39)),
            "overflows": lambda: one.run(scaled_sum, lambda: (items, 2**61)),
        },
        2 * repeats,
        warm_ups=2,
    )
    _check_native(one)
    ratio = series["overflows"].best / series["clean"].best
    return Row("10 items of 10 million overflow: of the clean run", ratio, 1.05, "at most", "x",
               before, wall(series))  # fmt: skip


_TRIVIAL = {"sum": trivial_sum, "list": trivial_list}


def _trivial_native(one: Cores, repeats: int, items: int) -> Iterator[Row]:
    for name, program in _TRIVIAL.items():
        before = load()
        series = in_turns(
            {"native": lambda: one.run(program, lambda: (items,))},  # noqa: B023
            repeats,
            warm_ups=2,
        )
        _check_native(one)
        rate = items / series["native"].best / 1e6
        yield Row(f"trivial items, {name}", rate, 1.0, "at least", "M/s", before, wall(series))


def _trivial_interpreted(cluster: Cores, repeats: int, items: int) -> Iterator[Row]:
    for name, program in _TRIVIAL.items():
        before = load()
        series = in_turns(
            {
                "interpreted": lambda: cluster.run(program, lambda: (items,)),  # noqa: B023
                "CPython": lambda: measured(program, lambda: (items,)),  # noqa: B023
            },
            2 * repeats,
        )
        ratio = series["interpreted"].best / series["CPython"].best
        yield Row(f"trivial items, {name}, UFORA_NATIVE=0: of CPython", ratio, 1.1, "at most", "x",
                  before, wall(series))  # fmt: skip


def _cancelled(one: Cores, tries: int) -> Iterator[Row]:
    before = load()
    for _ in range(2):
        one.run(turns_down, lambda: (10, 100_000_000))
    _check_native(one)
    seconds = [_cancel(one) for _ in range(tries)]
    series: dict[str, Sequence[float]] = {"cancel": seconds}
    name = "cancel of an endless native loop"
    yield Row(f"{name}, median", statistics.median(seconds), 0.05, "at most", "s", before, series)
    yield Row(f"{name}, worst", max(seconds), 1.0, "at most", "s", before, series)
    kept = float(one.kept_processes())
    yield Row(f"{name}: processes kept", kept, 1.0, "at least", "", before, {})


def _cancel(one: Cores) -> float:
    """Seconds until the only core has done something else."""
    future: Any = one.cluster.submit(turns_down, 10, -1)
    time.sleep(_UNTIL_NATIVE_SECONDS)
    begun = perf_counter()
    future.cancel()
    one.cluster.submit(nothing).result()
    seconds = perf_counter() - begun
    with suppress(pyfora.CancelledError):
        raise NotNative(f"an endless loop gave {future.result()!r}")
    return seconds


def _check_native(cluster: Cores) -> None:
    if not cluster.native_items():
        raise NotNative(str(cluster.cluster.last_report))
