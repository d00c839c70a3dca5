"""What is measured: each case runs on one engine and gives one value for each of its figures."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import psutil

from benchmarks.engines import Engine


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of each thing is done."""

    repeats: int = 5
    round_trips: int = 300
    submits: int = 10_000
    array_bytes: int = 100_000_000
    idle_seconds: float = 5.0
    primes_below: int = 500_000
    operator_clusters: int = 500


QUICK = Scale(
    repeats=2,
    round_trips=50,
    submits=1_000,
    array_bytes=20_000_000,
    idle_seconds=1.0,
    primes_below=100_000,
    operator_clusters=50,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a case; ``aim`` is what Ufora is built to reach."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    aim: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement. ``run`` gives a value for each figure, in order."""

    name: str
    figures: tuple[Figure, ...]
    run: Callable[[Engine, Scale], Sequence[float]]


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def _round_trip(engine: Engine, scale: Scale) -> Sequence[float]:
    times = sorted(_seconds(engine.nothing) * 1e3 for _ in range(scale.round_trips))
    return statistics.median(times), times[int(0.99 * len(times))]


def _start(engine: Engine, scale: Scale) -> Sequence[float]:
    fresh = type(engine)()
    begun = time.perf_counter()
    fresh.start()
    try:
        fresh.nothing()
        return [time.perf_counter() - begun]
    finally:
        fresh.close()


def _submits(engine: Engine, scale: Scale) -> Sequence[float]:
    return [scale.submits / _seconds(lambda: engine.many_nothings(scale.submits))]


#: Each array differs from all before it, so that no engine may know it already.
_fresh_value = map(float, itertools.count(1))


def _array_in(engine: Engine, scale: Scale) -> Sequence[float]:
    array = np.full(scale.array_bytes // 8, next(_fresh_value))
    return [scale.array_bytes / 1e9 / _seconds(lambda: engine.send(array))]


def _array_out(engine: Engine, scale: Scale) -> Sequence[float]:
    size, value = scale.array_bytes // 8, next(_fresh_value)
    return [scale.array_bytes / 1e9 / _seconds(lambda: engine.fetch(size, value))]


def _primes(engine: Engine, scale: Scale) -> Sequence[float]:
    return [_seconds(lambda: engine.primes(scale.primes_below))]


def _idle(engine: Engine, scale: Scale) -> Sequence[float]:
    # A process's share (PSS) of what it has in common with others, so that the sum counts it once.
    memory = sum(process.memory_full_info().pss for process in engine.processes)
    before = cpu_seconds(engine.processes)
    time.sleep(scale.idle_seconds)
    busy = cpu_seconds(engine.processes) - before
    return memory / 1e6, 100 * busy / scale.idle_seconds


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Processor time that these processes have used so far."""
    total = 0.0
    for process in processes:
        used = process.cpu_times()
        total += used.user + used.system
    return total


CASES = [
    Case(
        "empty block, there and back",
        (Figure("p50", "ms", "lower", "< 2"), Figure("p99", "ms", "lower")),
        _round_trip,
    ),
    Case("start to first result", (Figure("time", "s", "lower", "< 1.0"),), _start),
    Case("calls of an empty function", (Figure("rate", "1/s", "higher", "> Dask"),), _submits),
    Case("array in", (Figure("speed", "GB/s", "higher", ">= 0.5"),), _array_in),
    Case("array out", (Figure("speed", "GB/s", "higher", ">= 0.5"),), _array_out),
    Case("counting primes", (Figure("time", "s", "lower"),), _primes),
    Case(
        "idle",
        (Figure("memory", "MB", "lower", "< 150"), Figure("CPU", "%", "lower", "< 1")),
        _idle,
    ),
]
