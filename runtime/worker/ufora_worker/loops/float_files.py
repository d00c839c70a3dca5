"""Floats on their way to another executor of the worker, in files of a folder that is its own.

What is in it goes with the worker, however that ends; and what executors that were killed or
stopped have left there is removed once the worker has nothing to do (``sweep_all``).

Files are named by chance, for naming them by their bytes would take longer than adding them up, and
they are used again: to touch memory for the first time costs several times what copying into it
does (measured: 4 ns a float against 0.6). Who has read a file gives it the name of a free one, and
who needs one renames it, which only one process can.
"""

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from ufora_core.store import digest_of
from ufora_worker.loops.float_sum import Doubles

_USED, _FREE = ".floats-", ".free-floats-"
_NAME = re.compile(r"\.floats-[0-9a-f]{16}-[0-9a-f]{32}")
_WIDTH = 8
#: Files that are kept for others to use, and the longest that is.
_MOST_FREE, _LONGEST_FREE = 16, 16 << 20


class FloatFile:
    """A file that this process writes, for the owner of a job's loop."""

    def __init__(self, folder: Path, job: str, loop: int) -> None:
        """Nothing is opened before the first float comes."""
        self._folder, self._job, self._loop = folder, job, loop
        self._file = -1
        #: Its name in the folder.
        self.name = f"{_prefix(job, loop)}{uuid4().hex}"
        #: How many floats are in it.
        self.count = 0

    def append(self, doubles: Doubles) -> int | None:
        """The index of the first of these in the file; None if there is no room on the disk."""
        first, view = self.count, memoryview(doubles).cast("B")
        try:
            if self._file < 0:
                self._file = self._open()
            position = first * _WIDTH
            while view:
                written = os.pwrite(self._file, view, position)
                view, position = view[written:], position + written
        except OSError:
            return None
        self.count += len(doubles)
        return first

    def closed(self) -> "FloatFile":
        """It is complete, and somebody else's; gives the one for what follows."""
        self._close()
        return FloatFile(self._folder, self._job, self._loop)

    def discard(self) -> None:
        """Nobody is going to read it."""
        if self._file >= 0:
            self._close()
            (self._folder / self.name).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        path = self._folder / self.name
        for free in _free(self._folder):
            try:
                free.rename(path)
            except FileNotFoundError:
                continue  # somebody was faster
            break
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)


class FloatReader:
    """Reads what others wrote."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder no file is here."""
        self._folder = folder
        self._open: dict[str, memoryview[float]] = {}

    def view(self, name: str, first: int, count: int) -> "memoryview[float]":
        """Floats of a file.

        Raises:
            OSError: it is not here, or shorter.
        """
        if self._folder is None or _NAME.fullmatch(name) is None:
            raise FileNotFoundError(f"{name[:80]!r} is no file of floats")
        if name not in self._open:
            with open(self._folder / name, "rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._open[name] = memoryview(mapping).cast("d")
        found = self._open[name][first : first + count]
        if len(found) != count:
            raise OSError(f"{name} has no {count} floats from {first} on")
        return found

    def let_go(self, *, read: bool) -> None:
        """Nobody opens these files any more; where they were ``read`` to the end, others may write
        them, else the views stay as they are."""
        if self._folder is None or not self._open:
            return
        room = _MOST_FREE - sum(1 for _ in _free(self._folder)) if read else 0
        for name, view in self._open.items():
            path = self._folder / name
            if room > 0 and view.nbytes <= _LONGEST_FREE:
                path.rename(self._folder / f"{_FREE}{uuid4().hex}")
                room -= 1
            else:
                path.unlink(missing_ok=True)
        self._open.clear()


def sweep(folder: Path, job: str, loop: int) -> None:
    """Remove what nobody has read: the owner of the loop needs no more of it."""
    _remove(folder, _prefix(job, loop))


def sweep_all(folder: Path) -> None:
    """Remove what nobody has read, now that no loop runs any more."""
    _remove(folder, _USED)


def _remove(folder: Path, prefix: str) -> None:
    for path in folder.glob(f"{prefix}*"):
        path.unlink(missing_ok=True)


def _prefix(job: str, loop: int) -> str:
    return f"{_USED}{digest_of(f'{job}/{loop}'.encode())[:16]}-"


def _free(folder: Path) -> Iterator[Path]:
    return folder.glob(f"{_FREE}*")
