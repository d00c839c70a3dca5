"""What a thief sends of what it made, and what it leaves to the root."""

import math
from math import inf
from pathlib import Path
from typing import Any

import pytest

from ufora_core.store import ObjectStore
from ufora_worker.loops.float_files import FloatReader
from ufora_worker.loops.partials import AGAIN, decode_partial, encode_partial
from ufora_worker.loops.segments import LiveSegment


class Leaf:
    """An object of the user's."""


def travelled(folder: Path, form: str, value: Any, again_ns: float) -> LiveSegment:
    store = ObjectStore(folder)
    stored = encode_partial(store, "key", [LiveSegment(form, 3, 4, value)], [], again_ns)
    (segment,) = decode_partial(store, stored.payload, [], FloatReader(folder))
    return segment


@pytest.mark.parametrize(
    ("value", "again_ns", "form"),
    [
        ([[Leaf()] * 3] * 100, 0.0, AGAIN),
        ([[Leaf() for _ in range(100)]], 10_000.0, AGAIN),
        ([[Leaf() for _ in range(100)]], inf, "values"),
        ([[1] * 1000], 10_000_000.0, "values"),
    ],
)
def test_what_is_made_again_in_less_time_than_it_takes_to_send_is_left_to_the_root(
    tmp_path: Path, value: Any, again_ns: float, form: str
) -> None:
    segment = travelled(tmp_path, "values", value, again_ns)
    assert (segment.form, segment.lo, segment.hi) == (form, 3, 4)
    assert (segment.value is None) is (form == AGAIN)


def test_the_first_value_is_left_to_the_root_as_any_other_is(tmp_path: Path) -> None:
    shared = [math.nan]
    assert travelled(tmp_path, "first", (1.5,), 0.0).form == AGAIN
    assert travelled(tmp_path, "first", (shared[0],), inf).form == AGAIN
    sent = travelled(tmp_path, "first", ("text", 1.5), inf)
    assert (sent.form, sent.value) == ("first", ("text", 1.5))


def test_that_native_code_found_a_first_value_is_always_sent(tmp_path: Path) -> None:
    sent = travelled(tmp_path, "first", True, 0.0)
    assert (sent.form, sent.value) == ("first", True)


def test_a_summary_is_always_sent(tmp_path: Path) -> None:
    assert travelled(tmp_path, "total", 10**1000, 0.0).value == 10**1000
