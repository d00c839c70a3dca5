"""Python says what exceptions it drops, but for those of the engine."""

import sys
import weakref
from typing import Any

import pytest

from ufora_worker.executor.unwinding import hide_dropped
from ufora_worker.executor.warned import Warned


class Something:
    pass


def drop(error: BaseException) -> None:
    def fail(reference: object) -> None:
        raise error

    something = Something()
    kept = weakref.ref(something, fail)
    del something
    assert kept() is None


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """The classes of exceptions that Python tells of."""
    found: list[type[BaseException]] = []

    def hook(dropped: Any) -> None:
        found.append(dropped.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", hook)
    hide_dropped()
    return found


def test_nothing_is_said_of_the_engine_s(told: list[type[BaseException]]) -> None:
    drop(Warned("odd"))
    assert told == []


def test_all_else_is_told(told: list[type[BaseException]]) -> None:
    drop(ValueError("odd"))
    drop(KeyboardInterrupt())
    assert told == [ValueError, KeyboardInterrupt]
