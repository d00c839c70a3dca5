"""Three ways to run functions on all cores of this machine, with one face for the benchmarks."""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import numpy as np
import psutil

import pyfora
from benchmarks import work

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

CORES = os.cpu_count() or 1
#: Pieces into which the engines that cannot split a loop get it cut; enough to even out its skew.
PIECES = 16 * CORES


class Engine(ABC):
    """Something that runs work in other processes; ``start`` before anything else."""

    name: str

    def __init__(self) -> None:
        #: Its processes, without the one that uses it.
        self.processes: list[psutil.Process] = []

    def start(self) -> None:
        """Start the processes, one that works for each core, and wait until all are there."""
        before = set(psutil.Process().children(recursive=True))
        self._open()
        self.processes = [
            process
            for process in psutil.Process().children(recursive=True)
            if process not in before
        ]

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """End the processes."""

    @abstractmethod
    def nothing(self) -> None:
        """The least that can be asked for, and its answer."""

    @abstractmethod
    def many_nothings(self, count: int) -> None:
        """So many calls of an empty function, all under way at once, and their answers."""

    @abstractmethod
    def send(self, array: Floats) -> float:
        """The array goes there; one of its items comes back."""

    @abstractmethod
    def fetch(self, size: int, value: float) -> Floats:
        """An array of so many ``value`` is made there and comes back."""

    @abstractmethod
    def primes(self, stop: int) -> int:
        """How many of the numbers below ``stop`` are prime."""


class Ufora(Engine):
    """An embedded cluster."""

    name = "Ufora"

    def _open(self) -> None:
        self._cluster = pyfora.connect()

    def close(self) -> None:
        """End the processes."""
        self._cluster.close()

    def nothing(self) -> None:
        """A block that does nothing."""
        with self._cluster.remotely.downloadAll():
            pass

    def many_nothings(self, count: int) -> None:
        """One submit each."""
        for future in [self._cluster.submit(work.nothing) for _ in range(count)]:
            future.result()

    def send(self, array: Floats) -> float:
        """A block that reads one item."""
        with self._cluster.remotely.downloadAll():
            item = float(array[-1])
        return item

    def fetch(self, size: int, value: float) -> Floats:
        """A block that leaves an array."""
        with self._cluster.remotely.downloadAll():
            array = np.full(size, value)
        return array

    def primes(self, stop: int) -> int:
        """One expression, cut nowhere."""
        with self._cluster.remotely.downloadAll():
            count = sum(work.is_prime(n) for n in range(stop))
        return count


class Dask(Engine):
    """``distributed.LocalCluster(processes=True)``; its scheduler lives in the client's process."""

    name = "Dask"

    def _open(self) -> None:
        from distributed import Client, LocalCluster

        self._cluster: Any = LocalCluster(
            n_workers=CORES, threads_per_worker=1, processes=True, dashboard_address=None
        )
        self._client: Any = Client(self._cluster)
        self._client.wait_for_workers(CORES)

    def close(self) -> None:
        """End the processes."""
        self._client.close()
        self._cluster.close()

    def nothing(self) -> None:
        """One submit."""
        self._client.submit(work.nothing, pure=False).result()

    def many_nothings(self, count: int) -> None:
        """One submit each."""
        self._client.gather([self._client.submit(work.nothing, pure=False) for _ in range(count)])

    def send(self, array: Floats) -> float:
        """The array scattered, then one submit, as its documentation advises for large ones."""
        [there] = self._client.scatter([array], hash=False)
        return float(self._client.submit(work.last, there, pure=False).result())

    def fetch(self, size: int, value: float) -> Floats:
        """One submit."""
        array: Floats = self._client.submit(np.full, size, value, pure=False).result()
        return array

    def primes(self, stop: int) -> int:
        """One submit a piece."""
        counts = [
            self._client.submit(work.count_primes, piece, pure=False)
            for piece in work.pieces(stop, PIECES)
        ]
        return sum(self._client.gather(counts))


class Pool(Engine):
    """``concurrent.futures.ProcessPoolExecutor``, its processes started afresh (not forked)."""

    name = "process pool"

    def _open(self) -> None:
        self._pool = ProcessPoolExecutor(CORES, mp_context=get_context("spawn"))
        list(self._pool.map(work.pause, [0.1] * CORES))

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()

    def nothing(self) -> None:
        """One submit."""
        self._pool.submit(work.nothing).result()

    def many_nothings(self, count: int) -> None:
        """One submit each."""
        for future in [self._pool.submit(work.nothing) for _ in range(count)]:
            future.result()

    def send(self, array: Floats) -> float:
        """One submit."""
        return self._pool.submit(work.last, array).result()

    def fetch(self, size: int, value: float) -> Floats:
        """One submit."""
        array: Floats = self._pool.submit(np.full, size, value).result()
        return array

    def primes(self, stop: int) -> int:
        """One submit a piece."""
        return sum(self._pool.map(work.count_primes, work.pieces(stop, PIECES)))


def available() -> list[type[Engine]]:
    """The engines that can run here, ours first."""
    engines: list[type[Engine]] = [Ufora, Pool]
    if importlib.util.find_spec("distributed"):
        engines.insert(1, Dask)
    return engines


@contextmanager
def started(kinds: list[type[Engine]]) -> Iterator[list[Engine]]:
    """One running engine of each kind."""
    engines = [kind() for kind in kinds]
    running: list[Engine] = []
    try:
        for engine in engines:
            engine.start()
            running.append(engine)
        yield running
    finally:
        for engine in reversed(running):
            engine.close()
