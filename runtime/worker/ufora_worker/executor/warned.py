"""Items that warn fail, and run again where the program stands.

A warning is an effect, and one that no analysis sees coming: NumPy warns where a number overflows,
and what becomes of that (nothing, a line, an entry of a list, an exception) is up to the filters of
the process. So an item that warns while it runs ahead of its turn or elsewhere has failed. The root
runs it again, as written and in its turn, by the program's own filters.
"""

import threading
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ufora_worker.executor.unwinding import Unwinding

T = TypeVar("T")

#: Files that nobody closed are found at any time, in any code; all else is somebody's doing.
_FILTERS: list[Any] = [
    ("ignore", None, ResourceWarning, None, 0),
    ("always", None, Warning, None, 0),
]


class Warned(Unwinding):
    """Something warned."""


def unless_it_warns(run: Callable[..., T], *arguments: Any) -> T:
    """``run(*arguments)``, of which nobody hears a warning.

    Filters are replaced without ``warnings.catch_warnings``, which makes Python forget what it has
    warned of already.

    Raises:
        Warned: it would have warned; whatever it made of this exception.
    """
    known: Any = warnings
    before = known.filters, known.showwarning
    thread = threading.get_ident()
    found: list[Any] = []

    def show(message: Any, *more: Any) -> None:
        if threading.get_ident() != thread:
            before[1](message, *more)
            return
        found.append(message)
        raise Warned(message)

    known.filters, known.showwarning = _FILTERS, show
    try:
        result = run(*arguments)
    finally:
        known.filters, known.showwarning = before
    if found:
        raise Warned(found[0])
    return result
