"""How much memory the executors may use together, and how much they do use."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

MEBIBYTE = 1024 * 1024
#: Share of the machine's (or the container's) memory that executors may use by default.
_SHARE = 0.9
#: Control group v2 and v1; a limit above this stands for none.
_LIMIT_FILES = ("memory.max", "memory/memory.limit_in_bytes")
_NO_LIMIT = 1 << 60


def default_budget(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """90 % of what the control group or else the machine has, in bytes."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _LIMIT_FILES:
        try:
            limits.append(int((groups / name).read_text()))
        except (OSError, ValueError):
            continue  # the other version of control groups, or the word "max"
    return int(min(limit for limit in limits if limit < _NO_LIMIT) * _SHARE)


def used_by(pid: int, proc: Path = Path("/proc")) -> int:
    """Bytes of memory that only this process holds; 0 when that cannot be told.

    Mapped objects of the store are in the page cache, which the kernel can take back, so they do
    not count.
    """
    try:
        fields = (proc / str(pid) / "statm").read_text().split()
    except OSError:
        return 0
    resident, shared = int(fields[1]), int(fields[2])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def to_sacrifice(use: Mapping[int, int], budget: int) -> int | None:
    """The executor that is to go when all use more than ``budget`` together: the largest."""
    if sum(use.values()) <= budget:
        return None
    return max(use, key=lambda executor: use[executor])


def story(use: Iterable[int], budget: int) -> str:
    """What the user is told of it."""
    return f"ran out of memory (used {sum(use) // MEBIBYTE} MiB of {budget // MEBIBYTE} MiB)"
