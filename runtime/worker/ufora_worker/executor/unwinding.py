"""Exceptions that take user's code back to the engine."""

import sys
from typing import Any


class Unwinding(BaseException):
    """Raised by the engine in user's code, which is none of its business.

    Whoever raises it keeps in mind that it did: user's code may handle it, and where it comes to
    a finalizer or a callback of a weak reference, Python drops it.
    """


def hide_dropped() -> None:
    """From now on Python says nothing on ``stderr`` of those that it drops."""
    tell = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if not isinstance(dropped.exc_value, Unwinding):
            tell(dropped)

    sys.unraisablehook = hook
