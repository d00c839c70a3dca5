"""One process of a campaign: ``python -m fuzzing.worker PART FIRST STEP COUNT SECONDS NOTE``.

It looks at every ``STEP``-th number from ``FIRST`` on, within a limit of memory, since random
programs build giant ints. ``NOTE`` is a file that tells the last number, should the process crash
or hang. The last line on stdout is a JSON object.
"""

import faulthandler
import json
import resource
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from fuzzing.items import Different, Outcome
from fuzzing.parts import PARTS, Part

#: Bytes of address space, and seconds that one number may take.
_MEMORY, _PATIENCE = 3 << 30, 100


@dataclass(slots=True)
class Tally:
    """What came of many numbers."""

    numbers: int = 0
    accepted: int = 0
    #: Items that native code did, or left to CPython.
    items: int = 0
    bailed: int = 0
    abandoned: int = 0
    #: Empty, or what the first difference is, with the smallest program that shows it.
    failure: str = ""

    def count(self, outcome: Outcome) -> None:
        """One more."""
        self.numbers += 1
        self.accepted += outcome.accepted
        self.items += outcome.items
        self.bailed += outcome.bailed
        self.abandoned += outcome.abandoned


def run(part: Part, name: str, numbers: range, seconds: float, note: Path) -> Tally:
    """Look at the numbers in order, until one fails or the time is up."""
    tally, end = Tally(), monotonic() + seconds
    with note.open("wb", buffering=0) as file:
        for number in numbers:
            if monotonic() > end:
                break
            file.seek(0)
            file.write(b"%20d" % number)
            faulthandler.dump_traceback_later(_PATIENCE, exit=True)
            different = _difference(part, number, tally)
            if different:
                tally.failure = _told(part, name, number, different)
                break
    faulthandler.cancel_dump_traceback_later()
    return tally


def _difference(part: Part, number: int, tally: Tally) -> str:
    # A program that is run while an exception is handled has it as a context.
    try:
        tally.count(part.check(number))
    except Different as different:
        return str(different)
    return ""


def _told(part: Part, name: str, number: int, different: str) -> str:
    faulthandler.cancel_dump_traceback_later()
    return (
        f"{name} {number}: {different}\n"
        f"(again: python -m fuzzing --part {name} --first {number} --count 1)\n"
        f"the smallest program found that shows a difference:\n{part.shrunk(number)}"
    )


def main() -> None:
    """See the module."""
    name, first, step, count, seconds, note = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    part = PARTS[name]()
    numbers = range(int(first), int(first) + int(count), int(step))
    try:
        tally = run(part, name, numbers, float(seconds), Path(note))
    finally:
        part.close()
    print(json.dumps(asdict(tally)))


if __name__ == "__main__":
    main()
