"""What the API server refuses, and rounds that fail again and again, as a condition. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ufora_operator.errors import KubeError, OperatorError
from ufora_operator.plan.reasons import Reason
from ufora_operator.status.times import rfc3339

_DEGRADED = "Degraded"
#: Longest text of a condition's message.
_LONGEST = 1024


def refused(
    status: Mapping[str, Any],
    before: Mapping[str, Any],
    errors: Sequence[KubeError],
    now: float,
) -> dict[str, Any]:
    """The status with ``Degraded`` telling of objects that could not be written; ``before`` is the
    status that was written last, which knows since when that is so."""
    words = "; ".join(str(error) for error in errors)
    message = f"Kubernetes refuses what the spec asks for: {words}"
    return _degraded(status, before, Reason.APPLY_REFUSED, message, now)


def failing(status: Mapping[str, Any], error: Exception, times: int, now: float) -> dict[str, Any]:
    """The status with ``Degraded`` telling that this cluster cannot be worked on."""
    known = isinstance(error, OperatorError)
    cause = str(error) if known else f"{type(error).__name__}, see the operator's log"
    message = f"the operator failed {times} times or more in a row and tries again: {cause}"
    return _degraded(status, status, Reason.RECONCILE_FAILED, message, now)


def _degraded(
    status: Mapping[str, Any], before: Mapping[str, Any], reason: str, message: str, now: float
) -> dict[str, Any]:
    listed = list(status.get("conditions") or ())
    last = _degraded_in(before)
    lasting = last.get("status") == "True" and last.get("lastTransitionTime")
    told = {
        **_degraded_in(status),
        "type": _DEGRADED,
        "status": "True",
        "reason": str(reason),
        "message": message[:_LONGEST],
        "lastTransitionTime": lasting or rfc3339(now),
    }
    others = [told if each.get("type") == _DEGRADED else each for each in listed]
    return {**status, "conditions": others if told in others else [*others, told]}


def _degraded_in(status: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = status.get("conditions") or ()
    return next((each for each in conditions if each.get("type") == _DEGRADED), {})
