"""Looks at the token files again and again while a manager runs."""

import asyncio
from collections.abc import Callable

from ufora_core.tokens import REFRESH_SECONDS, Tokens


def follow(
    loop: asyncio.AbstractEventLoop, tokens: Tokens, on_change: Callable[[], None]
) -> Callable[[], None]:
    """Read the tokens again every ``REFRESH_SECONDS``, and call ``on_change`` when they changed.

    Returns what ends it.
    """
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        timer = loop.call_later(REFRESH_SECONDS, look)
        if tokens.refresh():
            on_change()

    timer = loop.call_later(REFRESH_SECONDS, look)
    return lambda: timer.cancel()
