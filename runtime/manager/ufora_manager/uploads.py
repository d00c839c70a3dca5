"""Objects that arrive in the body of one request, and how they become files.

A body is ``[32-byte digest][8-byte big-endian size][bytes]``, again and again. It is checked while
it arrives; an object gets its name only when all of it is there and is what its digest says, and
nothing is left of one that is not.
"""

import struct

from ufora_core.errors import StoreError
from ufora_core.protocol.parts import Payload
from ufora_core.store import ObjectStore, Sink
from ufora_manager.errors import ManagerError

HEADER = struct.Struct(">32sQ")


class BrokenUpload(ManagerError):
    """The body is cut, or holds other bytes than it promised."""


class Upload:
    """Takes a body apart. Feed it, then ``finish`` or ``abort`` it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._header = b""
        self._sink: Sink | None = None
        self._digest = ""
        self._size = 0
        #: Bytes of the current object still to come; None while its header is not complete.
        self._left: int | None = None
        self._stored: list[Payload] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            BrokenUpload: an object is not what its digest says.
            StoreError: an object cannot be written.
        """
        view = memoryview(data)
        while view or self._left == 0:
            if self._left is None:
                view = self._take_header(view)
            else:
                view = self._take_bytes(view, self._left)

    def finish(self) -> list[Payload]:
        """The objects that arrived; BrokenUpload when the last one is cut."""
        if self._left is not None or self._header:
            wanted = f"object {self._digest[:12]}" if self._left else "a header"
            raise BrokenUpload(f"the body ends in the middle of {wanted}; send it again")
        return self._stored

    def abort(self) -> None:
        """Leave nothing of the object that is under way."""
        if self._sink is not None:
            self._sink.discard()
            self._sink = None

    def _take_header(self, view: memoryview) -> memoryview:
        missing = HEADER.size - len(self._header)
        self._header += bytes(view[:missing])
        if len(self._header) == HEADER.size:
            digest, self._size = HEADER.unpack(self._header)
            self._header = b""
            self._digest, self._left = digest.hex(), self._size
            # What is here already is read over.
            self._sink = None if self._digest in self._store else self._store.writer(self._digest)
        return view[missing:]

    def _take_bytes(self, view: memoryview, left: int) -> memoryview:
        part = view[:left]
        if self._sink is not None:
            self._sink.write(part)
        self._left = left - len(part)
        if self._left == 0:
            self._commit()
        return view[len(part) :]

    def _commit(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.commit()
            except StoreError as error:
                raise BrokenUpload(str(error)) from None
        self._stored.append(Payload(self._digest, self._size))
        self._left = None
