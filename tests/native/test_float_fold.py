"""Floats added by native code have the bits of the client's ``sum``: those of an array, and those
that items give."""

from array import array
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine_code import Listener
from ufora_worker.executor.interrupts import Interrupts
from ufora_worker.loops.float_sum import compensates, folded_sum, ordered_sum, running_sum
from ufora_worker.native.attention import Attention
from ufora_worker.native.compilation import Compilation
from ufora_worker.native.float_fold import FloatFold, fold_translation
from ufora_worker.native.ir.nodes import Sink
from ufora_worker.native.ir.parser import parse
from ufora_worker.native.ir.types import FLOAT
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.llvm.compile import compile_unit
from ufora_worker.native.llvm.entry import Entry
from ufora_worker.native.runs import Status

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


#: Emits element ``%index`` of an array, and bails at -7.0.
_SUM = """
unit {sink} of float

def item(%index: int, xs: float:f8[]):
    x: float = array.get xs, %index @1
    emit x
    hole: bool = float.eq x, -7.0 @1
    if hole:
        bail 'a hole' @1
"""


@pytest.fixture
def adding() -> dict[tuple[int, int], Entry]:
    return {
        python: compile_unit(parse(_SUM.format(sink=sink.value)), None)
        for python, sink in zip(VERSIONS, (Sink.SUM, Sink.COMPENSATED_SUM), strict=True)
    }


@pytest.mark.parametrize("python", VERSIONS)
@given(
    values=st.lists(st.floats() | st.just(-7.0), min_size=1),
    cuts=st.lists(st.integers(0, 30), max_size=4),
    start=st.floats(),
)
def test_items_are_added_from_slice_to_slice_whatever_bails(
    adding: dict[tuple[int, int], Entry],
    python: tuple[int, int],
    values: list[float],
    cuts: list[int],
    start: float,
) -> None:
    packed = array("d", values)
    words = [packed.buffer_info()[0], len(packed), packed.itemsize]
    running = running_sum(start, python)
    index = 0
    for end in sorted(min(cut, len(values)) for cut in (*cuts, len(values))):
        while index < end:
            run = adding[python].run(index, end, words, None, Listener(), running.floats)
            assert run.sum is not None
            running.floats, index = run.sum, run.next
            if run.status is Status.BAILED:
                running.add([values[index]])
                index += 1
    assert repr(running.value) == repr(ordered_sum(values, start, python))


@pytest.mark.parametrize("python", VERSIONS)
def test_without_a_sum_the_same_code_fills_a_column(
    adding: dict[tuple[int, int], Entry], python: tuple[int, int]
) -> None:
    packed = array("d", [1.0, -0.0, 2.5])
    words = [packed.buffer_info()[0], len(packed), packed.itemsize]
    columns = Columns.for_type(FLOAT, 2)
    run = adding[python].run(0, 3, words, columns, Listener())
    assert (run.status, run.next, run.sum) == (Status.FULL, 2, None)
    assert list(map(repr, run.columns[0].tolist())) == ["1.0", "-0.0"]


def test_a_start_beyond_floats_raises_what_sum_raises(
    folds: dict[tuple[int, int], FloatFold],
) -> None:
    for python in VERSIONS:
        with pytest.raises(OverflowError, match="int too large"):
            folded_sum([array("d", [1.0])], 10**400, python, folds[python])
