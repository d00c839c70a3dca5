"""Real programs, as they arrive at a worker: which of them it would run a second time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from inline_cluster import InlineCluster
from pyfora._calls import capture_call, capture_definition
from pyfora._capture import Captured
from pyfora._landing import Outcome
from pyfora._progress import ProgressCallback
from ufora_core import program
from ufora_core.program import Download
from ufora_core.protocol.parts import Payload
from ufora_core.store import ObjectStore, digest_of
from ufora_core.values.classes import ClassTrackers
from ufora_worker.executor import repeatable
from ufora_worker.executor.repeatable import is_repeatable

factor = 2


def brought(captured: Captured, store: ObjectStore) -> Payload:
    """The program as the worker gets it, with its objects in the store."""
    for digest, blob in captured.blobs.items():
        store.put_at(digest, [blob])
    return store.put(program.encode(captured.program))


class JudgingCluster(InlineCluster):
    """Says of the last block what a worker finds while it runs, which is not before it has begun:
    so the block is run first."""

    verdict: bool

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        payload = brought(captured, self.store)
        outcome = super().run(captured, progress)
        self.verdict = is_repeatable(payload, self.store)
        return outcome


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[JudgingCluster]:
    cluster = JudgingCluster(tmp_path / "store")
    yield cluster
    cluster.close()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


def doubled(n: int) -> int:
    return n * factor


def append(path: str) -> None:
    with open(path, "a") as file:
        file.write("line\n")


class Loud:
    """Whose pickled form runs code when it is made again."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return doubled, (1,)


# ------------------------------------------------------------------ blocks


def test_a_pure_block_is_repeatable(cluster: JudgingCluster) -> None:
    with cluster.remotely.downloadAll():
        total = sum(doubled(n) for n in range(10))
    assert (total, cluster.verdict) == (90, True)


def test_a_block_that_changes_what_it_was_given_is_judged_as_at_its_beginning(
    cluster: JudgingCluster,
) -> None:
    count = 1
    with cluster.remotely.downloadAll():
        for n in range(10):
            count += doubled(n)
    assert (count, cluster.verdict) == (91, True)


def test_arrays_are_read_where_they_are(cluster: JudgingCluster) -> None:
    array = numpy.arange(300_000)
    with cluster.remotely.downloadAll():
        total = int(array.sum())
    assert (total, cluster.verdict) == (int(array.sum()), True)


def test_a_block_with_effects_is_not_repeatable(cluster: JudgingCluster, tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    with cluster.remotely.downloadAll():
        append(path)
    assert not cluster.verdict
    assert Path(path).read_text() == "line\n"


def test_a_block_that_other_functions_see_is_not_repeatable(cluster: JudgingCluster) -> None:
    shared = 1

    def scaled(n: int) -> int:
        return n * shared

    with cluster.remotely.downloadAll():
        shared = 3
        result = scaled(2)
    assert (result, cluster.verdict) == (6, False)


def test_a_block_that_assigns_globals_is_not_repeatable(cluster: JudgingCluster) -> None:
    global factor
    with cluster.remotely.downloadAll():
        factor = 2
    assert not cluster.verdict


# ------------------------------------------------------------------ calls and definitions


def call(store: ObjectStore, function: Callable[..., Any], *given: Any, **named: Any) -> bool:
    captured = capture_call(ClassTrackers(), Download(limit=None), function, given, named)
    return is_repeatable(brought(captured, store), store)


def test_a_call_is_judged_like_a_block_of_one_line(store: ObjectStore, tmp_path: Path) -> None:
    assert call(store, doubled, 3)
    assert call(store, doubled, n=3)
    assert not call(store, append, str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()


def test_keywords_that_have_the_names_of_arguments_prove_nothing(store: ObjectStore) -> None:
    def odd(n: int, argument_0: int) -> int:
        return n + argument_0

    assert call(store, odd, 3, 4)
    assert not call(store, odd, 3, argument_0=4)


def test_there_is_nothing_to_run_in_a_definition(store: ObjectStore) -> None:
    captured = capture_definition(ClassTrackers(), [1, 2, 3])
    assert is_repeatable(brought(captured, store), store)


# ------------------------------------------------------------------ no proof


def test_what_runs_code_while_it_is_decoded_is_not_decoded_twice(store: ObjectStore) -> None:
    assert call(store, len, [1])
    assert not call(store, len, [Loud()])


def test_a_large_program_is_not_decoded_twice(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = brought(capture_definition(ClassTrackers(), 1), store)
    assert is_repeatable(payload, store)
    monkeypatch.setattr(repeatable, "MOST_BYTES", payload.size - 1)
    assert not is_repeatable(payload, store)


def test_what_cannot_be_decoded_is_not_repeatable(store: ObjectStore) -> None:
    assert not is_repeatable(store.put(b"no program"), store)
    assert not is_repeatable(Payload(digest_of(b"lost"), 4), store)
