"""Peers that send what is no message of ours: each is logged once and otherwise ignored."""

import logging

log = logging.getLogger(__name__)

#: Peers remembered; past it the oldest are forgotten, so that a scan of ports costs no memory.
_REMEMBERED = 10_000


class Strangers:
    """Remembers who was logged."""

    def __init__(self, port: str = "") -> None:
        """``port`` begins the lines, where it does not follow from what is logged."""
        self._prefix = f"{port}: " if port else ""
        self._seen: dict[str, None] = {}

    def note(self, peer: str, what: str) -> None:
        """Log that ``peer`` sent ``what``, unless something of it was logged before."""
        if peer in self._seen:
            return
        if len(self._seen) >= _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[peer] = None
        log.warning("%speer=%s sent %s; ignored, and not logged again", self._prefix, peer, what)
