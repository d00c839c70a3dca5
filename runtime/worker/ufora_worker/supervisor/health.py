"""Files by which a probe sees how a worker is: ``<data folder>/health/<control port>/...``.

``alive`` is touched every second while the supervisor's loop turns; ``ready`` is there once the
ports are open and every executor has started. Several workers may use one data folder, so each has
a folder of its own, whose name the probe knows from its environment (see ``probe``).
"""

import contextlib
import logging
import shutil
from pathlib import Path

from ufora_worker.probe import ALIVE, READY, folder_of

log = logging.getLogger(__name__)

#: Seconds between two touches.
TOUCH_SECONDS = 1.0


class HealthFiles:
    """The files of one worker. What cannot be written is logged once: a worker works without."""

    def __init__(self, data_dir: Path, control_port: int) -> None:
        """Remove what a worker that was killed has left."""
        self._folder = Path(folder_of(data_dir, control_port))
        self._touched_at = float("-inf")
        self._ready = False
        self._failed = False
        self.remove()

    def beat(self, now: float, ready: bool) -> None:
        """The loop turned, at ``now`` seconds on its clock; ``ready``: work can be done."""
        if now - self._touched_at >= TOUCH_SECONDS:
            self._touched_at = now
            self._touch(ALIVE)
        if ready and not self._ready:
            self._ready = self._touch(READY)

    def remove(self) -> None:
        """The worker ends."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.parent.rmdir()  # unless other workers are there

    def _touch(self, name: str) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).touch()
        except OSError as error:
            if not self._failed:
                log.warning("probes cannot see this worker: %s", error)
            self._failed = True
            return False
        return True
