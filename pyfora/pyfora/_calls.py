"""What is no block: ``submit(f, *args)``, ``define(x)`` and the call of a remote value.

Captured on the way out, landed on the way back.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyfora import _ambient
from pyfora._capture import Captured
from pyfora._download import Arrived
from pyfora._futures import Future
from pyfora._landing import raised_elsewhere
from ufora_core.program import Call, Define, Download, Kept, Program, Result
from ufora_core.values import changes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.trackers import ClassTrackers

#: The one name in the result of a call or a definition.
RESULT = "result"


def capture_call(
    trackers: ClassTrackers,
    download: Download,
    function: Callable[..., Any],
    arguments: Sequence[object],
    keywords: Mapping[str, object],
) -> Captured:
    """``function(*arguments, **keywords)``; waits for futures among them first."""
    encoder = Encoder(trackers=trackers)
    task = Call(
        function=encoder.item(settled(function), title_of(function)),
        arguments=[
            encoder.item(settled(value), f"argument {number}")
            for number, value in enumerate(arguments, 1)
        ],
        keyword_names=list(keywords),
        keyword_values=[encoder.item(settled(value), name) for name, value in keywords.items()],
    )
    return _captured(encoder, task, download)


def capture_definition(trackers: ClassTrackers, value: object) -> Captured:
    """``value`` itself, to be kept in the cluster."""
    encoder = Encoder(trackers=trackers)
    task = Define(encoder.item(settled(value), type(value).__name__))
    return _captured(encoder, task, Download(limit=0))


def land_call(arrived: Arrived[Result], captured: Captured, trackers: ClassTrackers) -> Any:
    """What the call returned (None when that stayed in the cluster), or raises what it raised.

    Its arguments show what it changed in place.
    """
    result = arrived.content
    decoder = Decoder(result.graph, arrived.blob, originals=captured.originals, classes=trackers)
    value = None
    if RESULT in result.names:
        value = decoder.value(result.values[result.names.index(RESULT)])
    exception = None if result.raised is None else raised_elsewhere(result.raised, decoder)
    changes.apply(result.changes, captured.originals, decoder)
    if exception is not None:
        raise exception
    return value


def land_kept(arrived: Arrived[Kept], trackers: ClassTrackers) -> Any:
    """A copy of a value that the cluster keeps."""
    kept = arrived.content
    return Decoder(kept.graph, arrived.blob, classes=trackers).value(kept.value)


def settled(value: Any) -> Any:
    """The value of a future of ours; anything else is itself."""
    return value.result() if isinstance(value, Future) else value


def title_of(function: object) -> str:
    """What people call the function."""
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


def _captured(encoder: Encoder, task: Call | Define, download: Download) -> Captured:
    program = Program(
        task=task,
        graph=encoder.graph(),
        python=sys.version_info[:2],
        download=download,
        recursion_limit=sys.getrecursionlimit(),
        ambient=dict(_ambient.for_calls()),
    )
    return Captured(program=program, blobs=encoder.blobs, originals=encoder.objects)
