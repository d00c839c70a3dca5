"""Room for the frames of the user's functions.

CPython (3.11 to 3.13) keeps Python frames in chunks of 16 KiB, and gives a chunk back as soon as
its first frame returns. Where a recursion goes up and down across the end of a chunk, each call
then maps and unmaps memory: measured, ``fib(20)`` takes 37 ms at one depth of the stack and 0.7 ms
at all others. The frames of the engine would bring a program to such a depth by chance. A frame
that says it needs a large stack gets a chunk of twice its size, in whose rest all others fit.
"""

from collections.abc import Callable
from types import FunctionType
from typing import TypeVar

R = TypeVar("R")

#: Words of the large frame: its chunk has 1 MiB, of which 460 KiB remain (about 4,000 frames).
_WORDS = 70_000


def _call(function: Callable[[], R]) -> R:
    return function()


def with_room(function: Callable[[], R]) -> R:
    """``function()``, with room for what it calls."""
    code = _call.__code__.replace(co_stacksize=_WORDS)
    result: R = FunctionType(code, globals())(function)
    return result
