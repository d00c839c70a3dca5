"""What Prometheus may read of the operator, by the names that alerts and dashboards use."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from ufora_operator.controller.tally import Tally

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """One operator's metrics, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = self._counter(
            "reconcile", "Rounds over a cluster, by how they ended.", "result"
        )
        self.reconcile_errors = self._counter(
            "reconcile_errors", "What made a round fail, by Kubernetes' word for it.", "reason"
        )
        self.reconcile_seconds = Histogram(
            "ufora_operator_reconcile_duration_seconds",
            "Time of one round over a cluster.",
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self.api_requests = self._counter(
            "api_requests",
            "Calls to the API server, by verb and HTTP status (0: no answer).",
            "verb",
            "code",
        )
        self.writes = self._counter(
            "writes", "Objects written because they were not as they should be.", "kind", "why"
        )
        self.manager_requests = self._counter(
            "manager_requests", "Calls to clusters' managers, by how they ended.", "call", "result"
        )
        self.drains = self._counter(
            "drains", "Workers that left, by how: empty, or forced before.", "result"
        )
        self.queue_depth = self._gauge("queue_depth", "Clusters that are due and not worked on.")
        self.queue_oldest = self._gauge(
            "queue_oldest_seconds", "How long the cluster that waits longest has been due."
        )
        self.watch_age = self._gauge(
            "watch_age_seconds", "Time since a watch was last heard of.", "resource"
        )
        self.tally = Tally(
            self._gauge(
                "clusters",
                "Clusters by condition, its status and its reason.",
                "condition",
                "status",
                "reason",
            )
        )
        self.leader = self._gauge("leader", "1 while this process holds the Lease, else 0.")
        self.loop_lag = self._gauge(
            "loop_lag_seconds", "How late the event loop was when it was last looked at."
        )
        Info("ufora_operator_build", "The running release.", registry=self.registry).info(
            {"version": version}
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ufora_operator_{name}_total", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ufora_operator_{name}", text, labels, registry=self.registry)
