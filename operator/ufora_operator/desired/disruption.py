"""PodDisruptionBudgets: how many pods a node drain may take at a time."""

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, owned, pods_of
from ufora_operator.names import Component


def budgets(cluster: UforaCluster) -> list[Manifest]:
    """One for each component. Pods that are not well may always go: they hold up nobody's drain."""
    return [
        _budget(cluster, names.manager(cluster.name), "manager"),
        _budget(cluster, names.workers(cluster.name), "worker"),
    ]


def _budget(cluster: UforaCluster, name: str, component: Component) -> Manifest:
    return {
        **owned(cluster, "policy/v1", "PodDisruptionBudget", name, component),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": pods_of(cluster, component),
        },
    }
