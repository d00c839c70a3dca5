"""Being known to the manager: hello, heartbeats, and reports that must not be lost.

Like the state of the work this has no sockets and no clock: each method takes what happened and
returns the messages that are to be sent.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from ufora_core.protocol.worker import (
    Goodbye,
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Introduce,
    RootDone,
    RootOutput,
    RootReturned,
    ToManager,
    Welcome,
)

HEARTBEAT_SECONDS = 1.0
#: Silence of the manager after which the log says so.
SILENT_SECONDS = 10.0
#: Heartbeats without an answer after which the worker introduces itself again.
_MOST_UNSEEN = 4
#: Messages kept until the manager is known to have heard them; past it the oldest output goes.
_MOST_KEPT = 10_000


class Registration:
    """What the manager knows of this worker, and what it has heard for certain.

    What a root printed, how it ended, or that it was returned, is kept until the manager has
    answered a heartbeat that was sent after it: the connection may break, and the manager may
    restart, at any time.
    """

    def __init__(self, hello: Hello, now: float) -> None:
        self._hello = hello
        self._registered = False
        self._heard_at = now
        self._beat_at = 0.0
        self._sent = 0
        self._seen = 0
        #: Output and ends of roots, in order, each with the number of the heartbeat whose answer
        #: proves that it was heard.
        self._unproven: list[tuple[int, RootDone | RootReturned | RootOutput]] = []

    @property
    def registered(self) -> bool:
        """True while the manager knows this worker and can be reached, as far as one can tell."""
        return self._registered

    @property
    def unproven(self) -> int:
        """Ends of roots of which it is not known whether the manager heard."""
        return len(self._unproven)

    def accepts(self, tokens: tuple[str, ...]) -> None:
        """The worker's tokens changed; these are their fingerprints, for the next heartbeat."""
        self._hello = replace(self._hello, tokens=tokens)

    def leave(self) -> None:
        """Say from now on that the worker is about to stop."""
        self._hello = replace(self._hello, leaving=True)

    def silent(self, now: float) -> bool:
        """True when the manager has not answered for ``SILENT_SECONDS``."""
        return now - self._heard_at > SILENT_SECONDS

    def connected(self, roots: Sequence[str]) -> list[ToManager]:
        """The connection to the manager is there (again)."""
        return self._introduce(roots)

    def disconnected(self) -> None:
        """Nothing can be sent, and what was sent may be lost."""
        self._registered = False

    def heard(
        self, message: Welcome | Introduce | HeartbeatSeen, now: float, roots: Sequence[str]
    ) -> list[ToManager]:
        """The manager spoke."""
        self._heard_at = now
        match message:
            case Welcome():
                return self._welcomed(roots)
            case Introduce():
                return self._introduce(roots)
            case HeartbeatSeen():
                self._seen += 1
                self._unproven = [x for x in self._unproven if x[0] > self._seen]
        return []

    def post(self, message: ToManager) -> list[ToManager]:
        """Send this as soon as the manager knows the worker."""
        if isinstance(message, RootDone | RootReturned | RootOutput):
            self._unproven.append((self._sent + 1, message))
            self._drop_oldest_output()
        return [message] if self._registered else []

    def shares_store(self, roots: Sequence[str]) -> list[ToManager]:
        """The worker found that it sees the manager's own store."""
        self._hello = replace(self._hello, shares_store=True)
        return [replace(self._hello, roots=tuple(roots))]

    def tick(self, now: float, idle: int, memory: int, roots: Sequence[str]) -> list[ToManager]:
        """A heartbeat, once a second; an introduction when they are not answered."""
        if not self._registered or now - self._beat_at < HEARTBEAT_SECONDS:
            return []
        if self._sent - self._seen >= _MOST_UNSEEN:
            return self._introduce(roots)
        self._beat_at = now
        self._sent += 1
        beat = Heartbeat(
            incarnation=self._hello.incarnation,
            idle=idle,
            memory_bytes=memory,
            tokens=self._hello.tokens,
        )
        return [beat]

    def goodbye(self, reason: str) -> list[ToManager]:
        """The worker stops."""
        return [Goodbye(reason=reason)] if self._registered else []

    def _introduce(self, roots: Sequence[str]) -> list[ToManager]:
        self._registered = False
        self._sent = self._seen = 0
        self._unproven = [(1, done) for _, done in self._unproven]
        # A root whose end may not have been heard still counts as running.
        ended = dict.fromkeys(each.job for _, each in self._unproven if each.job not in roots)
        # Whether the store is shared is found anew: this may be another manager.
        self._hello = replace(self._hello, shares_store=False)
        return [replace(self._hello, roots=(*roots, *ended))]

    def _welcomed(self, roots: Sequence[str]) -> list[ToManager]:
        self._registered = True
        self._beat_at = 0.0
        # What was returned may have been placed here again, which proves that it was heard.
        self._unproven = [
            (proof, each)
            for proof, each in self._unproven
            if isinstance(each, RootOutput) or each.job not in roots
        ]
        return [each for _, each in self._unproven]

    def _drop_oldest_output(self) -> None:
        if len(self._unproven) <= _MOST_KEPT:
            return
        for index, (_, each) in enumerate(self._unproven):
            if isinstance(each, RootOutput):
                del self._unproven[index]
                return
