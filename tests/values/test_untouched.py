"""Which arrays have been written, by what the kernel knows of their pages."""

from pathlib import Path

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from ufora_core.store import ObjectStore
from ufora_core.values.untouched import is_untouched

COUNT = 200_000


def over_a_file(folder: Path) -> "numpy.ndarray[tuple[int], numpy.dtype[numpy.float64]]":
    store = ObjectStore(folder / "store")
    payload = store.put(numpy.arange(float(COUNT)).tobytes())
    return numpy.frombuffer(store.open_private(payload.digest), numpy.float64)


def test_reading_leaves_an_array_untouched(tmp_path: Path) -> None:
    array = over_a_file(tmp_path)
    assert is_untouched(array)
    assert array.sum() == COUNT * (COUNT - 1) / 2
    assert is_untouched(array)


@settings(max_examples=30)
@given(index=st.integers(0, COUNT - 1) | st.sampled_from([0, COUNT - 1]))
def test_one_write_anywhere_is_seen(tmp_path: Path, index: int) -> None:
    array = over_a_file(tmp_path)
    array[index] = -1.0
    assert not is_untouched(array)


def test_memory_that_is_no_file_counts_as_written() -> None:
    assert not is_untouched(numpy.ones(COUNT))


def test_nothing_is_untouched() -> None:
    assert is_untouched(numpy.empty(0))
