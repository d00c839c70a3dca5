"""``ufora-worker-probe alive|ready``: how the worker of this container is, by its health files.

Exit status 0: it is well; 1: it is not, and one line says why; 2: the probe was called wrongly. An
orchestrator runs this every few seconds, so it imports nothing but what every start of Python
imports in any case.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence

#: Names of the files.
ALIVE, READY = "alive", "ready"
#: Seconds after its last touch at which a worker counts as stuck; it touches once a second.
STUCK_SECONDS = 10.0

# As in ``ufora_core.settings``, which takes ten times as long to import as the probe to run.
_DATA_DIR, _BASE_PORT = "/var/ufora", "30009"


def folder_of(data_dir: str | os.PathLike[str], control_port: int | str) -> str:
    """The folder of one worker's health files."""
    return os.path.join(data_dir, "health", str(control_port))


def complaint(question: str, folder: str, now: float) -> str | None:
    """What is wrong with the worker whose files are in ``folder``; None: nothing.

    ``now`` is the time of day in seconds.
    """
    try:
        age = now - os.stat(os.path.join(folder, ALIVE)).st_mtime
    except OSError:
        return f"no worker writes into {folder}: it has not started, or has ended"
    if age > STUCK_SECONDS:
        return f"the worker's loop has not turned for {age:.0f} s"
    if question == READY and not os.path.exists(os.path.join(folder, READY)):
        return "the worker's executors are still starting"
    return None


def main() -> int:
    """Look at the files of the worker that the environment sets up."""
    return run(sys.argv[1:], os.environ)  # noqa: TID251 -- a program of its own


def run(given: Sequence[str], env: Mapping[str, str]) -> int:
    """``main`` with its surroundings given; returns the exit status."""
    if len(given) != 1 or given[0] not in (ALIVE, READY):
        print(f"ufora-worker-probe: say {ALIVE} or {READY}", file=sys.stderr)
        return 2
    port = env.get("UFORA_WORKER_BASE_PORT", "").strip() or _BASE_PORT
    folder = folder_of(env.get("UFORA_DATA_DIR", "").strip() or _DATA_DIR, port)
    found = complaint(given[0], folder, time.time())
    if found is not None:
        print(f"ufora-worker-probe: {found}", file=sys.stderr)
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main())
