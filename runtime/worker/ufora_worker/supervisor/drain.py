"""The last seconds of a worker that was told to stop: it hands over what it holds."""

import logging

from ufora_worker.supervisor.driver import Supervisor

log = logging.getLogger(__name__)


class Drain:
    """Turns a supervisor until nothing is left at it that anybody needs, or its time is up."""

    def __init__(self, supervisor: Supervisor, reason: str, seconds: float) -> None:
        self._supervisor = supervisor
        self._reason = reason
        self._seconds = seconds
        self._until = supervisor.loop.now() + seconds
        self._logged: tuple[str, ...] | None = None
        supervisor.leave(reason)

    def turn(self) -> None:
        """Wait for something to happen, not past the bound, and deal with it."""
        self._log()
        self._supervisor.turn(max(0.0, self._until - self._supervisor.loop.now()))

    @property
    def over(self) -> str | None:
        """Why the worker may end now, if it may."""
        supervisor = self._supervisor
        if supervisor.departed is not None:
            return f"{self._reason}; {supervisor.departed}"
        if supervisor.forlorn:
            return f"{self._reason}; nothing is left here, and there is no manager to tell"
        if supervisor.loop.now() >= self._until:
            return f"{self._reason}; after {self._seconds:g} s it leaves behind {self._left()}"
        return None

    def _log(self) -> None:
        # Ranges come and go quickly; a line for each root that ends is enough.
        roots = self._supervisor.state.roots
        if roots != self._logged:
            self._logged = roots
            log.info("%s: at most %g s for %s", self._reason, self._seconds, self._left())

    def _left(self) -> str:
        state = self._supervisor.state
        roots, ranges = state.roots, len(state.ledger.leases)
        if not roots and not ranges:
            return "the manager's farewell"
        names = f" ({', '.join(roots)})" if roots else ""
        return f"{len(roots)} roots{names} and {ranges} ranges"
