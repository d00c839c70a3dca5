"""One NaN stays one, and two stay two."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generous import give_everything
from inline_cluster import InlineCluster
from ufora_worker.loops.nans import holds_shared_nan

NAN = float("nan")


def fresh() -> float:
    return float("nan")


@pytest.mark.parametrize(
    "values",
    [
        [1.0, NAN],
        [math.nan],
        [(1, NAN)],
        [[{"a": (math.nan,)}]],
        {NAN: 1},
        {"a": 1, "b": [NAN]},
        [frozenset({NAN})],
        [fresh()] * 2,
    ],
    ids=repr,
)
def test_a_nan_with_another_reference_is_found(values: Any) -> None:
    assert holds_shared_nan(values)


def test_a_new_nan_is_like_any_number() -> None:
    assert not holds_shared_nan([fresh() for _ in range(3)])
    assert not holds_shared_nan([(fresh(), [fresh()]), {fresh(): fresh()}])
    assert not holds_shared_nan({n: fresh() for n in range(3)})
    assert not holds_shared_nan([1, 2.5, "nan", None, 1j, math.inf])


def test_a_list_in_itself_is_looked_at_once() -> None:
    values: list[Any] = [1.0]
    values.append(values)
    assert not holds_shared_nan(values)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InlineCluster]:
    """Somebody is always hungry, and everything seems worth giving away."""
    give_everything(monkeypatch)
    monkeypatch.setattr("ufora_worker.loops.loop.SLICE_NS", 1)
    inline = InlineCluster(tmp_path / "store")
    inline.words.set_hungry(1)
    yield inline
    inline.close()


def test_items_that_look_for_a_captured_nan_find_it(cluster: InlineCluster) -> None:
    other = fresh()
    values = [NAN, other, 1.0] * 30
    known = {NAN: 1, other: 2}
    with cluster.remotely.downloadAll():
        found = [known.get(value, 0) for value in values]
        same = [value is NAN for value in values]
        kept = [value for value in values]
        least = min(value for value in values)
        values.append(NAN)
    assert found == [1, 2, 0] * 30
    assert same == [True, False, False] * 30
    assert [value is NAN for value in kept] == same
    assert least is NAN
    assert values.count(NAN) == 31
    assert cluster.ranges_run > 4


def test_items_that_yield_one_nan_yield_one_object_however_they_are_split(
    cluster: InlineCluster,
) -> None:
    with cluster.remotely.downloadAll():
        sizes = [
            len({NAN for n in range(100)}),
            len({(NAN, n % 1): n for n in range(100)}),
            len(Counter(NAN for n in range(100))),
            len(set(map(lambda n: (math.nan, 1)[:1], range(100)))),
            len({NAN * 1 for n in range(100)}),
            [math.nan if n == 90 else n for n in range(100)].count(math.nan),
        ]
    assert sizes == [1, 1, 1, 1, 100, 1]
    assert cluster.ranges_run > 6
