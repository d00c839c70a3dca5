"""Clusters to measure on: of so many cores, with and without native code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psutil

import pyfora
from benchmarks.native.timing import Make, Run, timed


class Cores:
    """A running cluster of one worker."""

    def __init__(self, cluster: pyfora.Cluster, processes: frozenset[int]) -> None:
        self.cluster = cluster
        self._processes = processes

    def run(self, program: Callable[..., Any], make: Make = tuple) -> Run:
        """Run a program there, timed there."""
        with self.cluster.remotely.downloadAll():
            value, seconds, cpu = timed(program, make)
        return Run(value, seconds, cpu)

    def whole(self, program: Callable[[], Any]) -> Run:
        """Run a program there, timed here: what it takes to go there and back counts as well."""
        begun = perf_counter()
        with self.cluster.remotely.downloadAll():
            value = program()
        return Run(value, perf_counter() - begun, 0.0)

    def native_items(self) -> int:
        """Items that ran as machine code in the block before."""
        report = self.cluster.last_report
        return 0 if report is None else sum(loop.native_items for loop in report.loops)

    def kept_processes(self) -> bool:
        """Whether all processes that it started with are still there."""
        return self._processes <= _children()


@contextmanager
def started(cores: int, *, native: bool = True, cache: Path | None = None) -> Iterator[Cores]:
    """A cluster of so many cores. ``cache`` is its folder of compiled code, a new and empty one
    unless it is given."""
    with TemporaryDirectory() as folder:
        before = _children()
        settings = {
            "UFORA_NATIVE": "1" if native else "0",
            "UFORA_NATIVE_CACHE": str(cache or folder),
        }
        with _environment(settings):
            local = pyfora.LocalCluster(workers=1, cores_per_worker=cores)
        with local:
            cluster = local.connect()
            try:
                yield Cores(cluster, _children() - before)
            finally:
                cluster.close()


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Within it, processes that are started get these settings."""
    variables = os.environ  # noqa: TID251  (there is no other way to a local cluster's workers)
    before = {name: variables.get(name) for name in settings}
    variables.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del variables[name]
            else:
                variables[name] = value


def _children() -> frozenset[int]:
    return frozenset(child.pid for child in psutil.Process().children(recursive=True))
