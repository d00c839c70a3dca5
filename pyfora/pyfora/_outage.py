"""A time without a link to the manager: when to try again, and when to give up.

Pure: the time, in seconds on any clock, and chance are told.
"""

from dataclasses import dataclass

#: Pause before the second attempt, in seconds; each one is twice the pause before it.
_FIRST_PAUSE = 0.02

#: What is known when an attempt ran into its time limit.
NO_ANSWER = "no answer"


@dataclass(slots=True)
class Outage:
    """Attempts to get through, until one succeeds or ``limit`` seconds have passed."""

    began: float
    limit: float
    #: The longest pause between two attempts, in seconds.
    longest_pause: float
    #: Why the latest attempt failed.
    reason: str = NO_ANSWER
    _next_pause: float = _FIRST_PAUSE

    def left(self, now: float) -> float:
        """Seconds until the limit."""
        return self.began + self.limit - now

    def pause(self, now: float, chance: float) -> float | None:
        """Seconds to wait before the next attempt; None: there is no time for another one.

        ``chance``, at least 0 and below 1, spreads clients that lost their links together: a pause
        is between half and all of what it may be.
        """
        pause = self._next_pause * (0.5 + chance / 2)
        self._next_pause = min(2 * self._next_pause, self.longest_pause)
        return pause if pause < self.left(now) else None
