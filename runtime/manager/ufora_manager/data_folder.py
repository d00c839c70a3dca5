"""The manager's folder: its lock, its object store, its logs."""

import fcntl
import logging
import logging.handlers
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ufora_core.errors import StoreError
from ufora_core.store import ObjectStore
from ufora_manager.errors import StartError

log = logging.getLogger(__name__)

_ADVICE = "make it writable, or name another folder with UFORA_DATA_DIR"

#: A log file is put aside at this size, and so many old ones are kept.
_LOG_BYTES, _LOGS_KEPT = 10 * 1024 * 1024, 3


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The folder, for this manager alone as long as the context lasts.

    Raises:
        StartError: the folder cannot be written, or another manager uses it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "manager.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _not_writable(folder, error) from None
    try:
        _lock(descriptor, folder)
        yield folder
    finally:
        os.close(descriptor)


def object_store(folder: Path) -> ObjectStore:
    """The folder's object store, with what an earlier manager left there.

    Raises:
        StartError: it cannot be written.
    """
    try:
        return ObjectStore(folder / "objects")
    except StoreError as error:
        raise StartError(str(error)) from None


def log_to_file(folder: Path) -> logging.Handler:
    """A handler that writes ``logs/manager.log``; StartError when it cannot."""
    try:
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(
            folder / "logs" / "manager.log",
            maxBytes=_LOG_BYTES,
            backupCount=_LOGS_KEPT,
            encoding="utf-8",
        )
    except OSError as error:
        raise _not_writable(folder, error) from None


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise StartError(
            f"the data folder {folder} is in use by another manager (process {holder}); stop that "
            "one, or name another folder with UFORA_DATA_DIR"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _not_writable(folder: Path, error: OSError) -> StartError:
    reason = error.strerror or str(error)
    return StartError(f"the data folder {folder} cannot be written: {reason}; {_ADVICE}")
