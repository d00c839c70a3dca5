"""What operators ask of a manager: how the cluster is, its figures, and workers to retire."""

import asyncio
import time
from collections.abc import Callable

from ufora_manager.bookkeeping import Bookkeeper
from ufora_manager.cluster_view import Json, ManagerFacts, describe, describe_order
from ufora_manager.metrics import exposition
from ufora_manager.scheduler import events
from ufora_manager.scheduler.state import State


class Administration:
    """Answers questions about the scheduler's state, and takes orders to retire."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        state: State,
        name: str,
        report: Callable[[events.Event], None],
        *,
        books: Bookkeeper | None,
        tokens: Callable[[], tuple[str, ...]] = lambda: (),
    ) -> None:
        """``tokens`` gives the fingerprints of the tokens that are accepted now."""
        self._loop = loop
        self._state = state
        self._name = name
        self._report = report
        self._books = books
        self._tokens = tokens
        self._since = time.time()

    def cluster(self) -> Json:
        """Workers and jobs as they are."""
        facts = ManagerFacts(self._name, self._since, self._tokens())
        return describe(self._state, self._loop.time(), self._wall_clock(), facts)

    def retire(self, worker: str, *, exit: bool) -> Json:
        """Have a worker hand over what it holds, and end when it is empty if ``exit`` is set."""
        self._report(events.RetireOrdered(self._loop.time(), worker, exit))
        return describe_order(self._state, worker, self._wall_clock())

    def unretire(self, worker: str) -> Json:
        """Take such an order back."""
        self._report(events.RetireTakenBack(self._loop.time(), worker))
        return describe_order(self._state, worker, self._wall_clock())

    def metrics(self) -> str:
        """All figures, in Prometheus' text format."""
        return exposition(
            self._state,
            started_at=self._since,
            journal_works=self._books.works if self._books is not None else None,
            journal_failures=self._books.failures if self._books is not None else 0,
        )

    def _wall_clock(self) -> Callable[[float], float]:
        ahead = time.time() - self._loop.time()
        return lambda then: then + ahead
