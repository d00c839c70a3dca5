"""``ufora-operator``, also ``python -m ufora_operator``: the operator, as the environment says."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from ufora_operator.errors import LeadershipLost, SettingsError
from ufora_operator.settings import Settings

#: Where a pod finds its own namespace.
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

#: Exit statuses for a set-up that cannot work, and for a Lease that was lost.
_MISCONFIGURED, _NOT_LEADER = 2, 3


def main() -> None:
    """Run until SIGTERM or SIGINT; exit status 2 for a bad set-up, 3 when the Lease was lost."""
    try:
        settings = Settings.from_env(
            os.environ, own_namespace=_own_namespace(), identity=socket.gethostname()
        )
        asyncio.run(_run(settings, os.environ.get("KUBECONFIG") or None))
    except SettingsError as error:
        print(f"ufora-operator: {error}", file=sys.stderr)
        sys.exit(_MISCONFIGURED)
    except LeadershipLost as error:
        print(f"ufora-operator: {error}", file=sys.stderr)
        sys.exit(_NOT_LEADER)


def _own_namespace() -> str:
    try:
        return _NAMESPACE_FILE.read_text().strip()
    except OSError:
        return "default"


async def _run(settings: Settings, kubeconfig: str | None) -> None:
    # What is needed of kopf and kubernetes takes half a second to import: after the settings are
    # known to be good.
    from ufora_operator.controller.app import Operator
    from ufora_operator.controller.connection import configuration
    from ufora_operator.controller.logs import log_as_json
    from ufora_operator.controller.wiring import decisions

    log_as_json(settings.log_level, sys.stderr)
    operator = Operator(
        settings, await configuration(kubeconfig), decisions(settings.own_namespace)
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    await operator.run(stop)


if __name__ == "__main__":
    main()
