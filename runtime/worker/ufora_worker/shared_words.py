"""The words of memory that a supervisor and its executors share.

Between two slices an executor looks at a few words, ``hungry`` and its own ``stop`` and ``yield``,
and counts what it did in some more. A system call at that place would cost more than many slices
do, so these are plain 64-bit loads and stores in one small shared mapping. Every word has one
writer, so no lock is needed; the mapping is anonymous (the kernel frees it with its last holder).
"""

import mmap
import os
import sys
import tempfile
from typing import Self

_WORD = 8
#: Words in one cache line: each executor's block has a line of its own, so that counting in one
#: does not slow down looking in another.
_LINE = 8
#: Offsets in an executor's block.
_STOP, _YIELD, _DONE, _TOTAL, _BUSY = range(5)


def _anonymous_file(size: int) -> int:
    """A descriptor of ``size`` zero bytes of memory that has no name in any folder."""
    if sys.platform == "linux":
        fd = os.memfd_create("ufora-words")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, size)
    return fd


class SharedWords:
    """The shared words of one worker, in the supervisor (``create``) or an executor (``attach``).

    ``fd`` is the mapping's descriptor, to hand to executors; it belongs to this object.
    """

    def __init__(self, fd: int, executors: int) -> None:
        self.fd = fd
        self.executors = executors
        self._map = mmap.mmap(fd, self._size(executors))
        self._words = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, executors: int) -> Self:
        """New words, all 0, for this many executors."""
        return cls(_anonymous_file(cls._size(executors)), executors)

    @classmethod
    def attach(cls, fd: int, executors: int) -> Self:
        """The words that another process created."""
        return cls(fd, executors)

    def close(self) -> None:
        """Let go of the mapping and its descriptor; a second call does nothing."""
        if self.fd >= 0:
            self._words.release()
            self._map.close()
            os.close(self.fd)
            self.fd = -1

    def hungry(self) -> int:
        """How many ranges more could be run at once, here or by peers that asked."""
        return self._words[0]

    def hungry_here(self) -> int:
        """How many of these this worker's own executors could run."""
        return self._words[1]

    def set_hungry(self, slots: int, here: int | None = None) -> None:
        """Supervisor only: what ``hungry`` reads from now on, and ``hungry_here`` (None: the
        same)."""
        self._words[0] = slots
        self._words[1] = slots if here is None else here

    def stop(self, executor: int) -> int:
        """0, or the number of the work that this executor is to stop; see ``set_stop``."""
        return self._words[self._block(executor) + _STOP]

    def set_stop(self, executor: int, value: int) -> None:
        """Supervisor only: ask for a stop (not 0), or take the request back once answered (0)."""
        self._words[self._block(executor) + _STOP] = value

    def yields(self, executor: int) -> bool:
        """True when this executor is to give away all of its range that is behind its slice."""
        return self._words[self._block(executor) + _YIELD] != 0

    def set_yield(self, executor: int, wanted: bool) -> None:
        """Supervisor only: ask for the rest of the executor's range, or take that back."""
        self._words[self._block(executor) + _YIELD] = int(wanted)

    def progress(self, executor: int) -> tuple[int, int]:
        """Items done and items in all of the range or loop that this executor runs."""
        block = self._block(executor)
        return self._words[block + _DONE], self._words[block + _TOTAL]

    def set_progress(self, executor: int, done: int, total: int) -> None:
        """Executor only: where it stands."""
        block = self._block(executor)
        self._words[block + _DONE] = done
        self._words[block + _TOTAL] = total

    def busy(self, executor: int) -> int:
        """Nanoseconds that this executor has spent on user code since the worker started."""
        return self._words[self._block(executor) + _BUSY]

    def add_busy(self, executor: int, nanoseconds: int) -> None:
        """Executor only: count time spent on user code."""
        self._words[self._block(executor) + _BUSY] += nanoseconds

    def _block(self, executor: int) -> int:
        if not 0 <= executor < self.executors:
            raise IndexError(f"executor {executor} of a worker with {self.executors}")
        return _LINE * (1 + executor)

    @staticmethod
    def _size(executors: int) -> int:
        return _WORD * _LINE * (1 + executors)
