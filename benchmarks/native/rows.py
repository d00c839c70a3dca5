"""What was measured, line by line: a figure, the bar that it is to meet, and what it comes from."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    name: str
    figure: float
    bar: float
    #: On which side of the bar the figure has to be.
    side: Literal["at most", "at least"]
    unit: str
    #: Load of the machine when it was measured.
    load: float
    #: All values that the figure comes from, in seconds unless their name says otherwise.
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side."""
        if math.isnan(self.figure):
            return False
        return self.figure <= self.bar if self.side == "at most" else self.figure >= self.bar

    def cells(self) -> list[str]:
        """For the table."""
        times = ", ".join(
            f"{name} {_short(min(values))} ({_short(statistics.median(values))})"
            for name, values in self.series.items()
        )
        sign = "<=" if self.side == "at most" else ">="
        bar = f"{sign} {_short(self.bar)}"
        met = "" if self.met else "MISSED"
        return [
            self.name, _short(self.figure), self.unit, bar, met, times, f"{self.load:.1f}"
        ]  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "figure": self.figure,
            "unit": self.unit,
            "bar": self.bar,
            "side": self.side,
            "met": self.met,
            "load": self.load,
            "series": {name: list(values) for name, values in self.series.items()},
        }


_HEAD = ["native", "figure", "unit", "bar", "", "best (median), s", "load"]


def table(rows: Iterable[Row]) -> str:
    """For people."""
    lines = [_HEAD, ["---"] * len(_HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write(
    path: Path, machine: Mapping[str, Any], rows: Sequence[Row], notes: Sequence[str]
) -> None:
    """Everything that was measured, as JSON."""
    path.parent.mkdir(exist_ok=True)
    content = {
        "machine": dict(machine),
        "notes": list(notes),
        "rows": [row.as_dict() for row in rows],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _short(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
