"""Sums of floats have the bits of one loop in the client's Python, however the loop is split."""

import dataclasses
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest

from fuzzing.blocks import eager
from inline_cluster import InlineCluster, QuietInterrupts
from prompt_native import PromptCompiler, PromptEngine
from pyfora._capture import Captured
from pyfora._landing import Outcome
from pyfora._progress import ProgressCallback
from ufora_core.protocol.executor import FromExecutor, Offer
from ufora_worker.loops.float_sum import ordered_sum
from ufora_worker.native.attention import Attention

_ITEMS = 600


class SplitCluster(InlineCluster):
    """Splits each loop into so many ranges, for a client on some version of Python."""

    def __init__(
        self, folder: Path, pieces: int, python: tuple[int, int], native: PromptEngine | None
    ) -> None:
        super().__init__(folder, random.Random(pieces).randrange, native)
        self._pieces_wanted = pieces
        self._python = python
        self.pieces = 1

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        """As the client's version of Python would send it."""
        self.pieces = 1
        self.words.set_hungry(int(self._pieces_wanted > 1))
        program = msgspec.structs.replace(captured.program, python=self._python)
        return super().run(dataclasses.replace(captured, program=program), progress)

    def send(self, message: FromExecutor) -> None:
        """Nobody is hungry any more once there are enough ranges."""
        if isinstance(message, Offer):
            self.pieces += 1
            self.words.set_hungry(int(self.pieces < self._pieces_wanted))
        super().send(message)


@contextmanager
def cluster_of(
    folder: Path, pieces: int, python: tuple[int, int], *, native: bool
) -> Iterator[SplitCluster]:
    compiler, attention = PromptCompiler(), Attention(QuietInterrupts())
    engine = PromptEngine(compiler, attention, before_first=False)
    cluster = SplitCluster(folder, pieces, python, engine if native else None)
    try:
        with (
            eager(),
            patch("ufora_worker.loops.outgoing.MANY", 16),
            patch("ufora_worker.loops.sums._MANY", 2),
        ):
            yield cluster
        assert bool(compiler.made) is native and not compiler.failures
    finally:
        cluster.close()
        engine.close()


def wide(x: int) -> float:
    return math.sin(x * 12.9898) * 10.0 ** (x * 7 % 31 - 15)


def cancelling(x: int) -> float:
    return (1e16 if x % 3 == 0 else -1e16 if x % 3 == 1 else 1.0) + x * 0.1


def whole_now_and_then(x: int) -> float:
    return x if x % 5 == 0 else x * 0.1


VALUES = [wide(x) / 3 for x in range(_ITEMS)]


@pytest.mark.parametrize("native", [False, True], ids=["in CPython", "natively"])
@pytest.mark.parametrize("python", [(3, 11), (3, 12)], ids=["3.11", "3.12"])
@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 64])
def test_a_sum_has_the_bits_of_one_loop(
    pieces: int, python: tuple[int, int], native: bool, tmp_path: Path
) -> None:
    counts = []
    with cluster_of(tmp_path, pieces, python, native=native) as cluster:
        with cluster.remotely.downloadAll():
            a = sum(wide(x) for x in range(_ITEMS))
        counts.append(cluster.pieces)
        with cluster.remotely.downloadAll():
            b = sum([cancelling(x) for x in range(_ITEMS)], 0.1)
        counts.append(cluster.pieces)
        with cluster.remotely.downloadAll():
            c = sum(value * 0.3 for value in VALUES)
        counts.append(cluster.pieces)
        with cluster.remotely.downloadAll():
            d = sum(whole_now_and_then(x) for x in range(_ITEMS))
        counts.append(cluster.pieces)
    assert counts == [pieces] * 4
    expected = [
        ordered_sum([wide(x) for x in range(_ITEMS)], 0, python),
        ordered_sum([cancelling(x) for x in range(_ITEMS)], 0.1, python),
        ordered_sum([value * 0.3 for value in VALUES], 0, python),
        ordered_sum([whole_now_and_then(x) for x in range(_ITEMS)], 0, python),
    ]
    assert [repr(each) for each in (a, b, c, d)] == list(map(repr, expected))


def large_now_and_then(x: int) -> float:
    """Beyond a machine word for some, where native code bails."""
    return float(3 ** (x % 45)) * (0.1 if x % 2 else -0.1)


def ints_at_first(x: int) -> float:
    return x if x < 200 else x * 0.1


def no_number_later(x: int) -> float | Fraction:
    return x * 0.1 if x < 300 else Fraction(1, x)


SPECIAL = [-0.0, *VALUES[:250], math.inf, *VALUES[250:], -math.inf, math.nan, 1.0]


@pytest.mark.parametrize("native", [False, True], ids=["in CPython", "natively"])
@pytest.mark.parametrize("python", [(3, 11), (3, 12)], ids=["3.11", "3.12"])
@pytest.mark.parametrize("pieces", [1, 3, 20])
def test_unusual_terms_are_added_as_python_adds_them(
    pieces: int, python: tuple[int, int], native: bool, tmp_path: Path
) -> None:
    with cluster_of(tmp_path, pieces, python, native=native) as cluster:
        with cluster.remotely.downloadAll():
            a = sum(large_now_and_then(x) for x in range(_ITEMS))
        with cluster.remotely.downloadAll():
            b = sum(ints_at_first(x) for x in range(_ITEMS))
        with cluster.remotely.downloadAll():
            c = sum((no_number_later(x) for x in range(_ITEMS)), -0.0)
        with cluster.remotely.downloadAll():
            d = sum((value for value in SPECIAL), 2**62)
        with cluster.remotely.downloadAll():
            e = sum(value for value in SPECIAL if value > 1e300)
        with cluster.remotely.downloadAll():
            f = sum(y * 0.1 for x in range(60) for y in range(x % 7))
        with pytest.raises(ZeroDivisionError), cluster.remotely.downloadAll():
            sum(1.0 / (x - 400) for x in range(_ITEMS))
        with pytest.raises(TypeError, match="unsupported operand"), cluster.remotely.downloadAll():
            sum(x * 0.5 if x < 350 else "x" for x in range(_ITEMS))  # type: ignore[misc]
        kept = list(tmp_path.glob("**/.floats-*"))
    assert kept == []
    expected = [
        ordered_sum([large_now_and_then(x) for x in range(_ITEMS)], 0, python),
        ordered_sum([ints_at_first(x) for x in range(_ITEMS)], 0, python),
        ordered_sum([no_number_later(x) for x in range(_ITEMS)], -0.0, python),
        ordered_sum(SPECIAL, 2**62, python),
        ordered_sum([value for value in SPECIAL if value > 1e300], 0, python),
        ordered_sum([y * 0.1 for x in range(60) for y in range(x % 7)], 0, python),
    ]
    assert list(map(repr, (a, b, c, d, e, f))) == list(map(repr, expected))


def test_the_two_rules_give_different_bits_here() -> None:
    values = [cancelling(x) for x in range(_ITEMS)]
    assert ordered_sum(values, 0.1, (3, 11)) != ordered_sum(values, 0.1, (3, 12))
