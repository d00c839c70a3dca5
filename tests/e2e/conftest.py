"""A cluster of one worker with two executors, for modules that do not disturb it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pyfora


@pytest.fixture(scope="module")
def local() -> Iterator[pyfora.LocalCluster]:
    with pyfora.LocalCluster(workers=1, cores_per_worker=2) as cluster:
        yield cluster


@pytest.fixture
def cluster(local: pyfora.LocalCluster) -> Iterator[pyfora.Cluster]:
    with local.connect() as connected:
        yield connected
