"""``ufora-manager``, also ``python -m ufora_manager``: a manager, set up by the environment.

With ``UFORA_MANAGER_ADDRESS`` set this process becomes a worker of the manager there.
"""

import logging
import os
import sys
from typing import NoReturn

from ufora_core.errors import SettingsError
from ufora_core.settings import ManagerSettings
from ufora_manager.errors import StartError

#: Exit status for a set-up that cannot work.
_MISCONFIGURED = 2


def main() -> None:
    """Run until SIGTERM, SIGINT or the end of the lifeline; exit status 2 for a bad set-up."""
    try:
        settings = ManagerSettings.from_env(os.environ)
        if os.environ.get("UFORA_MANAGER_ADDRESS", "").strip():
            _become_worker()
        _run(settings)
    except (SettingsError, StartError) as error:
        print(f"ufora-manager: {error}", file=sys.stderr)
        sys.exit(_MISCONFIGURED)


def _become_worker() -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", "ufora_worker"])


def _run(settings: ManagerSettings) -> None:
    # The servers take a fifth of a second to import, which a worker does not need to wait for.
    import asyncio

    from ufora_manager.app import serve
    from ufora_manager.data_folder import log_to_file

    _log_to(logging.StreamHandler(), log_to_file(settings.data_dir))
    if settings.unguarded:
        logging.getLogger(__name__).warning(
            "UFORA_INSECURE=1: the ports are open to the network without encryption, and whoever "
            "reaches them can run code here"
        )
    asyncio.run(serve(settings, os.environ))


def _log_to(*handlers: logging.Handler) -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        handlers=handlers,
    )


if __name__ == "__main__":
    main()
