"""``python -m benchmarks.operator_process API MANAGERS PORT``: the operator, with the managers of
all clusters at one address; the process whose memory and rounds ``operator_load`` measures."""

from __future__ import annotations

import asyncio
import sys

from kubernetes.aio.client import Configuration

from ufora_operator.controller.app import Operator
from ufora_operator.controller.logs import log_as_json
from ufora_operator.controller.wiring import decisions
from ufora_operator.settings import Settings


def main() -> None:
    """Run until the process is killed."""
    api, managers, port = sys.argv[1:]
    log_as_json("warning", sys.stderr)
    settings = Settings(
        identity="bench",
        own_namespace="ufora-system",
        port=int(port),
        # As fast as it can: the figures are to show what a round costs, not the limit of calls.
        api_rate=10_000.0,
    )
    operator = Operator(
        settings,
        Configuration(host=api),
        decisions("ufora-system"),
        address=lambda key, _: f"{managers}/{key.namespace}",
    )
    asyncio.run(operator.run(asyncio.Event()))


if __name__ == "__main__":
    main()
