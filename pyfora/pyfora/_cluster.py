"""The object that users hold: a connection to a cluster."""

import atexit
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from pyfora._block import RemoteBlock
from pyfora._errors import PyforaError
from pyfora._futures import Future
from pyfora._jobs import Jobs
from pyfora._remote import RemoteValue
from pyfora._report import Report
from pyfora._session import Session
from pyfora._transport import Transport

T = TypeVar("T")


class Cluster:
    """A connection to a cluster; made by ``pyfora.connect``.

    It may be used from several threads. It ends with ``close()``, at the end of its ``with``
    block, when nothing refers to it or its values any more, and with the program.
    """

    def __init__(self, transport: Transport, on_close: Callable[[], None] = lambda: None) -> None:
        """Connect; ``on_close`` is called once the connection has ended.

        Raises:
            ConnectionError: nobody answers, the peer is no manager, or it refused this client.
        """
        session = Session(transport, on_close)
        session.start()
        self._session = session
        self._jobs = Jobs(session)
        _open_sessions.add(session)

    # ------------------------------------------------------------------ running things

    @property
    def remotely(self) -> RemoteBlock:
        """A context manager whose body runs in the cluster: ``with cluster.remotely:``.

        Each access gives a new one, so that options never leak from one block into another.
        """
        self._session.check()
        return RemoteBlock(self._jobs)

    def submit(self, function: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        """Call ``function(*args, **kwargs)`` in the cluster; the future has what it returns.

        Futures among the arguments are waited for first. Remote values are passed on without a
        detour through this process.
        """
        return self._jobs.submit(function, args, kwargs)

    def define(self, value: object) -> Future[RemoteValue]:
        """Bring ``value`` into the cluster, once, to be used there by many blocks and calls."""
        return self._jobs.define(value)

    @property
    def last_report(self) -> Report | None:
        """What the job that ended last did, and on which executors; None before the first."""
        return self._jobs.last_report

    # ------------------------------------------------------------------ the cluster itself

    @property
    def url(self) -> str:
        """Address of the cluster's manager."""
        return self._session.transport.url

    def info(self) -> dict[str, Any]:
        """Workers, their addresses and cores, and jobs, as the manager sees them now."""
        self._session.check()
        answer = self._session.transport.get_json("/api/v1/cluster")
        if not isinstance(answer, dict):
            raise PyforaError(f"the manager at {self.url} gave no account of its cluster")
        return answer

    def worker_count(self) -> int:
        """Number of workers in the cluster now."""
        return len(self.info()["workers"])

    getWorkerCount = worker_count  # noqa: N815  (the name that pyfora always had)

    # ------------------------------------------------------------------ the connection

    def close(self) -> None:
        """End the connection: what still runs is stopped, remote values are released.

        A cluster that was started for this connection ends with it.
        """
        self._session.close()

    def is_closed(self) -> bool:
        """True after ``close()``, and after the cluster was lost."""
        return self._session.closed

    isClosed = is_closed  # noqa: N815  (the name that pyfora always had)

    def __enter__(self) -> Self:
        self._session.check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the connection to the cluster stays in the client")

    def __repr__(self) -> str:
        return f"<pyfora.Cluster {self.url}{', closed' if self.is_closed() else ''}>"


_open_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


@atexit.register
def close_sessions() -> None:
    """A program that ends leaves no job behind."""
    for session in list(_open_sessions):
        session.close()
