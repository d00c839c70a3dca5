"""A token bucket: calls go out at a bounded rate, however many clusters ask for them."""

import asyncio
from collections.abc import Awaitable, Callable


class CallBudget:
    """So many calls a second on average, and ``burst`` of them at once after a pause.

    ``hold`` stops all of them for a while: the server said that it has too much to do.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        #: When the bucket would be full again if nobody took anything more.
        self._full_at = clock()
        self._held_until = 0.0

    async def take(self) -> None:
        """Wait for the right to make one call; whoever comes first goes first."""
        now = self._clock()
        self._full_at = max(self._full_at, now) + 1 / self._rate
        wait = max(self._full_at - self._burst / self._rate, self._held_until) - now
        if wait > 0:
            await self._sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let nobody go for so long."""
        self._held_until = max(self._held_until, self._clock() + seconds)
