"""Memory: what the executors may use, and what they do use."""

import os
from pathlib import Path

import pytest

from ufora_worker.supervisor import memory

MIB = memory.MEBIBYTE


def group(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_nine_tenths_of_the_containers_limit_are_the_budget(tmp_path: Path, name: str) -> None:
    limited = group(tmp_path, name, f"{100 * MIB}\n")
    assert memory.default_budget(limited) == 90 * MIB


@pytest.mark.parametrize(
    ("name", "text"),
    [("memory.max", "max\n"), ("memory/memory.limit_in_bytes", "9223372036854771712\n")],
)
def test_without_a_limit_the_machines_memory_counts(tmp_path: Path, name: str, text: str) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory.default_budget(group(tmp_path, name, text)) == int(machine * 0.9)


def test_shared_pages_of_a_process_do_not_count(tmp_path: Path) -> None:
    group(tmp_path, "7/statm", "1000 300 100 1 0 50 0\n")
    assert memory.used_by(7, tmp_path) == 200 * os.sysconf("SC_PAGE_SIZE")


def test_a_process_that_is_gone_uses_nothing(tmp_path: Path) -> None:
    assert memory.used_by(7, tmp_path) == 0


def test_the_largest_executor_goes_once_all_together_are_over_the_budget() -> None:
    assert memory.to_sacrifice({0: 40, 1: 60}, 100) is None
    assert memory.to_sacrifice({0: 40, 1: 61}, 100) == 1
    assert memory.to_sacrifice({}, 100) is None


def test_the_story_says_how_much_of_how_much() -> None:
    assert memory.story([40 * MIB, 61 * MIB], 100 * MIB) == (
        "ran out of memory (used 101 MiB of 100 MiB)"
    )
