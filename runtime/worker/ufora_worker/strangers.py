"""Peers that send what is no message of ours: each is logged once and otherwise ignored."""

import logging

import zmq

log = logging.getLogger(__name__)

#: Peers remembered; past it the oldest are forgotten, so that a scan of ports costs no memory.
_REMEMBERED = 10_000


class Strangers:
    """Remembers who was logged at one port."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._seen: dict[str, None] = {}

    def note(self, frame: zmq.Frame, error: Exception) -> None:
        """Log who sent ``frame``, unless something of it was logged before."""
        peer = str(frame.get("Peer-Address")).removeprefix("::ffff:")
        if peer in self._seen:
            return
        if len(self._seen) >= _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[peer] = None
        log.warning("%s: peer=%s sent garbage: %s; ignored", self._port, peer, error)
