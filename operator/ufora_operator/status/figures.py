"""The figures of a status: how many workers, which releases, who retires."""

from ufora_operator.facts import Facts, WorkerFacts
from ufora_operator.plan.situation import Situation
from ufora_operator.status.times import rfc3339

#: Workers that ``status.retiring`` names; thousands would not fit into an object.
LISTED = 100


def registered(situation: Situation, facts: Facts | None) -> int | None:
    """Workers of our pods that the manager knows and may give work; None if it does not say.
    Until it has been asked for the first time, what was written last holds."""
    if facts is None:
        known = situation.observed.status.get("registeredReplicas")
        return known if situation.report is None and isinstance(known, int) else None
    orders = set(facts.retire_orders)
    ours = [each for each in facts.workers if situation.ordinal(each.name) is not None]
    return sum(each.name not in orders and each.retiring is None for each in ours)


def retiring(facts: Facts) -> list[dict[str, object]]:
    """The workers on their way out, by name: the first ``LISTED`` of them."""
    leaving = [each for each in facts.workers if each.retiring is not None]
    return [_retiring(each) for each in sorted(leaving, key=lambda each: each.name)[:LISTED]]


def _retiring(worker: WorkerFacts) -> dict[str, object]:
    state = worker.retiring
    assert state is not None
    return {
        "name": worker.name,
        "phase": "Empty" if state.empty else "Draining",
        "since": rfc3339(state.since),
        "roots": state.roots,
        "ranges": state.ranges,
        "objects": state.objects,
        "bytes": state.bytes,
    }


def versions(facts: Facts | None, before: object, operator: str) -> dict[str, object]:
    """Which releases run. What the manager has not said stays as it was known."""
    known = before if isinstance(before, dict) else {}
    if facts is None:
        return {**known, "operator": operator}
    workers = sorted({each.release for each in facts.workers})
    return {"operator": operator, "manager": facts.release, "workers": workers}
