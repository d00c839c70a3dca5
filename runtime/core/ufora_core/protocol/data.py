"""The data channel (30010): objects of the store, in chunks, between workers and the manager.

The worker that owns the port answers ``Fetch`` with ``Chunk`` and takes objects by ``Chunk``; the
bytes of a chunk are the frame after the message's.
"""

from ufora_core.protocol.parts import Message

#: Bytes of one chunk: large enough to run at the socket's speed, small enough that a heartbeat
#: behind it waits about a millisecond.
CHUNK_SIZE = 1024 * 1024


class Fetch(Message, frozen=True, kw_only=True):
    """Send bytes ``[offset, offset + CHUNK_SIZE)`` of this object."""

    digest: str
    offset: int


class Chunk(Message, frozen=True, kw_only=True):
    """Bytes of an object, from ``offset`` on, of ``size`` in all; they are in the next frame."""

    digest: str
    offset: int
    size: int


class ChunkTaken(Message, frozen=True, kw_only=True):
    """Everything below ``received`` of a pushed object is there."""

    digest: str
    received: int


class Unknown(Message, frozen=True, kw_only=True):
    """The object is not here, or could not be stored, and why."""

    digest: str
    reason: str


DataRequest = Fetch | Chunk
DataReply = Chunk | ChunkTaken | Unknown
