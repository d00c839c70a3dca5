"""What a job printed, kept for a client that comes back after its link broke."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ufora_core.protocol.client import JobOutput

#: Characters kept of each job; what is older is lost to a client that has not seen it.
KEPT = 1024 * 1024


@dataclass(slots=True)
class Printed:
    """The latest output of a job. Pieces without a place are not kept: nobody could tell whether a
    client has them."""

    #: By place (``JobOutput.at``), which also is their order.
    _pieces: OrderedDict[int, JobOutput] = field(default_factory=OrderedDict)
    _size: int = 0
    _end: int = 0

    def keep(self, output: JobOutput) -> list[int]:
        """The job printed this; the places of the pieces that came and went."""
        if output.at is None or output.at < self._end:
            return []  # it has no place, or a worker says it again
        self._end = output.at + len(output.text)
        self._pieces[output.at] = output
        self._size += len(output.text)
        changed = [output.at]
        while self._size > KEPT:
            at, oldest = self._pieces.popitem(last=False)
            self._size -= len(oldest.text)
            changed.append(at)
        return changed

    def since(self, heard: int) -> list[JobOutput]:
        """The pieces that reach past the first ``heard`` characters."""
        return [each for at, each in self._pieces.items() if at + len(each.text) > heard]

    def places(self) -> Iterable[int]:
        """Where the pieces are."""
        return self._pieces.keys()

    def at(self, place: int) -> JobOutput | None:
        """The piece at that place, if it is kept."""
        return self._pieces.get(place)

    def clear(self) -> list[int]:
        """Nobody will ask for it any more; the places of the pieces that went."""
        gone = list(self._pieces)
        self._pieces.clear()
        self._size = 0
        return gone
