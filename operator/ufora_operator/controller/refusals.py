"""What the API server refuses, and rounds that fail again and again, as a condition. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ufora_operator.errors import KubeError, OperatorError

_DEGRADED = "Degraded"
#: Longest text of a condition's message.
_LONGEST = 1024


def refused(status: Mapping[str, Any], errors: Sequence[KubeError], now: float) -> dict[str, Any]:
    """The status with ``Degraded`` telling of objects that could not be written."""
    words = "; ".join(str(error) for error in errors)
    message = f"Kubernetes refuses what the spec asks for: {words}"
    return _degraded(status, "ApplyRefused", message, now)


def failing(status: Mapping[str, Any], error: Exception, times: int, now: float) -> dict[str, Any]:
    """The status with ``Degraded`` telling that this cluster cannot be worked on."""
    known = isinstance(error, OperatorError)
    cause = str(error) if known else f"{type(error).__name__}, see the operator's log"
    message = f"the operator failed {times} times or more in a row and tries again: {cause}"
    return _degraded(status, "ReconcileFailed", message, now)


def _degraded(status: Mapping[str, Any], reason: str, message: str, now: float) -> dict[str, Any]:
    listed = list(status.get("conditions") or ())
    before: Mapping[str, Any] = next((each for each in listed if each.get("type") == _DEGRADED), {})
    moment = datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    lasting = before.get("status") == "True" and before.get("lastTransitionTime")
    told = {
        **before,
        "type": _DEGRADED,
        "status": "True",
        "reason": reason,
        "message": message[:_LONGEST],
        "lastTransitionTime": lasting or moment,
    }
    others = [told if each.get("type") == _DEGRADED else each for each in listed]
    return {**status, "conditions": others if before else [*others, told]}
