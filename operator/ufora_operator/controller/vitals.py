"""Whether this process still does its work: what liveness and readiness are answered from."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ufora_operator.controller.metrics import Metrics

#: Seconds between two looks at the event loop.
_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken for dead, in seconds."""

    #: The event loop comes late by so much.
    lag: float = 20.0
    #: One round takes so long, although all that it waits for is bounded.
    round: float = 300.0
    #: A watch is not heard of for so long. The API server sends a bookmark every minute, and the
    #: watch is opened anew when it does not, so that is several tries without any success.
    watch: float = 300.0


class WatchClock:
    """When each watch was last heard of: opened, or sent something, a bookmark at least."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = clock()
        self._heard: dict[str, float | None] = {}

    def expect(self, paths: Iterable[str]) -> None:
        """These are the watches that there will be from now on."""
        self._begun = self._clock()
        self._heard = dict.fromkeys(paths)

    def beat(self, path: str) -> None:
        """Something came by the watch of that path."""
        if path in self._heard:
            self._heard[path] = self._clock()

    @property
    def silent(self) -> list[str]:
        """The watches that were never open: what they list has not been read yet."""
        if not self._heard:
            return ["anything; there is no CRD yet"]
        return [path for path, heard in self._heard.items() if heard is None]

    def ages(self) -> dict[str, float]:
        """Seconds since each watch was last heard of."""
        now = self._clock()
        return {
            path: now - (self._begun if heard is None else heard)
            for path, heard in self._heard.items()
        }


class Vitals:
    """Judges the process. ``longest_round`` gives the age of the oldest round that runs."""

    def __init__(
        self,
        watches: WatchClock,
        *,
        longest_round: Callable[[], float],
        metrics: Metrics,
        clock: Callable[[], float],
        limits: Limits | None = None,
    ) -> None:
        self._watches = watches
        self._longest_round = longest_round
        self._metrics = metrics
        self._clock = clock
        self._limits = Limits() if limits is None else limits
        self._looked = clock()

    async def watch_loop(self) -> None:
        """Note for ever how late the event loop is."""
        while True:
            await asyncio.sleep(_LOOK)
            self.look()

    def look(self) -> None:
        """The event loop turns; to be called every second."""
        now = self._clock()
        self._metrics.loop_lag.set(max(0.0, now - self._looked - _LOOK))
        self._looked = now

    def measure(self) -> None:
        """Bring the metrics up to date."""
        for path, age in self._watches.ages().items():
            self._metrics.watch_age.labels(path).set(age)

    def ailing(self) -> str | None:
        """Why this process had better be started anew; None: it is well."""
        lag = self._clock() - self._looked
        if lag > self._limits.lag:
            return f"the event loop has not turned for {lag:.0f} s"
        longest = self._longest_round()
        if longest > self._limits.round:
            return f"a round has been running for {longest:.0f} s"
        path, age = max(self._watches.ages().items(), key=lambda pair: pair[1], default=("", 0.0))
        if age > self._limits.watch:
            return f"nothing has been heard of the watch {path} for {age:.0f} s"
        return None

    def unready(self) -> str | None:
        """Why this process could not take over now; None: it could, or it is at work."""
        silent = self._watches.silent
        return f"waiting for the first list of {', '.join(silent)}" if silent else None
