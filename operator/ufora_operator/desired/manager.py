"""The manager's Deployment."""

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.environment import manager_environment
from ufora_operator.desired.objects import Manifest, owned, pods_of
from ufora_operator.desired.pods import Process, pod_template
from ufora_operator.desired.storage import data_volume

_GRACE = 30


def deployment(cluster: UforaCluster, replicas: int) -> Manifest:
    """One pod at most: two would write one journal, so the old goes before the new one comes."""
    spec, name = cluster.spec, names.manager(cluster.name)
    base = spec.workers.base_port
    peer_ports = {"control": base, "data": base + 1} if spec.manager.runs_worker else {}
    process = Process(
        component="manager",
        options=spec.manager,
        account=name,
        env=manager_environment(cluster),
        ports={"http": spec.manager.web_port, "registry": names.REGISTRY_PORT, **peer_ports},
        probes={
            # The journal is read before the first answer.
            "startupProbe": _probe("/healthz", period=2, failures=90),
            "livenessProbe": _probe("/healthz", period=10, failures=3),
            "readinessProbe": _probe("/readyz", period=5, failures=2),
        },
        grace=_GRACE,
        data=data_volume(spec.manager.storage, names.manager_claim(cluster.name)),
        executors=spec.manager.runs_worker,
    )
    return {
        **owned(cluster, "apps/v1", "Deployment", name, "manager"),
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": pods_of(cluster, "manager"),
            "template": pod_template(cluster, process),
        },
    }


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
