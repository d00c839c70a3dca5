"""Why a loop may not be split: the reason that a user reads."""

import ast
from dataclasses import dataclass

#: Longest piece of source that a reason quotes.
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Reason:
    """What stands in the way of splitting a loop, where, and what to do about it."""

    message: str
    filename: str
    line: int

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}: {self.message}"


class NotProved(Exception):
    """Raised within the proof, at the first thing that stands in the way."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def quote(node: ast.AST) -> str:
    """The source of ``node`` on one line, shortened if need be."""
    text = " ".join(ast.unparse(node).split())
    if len(text) > _LONGEST_QUOTE:
        text = f"{text[: _LONGEST_QUOTE - 3]}..."
    return f"`{text}`"
