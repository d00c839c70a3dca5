"""The corpus of ordinary programs: as a block on two cores, and plain in this process, in turns.

The best of each is compared: what else the machine does only ever adds, and to the plain run, which
is in one process, least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.native.clusters import Cores, started
from benchmarks.native.comparisons import WrongAnswer
from benchmarks.native.corpus import PROGRAMS
from benchmarks.native.rows import Row
from benchmarks.native.timing import in_turns, load, measured, wall

#: What a program may lose: a part of its time, and seconds.
_RATIO, _SECONDS = 1.1, 0.05
#: They are short, so what else the machine does shows more: they run more often than the works.
_MORE = 2


def measure(repeats: int, *, quick: bool, say: Callable[[str], None]) -> Iterator[Row]:
    """A row for each program.

    Raises:
        WrongAnswer: a block gave something else than CPython.
    """
    with started(2) as cluster:
        for program in PROGRAMS[: 5 if quick else None]:
            say(f"{program.__name__} (load {load():.2f})")
            yield _row(program, cluster, _MORE * repeats)


def _row(program: Callable[[], object], cluster: Cores, repeats: int) -> Row:
    before = load()
    series = in_turns(
        {
            "Ufora": lambda: cluster.whole(program),
            "CPython": lambda: measured(program, tuple),
        },
        repeats,
        warm_ups=0,
    )
    ours, right = (each.runs[0].value for each in series.values())
    if (type(ours), ours) != (type(right), right):
        raise WrongAnswer(f"{program.__name__}: {ours!r}, and in CPython {right!r}")
    plain = series["CPython"].best
    ratio, bar = series["Ufora"].best / plain, _RATIO + _SECONDS / plain
    return Row(f"corpus: {program.__name__}", ratio, bar, "at most", "x", before, wall(series))
