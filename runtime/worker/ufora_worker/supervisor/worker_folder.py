"""The worker's place in the data folder: its object store, and the link by which executors find it.

Several workers, and the manager, may use one data folder. Each worker makes a folder of its own in
it, locked while it lives, so that what a killed worker left behind is known and removed. Executors
are started before the worker knows whether it can use the manager's store, so they are given a
symbolic link, which is turned to that store once it turns out to be in reach.
"""

import fcntl
import logging
import logging.handlers
import os
import shutil
import tempfile
from pathlib import Path

from ufora_worker.errors import StartError

_PREFIX = "worker-"
#: A log file is put aside at this size, and so many old ones are kept.
_LOG_BYTES, _LOGS_KEPT = 10 * 1024 * 1024, 3


class WorkerFolder:
    """``path/objects`` is the worker's own store, ``path/store`` the link to the one in use, and
    ``path/floats`` is what executors of this worker leave for each other."""

    def __init__(self, data_dir: Path) -> None:
        """Make the folder, and remove those of workers that are gone.

        Raises:
            StartError: the data folder cannot be written.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(data_dir)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=data_dir))
            self._lock = _locked(self.path)
            self.own_store = self.path / "objects"
            self.own_store.mkdir()
            self.floats = self.path / "floats"
            self.floats.mkdir()
        except OSError as error:
            raise _not_writable(data_dir, error) from None
        self.store = self.path / "store"
        self.use_store(self.own_store)

    def use_store(self, directory: Path) -> None:
        """Let ``store`` stand for this directory."""
        fresh = self.path / "store.new"
        fresh.symlink_to(directory.resolve(), target_is_directory=True)
        fresh.rename(self.store)

    def remove(self) -> None:
        """Remove everything; the directory that ``store`` stands for stays if it is another's."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def log_to_file(data_dir: Path, port: int) -> logging.Handler:
    """A handler that writes ``logs/worker-<port>.log``; StartError when it cannot."""
    try:
        (data_dir / "logs").mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(
            data_dir / "logs" / f"worker-{port}.log",
            maxBytes=_LOG_BYTES,
            backupCount=_LOGS_KEPT,
            encoding="utf-8",
        )
    except OSError as error:
        raise _not_writable(data_dir, error) from None


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None when somebody else holds it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(data_dir: Path) -> None:
    for folder in data_dir.glob(f"{_PREFIX}*/"):
        if not (folder / "lock").exists():
            continue  # its worker is just making it
        try:
            lock = _locked(folder)
        except OSError:
            continue  # another user's
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _not_writable(folder: Path, error: OSError) -> StartError:
    reason = error.strerror or str(error)
    return StartError(
        f"the data folder {folder} cannot be written: {reason}; make it writable, or name another "
        "one with UFORA_DATA_DIR"
    )
