"""Small blocks leave the same behind on a cluster of two workers as they do here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pyfora
from differential import Case, Here, Scope, cases, differences, run

CASES = cases(Path(__file__).parent / "cases")
HERE = Here()


@pytest.fixture(scope="module")
def cluster() -> Iterator[pyfora.Cluster]:
    with pyfora.LocalCluster(workers=2, cores_per_worker=1) as local, local.connect() as connected:
        yield connected


@pytest.mark.parametrize("scope", Scope, ids=lambda scope: scope.value)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.topic}: {case.name}")
def test_a_block_does_there_what_it_does_here(
    case: Case, scope: Scope, cluster: pyfora.Cluster
) -> None:
    different = differences(run(case, scope, HERE), run(case, scope, cluster))

    if different:
        lines = [f"{len(different)} parts differ:", *(line[:400] for line in different[:20])]
        pytest.fail("\n  ".join(lines), pytrace=False)
