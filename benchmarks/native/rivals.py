"""What Ufora is compared with: numba, and C with checked arithmetic. Both may be missing."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Any

import numpy as np

from benchmarks.native.timing import Contestant, measured
from benchmarks.native.works import Work

_SOURCE = Path(__file__).with_name("primes.c")
_GCC = ("gcc", "-O3", "-shared", "-fPIC", "-pthread")


def has_numba() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def has_gcc() -> bool:
    """Whether gcc is installed."""
    return shutil.which("gcc") is not None


def numba(work: Work) -> Contestant:
    """``numba.njit`` on one core, compiled by a run of the small size."""
    from numba import njit

    helpers = tuple(_compiled(helper) for helper in work.helpers)
    plain = njit(work.plain)
    plain(*helpers, *_for_numba(work.small()))
    return _Numba(plain, helpers, work)


@dataclass(frozen=True, slots=True)
class _Numba:
    plain: Callable[..., Any]
    helpers: tuple[Any, ...]
    work: Work

    def __call__(self) -> Any:
        return measured(self.plain, lambda: (*self.helpers, *_for_numba(self.work.full())))


def _compiled(function: Callable[..., Any]) -> Any:
    """The function for numba. It may call itself by its global name, which is to mean its compiled
    form as well."""
    from numba import njit

    assert isinstance(function, FunctionType)
    namespace = dict(function.__globals__)
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__)
    namespace[function.__name__] = dispatcher = njit(copy)
    return dispatcher


def _for_numba(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Text becomes an array of its code points."""
    return tuple(
        np.frombuffer(each.encode("utf-32-le"), np.uint32) if isinstance(each, str) else each
        for each in arguments
    )


def prange_primes(work: Work) -> Contestant:
    """The primes on all cores, by numba's own parallel loop."""
    from numba import njit, prange

    def count(is_prime: Any, end: int) -> int:
        total = 0
        for n in prange(end):
            total += is_prime(n)
        return total

    [helper] = (_compiled(each) for each in work.helpers)
    compiled = njit(parallel=True)(count)
    compiled(helper, *work.small())
    return lambda: measured(compiled, lambda: (helper, *work.full()))


def c_primes(work: Work, threads: int) -> Contestant:
    """The primes in C on so many threads."""
    count = _library().count_primes
    count.restype, count.argtypes = ctypes.c_long, (ctypes.c_long, ctypes.c_int)
    return lambda: measured(count, lambda: (*work.full(), threads))


def _library() -> ctypes.CDLL:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "primes.so"
        subprocess.run([*_GCC, "-o", str(path), str(_SOURCE)], check=True)
        return ctypes.CDLL(str(path))
