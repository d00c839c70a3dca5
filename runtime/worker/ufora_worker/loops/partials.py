"""A loop's task and a range's partial result, as objects of the store."""

from array import array
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from math import inf
from typing import Any

from ufora_core import program
from ufora_core.protocol.parts import Payload
from ufora_core.store import ObjectStore, payload_of
from ufora_core.values.decode import Decoder
from ufora_core.values.encode import Encoder
from ufora_worker.loops.counts import COUNTS, counts_ns
from ufora_worker.loops.float_files import FloatReader
from ufora_worker.loops.nans import holds_shared_nan
from ufora_worker.loops.segments import LiveSegment
from ufora_worker.loops.sums import FILED
from ufora_worker.loops.weights import weigh


@dataclass(frozen=True, slots=True)
class Stored:
    """An encoded object and what it needs besides itself."""

    payload: Payload
    needs: tuple[Payload, ...]


def keep(store: ObjectStore, data: bytes, encoder: Encoder) -> Stored:
    """Store the encoder's blobs, and ``data`` itself unless it is small enough to be sent."""
    needs = [store.put_at(digest, [blob]) for digest, blob in encoder.blobs.items()]
    payload = payload_of(data)
    if payload.data is None:
        needs.append(store.put_at(payload.digest, [data]))
    return Stored(payload, tuple(needs))


def fetch(store: ObjectStore, payload: Payload) -> bytes | memoryview:
    """The bytes of a payload, from the message or from the store."""
    return store.open(payload.digest) if payload.data is None else payload.data


def identities(objects: Sequence[Any]) -> dict[int, int]:
    """``id`` of each object -> its index, so that an encoder names it instead of copying it."""
    return {id(each): index for index, each in enumerate(objects) if each is not None}


def encode_partial(
    store: ObjectStore,
    key: str,
    segments: Sequence[LiveSegment],
    task_objects: Sequence[Any],
    again_ns: float = inf,
) -> Stored:
    """The partial result of a range; objects of the loop's task stay what they are. Values that
    would not be what they are anywhere else are left to the root, in the form ``AGAIN``, and so are
    those that it makes in less time than sending them takes: in ``again_ns``."""
    encoder = Encoder(originals=identities(task_objects))
    wire = [
        program.Segment(each.form, each.lo, each.hi, encoder.item(_plain(each)))
        for each in (_movable(segment, again_ns) for segment in segments)
    ]
    return keep(store, program.encode(program.Partial(key, wire, encoder.graph())), encoder)


def decode_partial(
    store: ObjectStore, payload: Payload, task_objects: Sequence[Any], files: FloatReader
) -> list[LiveSegment]:
    """The segments of a partial result, with the root's own objects in the place of the task's, and
    views of what is in ``files``."""
    partial = program.decode(fetch(store, payload), program.Partial)
    decoder = Decoder(partial.graph, store.open_private, originals=task_objects)
    return [
        _live(LiveSegment(each.form, each.lo, each.hi, decoder.value(each.value)), files)
        for each in partial.segments
    ]


#: The form of items that the root has to run itself.
AGAIN = "again"

_WITH_VALUES = frozenset({"values", "entries", "first"})


def _movable(segment: LiveSegment, again_ns: float) -> LiveSegment:
    if _stays(segment, again_ns):
        return LiveSegment(AGAIN, segment.lo, segment.hi, None)
    return segment


def _stays(segment: LiveSegment, again_ns: float) -> bool:
    if segment.form == COUNTS:
        return counts_ns(segment.value) > again_ns
    if segment.form not in _WITH_VALUES or segment.value is True:
        return False
    return weigh((segment.value,), again_ns) > again_ns or holds_shared_nan(segment.value)


#: Forms of packed numbers, with the type code of their arrays.
_PACKED = {"floats": "d", "ints": "q"}


def _plain(segment: LiveSegment) -> Any:
    if segment.form == FILED:
        return astuple(segment.value)
    if segment.form == COUNTS:
        return list(segment.value), list(segment.value.values())
    return segment.value.tobytes() if segment.form in _PACKED else segment.value


def _live(segment: LiveSegment, files: FloatReader) -> LiveSegment:
    if segment.form == FILED:
        return _read(segment, files)
    if segment.form == COUNTS:
        segment.value = dict(zip(*segment.value, strict=True))
    elif segment.form in _PACKED:
        numbers = array(_PACKED[segment.form])
        numbers.frombytes(segment.value)
        segment.value = numbers
    return segment


def _read(segment: LiveSegment, files: FloatReader) -> LiveSegment:
    try:
        terms = files.view(*segment.value)
    except OSError:
        return LiveSegment(AGAIN, segment.lo, segment.hi, None)
    return LiveSegment("floats", segment.lo, segment.hi, terms)
