"""Objects on disk: machine code that another process made of the same unit.

A file is a header and the object: a magic word, the key, the object's length and its digest. A file
that is not exactly that, or that another user wrote, is replaced, and nothing of it is executed.
Files are written under another name first, so no reader sees half of one. A disk that is full or
read-only costs one line in the log.
"""

import contextlib
import hashlib
import logging
import os
import struct
import tempfile
from pathlib import Path

_LOG = logging.getLogger(__name__)

_MAGIC = b"ufora object 1\n\0"
#: Magic word, key, length of the object, SHA-256 of the object.
_HEADER = struct.Struct(f"<{len(_MAGIC)}s32sQ32s")
_SUFFIX = ".object"
#: Bytes that all files together may have; the oldest go first.
LIMIT = 256 * 1024 * 1024


def key(*parts: str) -> bytes:
    """The key of an object that depends on these texts and nothing else."""
    digest = hashlib.sha256()
    for part in parts:
        text = part.encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.digest()


class ObjectCache:
    """A folder of objects, which any number of processes may share."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._complained = False

    def get(self, key: bytes) -> bytes | None:
        """The object with this key, or None."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                content = file.read()
            machine_code = _unpack(key, content)
            if machine_code is not None:
                # The time of the last use, by which the oldest are found.
                os.utime(path)
        except OSError:
            return None
        return machine_code

    def put(self, key: bytes, machine_code: bytes) -> None:
        """Keep an object, or log that it could not be kept."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._path(key), _pack(key, machine_code))
            self._make_room()
        except OSError as error:
            self._complain(error)

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{_SUFFIX}"

    def _write(self, path: Path, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, suffix=".new")
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _make_room(self) -> None:
        found = []
        for path in self._folder.iterdir():
            # Another process may have deleted it by now.
            with contextlib.suppress(FileNotFoundError):
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _LOG.warning(
                "machine code cannot be kept in %s (%s): it is made again in each process",
                self._folder,
                error,
            )


def _pack(key: bytes, machine_code: bytes) -> bytes:
    digest = hashlib.sha256(machine_code).digest()
    return _HEADER.pack(_MAGIC, key, len(machine_code), digest) + machine_code


def _unpack(key: bytes, content: bytes) -> bytes | None:
    body = content[_HEADER.size :]
    return body if content == _pack(key, body) else None
