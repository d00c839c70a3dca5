"""``Counter`` of a loop is that of Python, whoever counted which part of it."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from fractions import Fraction
from itertools import pairwise
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generous import give_everything
from prompt_native import native_cluster
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_core.store import ObjectStore
from ufora_worker.loops.counts import COUNTS, CountedByKey, counts_ns
from ufora_worker.loops.float_files import FloatReader
from ufora_worker.loops.partials import AGAIN, decode_partial, encode_partial
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.shapes import accumulator, finish
from ufora_worker.native.ir.nodes import Sink
from ufora_worker.native.ir.types import BOOL, FLOAT, INT, NUMPY_FLOAT, Tuple, Type
from ufora_worker.native.runs import Run, Status
from ufora_worker.native.segments import add_run


class Text(str):
    """Text of a class of the program's."""


class Number(IntEnum):
    """A number of a class of the program's."""

    ONE = 1


class Touchy:
    """Nobody may run code of its class before its turn."""

    def __hash__(self) -> int:
        raise KeyError("hashed")


#: Many are equal to others that they are not.
ATOMS = [*(0, -0.0, 0.0, False, 1, True, 1.0, 2**70), *("a", b"a", "", None, math.inf, "\ud800")]
#: What has to be looked at by the owner: found by identity, of other classes, or without a hash.
OTHERS = [*(math.nan, (1, math.nan), Text("a"), Number.ONE, Fraction(1)), *([], (1, []), Touchy())]

atoms = st.sampled_from(ATOMS)
tuples = st.tuples(atoms, atoms) | st.tuples(atoms, st.tuples(atoms, atoms)) | st.just(())
keys = st.lists(atoms | tuples, max_size=20)
any_values = st.lists(atoms | tuples | st.sampled_from(OTHERS[:5]), max_size=20)
with_failures = st.lists(
    atoms | st.integers(0, len(OTHERS) - 1).map(OTHERS.__getitem__), max_size=12
)
bounds_of_ranges = st.lists(st.lists(st.integers(0, 20), max_size=4), max_size=4)


def counted(values: list[Any], cuts: list[list[int]], folder: Path | None) -> Counter[Any]:
    """Each list of cuts is one of slices of a range of its own; all but the first range travel, if
    there is a folder for it."""
    ends = sorted({min(max(each, default=0), len(values)) for each in cuts} | {len(values)})
    segments: list[LiveSegment] = []
    for number, (first, end) in enumerate(pairwise([0, *ends])):
        results = accumulator(SiteKind.COUNTER)
        inside = {cut for each in cuts for cut in each if first < cut < end}
        for lo, hi in pairwise([first, *sorted(inside), end]):
            results.add(values[lo:hi], lo, hi)
        found = results.segments
        segments += found if folder is None or number == 0 else travelled(folder, found, values)
    python = sys.version_info[:2]
    whole: Counter[Any] = finish(SiteKind.COUNTER, segments, (), python, lambda lo, hi: [])
    return whole


def travelled(folder: Path, segments: list[LiveSegment], values: list[Any]) -> list[LiveSegment]:
    """As the owner gets them: what does not travel is made again."""
    store = ObjectStore(folder)
    stored = encode_partial(store, "key", segments, [])
    found = decode_partial(store, stored.payload, [], FloatReader(folder))
    for each in found:
        if each.form == AGAIN:
            each.value = values[each.lo : each.hi]
    return found


def outcome(compute: Callable[[], Any]) -> str:
    """The keys in order with their classes and counts, or the exception."""
    try:
        counter = compute()
    except Exception as error:
        return repr(error)
    return f"{type(counter)} {[(type(key), key, count) for key, count in counter.items()]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@given(values=keys | any_values | with_failures, cuts=bounds_of_ranges)
@example([1, True, 1.0, 0.0, -0.0, False], [[1, 2], [3], [4, 5]])
@example(["a", Text("a"), "a"], [[1], [2]])
@example([Fraction(1), 1, True], [[1], [2]])
@example(["a", [], "b"], [[1, 2]])
def test_counts_are_those_of_python(values: list[Any], cuts: list[list[int]]) -> None:
    assert outcome(lambda: counted(values, cuts, None)) == outcome(lambda: Counter(iter(values)))


@given(values=keys | any_values, cuts=bounds_of_ranges)
def test_counts_that_travelled_are_those_of_python(
    values: list[Any], cuts: list[list[int]], folder: Path
) -> None:
    assert outcome(lambda: counted(values, cuts, folder)) == outcome(lambda: Counter(values))


@pytest.mark.parametrize(
    "key",
    [
        lambda n: n - 50,
        lambda n: n / 7,
        lambda n: f"{n}é",
        lambda n: b"%d" % n,
        lambda n: (f"w{n}", n),
        lambda n: (n, (n / 7, None)),
        lambda n: n if n % 2 else str(n),
        lambda n: 2**62 * n,
    ],
)
def test_many_keys_travel_as_they_are(key: Callable[[int], Any], folder: Path) -> None:
    values = [key(n * n % 100) for n in range(400)]
    assert outcome(lambda: counted(values, [[100], [250]], folder)) == outcome(
        lambda: Counter(values)
    )


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
def test_values_stay_for_the_owner_where_counts_would_not_do(other: Any) -> None:
    results = CountedByKey()
    results.add(["a", 1], 0, 2)
    results.add(["a"], 2, 3)
    results.add(["a", other], 3, 5)
    results.add([], 5, 6)
    assert [(each.form, each.lo, each.hi) for each in results.segments] == [
        (COUNTS, 0, 3),
        ("values", 3, 5),
        (COUNTS, 5, 6),
    ]
    assert results.segments[0].value == {"a": 2, 1: 1}


def test_tuples_that_nest_deeply_stay_for_the_owner() -> None:
    deep: Any = ()
    for _ in range(10_000):
        deep = (deep,)
    results = CountedByKey()
    results.add([deep], 0, 1)
    assert results.segments[0].form == "values"


def test_sending_counts_costs_what_their_keys_do() -> None:
    results = CountedByKey()
    words = [f"w{n % 100}" for n in range(1000)]
    results.add(words, 0, 10)
    first = results.shipping_ns
    results.add(words * 99, 10, 1000)
    assert results.shipping_ns == pytest.approx(first / 100)
    assert counts_ns(Counter(words)) == pytest.approx(1000 * results.shipping_ns)
    pairs = Counter((word, len(word)) for word in words)
    assert counts_ns(Counter(words)) < counts_ns(pairs) < 3 * counts_ns(Counter(words))
    assert counts_ns(Counter()) == 0.0


def test_values_of_native_code_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_everything(monkeypatch)
    monkeypatch.setattr("ufora_worker.loops.loop.NATIVE_SLICE_NS", 1)
    data = np.arange(300) % 7
    with native_cluster(tmp_path, lambda count: count - 1, before_first=True) as cluster:
        cluster.words.set_hungry(1)
        with cluster.remotely.downloadAll():
            ints = Counter(n * n % 11 for n in range(300))
            pairs = Counter((n % 3, n % 2 == 0) for n in range(300))
            floats = Counter((n % 5) / 4 * (-1) ** n for n in range(300))
            letters = Counter("abcab"[n % 5] for n in range(300))
            elements = Counter(data[n] for n in range(300))
            nans = Counter(math.nan if n == 200 else n % 2 / 2 for n in range(300))
        assert cluster.ended is not None
        assert all(each.native_items for each in cluster.ended.loops)
        assert cluster.ranges_run > 8
    assert list(ints.items()) == list(Counter(n * n % 11 for n in range(300)).items())
    assert repr(pairs) == repr(Counter((n % 3, n % 2 == 0) for n in range(300)))
    assert repr(floats) == repr(Counter((n % 5) / 4 * (-1) ** n for n in range(300)))
    assert list(letters.items()) == [("a", 120), ("b", 120), ("c", 60)]
    assert outcome(lambda: elements) == outcome(lambda: Counter(data[n] for n in range(300)))
    assert list(nans.items()) == [(0.0, 149), (0.5, 150), (math.nan, 1)]


@pytest.mark.parametrize(
    ("emits", "form"),
    [(INT, COUNTS), (FLOAT, COUNTS), (Tuple((INT, BOOL)), COUNTS), (NUMPY_FLOAT, "values")],
    ids=str,
)
def test_elements_of_arrays_stay_for_the_owner(emits: Type, form: str) -> None:
    unit: Any = SimpleNamespace(sink=Sink.COLUMNS, emits=emits)
    run = Run(Status.DONE, 3, columns=[np.array([1, 0, 1])] * 2)
    results = CountedByKey()
    assert not add_run(results, run, unit, SiteKind.COUNTER, 0)
    (segment,) = results.segments
    assert (segment.form, segment.lo, segment.hi) == (form, 0, 3)


def test_counts_that_are_made_again_in_less_time_than_they_travel_stay(tmp_path: Path) -> None:
    counts = [LiveSegment(COUNTS, 3, 9, Counter(map(str, range(100))))]
    for again_ns, form in ((1_000.0, AGAIN), (inf, COUNTS)):
        stored = encode_partial(ObjectStore(tmp_path), "key", counts, [], again_ns)
        (found,) = decode_partial(ObjectStore(tmp_path), stored.payload, [], FloatReader(tmp_path))
        assert (found.form, found.lo, found.hi) == (form, 3, 9)
