"""What the server libraries say about bytes that are no request: one line a peer."""

import logging
from contextvars import ContextVar

from ufora_core.strangers import Strangers

log = logging.getLogger(__name__)

#: The peer of the request that the running task serves.
current_peer: ContextVar[str] = ContextVar("current_peer", default="a peer")


class LibraryComplaints(logging.Handler):
    """Turns what a server library says about a peer's bytes into one line a peer.

    aiohttp names the peer in the record; engineio does not, but speaks in the peer's own task.
    """

    def __init__(self, strangers: Strangers, what: str) -> None:
        super().__init__()
        self._strangers = strangers
        self._what = what

    def emit(self, record: logging.LogRecord) -> None:
        """Note the stranger; a record that has nothing to do with a peer's bytes is passed on."""
        args = record.args if isinstance(record.args, tuple) else ()
        peer = args[0] if args and isinstance(args[0], str) else current_peer.get()
        if record.levelno >= logging.ERROR and self._is_ours(record):
            log.error(record.getMessage(), exc_info=record.exc_info)
        elif record.exc_info:
            self._strangers.note(peer, f"{self._what} ({record.exc_info[1]!r})")

    @staticmethod
    def _is_ours(record: logging.LogRecord) -> bool:
        """True when the exception came from the code of this package."""
        trace = record.exc_info[2] if record.exc_info else None
        package = __name__.partition(".")[0]
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__", "")).startswith(package):
                return True
            trace = trace.tb_next
        return False


def quiet_logger(name: str, handler: logging.Handler, level: int) -> logging.Logger:
    """A logger that reports to ``handler`` alone."""
    logger = logging.getLogger(f"{__name__}.{name}")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level)
    return logger
