"""How long a program takes, here and in a cluster, without what its data take to get ready."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, thread_time
from typing import Any

#: Makes the arguments of a program, where it runs.
Make = Callable[[], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program."""

    value: Any
    #: Of the program, without its arguments being made.
    seconds: float
    #: Processor time of the thread that ran it: what other programs take away is not in it.
    cpu: float


@dataclass(slots=True)
class Series:
    """All runs of one contestant, which take turns with those of the others."""

    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Of all runs."""
        return [run.seconds for run in self.runs]

    @property
    def cpu(self) -> list[float]:
        """Of all runs."""
        return [run.cpu for run in self.runs]

    @property
    def best(self) -> float:
        """Of the seconds: other programs only ever add to it."""
        return min(self.seconds)


Contestant = Callable[[], Run]


def measured(program: Callable[..., Any], make: Make) -> Run:
    """Run it in this thread."""
    value, seconds, cpu = timed(program, make)
    return Run(value, seconds, cpu)


def timed(program: Callable[..., Any], make: Make) -> tuple[Any, float, float]:
    """What a program gives, its seconds, and its thread's processor time; runs anywhere."""
    arguments = make()
    begun, busy = perf_counter(), thread_time()
    value = program(*arguments)
    return value, perf_counter() - begun, thread_time() - busy


def in_turns(
    contestants: Mapping[str, Contestant], repeats: int, warm_ups: int = 1
) -> dict[str, Series]:
    """All repeats of all contestants; what is measured comes after ``warm_ups`` that are not."""
    series = {name: Series() for name in contestants}
    for turn in range(warm_ups + repeats):
        for name, contestant in contestants.items():
            run = contestant()
            if turn >= warm_ups:
                series[name].runs.append(run)
    return series


def wall(series: Mapping[str, Series]) -> dict[str, Sequence[float]]:
    """The seconds of each contestant."""
    return {name: each.seconds for name, each in series.items()}


def load() -> float:
    """How many processes want a core just now, on average over a minute."""
    return os.getloadavg()[0]
