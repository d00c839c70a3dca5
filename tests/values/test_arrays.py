"""NumPy arrays arrive with every property, over the very bytes that came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder

Copy = Callable[[object], Any]

structured = np.dtype([("a", "<i4"), ("b", "<f8", (2,)), ("c", "S3")])
aligned = np.dtype(structured, align=True)


def same(one: Any, other: Any) -> bool:
    return (
        type(one) is type(other)
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.tobytes() == other.tobytes()
        and one.flags.writeable == other.flags.writeable
    )


@given(
    arrays.arrays(
        dtype=arrays.scalar_dtypes() | st.just(np.dtype("U3")) | st.just(structured),
        shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    )
)
@settings(max_examples=200)
def test_arrays_of_any_type_and_shape_arrive(copy: Copy, value: Any) -> None:
    assert same(copy(value), value)
    assert same(copy(value.T), value.T)
    assert same(
        copy(value[..., ::2] if value.ndim else value), value[..., ::2] if value.ndim else value
    )


def test_orders_flags_and_odd_layouts_arrive(copy: Copy) -> None:
    base = np.arange(24.0).reshape(2, 3, 4)
    fortran = np.asfortranarray(base)
    assert copy(fortran).flags.f_contiguous
    assert same(copy(fortran), fortran)
    for view in (base[:, ::2], base[::-1], base.transpose(1, 0, 2), base[0, 0, 0:1], base[1:1]):
        assert same(copy(view), view)
    frozen = np.arange(3)
    frozen.setflags(write=False)
    assert same(copy(frozen), frozen)
    assert copy(np.array(5)).shape == ()


def test_large_arrays_are_neither_copied_out_nor_in() -> None:
    value = np.arange(100_000)
    encoder = Encoder()
    item = encoder.item(value)
    graph = encoder.graph()
    [blob] = encoder.blobs.values()
    assert np.shares_memory(np.frombuffer(blob, np.uint8), value)
    received = bytearray(blob)
    copied = Decoder(graph, lambda _: received).value(item)
    assert np.shares_memory(copied, np.frombuffer(received, np.uint8))


def test_arrays_that_overlap_still_do(copy: Copy) -> None:
    base = np.arange(10)
    whole, part, reverse, apart = copy((base, base[2:6], base[::-1], np.arange(3)))
    part[0] = 99
    assert whole[2] == 99 and reverse[7] == 99
    assert not np.shares_memory(whole, apart)
    left, right = copy((base[:3], base[5:]))
    assert not np.shares_memory(left, right)
    assert list(left) == [0, 1, 2]


def test_a_small_view_does_not_bring_the_array_behind_it() -> None:
    encoder = Encoder()
    encoder.item(np.zeros(1_000_000)[5:10])
    encoder.graph()
    assert not encoder.blobs


def test_the_same_array_is_one_array(copy: Copy) -> None:
    value = np.arange(3)
    one, two = copy([value, value])
    assert one is two


def test_object_arrays_scalars_dtypes_and_ufuncs_arrive(copy: Copy) -> None:
    shared = [1]
    objects = np.array([shared, "x", None], dtype=object)
    copied, again = copy((objects, shared))
    assert copied[0] is again and copied[1:].tolist() == ["x", None]
    for value in (np.float64(1.5), np.int8(-3), np.datetime64("2020-01-01"), np.bool_(True)):
        assert copy(value) == value and type(copy(value)) is type(value)
    assert copy(structured) == structured and copy(aligned) == aligned
    assert repr(copy(np.ones(3, aligned))) == repr(np.ones(3, aligned))
    assert copy(np.add) is np.add and copy(np.linalg.norm) is np.linalg.norm
    assert copy(np) is np and copy(np.float64) is np.float64


def test_subclasses_arrive_the_general_way(copy: Copy) -> None:
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    copied = copy(masked)
    assert type(copied) is type(masked) and copied.sum() == 4


def test_a_random_generator_of_numpy_goes_on(copy: Copy) -> None:
    generator = np.random.default_rng(3)
    generator.random()
    assert copy(generator).random() == generator.random()


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[s]", "c16", "f2", ">i4", "?"])
def test_times_and_foreign_byte_orders_arrive(copy: Copy, dtype: str) -> None:
    value = np.zeros(5, dtype)
    assert same(copy(value), value)
