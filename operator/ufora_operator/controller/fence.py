"""What keeps a process from writing when another may be the leader."""

from collections.abc import Callable

from ufora_operator.errors import LeadershipLost


class Fence:
    """Open while this process holds the Lease for certain, by its own clock.

    ``deadline`` is when the holder stops writing, ``expiry`` when others may take over. A write
    that begins before the first must be over, one way or the other, before the second.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._deadline = 0.0
        self._expiry = 0.0

    @property
    def is_open(self) -> bool:
        """Whether writing is allowed now."""
        return self._clock() < self._deadline

    @property
    def time_left(self) -> float:
        """Seconds until writing ends, unless the Lease is renewed; at most 0 if it has ended."""
        return self._deadline - self._clock()

    def open_until(self, deadline: float, expiry: float) -> None:
        """The Lease was renewed."""
        self._deadline, self._expiry = deadline, expiry

    def close(self) -> None:
        """The Lease is given back, or lost."""
        self._deadline = self._expiry = 0.0

    def check(self, call: str, timeout: float) -> float:
        """How long a write may take at most, in seconds. Raises LeadershipLost if it may not be."""
        now = self._clock()
        if now >= self._deadline:
            raise LeadershipLost(
                f"{call}: not sent, since this process does not hold the Lease (any more)"
            )
        return min(timeout, self._expiry - now)
