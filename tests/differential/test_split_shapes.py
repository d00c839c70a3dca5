"""Every shape gives what it gives here, however its loops are split."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from differential import Case, Here, Scope, differences, parse, run
from generous import give_everything
from inline_cluster import InlineCluster

_FOLDER = Path(__file__).parent / "cases"
CASES = [
    case
    for topic in ("shapes", "calls")
    for case in parse(topic, (_FOLDER / f"{topic}.txt").read_text(encoding="utf-8"))
]
HERE = Here()

#: Which of the waiting ranges runs next, and nanoseconds of a slice.
PATTERNS: dict[str, tuple[Callable[[int], int], int]] = {
    "the first of all": (lambda count: 0, 1),
    "the last of all": (lambda count: count - 1, 1),
    "any of all": (random.Random(7).randrange, 1),
    "long slices": (random.Random(11).randrange, 20_000),
}


@pytest.fixture(params=PATTERNS)
def cluster(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InlineCluster]:
    """Somebody is always hungry, and everything seems worth giving away."""
    choose, slice_ns = PATTERNS[request.param]
    give_everything(monkeypatch)
    monkeypatch.setattr("ufora_worker.loops.loop.SLICE_NS", slice_ns)
    monkeypatch.setattr("ufora_worker.loops.root_loop._NESTED_TASK_NS", 0.0)
    monkeypatch.setattr("ufora_worker.loops.visits.SHORT_NS", 0)
    monkeypatch.setattr("ufora_worker.loops.visits.WORTH", 0)
    inline = InlineCluster(tmp_path / "store", choose)
    inline.words.set_hungry(1)
    yield inline
    inline.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_shape_gives_what_it_gives_here(case: Case, cluster: InlineCluster) -> None:
    different = differences(run(case, Scope.FUNCTION, HERE), run(case, Scope.FUNCTION, cluster))
    if different:
        lines = [f"{len(different)} parts differ:", *(line[:400] for line in different[:20])]
        pytest.fail("\n  ".join(lines), pytrace=False)
