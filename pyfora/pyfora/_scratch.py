"""A private folder for a local cluster's objects and logs, and the removal of left ones.

A program that is killed cannot clean up, so each folder holds a file that its owner keeps locked;
whoever makes a folder next to it removes those whose owner is gone.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

#: Files there live in memory, where objects are written and mapped several times as fast.
_MEMORY = Path("/dev/shm")

#: Free bytes from which on the memory folder is used; containers often have only 64 MB there.
_ENOUGH = 1024**3

_OWNER = "owner"


class ScratchFolder:
    """A folder that exists from now until ``remove``."""

    def __init__(self, parent: Path | None = None) -> None:
        """Make it, in ``parent`` or in the fastest place there is."""
        parent = parent or _fastest_parent()
        prefix = f"ufora-{os.getuid()}-"
        for left in parent.glob(prefix + "*"):
            _remove_unless_owned(left)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        # Locked before it has its name, so that nobody ever finds it unlocked.
        unnamed = self.path / f".{_OWNER}"
        self._lock = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / _OWNER)

    def remove(self) -> None:
        """Delete the folder with all it holds."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _fastest_parent() -> Path:
    try:
        if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ENOUGH:
            return _MEMORY
    except OSError:
        pass  # no such folder on this system
    return Path(tempfile.gettempdir())


def _remove_unless_owned(folder: Path) -> None:
    try:
        lock = os.open(folder / _OWNER, os.O_RDWR)
    except OSError:
        return  # just being made or removed, or not ours
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its owner lives
    finally:
        os.close(lock)
