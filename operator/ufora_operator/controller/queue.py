"""Which cluster is looked at when: level-triggered, so a key stands for *look again*, never for
what happened. No clock and no I/O here; ``pump`` drives it.

A key is due once, however often it is added. It is never worked on twice at the same time: what
is added meanwhile makes it due again afterwards. Rounds of one key are ``spacing`` seconds apart,
a failed round waits longer each time, and every key is due again after ``resync`` seconds.
"""

import heapq
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """A UforaCluster, by where it is."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(slots=True)
class _Entry:
    """One key's place. ``due`` is None while a round runs and nothing was added since."""

    due: float | None
    running: bool = False
    failures: int = 0
    #: No round before then, whatever is added: spacing, or the back-off after a failure.
    not_before: float = 0.0
    #: When the present wait began to be overdue, for the age of the oldest.
    added: float = 0.0


@dataclass(slots=True)
class WorkQueue:
    """The keys and when each is due. Times are seconds of any clock that only goes forward."""

    spacing: float = 0.25
    first_backoff: float = 0.5
    longest_backoff: float = 60.0
    resync: float = 300.0
    _entries: dict[Key, _Entry] = field(default_factory=dict)
    #: (due, tie-breaker, key); an entry whose ``due`` differs from its key's is out of date.
    _heap: list[tuple[float, int, Key]] = field(default_factory=list)
    _turn: int = 0

    def add(self, key: Key, now: float, *, after: float = 0.0) -> None:
        """Look at it ``after`` seconds from now, or earlier if that is planned already."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(due=None)
        due = max(now + after, entry.not_before)
        if entry.due is None or due < entry.due:
            entry.added = now
            self._plan(key, entry, due)

    def take(self, now: float) -> Key | None:
        """The key that is due the longest and not being worked on; None: nobody is due."""
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is None or entry.running or entry.due != due:
                continue
            entry.running, entry.due = True, None
            return key
        return None

    def done(self, key: Key, now: float, *, again_after: float | None = None) -> None:
        """The round went well: look again after that time, or when the resync is due."""
        entry = self._entries.get(key)
        if entry is None:
            return
        entry.failures = 0
        wait = self.resync * _spread(key) if again_after is None else again_after
        self._finish(key, entry, now, min(wait, self.resync), self.spacing)

    def failed(self, key: Key, now: float, *, at_least: float = 0.0) -> float:
        """The round failed: look again after a wait that doubles each time. Gives the wait."""
        entry = self._entries.get(key)
        if entry is None:
            return 0.0
        backoff = min(self.first_backoff * 2.0 ** min(entry.failures, 30), self.longest_backoff)
        entry.failures += 1
        wait = max(backoff * _spread(key), at_least)
        self._finish(key, entry, now, wait, wait)
        return wait

    def gone(self, key: Key, now: float) -> None:
        """The round found no such cluster: forget the key, unless it was added meanwhile."""
        entry = self._entries.get(key)
        if entry is None:
            return
        if entry.due is None:
            del self._entries[key]
        else:
            self.done(key, now)

    def failures(self, key: Key) -> int:
        """Rounds of the key that failed, one after the other."""
        entry = self._entries.get(key)
        return entry.failures if entry is not None else 0

    def next_due(self) -> float | None:
        """When ``take`` is worth calling again; None: when something is added."""
        while self._heap:
            due, _, key = self._heap[0]
            entry = self._entries.get(key)
            if entry is not None and not entry.running and entry.due == due:
                return due
            heapq.heappop(self._heap)
        return None

    def waiting(self, now: float) -> int:
        """How many keys are due and not being worked on."""
        return sum(1 for entry in self._entries.values() if _is_waiting(entry, now))

    def oldest(self, now: float) -> float:
        """How long the key that waits longest has been due, in seconds."""
        dues = [entry.due for entry in self._entries.values() if _is_waiting(entry, now)]
        return now - min((due for due in dues if due is not None), default=now)

    def keys(self) -> list[Key]:
        """Every key that is known."""
        return list(self._entries)

    def _finish(self, key: Key, entry: _Entry, now: float, wait: float, not_before: float) -> None:
        entry.running = False
        entry.not_before = now + not_before
        planned = now + max(wait, not_before)
        added = entry.due
        self._plan(key, entry, planned if added is None else max(added, entry.not_before))

    def _plan(self, key: Key, entry: _Entry, due: float) -> None:
        entry.due = due
        if not entry.running:
            self._turn += 1
            heapq.heappush(self._heap, (due, self._turn, key))


def _is_waiting(entry: _Entry, now: float) -> bool:
    return not entry.running and entry.due is not None and entry.due <= now


def _spread(key: Key) -> float:
    """Between 0.8 and 1, always the same for a key: many keys then do not come all at once."""
    return 0.8 + 0.2 * (zlib.crc32(str(key).encode()) % 1000) / 1000
