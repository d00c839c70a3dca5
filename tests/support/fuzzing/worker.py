"""One process of a campaign: ``python -m fuzzing.worker PART FIRST LAST STEP SECONDS NOTE``.

It looks at every ``STEP``-th batch of numbers from ``FIRST`` up to ``LAST``, within a limit of
memory, since random programs build giant ints. A number that shows a difference does not keep it
from the next ones. ``NOTE`` is a file that tells what came of it so far and which numbers it is at,
should the process crash or hang.
"""

import faulthandler
import gc
import resource
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from fuzzing.comparison import Different
from fuzzing.parts import PARTS, Part
from fuzzing.tally import Note, Tally

#: Bytes of address space, and seconds that the numbers of one batch may take.
_MEMORY, _PATIENCE = 3 << 30, 300
#: So many differences are shrunk, which takes a minute each, and the others only told.
_SHRUNK = 3
#: Objects between two looks for garbage: programs leave much, nearly all of it without cycles.
_GARBAGE = 50_000


class Worker:
    """Looks at the numbers of a part, and keeps account."""

    def __init__(self, name: str, part: Part, note: Path) -> None:
        self._name = name
        self._part = part
        self._note = note
        self.tally = Tally()

    def look(self, batches: Iterable[range], seconds: float) -> None:
        """Look at all batches, or as many as there is time for."""
        end = monotonic() + seconds
        for batch in batches:
            if monotonic() > end:
                break
            Note(batch.start, batch.stop, self.tally).write(self._note)
            faulthandler.dump_traceback_later(_PATIENCE, exit=True)
            outcomes = self._part.look(batch)
            faulthandler.cancel_dump_traceback_later()
            for number, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Different):
                    self.tally.differs(number, self._told(number, outcome))
                else:
                    self.tally.count(outcome)
        Note(0, 0, self.tally).write(self._note)

    def _told(self, number: int, different: Different) -> str:
        told = (
            f"{self._name} {number}: {different}\n"
            f"(again: python -m fuzzing --part {self._name} --first {number} --count 1)\n"
        )
        if len(self.tally.different) < _SHRUNK:
            smallest = self._part.shrunk(number)
            told += f"the smallest program found that shows a difference:\n{smallest}\n"
        return told


def main() -> None:
    """See the module."""
    name, first, last, step, seconds, note = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    part = PARTS[name]()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    end, width = int(last), part.batch
    starts = range(int(first), end, width * int(step))
    try:
        worker = Worker(name, part, Path(note))
        worker.look((range(start, min(start + width, end)) for start in starts), float(seconds))
    finally:
        part.close()


if __name__ == "__main__":
    main()
