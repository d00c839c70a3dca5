"""Runs calls and definitions in this process, through the formats that a real cluster uses."""

import traceback
from collections.abc import MutableMapping
from typing import Any

from ufora_core import program
from ufora_core.program import Call, Define, Frame, Kept, Program, Proxy, Raised, Result
from ufora_core.store import digest_of
from ufora_core.values import changes
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_core.values.trackers import ClassTrackers

Objects = MutableMapping[str, bytes]


def run(data: bytes, objects: Objects) -> Result:
    """What an executor does with a program that is no block."""
    task = program.decode(data, Program)
    decoder = Decoder(
        task.graph,
        objects.__getitem__,
        remote=lambda digest: _kept(digest, objects, decoder.trackers),
    )
    assert isinstance(task.task, Call | Define)
    value, raised = _evaluate(task.task, decoder)
    originals = {id(each): i for i, each in enumerate(decoder.objects) if each is not None}
    encoder = Encoder(originals=originals, trackers=decoder.trackers)
    changed = changes.find(decoder, encoder)
    keep = task.download.limit == 0 and raised is None
    item = encoder.item(None if keep else value)
    error = None if raised is None else Raised(encoder.item(raised), _frames(raised))
    result = Result(
        names=[] if keep or raised is not None else ["result"],
        values=[] if keep or raised is not None else [item],
        proxies={"result": _keep(value, objects, decoder.trackers)} if keep else {},
        deleted=[],
        changes=changed,
        raised=error,
        graph=encoder.graph(),
    )
    objects.update((digest, bytes(blob)) for digest, blob in encoder.blobs.items())
    return result


def _evaluate(task: Call | Define, decoder: Decoder) -> tuple[Any, BaseException | None]:
    if isinstance(task, Define):
        return decoder.value(task.value), None
    function = decoder.value(task.function)
    arguments = [decoder.value(each) for each in task.arguments]
    values = [decoder.value(each) for each in task.keyword_values]
    try:
        return function(*arguments, **dict(zip(task.keyword_names, values, strict=True))), None
    except BaseException as error:
        return None, error


def _frames(error: BaseException) -> list[Frame]:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return [Frame(each.filename, each.lineno or 0, each.name) for each in frames]


def _keep(value: object, objects: Objects, trackers: ClassTrackers) -> Proxy:
    encoder = Encoder(trackers=trackers)
    item = encoder.item(value)
    data = program.encode(Kept(item, encoder.graph()))
    objects.update((digest, bytes(blob)) for digest, blob in encoder.blobs.items())
    digest = digest_of(data)
    objects[digest] = data
    return Proxy(digest, len(data), type(value).__name__, repr(value)[:60])


def _kept(digest: str, objects: Objects, trackers: ClassTrackers) -> object:
    kept = program.decode(objects[digest], Kept)
    decoder = Decoder(kept.graph, objects.__getitem__)
    decoder.trackers = trackers  # its classes are the program's, too
    return decoder.value(kept.value)
