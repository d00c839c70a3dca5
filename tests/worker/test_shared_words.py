"""Words that two mappings of one descriptor share."""

import os
from collections.abc import Iterator

import pytest

from ufora_worker.shared_words import SharedWords


@pytest.fixture
def both() -> Iterator[tuple[SharedWords, SharedWords]]:
    """The supervisor's side and an executor's."""
    created = SharedWords.create(3)
    attached = SharedWords.attach(os.dup(created.fd), 3)
    yield created, attached
    attached.close()
    created.close()


def test_what_one_side_writes_the_other_reads(both: tuple[SharedWords, SharedWords]) -> None:
    supervisor, executor = both
    supervisor.set_hungry(5)
    supervisor.set_stop(1, 7)
    executor.set_progress(2, 10, 20)
    executor.add_busy(2, 300)
    executor.add_busy(2, 400)
    assert (executor.hungry(), executor.stop(1)) == (5, 7)
    assert (supervisor.progress(2), supervisor.busy(2)) == ((10, 20), 700)


def test_no_word_of_one_executor_is_a_word_of_another(
    both: tuple[SharedWords, SharedWords],
) -> None:
    supervisor, executor = both
    for index in range(3):
        supervisor.set_stop(index, index + 1)
        executor.set_progress(index, index + 10, index + 20)
        executor.add_busy(index, index + 30)
    supervisor.set_hungry(99)
    read = [(executor.stop(i), *supervisor.progress(i), supervisor.busy(i)) for i in range(3)]
    assert read == [(1, 10, 20, 30), (2, 11, 21, 31), (3, 12, 22, 32)]


@pytest.mark.parametrize("index", [-1, 3])
def test_an_executor_that_does_not_exist_is_refused(
    both: tuple[SharedWords, SharedWords], index: int
) -> None:
    with pytest.raises(IndexError, match="of a worker with 3"):
        both[0].stop(index)


def test_closing_twice_is_fine() -> None:
    words = SharedWords.create(1)
    words.close()
    words.close()
