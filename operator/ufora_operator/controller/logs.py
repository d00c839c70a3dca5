"""Log lines as JSON, each with the cluster and the round that it belongs to."""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import msgspec

#: What every line of a round says of it: namespace, cluster, reconcile, and its generation.
ROUND: ContextVar[dict[str, object] | None] = ContextVar("round", default=None)


class JsonFormatter(logging.Formatter):
    """One line of JSON a record. A Secret's content never comes here: errors of the API server
    name objects and fields, and manifests are not logged."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **(ROUND.get() or {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_as_json(level: str, stream: TextIO) -> None:
    """Send every record of this process to ``stream``; of libraries, only warnings."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("ufora_operator").setLevel(level.upper())
