"""Captured arrays are read as Python reads them, or the item bails."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from machine_code import entry_of, run
from ufora_worker.native.ir.types import COMPLEX, FLOAT, INT, Array, Scalar
from ufora_worker.native.llvm.columns import Columns
from ufora_worker.native.runs import Status

COPYING = """
unit columns of {type}

def item(%index: int, values: {array}):
    %1: int = array.len values, 0
    %2: int = int.sub %index, %1
    %3: {type} = array.get values, %2
    emit %3
"""


def words_of(array: numpy.ndarray[Any, Any]) -> list[int]:
    return [array.ctypes.data, *array.shape, *array.strides]


def copied(array: numpy.ndarray[Any, Any], element: Scalar, storage: str) -> list[Any]:
    """The elements as native code reads them, by negative indices and then by others."""
    text = COPYING.format(type=element, array=Array(element, storage))
    columns = Columns.for_type(element, 2 * len(array))
    done = run(entry_of(text), 0, 2 * len(array), *words_of(array), columns=columns)
    assert (done.status, done.count) == (Status.DONE, 2 * len(array))
    return list(done.columns[0].tolist())


@pytest.mark.parametrize("storage", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_of_all_sizes_become_ints(storage: str) -> None:
    limits = numpy.iinfo(storage)
    most = min(int(limits.max), 2**63 - 1)
    array = numpy.array([int(limits.min), 0, 1, 100, most], storage)
    assert copied(array, INT, storage) == 2 * array.tolist()


@pytest.mark.parametrize("storage", ["f4", "f8"])
def test_floats_of_all_sizes_become_floats(storage: str) -> None:
    array = numpy.array([0.1, -0.0, 1e30, numpy.inf], storage)
    assert copied(array, FLOAT, storage) == 2 * array.tolist()


@pytest.mark.parametrize("storage", ["c8", "c16"])
def test_complex_numbers_become_complex(storage: str) -> None:
    array = numpy.array([0.1 - 2j, 1e30j], storage)
    assert copied(array, COMPLEX, storage) == 2 * array.tolist()


def test_any_byte_but_0_is_true() -> None:
    array = numpy.array([0, 1, 2, 255], "u1")
    assert copied(array, Scalar("bool"), "b1") == [0, 1, 1, 1] * 2


def test_characters_of_all_widths_are_code_points() -> None:
    for storage, text in (("u1", "az\xff"), ("u2", "a\u20ac"), ("u4", "a\U0001f600")):
        array = numpy.array([ord(each) for each in text], storage)
        assert copied(array, Scalar("char"), storage) == 2 * array.tolist()


def test_an_unsigned_number_beyond_64_signed_bits_bails() -> None:
    array = numpy.array([1, 2**63], "u8")
    text = COPYING.format(type="int", array="int:u8[]")
    done = run(entry_of(text), 0, 2, *words_of(array), columns=Columns.for_type(INT, 2))
    assert (done.status, done.next) == (Status.BAILED, 1)


def test_memory_may_have_any_strides_and_no_alignment() -> None:
    base = numpy.arange(40, dtype="i8")
    assert copied(base[::-3], INT, "i8") == 2 * base[::-3].tolist()
    assert copied(numpy.broadcast_to(numpy.int64(7), 3), INT, "i8") == [7] * 6
    packed = numpy.array([(1, 2**40), (2, 3)], numpy.dtype([("a", "u1"), ("b", "<i8")]))
    assert copied(packed["b"], INT, "i8") == [2**40, 3] * 2


@pytest.mark.parametrize("index", [3, 4, -4, -5, 2**63 - 1, -(2**63)])
def test_an_index_out_of_range_bails(index: int) -> None:
    text = """
unit total of int

def item(%index: int, values: int:i8[], at: int):
    %1: int = array.get values, at
    emit %1
"""
    array = numpy.arange(3)
    done = run(entry_of(text), 0, 1, *words_of(array), index)
    assert done.status is Status.BAILED


def test_an_index_of_nothing_bails() -> None:
    text = COPYING.format(type="int", array="int:i8[]")
    done = run(
        entry_of(text), 0, 1, *words_of(numpy.empty(0, "i8")), columns=Columns.for_type(INT, 1)
    )
    assert done.status is Status.BAILED


TWO_DIMENSIONS = """
unit columns of int

def item(%index: int, values: int:i8[,], row: int, column: int):
    %1: int:i8[] = array.row values, row
    %2: int = call element(%1, column)
    %3: int = array.get values, row, column
    %4: int = int.sub %2, %3
    emit %3
    emit %4
    %5: int = array.len values, 0
    emit %5
    %6: int = array.len values, 1
    emit %6

def element(row: int:i8[], column: int) -> int:
    %1: int = array.get row, column
    return %1
"""


@pytest.mark.parametrize("flip", [False, True])
def test_two_dimensions_are_indexed_as_rows_and_columns(flip: bool) -> None:
    array = numpy.arange(12).reshape(3, 4)
    array = array.T[::-1] if flip else array
    entry, columns = entry_of(TWO_DIMENSIONS), Columns.for_type(INT, 4)
    rows, width = array.shape
    for row in range(-rows - 1, rows + 1):
        for column in range(-width - 1, width + 1):
            done = run(entry, 0, 1, *words_of(array), row, column, columns=columns)
            if -rows <= row < rows and -width <= column < width:
                assert done.columns[0].tolist() == [array[row, column], 0, rows, width]
            else:
                assert done.status is Status.BAILED


SLICES = """
unit columns of int

def item(%index: int, values: int:i8[,]):
    %1: int:i8[,] = array.slice values, 2, 2, -2
    %2: int = array.len %1, 0
    emit %2
    for i: int in range(0, %2, 1):
        %3: int:i8[] = array.row %1, i
        %4: int:i8[] = array.slice %3, 1, 2, 2
        %5: int = array.get %4, -1
        emit %5
"""


def test_a_slice_is_the_same_memory_with_other_strides() -> None:
    array = numpy.arange(20).reshape(4, 5)
    columns = Columns.for_type(INT, 10)
    done = run(entry_of(SLICES), 0, 1, *words_of(array), columns=columns)
    sliced = array[2::-2, 1:5:2]
    assert done.columns[0].tolist() == [2, *sliced[:, -1].tolist()]
