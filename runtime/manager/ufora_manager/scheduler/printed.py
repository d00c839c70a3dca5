"""What a job printed, kept for a client that comes back after its link broke."""

from collections import deque
from dataclasses import dataclass, field

from ufora_core.protocol.client import JobOutput

#: Characters kept of each job; what is older is lost to a client that has not seen it.
KEPT = 1024 * 1024


@dataclass(slots=True)
class Printed:
    """The latest output of a job, oldest piece first. Pieces without a place are not kept: nobody
    could tell whether a client has them."""

    _pieces: deque[JobOutput] = field(default_factory=deque)
    _size: int = 0
    _end: int = 0

    def keep(self, output: JobOutput) -> None:
        """The job printed this."""
        if output.at is None or output.at < self._end:
            return  # it has no place, or a worker says it again
        self._end = output.at + len(output.text)
        self._pieces.append(output)
        self._size += len(output.text)
        while self._size > KEPT:
            self._size -= len(self._pieces.popleft().text)

    def since(self, heard: int) -> list[JobOutput]:
        """The pieces that reach past the first ``heard`` characters."""
        return [each for each in self._pieces if (each.at or 0) + len(each.text) > heard]

    def clear(self) -> None:
        """Nobody will ask for it any more."""
        self._pieces.clear()
        self._size = 0
