"""What came of many numbers, and how a process tells another one."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from fuzzing.comparison import Outcome


@dataclass(slots=True)
class Tally:
    """What came of many numbers."""

    numbers: int = 0
    #: Those that became machine code.
    accepted: int = 0
    #: Items that native code did, or left to CPython.
    items: int = 0
    bailed: int = 0
    #: Numbers that took CPython too long.
    abandoned: int = 0
    #: Numbers that show a difference, and what the difference is.
    different: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """One more number without a difference."""
        self.numbers += 1
        self.accepted += outcome.accepted
        self.items += outcome.items
        self.bailed += outcome.bailed
        self.abandoned += outcome.abandoned

    def differs(self, number: int, told: str) -> None:
        """One more number with a difference."""
        self.numbers += 1
        self.different.append(number)
        self.failures.append(told)

    def add(self, more: "Tally") -> None:
        """Count the other one's numbers, too."""
        for each in fields(Tally):
            setattr(self, each.name, getattr(self, each.name) + getattr(more, each.name))

    def __str__(self) -> str:
        return (
            f"{self.numbers} looked at, {self.accepted} accepted natively, "
            f"{self.items + self.bailed} items, {self.bailed} of them bailed, "
            f"{self.abandoned} took too long, {len(self.different) or 'no'} "
            f"difference{'s' * (len(self.different) > 1)}"
        )


@dataclass(frozen=True, slots=True)
class Note:
    """What a process writes down before each batch: the numbers of the batch (none at the end), and
    what came of those before it."""

    start: int
    stop: int
    tally: Tally

    def write(self, file: Path) -> None:
        """Replace the note of before: at no time there is half a note."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps([self.start, self.stop, asdict(self.tally)]), "utf-8")
        new.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Note":
        """The last note."""
        start, stop, tally = json.loads(file.read_text("utf-8"))
        return cls(start, stop, Tally(**tally))
