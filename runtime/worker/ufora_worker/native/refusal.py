"""Why something does not become native code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserFunction:
    """A function of the user's that native code was wanted for."""

    name: str
    filename: str
    line: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where and why, in the user's words, and what to write instead where that is known."""

    message: str
    filename: str
    line: int
    edit: str = ""
    #: The functions in which that is, innermost first.
    within: tuple[UserFunction, ...] = ()


class Refused(Exception):
    """Raised while translating; the code runs in CPython."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.filename}:{refusal.line}: {refusal.message}")
        self.refusal = refusal
