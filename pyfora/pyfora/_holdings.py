"""Counts what this client keeps alive in the cluster, and says when to let it go.

The manager keeps every object that a session sent or received until the session releases it, and
counts a session once, however often an object came. So a release must be right for all uses of an
object at once, also for a result on its way here that happens to have the same bytes: what was
received is released while no job is in flight. What was sent is released late, since the next
program often needs it again.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterable

from ufora_core.protocol.parts import Payload

#: Bytes of objects without a use here that stay in the cluster.
IDLE_LIMIT = 256 * 1024 * 1024


class Holdings:
    """How many of this client's values and jobs need each object of the cluster."""

    def __init__(self, idle_limit: int = IDLE_LIMIT) -> None:
        self._lock = threading.Lock()
        self._limit = idle_limit
        self._uses: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._sent: set[str] = set()
        #: Objects without a use, in the order in which they lost the last one.
        self._idle: dict[str, None] = {}

    def hold(self, objects: Iterable[Payload], *, sent: Collection[str] = ()) -> None:
        """One more value or job needs these objects; this client has those in ``sent`` itself."""
        with self._lock:
            for each in objects:
                self._uses[each.digest] += 1
                self._sizes[each.digest] = each.size
                self._idle.pop(each.digest, None)
                if each.digest in sent:
                    self._sent.add(each.digest)

    def drop(self, objects: Iterable[Payload]) -> None:
        """One value or job less needs them."""
        with self._lock:
            for each in objects:
                self._uses[each.digest] -= 1
                if not self._uses[each.digest]:
                    del self._uses[each.digest]
                    self._idle[each.digest] = None

    def in_use(self, digest: str) -> bool:
        """Some value or job needs the object."""
        with self._lock:
            return digest in self._uses

    def surplus(self, *, quiet: bool) -> list[str]:
        """What to release now, and to forget; ``quiet``: no job is in flight."""
        with self._lock:
            free: list[str] = []
            kept: list[str] = []
            for digest in self._idle:
                received = digest not in self._sent
                (free if quiet and received else kept).append(digest)
            excess = sum(self._sizes[each] for each in kept) - self._limit
            for digest in kept:
                if excess <= 0:
                    break
                free.append(digest)
                excess -= self._sizes[digest]
            for digest in free:
                del self._idle[digest], self._sizes[digest]
                self._sent.discard(digest)
        return free
