"""The Services: where clients find the manager, where workers find it, and the headless one that
gives workers their names."""

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, owned


def manager_service(cluster: UforaCluster) -> Manifest:
    """Where clients find the manager. The web port only: a load balancer exposes every port."""
    options = cluster.spec.service
    return {
        **owned(
            cluster,
            "v1",
            "Service",
            names.manager(cluster.name),
            "manager",
            annotations=options.annotations,
        ),
        "spec": {
            "type": options.type,
            "selector": names.selector(cluster.name, "manager"),
            "ports": [_port("http", cluster.spec.manager.web_port)],
        },
    }


def registry_service(cluster: UforaCluster) -> Manifest:
    """Where workers find the manager, from the moment at which it runs: they register while its
    first probes are still to come. Never reachable from outside."""
    return {
        **owned(cluster, "v1", "Service", names.registry(cluster.name), "manager"),
        "spec": {
            "type": "ClusterIP",
            "publishNotReadyAddresses": True,
            "selector": names.selector(cluster.name, "manager"),
            "ports": [_port("registry", names.REGISTRY_PORT)],
        },
    }


def workers_service(cluster: UforaCluster) -> Manifest:
    """The workers' names in DNS, known from the moment at which they run: readiness waits for
    nothing that a peer would want to know."""
    base = cluster.spec.workers.base_port
    return {
        **owned(cluster, "v1", "Service", names.workers(cluster.name), "worker"),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": names.selector(cluster.name, "worker"),
            "ports": [_port("control", base), _port("data", base + 1)],
        },
    }


def _port(name: str, number: int) -> Manifest:
    return {"name": name, "protocol": "TCP", "port": number, "targetPort": name}
