"""Brings a block's result home: its changes, its names, its exception, in this order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from pyfora import _traceback, _variables
from pyfora._capture import Captured
from pyfora._report import Report
from pyfora._statement import Statement
from ufora_core.program import Proxy, Raised, Result
from ufora_core.store import Buffer
from ufora_core.values import changes
from ufora_core.values.decode import Decoder
from ufora_core.values.trackers import ClassTrackers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the cluster gives back for a program."""

    result: Result
    #: The bytes of a blob of the result, by its digest.
    blob: Callable[[str], Buffer]
    #: Makes the client's stand-in for a value that stayed in the cluster.
    proxy: Callable[[Proxy], object]
    #: The account of the job, where somebody keeps one.
    report: Report | None = None


def land(
    outcome: Outcome,
    captured: Captured,
    frame: FrameType,
    statement: Statement,
    trackers: ClassTrackers,
) -> BaseException | None:
    """Makes the block's effects those of ``frame``, and gives the exception to raise, if any.

    The client's own objects show what the block changed in them, then its names are bound, also
    those that it assigned before an exception. Everything is decoded first: a result that does not
    decode (ValueGraphError) leaves all as it was. The exception has the traceback, cause and
    context that it would have had here.
    """
    result = outcome.result
    decoder = Decoder(result.graph, outcome.blob, originals=captured.originals, classes=trackers)
    bound = {
        name: decoder.value(item) for name, item in zip(result.names, result.values, strict=True)
    }
    bound.update((name, outcome.proxy(proxy)) for name, proxy in result.proxies.items())
    exception = None
    if result.raised is not None:
        exception = _exception(result.raised, decoder)
        exception.__traceback__ = _traceback.around_block(
            result.raised.frames, frame, statement.line
        )
    changes.apply(result.changes, captured.originals, decoder)
    # The compiler of the frame's code knows which variables may be without a value; to take the
    # value of another one would crash the process.
    deletable = statement.names.deleted
    _variables.write(frame, bound, [name for name in result.deleted if name in deletable])
    return exception


def _exception(raised: Raised, decoder: Decoder) -> BaseException:
    exception: object = decoder.value(raised.exception)
    if not isinstance(exception, BaseException):
        exception = TypeError(f"exceptions must derive from BaseException, not {exception!r}")
    if raised.cause is not None:
        exception.__cause__ = raised_elsewhere(raised.cause, decoder)
    if raised.context is not None:
        exception.__context__ = raised_elsewhere(raised.context, decoder)
    exception.__suppress_context__ = raised.suppress_context
    return exception


def raised_elsewhere(raised: Raised, decoder: Decoder) -> BaseException:
    """An exception that led to another one; it has a traceback of its own."""
    exception = _exception(raised, decoder)
    exception.__traceback__ = _traceback.inside(raised.frames)
    return exception
