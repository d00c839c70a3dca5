"""The chart's values as its ``values.yaml`` documents them: a comment above each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent.parent / "charts" / "ufora"

_KEY = re.compile(r"^( *)([A-Za-z]+):")


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a user may set."""

    path: str
    default: Any
    text: str

    @property
    def row(self) -> str:
        """Its row in the README's table."""
        default = json.dumps(self.default) if self.default not in ("", None) else '""'
        return f"| `{self.path}` | `{default}` | {self.text} |"


def defaults() -> dict[str, Any]:
    """``values.yaml``, read."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def documented() -> Iterator[Value]:
    """Every key with a comment above it, in the file's order."""
    trail: list[str] = []
    comment = ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        if line.lstrip().startswith("#"):
            comment = line.strip(" #")
        elif found := _KEY.match(line):
            trail = [*trail[: len(found[1]) // 2], found[2]]
            if comment:
                yield Value(".".join(trail), at(defaults(), trail), comment)
            comment = ""
        else:
            comment = ""


def at(values: Any, path: list[str]) -> Any:
    """The value at a path."""
    for key in path:
        values = values[key]
    return values


def table() -> str:
    """The README's table."""
    head = ["| value | default | meaning |", "|---|---|---|"]
    return "\n".join([*head, *(value.row for value in documented())])
