"""How many clusters are in which condition, for the metrics."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from prometheus_client import Gauge


class Tally:
    """Counts clusters by condition and status in a gauge with these two labels."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._by_key: dict[Hashable, frozenset[tuple[str, str]]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def put(self, key: Hashable, conditions: Iterable[Mapping[str, Any]]) -> None:
        """These are the cluster's conditions now."""
        now = frozenset((str(each.get("type")), str(each.get("status"))) for each in conditions)
        before = self._by_key.get(key, frozenset())
        self._by_key[key] = now
        self._change(now - before, 1)
        self._change(before - now, -1)

    def drop(self, key: Hashable) -> None:
        """The cluster is gone."""
        self._change(self._by_key.pop(key, frozenset()), -1)

    def _change(self, pairs: Iterable[tuple[str, str]], step: int) -> None:
        for pair in pairs:
            self._counts[pair] += step
            self._gauge.labels(*pair).set(self._counts[pair])
