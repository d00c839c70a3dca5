"""``for`` statements whose items run elsewhere leave behind what Python leaves behind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from differential import Case, Here, Scope, cases, differences, run
from generous import give_everything
from inline_cluster import InlineCluster
from random_for_loops import program
from ufora_worker.executor.chronicle import Chronicle

CASES = [
    case
    for case in cases(Path(__file__).parent.parent / "differential" / "cases")
    if case.topic == "for_loops"
]


@pytest.fixture(scope="module")
def eager() -> Iterator[None]:
    """Somebody is always hungry, and everything seems worth giving away."""
    with pytest.MonkeyPatch.context() as patch:
        give_everything(patch)
        patch.setattr("ufora_worker.loops.loop.SLICE_NS", 1)
        yield


@pytest.fixture
def cluster(tmp_path: Path, eager: None) -> Iterator[InlineCluster]:
    inline = InlineCluster(tmp_path / "store", random.Random(0).randrange)
    inline.words.set_hungry(1)
    yield inline
    inline.close()


@pytest.mark.parametrize("scope", [Scope.MODULE, Scope.CLOSURE], ids=lambda scope: scope.value)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_loop_leaves_behind_what_python_does(
    case: Case, scope: Scope, cluster: InlineCluster
) -> None:
    assert differences(run(case, scope, Here()), run(case, scope, cluster)) == []
    assert (cluster.ranges_run > 0) is not case.name.startswith("as written: ")


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([Scope.MODULE, Scope.CLOSURE]),
    st.integers(0, 1),
    st.integers(0, 1000),
)
def test_any_loop_leaves_behind_what_python_does(
    tmp_path_factory: pytest.TempPathFactory,
    eager: None,
    rng: random.Random,
    scope: Scope,
    hungry: int,
    seed: int,
) -> None:
    setup, block = program(rng)
    case = Case("random", "loops", setup, block + "\n")
    inline = InlineCluster(tmp_path_factory.mktemp("store"), random.Random(seed).randrange)
    inline.words.set_hungry(hungry)
    try:
        assert differences(run(case, scope, Here()), run(case, scope, inline)) == []
    finally:
        inline.close()


def test_most_random_loops_are_taken_apart(tmp_path: Path, eager: None) -> None:
    ran = 0
    for seed in range(20):
        inline = InlineCluster(tmp_path / str(seed), random.Random(seed).randrange)
        inline.words.set_hungry(1)
        setup, block = program(random.Random(seed))
        run(Case("random", "loops", setup, block + "\n"), Scope.MODULE, inline)
        ran += inline.ranges_run > 0
        inline.close()
    assert ran >= 3


def slow(n: int) -> int:
    return sum(k * n for k in range(20))


def test_a_loop_that_nobody_helps_with_is_left_to_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    taken = Chronicle.taken

    def count(self: Chronicle, *about: object) -> None:
        counted.append(about[2].items)  # type: ignore[attr-defined]
        taken(self, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(Chronicle, "taken", count)
    monkeypatch.setattr("ufora_worker.for_loops.sites._MOST_LOST_NS", 1000)
    inline = InlineCluster(tmp_path)
    out: list[int] = []
    with inline.remotely.downloadAll():
        for n in range(2000):
            out.append(slow(n))
    inline.close()
    assert out == [slow(n) for n in range(2000)]
    assert counted[0] < 2000


def test_totals_have_the_bits_of_one_loop(cluster: InlineCluster) -> None:
    total = 0.1
    with cluster.remotely.downloadAll():
        for n in range(3000):
            total += 1 / (n + 1)
    expected = 0.1
    for n in range(3000):
        expected += 1 / (n + 1)
    assert total.hex() == expected.hex()
    assert cluster.ranges_run > 2


def test_an_exception_of_an_item_is_raised_at_the_users_line(cluster: InlineCluster) -> None:
    out: list[int] = []
    with pytest.raises(ZeroDivisionError) as raised:
        with cluster.remotely.downloadAll():
            for n in range(200):
                value = slow(n) // (150 - n)
                out.append(value)
    assert str(raised.traceback[0].statement).strip().startswith("value = slow")
    assert len(out) == 150
    assert n == 150
