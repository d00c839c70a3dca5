"""Runs cases on engines, in turns, so that a disturbance of the machine meets them all alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from benchmarks.cases import Case, Figure, Scale, cpu_seconds
from benchmarks.engines import Engine


@dataclass(frozen=True, slots=True)
class Series:
    """What one engine reached in one case: ``values[repeat][figure]``."""

    case: Case
    engine: str
    values: list[Sequence[float]] = field(default_factory=list)
    #: Processor seconds of each repeat, of the engine's processes and of the one that uses them.
    cpu: list[float] = field(default_factory=list)

    def of(self, figure: Figure) -> list[float]:
        """The values of one figure."""
        index = self.case.figures.index(figure)
        return [values[index] for values in self.values]


def run_case(
    case: Case, engines: Sequence[Engine], scale: Scale, say: Callable[[str], None]
) -> list[Series]:
    """All repeats of one case; the engines take turns."""
    series = [Series(case, engine.name) for engine in engines]
    for repeat in range(scale.repeats):
        for engine, each in zip(engines, series, strict=True):
            load = os.getloadavg()[0]
            say(f"{case.name}, {repeat + 1} of {scale.repeats}: {engine.name} (load {load:.2f})")
            processes = [psutil.Process(), *engine.processes]
            before = cpu_seconds(processes)
            each.values.append(case.run(engine, scale))
            each.cpu.append(cpu_seconds(processes) - before)
    return series
