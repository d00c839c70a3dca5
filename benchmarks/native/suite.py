"""All measurements of native code in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.native import comparisons, corpus_runs, edges, rivals, rows, weighing
from benchmarks.native.rows import Row
from benchmarks.report import machine

#: The parts; a command line names one as ``native/corpus``.
PARTS = {
    "native/works": comparisons.measure,
    "native/edges": edges.measure,
    "native/corpus": corpus_runs.measure,
    "native/weights": weighing.measure,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured, and what could not be."""

    rows: list[Row]
    notes: list[str]

    def table(self) -> str:
        """For people."""
        missed = [row.name for row in self.rows if not row.met]
        summary = f"{len(self.rows)} bars, {len(missed)} missed"
        return "\n".join([rows.table(self.rows), "", *self.notes, summary])

    def write(self, path: Path) -> None:
        """For programs, as JSON."""
        rows.write(path, machine(), self.rows, self.notes)


def measure(parts: list[str], *, quick: bool, say: Callable[[str], None]) -> Outcome:
    """Run these parts; ``quick``: too small to say anything of speed, but all of it."""
    found = [
        row
        for part in parts
        for row in PARTS[part](2 if quick else 5, quick=quick, say=say)
    ]  # fmt: skip
    return Outcome(found, list(_notes(quick)))


def _notes(quick: bool) -> list[str]:
    known = {
        "numba is not installed, so nothing is compared with it: "
        "pip install -r requirements-bench.txt": not rivals.has_numba(),
        "there is no gcc, so nothing is compared with C": not rivals.has_gcc(),
        "sizes are too small for these figures to mean anything (--quick)": quick,
    }
    return [note for note, holds in known.items() if holds]
