"""How many clusters are in which condition, for the metrics."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeAlias

from prometheus_client import Gauge

#: Type, status and reason.
_Condition: TypeAlias = tuple[str, str, str]


class Tally:
    """Counts clusters by condition, status and reason in a gauge with these three labels."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._by_key: dict[Hashable, frozenset[_Condition]] = {}
        self._counts: Counter[_Condition] = Counter()

    def put(self, key: Hashable, conditions: Iterable[Mapping[str, Any]]) -> None:
        """These are the cluster's conditions now."""
        now = frozenset(
            (str(each.get("type")), str(each.get("status")), str(each.get("reason")))
            for each in conditions
        )
        before = self._by_key.get(key, frozenset())
        self._by_key[key] = now
        self._change(now - before, 1)
        self._change(before - now, -1)

    def drop(self, key: Hashable) -> None:
        """The cluster is gone."""
        self._change(self._by_key.pop(key, frozenset()), -1)

    def _change(self, conditions: Iterable[_Condition], step: int) -> None:
        for condition in conditions:
            self._counts[condition] += step
            self._gauge.labels(*condition).set(self._counts[condition])
