"""Captured values: their types, why some have none, and the words that native code gets."""

import ctypes
import math
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ufora_worker.native.ir.types import NUMPY_INT, Array, Tuple, leaves
from ufora_worker.native.translate.capture import Unsuited, judge, pack, take, type_of

_FORMATS = {
    "b1": "?",
    "i1": "b",
    "u1": "B",
    "i2": "h",
    "u2": "H",
    "i4": "i",
    "u4": "I",
    "i8": "q",
    "f4": "f",
    "f8": "d",
    "c16": "dd",
}


def _read(array: Array, words: Sequence[int], *indices: int) -> object:
    """An element as native code would read it."""
    strides = words[1 + array.dimensions :]
    address = words[0] + sum(i * stride for i, stride in zip(indices, strides, strict=True))
    form = _FORMATS[array.storage]
    parts = struct.unpack(f"={form}", ctypes.string_at(address, struct.calcsize(f"={form}")))
    return complex(*parts) if len(parts) == 2 else parts[0]


def _elements(value: object) -> list[object]:
    type = type_of(value)
    assert isinstance(type, Array)
    packed = pack(type, value)
    return [_read(type, packed.words, index) for index in range(packed.words[1])]


@pytest.mark.parametrize(
    ("value", "type"),
    [
        (True, "bool"),
        (-(2**63), "int"),
        (1.5, "float"),
        (1j, "complex"),
        (np.float64(1), "np.float64"),
        (np.int64(1), "np.int64"),
        (np.bool(1), "np.bool"),
        (np.uint8(1), "np.narrow_int"),
        (np.float32(1), "np.narrow_float"),
        ("x", "char"),
        ("", "char:u1[]"),
        ("abc", "char:u1[]"),
        ("né", "char:u1[]"),
        ("日本", "char:u4[]"),
        (b"a", "int:u1[]"),
        ([], "int:i8[]"),
        ([1, 2], "int:i8[]"),
        ([True, False], "bool:b1[]"),
        ([1.0], "float:f8[]"),
        ([1j], "complex:c16[]"),
        ([[1.0, 2.0], (3.0, 4.0)], "float:f8[,]"),
        (((1, 0), (0, 1)), "int:i8[,]"),
        ((1, 2), "(int, int)"),
        ((1, 2.0, (True, "ab")), "(int, float, (bool, char:u1[]))"),
        ((1, 2, 3, 4, 5), "int:i8[]"),
        (np.zeros(3), "np.float64:f8[]"),
        (np.zeros((2, 3), dtype=np.int32), "np.narrow_int:i4[,]"),
        (np.zeros(3, dtype=complex), "np.complex128:c16[]"),
    ],
)
def test_values_have_these_types(value: object, type: str) -> None:
    assert str(type_of(value)) == type


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**63, "an int that does not fit in 64 bits"),
        ([1, 2**63], "a list with an int that does not fit in 64 bits"),
        ([1, 2.5], "a list of float and int"),
        ([1, True], "a list of bool and int"),
        (["a"], "a list of str"),
        ([np.float64(1)], "a list of NumPy scalars"),
        ([[1], [1, 2]], "a list of lists of different lengths"),
        ([[1], [1.5]], "a list of lists that are not all Python numbers of one class"),
        ([["a"]], "a list of lists that hold other things than numbers"),
        ((1, {}), "a tuple with a component that is of class dict"),
        ((*range(16), 1.5), "a tuple of float and int"),
        (np.zeros(2, dtype=np.uint64), "an array of dtype uint64"),
        (np.zeros(2, dtype=np.longlong), "an array of dtype"),
        (np.zeros((1, 1, 1)), "an array of 3 dimensions"),
        (np.zeros(()), "an array of 0 dimensions"),
        (np.zeros(2, dtype=">f8"), "an array of foreign byte order"),
        (np.zeros(17, dtype="u1")[1:].view("f8"), "an array of foreign byte order or alignment"),
        (np.ma.masked_array([1.0]), "of class MaskedArray"),
        (bytearray(b"a"), "of class bytearray"),
        (None, "of class NoneType"),
    ],
)
def test_others_have_none_and_a_reason(value: object, reason: str) -> None:
    judged = judge(value)
    assert isinstance(judged, Unsuited)
    assert judged.reason.startswith(reason)
    assert type_of(value) is None


def test_a_list_that_holds_itself_has_no_type() -> None:
    knot: list[object] = []
    knot.append(knot)
    assert type_of(knot) is None


def test_a_deeply_nested_tuple_has_no_type() -> None:
    nest: object = 1
    for _ in range(100_000):
        nest = (nest, 1.5)
    assert type_of(nest) is None


def test_a_subclass_of_a_number_has_no_type() -> None:
    class Metres(float):
        pass

    assert type_of(Metres(1)) is None
    assert type_of([Metres(1)]) is None


@pytest.mark.parametrize(
    "value",
    [
        *([5, -(2**63), 2**63 - 1], [True, False], [0.1, -0.0, math.inf], [1 + 2j, -0j]),
        *(b"\x00\xff", (1, 2, 3, 4, 5, 6), np.arange(10)[::-3], np.array([1, 200], dtype="u1")),
        *(np.array([-1, 5], dtype="i2"), np.array([0.1], dtype="f4"), np.array([1j, 2])[::-1]),
        *(np.array([True, False, True])[::2], [], b"", np.array([], dtype=float)),
    ],
)
def test_elements_are_read_where_the_words_say(value: Sequence[object]) -> None:
    assert list(map(repr, _elements(value))) == [repr(np.asarray(each).item()) for each in value]


@given(st.text())
def test_characters_are_read_where_the_words_say(text: str) -> None:
    type = type_of(text)
    if isinstance(type, Array):
        assert _elements(text) == list(map(ord, text))
    else:
        assert type is not None
        assert pack(type, text).words == [ord(text)]


def test_text_with_surrogates_is_read_where_the_words_say() -> None:
    assert _elements("a\ud800b") == [97, 0xD800, 98]


def test_rows_are_read_where_the_words_say() -> None:
    matrix = np.arange(12).reshape(3, 4)[:, ::-2]
    for value in (matrix, [list(row) for row in matrix.tolist()]):
        type = type_of(value)
        assert isinstance(type, Array)
        words = pack(type, value).words
        assert words[1:3] == [3, 2]
        assert [[_read(type, words, i, j) for j in range(2)] for i in range(3)] == matrix.tolist()


def test_ascii_bytes_and_arrays_are_not_copied() -> None:
    array = np.arange(1000)
    assert pack(Array(NUMPY_INT, "i8"), array).words[0] == array.ctypes.data
    for value in ("x" * 1000, b"y" * 1000):
        type = type_of(value)
        assert type is not None
        one, other = pack(type, value), pack(type, value)
        assert one.words == other.words


def test_a_tuple_is_packed_leaf_by_leaf() -> None:
    value = (1, (2.5, True), 1 - 2j, b"ab")
    type = type_of(value)
    assert isinstance(type, Tuple)
    assert list(map(str, leaves(type))) == ["int", "float", "bool", "complex", "int:u1[]"]
    bits = struct.unpack("=3q", struct.pack("=3d", 2.5, 1.0, -2.0))
    words = pack(type, value).words
    assert words[:5] == [1, bits[0], 1, *bits[1:]]
    assert words[6:] == [2, 1]


_NUMBER = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**63, -(2**63) - 1, 10**30]),
    st.floats(),
    st.complex_numbers(),
    st.sampled_from([np.float64(0.5), np.int64(3)]),
)


@given(
    st.one_of(
        st.lists(_NUMBER, max_size=8),
        *(st.lists(each, min_size=5, max_size=8) for each in (st.integers(), st.floats())),
    ),
    st.sampled_from([list, tuple]),
)
def test_what_is_taken_of_numbers_is_of_the_same_type_and_has_the_same_words(
    numbers: list[object], kind: type
) -> None:
    value = kind(numbers)
    type, taken = take(value)
    judged = judge(value)
    assert repr(type) == repr(judged)
    if isinstance(judged, Array):
        elements = [_read(judged, pack(judged, taken).words, i) for i in range(len(value))]
        assert repr(elements) == repr(_elements(value))


_ROWS = st.integers(0, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.integers() if width % 2 else _NUMBER, min_size=width, max_size=width)
        | st.lists(st.floats(), min_size=width, max_size=width).map(tuple),
        max_size=8,
    )
)


@given(_ROWS | st.lists(st.lists(st.floats(), max_size=2), min_size=5, max_size=7))
def test_what_is_taken_of_rows_is_of_the_same_type_and_has_the_same_words(
    rows: list[list[object] | tuple[object, ...]],
) -> None:
    type, taken = take(rows)
    judged = judge(rows)
    assert repr(type) == repr(judged)
    if isinstance(judged, Array) and judged.dimensions == 2:
        one, other = pack(judged, taken).words, pack(judged, rows).words
        width = len(rows[0])
        places = [(i, j) for i in range(len(rows)) for j in range(width)]
        assert one[1:3] == other[1:3] == [len(rows), width]
        assert [repr(_read(judged, one, *place)) for place in places] == [
            repr(_read(judged, other, *place)) for place in places
        ]


def test_a_long_list_of_numbers_is_copied_when_it_is_taken() -> None:
    numbers = [1, 2, 3, 4, 5]
    _, taken = take(numbers)
    numbers[0] = 7
    assert isinstance(taken, np.ndarray) and list(taken) == [1, 2, 3, 4, 5]
