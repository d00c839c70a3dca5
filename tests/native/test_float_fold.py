"""Floats added by native code have the bits of the client's ``sum``."""

from array import array
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.loops.float_sum import compensates, folded_sum, ordered_sum
from ufora_worker.native.attention import Attention
from ufora_worker.native.compilation import Compilation
from ufora_worker.native.float_fold import FloatFold, fold_translation

VERSIONS = [(3, 11), (3, 12)]


@pytest.fixture
def folds() -> Iterator[dict[tuple[int, int], FloatFold]]:
    attention = Attention(Interrupts(lambda: False))
    compilation = Compilation(None)
    yield {
        python: FloatFold(
            compilation.compile(lambda: fold_translation(compensated=compensates(python))),  # noqa: B023
            attention,
        )
        for python in VERSIONS
    }
    attention.close()


@pytest.mark.parametrize("python", VERSIONS)
@given(
    values=st.lists(st.lists(st.floats(), min_size=1), min_size=1),
    start=st.floats() | st.integers(-(2**70), 2**70),
)
def test_any_floats_from_any_start(
    folds: dict[tuple[int, int], FloatFold],
    python: tuple[int, int],
    values: list[list[float]],
    start: float | int,
) -> None:
    flat = [value for each in values for value in each]
    arrays = [array("d", each) for each in values]
    expected = ordered_sum(flat, start, python)
    assert repr(folded_sum(arrays, start, python, folds[python])) == repr(expected)


def test_a_start_beyond_floats_raises_what_sum_raises(
    folds: dict[tuple[int, int], FloatFold],
) -> None:
    for python in VERSIONS:
        with pytest.raises(OverflowError, match="int too large"):
            folded_sum([array("d", [1.0])], 10**400, python, folds[python])
