"""What runs the items of a loop: CPython, and machine code."""

from collections.abc import Sequence
from typing import Any, Protocol

from ufora_worker.loops.shapes import Accumulator
from ufora_worker.native.refusal import Refusal, UserFunction


class Body(Protocol):
    """Runs the user's expression over some items."""

    def run(self, items: Sequence[Any]) -> Any:
        """What the items yield: a list, or for ``any``/``all`` whether one of them decided it.

        Raises:
            Exception: whatever the user's code raises.
        """

    def run_divided(self, items: Sequence[Any]) -> Any:
        """As ``run``; sites that the expression contains may be taken over."""


class Native(Protocol):
    """Runs items as machine code, as soon as there is some."""

    def prepare(self, spent_ns: int) -> None:
        """Have code made, if a loop that took so long already is worth it."""

    def ready(self, index: int) -> bool:
        """Whether ``run`` would run item ``index``."""

    def run(self, lo: int, hi: int, results: Accumulator) -> tuple[int, bool]:
        """Run items from ``lo`` on, and add what they yield to ``results``.

        Returns the first item that is not done, which CPython has to run if it is before ``hi``;
        and whether an item decided the loop.
        """

    def leave(self) -> None:
        """From a heartbeat within ``run``: stop in front of the item that runs now."""

    def counts(self) -> tuple[int, int]:
        """Items that ran natively, and bails, since the last call."""

    @property
    def refusal(self) -> Refusal | None:
        """Why there is no native code, once that is known."""

    @property
    def is_made(self) -> bool:
        """Whether there is native code."""

    @property
    def functions(self) -> Sequence[UserFunction]:
        """The user's functions in the native code, or those because of which there is none."""
