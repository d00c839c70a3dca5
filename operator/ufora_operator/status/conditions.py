"""Conditions: what is so, since when, and why."""

from dataclasses import dataclass
from typing import Literal

from ufora_operator.status.times import rfc3339

#: Longest message that is written; the API server takes 32,768 characters.
LONGEST = 2000

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is so, or not, or not known."""

    type: str
    status: Truth
    reason: str
    message: str


def truth(holds: bool) -> Truth:
    """A boolean as Kubernetes writes it in conditions."""
    return "True" if holds else "False"


def written(
    conditions: list[Condition], before: dict[str, object], generation: int, now: float
) -> list[dict[str, object]]:
    """The conditions as the status holds them. A condition whose truth is as it was keeps the time
    of its last change, so that equal circumstances give an equal status."""
    since = {
        each.get("type"): (each.get("status"), each.get("lastTransitionTime"))
        for each in listed(before)
    }

    def changed_at(condition: Condition) -> object:
        status, time = since.get(condition.type, (None, None))
        return time if status == condition.status and time else rfc3339(now)

    return [
        {
            "type": each.type,
            "status": each.status,
            "reason": str(each.reason),
            "message": each.message[:LONGEST],
            "observedGeneration": generation,
            "lastTransitionTime": changed_at(each),
        }
        for each in conditions
    ]


def listed(status: dict[str, object]) -> list[dict[str, object]]:
    """The conditions of a status as it was written; what is none is left out."""
    found = status.get("conditions")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def kept(type: str, before: dict[str, object], otherwise: Condition) -> Condition:
    """The condition as it was written last, where nothing new is known of it."""
    for each in listed(before):
        status = each.get("status")
        if each.get("type") == type and status in ("True", "False", "Unknown"):
            return Condition(type, status, str(each.get("reason")), str(each.get("message")))
    return otherwise
