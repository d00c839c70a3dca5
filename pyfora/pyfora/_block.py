"""What ``cluster.remotely`` is: a context manager whose body runs on the cluster.

A context manager cannot skip its body, and a trace function can: the frame is stopped as soon as
``__enter__`` has returned, the block runs on the cluster while the frame waits there, and then an
exception takes it to the end of the statement: the private ``_Skip``, which ``__exit__`` swallows,
or the block's own. The latter is raised right there, rather than in ``__exit__``, because ``with``
re-raises it with the traceback that ``__exit__`` has put into it: the user's frames and no other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import NoReturn, Protocol

from pyfora import _ambient, _statement, _traceback, _variables
from pyfora._capture import Captured, capture
from pyfora._errors import BadWithBlockError, PyforaError
from pyfora._landing import Outcome, land
from pyfora._progress import ProgressCallback
from pyfora._report import Report
from pyfora._statement import Statement
from pyfora._tracing import Stop
from ufora_core.program import Download
from ufora_core.values.trackers import ClassTrackers


class Runner(Protocol):
    """The cluster, as far as a block needs it."""

    @property
    def trackers(self) -> ClassTrackers:
        """The user's classes that this client has sent, so that instances come back as theirs."""
        ...

    def run(self, captured: Captured, progress: ProgressCallback | None = None) -> Outcome:
        """Runs the program and waits for its result; what the block prints is printed meanwhile,
        and ``progress`` hears how far it is.

        Raises JobFailedError when the job ends without a result, ConnectionError when the cluster
        is gone, and lets KeyboardInterrupt through after it has cancelled the job. An exception of
        the user's code is not raised here: it is part of the outcome.
        """
        ...


class RemoteBlock:
    """``with cluster.remotely.downloadAll():`` runs its body on the cluster, not here.

    Names that the block assigns are variables here afterwards; which of them are values and which
    proxies is chosen by the methods, each of which gives a block of its own. A block may be used
    any number of times, by any number of threads. The thread waits for the cluster: in a coroutine,
    its event loop does.
    """

    def __init__(
        self,
        runner: Runner,
        download: Download | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._runner = runner
        self._download = download or Download(limit=0)
        self._progress = progress
        #: What became of the last run that ended; None before there was one.
        self.report: Report | None = None
        #: The blocks being run, by the frames they are in. (An entry does not know its stop: in a
        #: cycle they would keep the frame's variables alive until the next garbage collection.)
        self._entries: dict[FrameType, tuple[_Entry, Stop]] = {}

    def remoteAll(self) -> RemoteBlock:  # noqa: N802 - the name that pyfora always had
        """Every value stays in the cluster; the names become proxies. (The default.)"""
        return RemoteBlock(self._runner, Download(limit=0), self._progress)

    def downloadAll(self) -> RemoteBlock:  # noqa: N802
        """Every value comes here."""
        return RemoteBlock(self._runner, Download(limit=None), self._progress)

    def downloadSmall(self, bytecount: int = 10_000) -> RemoteBlock:  # noqa: N802
        """Values whose encoded form has at most ``bytecount`` bytes come here."""
        return RemoteBlock(self._runner, Download(limit=bytecount), self._progress)

    def with_progress(self, callback: ProgressCallback) -> RemoteBlock:
        """``callback`` gets a ``Progress`` now and then while the block runs, and None when it has
        ended; ``pyfora.progress()`` makes one that prints."""
        return RemoteBlock(self._runner, self._download, callback)

    remote_all = remoteAll
    download_all = downloadAll
    download_small = downloadSmall
    withStatusCallback = with_progress  # noqa: N815 - the name that pyfora always had

    def __repr__(self) -> str:
        limit = self._download.limit
        policy = "all values" if limit is None else f"values of up to {limit} bytes"
        return f"<remote block, downloads {policy if limit != 0 else 'nothing'}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("the connection to the cluster stays in the client")

    def __enter__(self) -> RemoteBlock:
        """Raises BadWithBlockError and CantGetSourceTextError, before anything is run."""
        frame = sys._getframe(1)
        entry = _Entry(self, frame, _statement.entered_by(frame))
        stop = Stop(frame, entry.run)
        self._entries[frame] = entry, stop
        try:
            stop.arm()
        except BaseException:
            del self._entries[frame]
            stop.disarm()
            raise
        return self

    def __exit__(
        self,
        type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        entry, stop = self._entries.pop(sys._getframe(1))
        try:
            return entry.leave(exception)
        finally:
            stop.disarm()

    def _perform(self, frame: FrameType, statement: Statement) -> BaseException | None:
        """Runs the block and lands its result; gives the exception that it raised."""
        trackers = self._runner.trackers
        with _ambient.travelling() as states:
            captured = capture(frame, statement, self._download, trackers, states.sent)
            outcome = self._runner.run(captured, self._progress)
            self.report = outcome.report
            exception = land(outcome, captured, frame, statement, trackers)
            states.land(outcome.result.ambient)
            return exception


class _Skip(BaseException):
    """Takes a frame from a body that has been run elsewhere to the end of its statement."""


class _Entry:
    """One run of a block: from ``__enter__`` to ``__exit__``."""

    def __init__(self, block: RemoteBlock, frame: FrameType, statement: Statement) -> None:
        self._block = block
        self._frame = frame
        self._statement = statement
        #: The exception of the block, with the traceback and context it is to have.
        self._raised: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._context: BaseException | None = None

    def run(self) -> NoReturn:
        """In the place of the body."""
        if self._statement.target:
            _variables.write(self._frame, {self._statement.target: self._block})
        self._raised = self._block._perform(self._frame, self._statement)
        if self._raised is None:
            raise _Skip
        self._traceback = self._raised.__traceback__
        self._context = self._raised.__context__
        raise self._raised

    def leave(self, exception: BaseException | None) -> bool:
        """The end of the statement; True swallows ``exception``."""
        if isinstance(exception, _Skip):
            return True
        if exception is None:
            raise BadWithBlockError(
                "the body of the block was run here, since something has switched tracing off",
                self._frame.f_code.co_filename,
                self._statement.line,
                "Look for what calls 'sys.settrace' while the block is entered.",
            )
        if exception is self._raised:
            self._hand_over(exception)
        elif isinstance(exception, PyforaError | KeyboardInterrupt):
            exception.__traceback__ = _traceback.around_block((), self._frame, self._statement.line)
        return False

    def _hand_over(self, exception: BaseException) -> None:
        """Gives the exception the traceback and context that it would have without us."""
        exception.__traceback__ = self._traceback
        if self._context is None:
            return
        handled = exception.__context__  # what was being handled around the block
        exception.__context__ = self._context
        chain = list(_contexts(exception))
        if not any(each is handled for each in chain):
            chain[-1].__context__ = handled


def _contexts(exception: BaseException) -> Iterator[BaseException]:
    """The exception and those that it was raised in the handling of, each once."""
    seen: list[BaseException] = []
    each: BaseException | None = exception
    while each is not None and not any(each is known for known in seen):
        seen.append(each)
        yield each
        each = each.__context__
