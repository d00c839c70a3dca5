"""``ufora-worker``, also ``python -m ufora_worker``: a worker, set up by the environment."""

import logging
import os
import sys
from collections.abc import Sequence

from ufora_core.errors import SettingsError
from ufora_core.settings import WorkerSettings
from ufora_worker.app import run
from ufora_worker.errors import StartError
from ufora_worker.supervisor.executor_pool import EXECUTOR

#: Exit status for a set-up that cannot work.
_MISCONFIGURED = 2


def main(executor: Sequence[str] = EXECUTOR) -> None:
    """Run until SIGTERM, SIGINT or the end of the lifeline; exit status 2 for a bad set-up.

    ``executor`` is what the interpreter runs as executors.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = WorkerSettings.from_env(os.environ)
        if settings.unguarded:
            logging.getLogger(__name__).warning(
                "UFORA_INSECURE=1: the ports are open to the network without encryption, and "
                "whoever reaches them can run code here"
            )
        sys.exit(run(settings, executor))
    except (SettingsError, StartError) as error:
        print(f"ufora-worker: {error}", file=sys.stderr)
        sys.exit(_MISCONFIGURED)


if __name__ == "__main__":
    main()
