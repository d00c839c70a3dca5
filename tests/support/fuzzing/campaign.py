"""A campaign: many numbers of one part, in a process for each core."""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzzing.parts import PARTS
from fuzzing.tally import Note, Tally

_MODULES = Path(__file__).parents[1]
#: So many processes of one core may crash before the rest of its numbers is given up.
_MOST_CRASHES = 20


def run(part: str, first: int, count: int, seconds: float = 1e9) -> Tally:
    """Look at ``count`` numbers, or as many as there is time for. A process that crashes or hangs
    is a difference of the numbers that it was at; the next one goes on behind them."""
    cores, end = os.cpu_count() or 1, time.monotonic() + seconds
    total = Tally()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(cores) as pool:
        shares = [
            Share(part, first + core * PARTS[part].batch, first + count, cores, end)
            for core in range(cores)
        ]
        notes = [Path(folder, str(core)) for core in range(cores)]
        for tally in pool.map(Share.run, shares, notes):
            total.add(tally)
    return total


@dataclass(frozen=True, slots=True)
class Share:
    """The numbers of one core: every so many batches from the first on."""

    part: str
    first: int
    last: int
    step: int
    end: float

    def run(self, note: Path) -> Tally:
        """Look at them in one process after the other until one does not crash."""
        total, first = Tally(), self.first
        for _ in range(_MOST_CRASHES):
            if first >= self.last:
                break
            Note(first, first, Tally()).write(note)
            status, complaints = self.process(first, note)
            found = Note.read(note)
            total.add(found.tally)
            if status == 0:
                break
            total.differs(found.start, self._told(found, status, complaints))
            if found.start == found.stop:
                break  # at its start: so would the next one
            first = found.start + PARTS[self.part].batch * self.step
        return total

    def process(self, first: int, note: Path) -> tuple[int, str]:
        """Look at the numbers from this one on in a process: how it ended, and its complaints."""
        seconds = self.end - time.monotonic()
        arguments = [self.part, first, self.last, self.step, seconds, note]
        path = os.pathsep.join([str(_MODULES), os.environ.get("PYTHONPATH", "")])
        ended = subprocess.run(
            [sys.executable, "-m", "fuzzing.worker", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return ended.returncode, ended.stderr

    def _told(self, note: Note, status: int, complaints: str) -> str:
        numbers = f"{note.start} to {note.stop - 1}" if note.stop > note.start + 1 else note.start
        return f"{self.part} {numbers}: the process ended with {status}:\n{complaints}"
