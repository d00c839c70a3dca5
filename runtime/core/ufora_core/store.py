"""The object store: files named by the SHA-256 of their bytes.

One directory serves every process of a machine: the manager, its workers' supervisors, executors
and, when it can read the ``proof`` file, the client. An object is written once under a temporary
name and then renamed, so a reader sees all of it or nothing, and whoever writes the same bytes a
second time changes nothing. Readers map files; nothing is copied.
"""

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from ufora_core.errors import StoreError
from ufora_core.protocol.parts import INLINE_LIMIT, Payload

Buffer = bytes | bytearray | memoryview | mmap.mmap

_DIGEST_LENGTH = hashlib.sha256().digest_size * 2
_PROOF = "proof"


class Sink(Protocol):
    """An object that is being written; ``commit`` or ``discard`` ends it."""

    def write(self, data: Buffer) -> None:
        """Append bytes; StoreError when they cannot be written (a full disk)."""

    def commit(self) -> Payload:
        """Give the object its name; StoreError when it is not what its digest promised."""

    def discard(self) -> None:
        """Remove what was written."""


def digest_of(*buffers: Buffer) -> str:
    """SHA-256 of the buffers' bytes one after the other, in hexadecimal."""
    state = hashlib.sha256()
    for buffer in buffers:
        state.update(buffer)
    return state.hexdigest()


def payload_of(data: bytes) -> Payload:
    """``data`` as a payload: inside it when small, else by digest (the caller stores it)."""
    return Payload(digest_of(data), len(data), data if len(data) <= INLINE_LIMIT else None)


class ObjectStore:
    """Objects in one directory. Methods may be called from several threads and processes."""

    def __init__(self, directory: Path) -> None:
        """Open (and create) the store.

        Raises:
            StoreError: the directory cannot be made or written.
        """
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            probe, name = tempfile.mkstemp(prefix=".probe-", dir=directory)
            os.close(probe)
            os.unlink(name)
        except OSError as error:
            raise StoreError(
                f"the object store {directory} cannot be written: {error.strerror or error}; "
                "make it writable, or name another folder with UFORA_DATA_DIR"
            ) from None

    def path(self, digest: str) -> Path:
        """Where the object is, or would be.

        Raises:
            StoreError: ``digest`` is not 64 hexadecimal digits (it might name another file).
        """
        if len(digest) != _DIGEST_LENGTH or not set(digest) <= set("0123456789abcdef"):
            raise StoreError(f"{digest[:80]!r} is not the digest of an object")
        return self.directory / digest

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).exists()

    def digests(self) -> Iterator[str]:
        """Every object that is here."""
        for entry in os.scandir(self.directory):
            if len(entry.name) == _DIGEST_LENGTH:
                yield entry.name

    def put(self, *buffers: Buffer) -> Payload:
        """Store the buffers' bytes as one object and name it. Already there: nothing is written."""
        return self.put_at(digest_of(*buffers), buffers)

    def put_at(self, digest: str, buffers: Iterable[Buffer]) -> Payload:
        """Like ``put`` when the digest is known already; the caller vouches for it."""
        path = self.path(digest)
        try:
            return Payload(digest, path.stat().st_size)
        except FileNotFoundError:
            pass
        sink = _FileSink(self, digest)
        try:
            for buffer in buffers:
                sink.write(buffer)
        except BaseException:
            sink.discard()
            raise
        return sink.commit()

    def writer(self, digest: str) -> Sink:
        """A sink for an object that arrives in parts; its bytes are checked against ``digest``."""
        return _CheckedSink(self, digest)

    def open(self, digest: str) -> memoryview:
        """The object's bytes, read-only and mapped.

        Raises:
            StoreError: the object is not here.
        """
        return memoryview(self._map(digest, mmap.ACCESS_READ))

    def open_private(self, digest: str) -> memoryview:
        """The object's bytes, mapped copy-on-write: writable, and nobody else sees the writes."""
        return memoryview(self._map(digest, mmap.ACCESS_COPY))

    def delete(self, digest: str) -> None:
        """Remove the object if it is here; who has it mapped keeps it."""
        self.path(digest).unlink(missing_ok=True)

    def prove(self, proof: str) -> None:
        """Write the text by which a peer can tell that it sees this very directory."""
        (self.directory / _PROOF).write_text(proof)

    def _map(self, digest: str, access: int) -> mmap.mmap | bytearray:
        try:
            with open(self.path(digest), "rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    return bytearray()  # an empty file cannot be mapped
                return mmap.mmap(file.fileno(), 0, access=access)
        except FileNotFoundError:
            raise StoreError(f"object {digest[:12]} is not in the store {self.directory}") from None


def shares(directory: str, proof: str) -> bool:
    """True when this process sees the peer's store: its ``proof`` file can be read and fits."""
    try:
        return bool(proof) and (Path(directory) / _PROOF).read_text() == proof
    except OSError:
        return False


class _FileSink:
    """Writes an object under a temporary name; ``commit`` gives it its own."""

    def __init__(self, store: ObjectStore, digest: str) -> None:
        self._path = store.path(digest)
        self._size = 0
        self._digest = digest
        try:
            self._file, self._temporary = tempfile.mkstemp(prefix=".new-", dir=store.directory)
        except OSError as error:
            raise self._failed(error) from None

    def write(self, data: Buffer) -> None:
        view = memoryview(data).cast("B")
        self._size += len(view)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise self._failed(error) from None

    def commit(self) -> Payload:
        os.close(self._file)
        os.rename(self._temporary, self._path)
        return Payload(self._digest, self._size)

    def discard(self) -> None:
        os.close(self._file)
        os.unlink(self._temporary)

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"object {self._digest[:12]} cannot be written to {self._path.parent}: "
            f"{error.strerror or error}; free space there, or name another folder with "
            "UFORA_DATA_DIR"
        )


class _CheckedSink(_FileSink):
    """A sink that trusts nobody: what was written must have the digest that was promised."""

    def __init__(self, store: ObjectStore, digest: str) -> None:
        super().__init__(store, digest)
        self._state = hashlib.sha256()

    def write(self, data: Buffer) -> None:
        self._state.update(data)
        super().write(data)

    def commit(self) -> Payload:
        if self._state.hexdigest() != self._digest:
            self.discard()
            raise StoreError(
                f"{self._size} bytes arrived for object {self._digest[:12]}, but they are not that "
                "object: the transfer was cut or altered; send it again"
            )
        return super().commit()
