"""NetworkPolicies: what is let through, in both directions, is what stands in this module.

=================  =====================================  ==========================================
port               of                                     from
=================  =====================================  ==========================================
web port (30000)   manager                                labelled clients, ``allowFrom``,
                                                          ``metricsFrom``, the operator
30002 (registry)   manager                                workers
30009 (control)    workers                                workers
30010 (data)       workers                                workers, manager
=================  =====================================  ==========================================

A manager that runs a worker is a worker, too. All may ask DNS; ``extraEgress`` is for pods that run
users' code. The kubelet's probes come from the pod's own node, which no policy keeps out.
"""

from typing import Any

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, owned, pods_of

_NAMESPACE_NAME = "kubernetes.io/metadata.name"


def network_policies(cluster: UforaCluster, operator_namespace: str) -> list[Manifest]:
    """The policies of the manager's and the workers' pods; none where they are switched off."""
    if not cluster.spec.network.policies:
        return []
    return [_manager(cluster, operator_namespace), _workers(cluster)]


def _manager(cluster: UforaCluster, operator_namespace: str) -> Manifest:
    spec, workers = cluster.spec, {"podSelector": pods_of(cluster, "worker")}
    clients = [
        {"podSelector": {"matchLabels": {names.CLIENT_LABEL: cluster.name}}},
        {
            "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: operator_namespace}},
            "podSelector": {"matchLabels": {names.NAME_LABEL: names.OPERATOR}},
        },
        *spec.network.allow_from,
        *spec.network.metrics_from,
    ]
    serves = [names.REGISTRY_PORT, *_manager_peer_ports(cluster)]
    egress: list[Any] = [_DNS, {"to": [workers], "ports": _tcp(*_ports_for_manager(cluster))}]
    if spec.manager.runs_worker:
        egress += spec.network.extra_egress
    return {
        **owned(
            cluster,
            "networking.k8s.io/v1",
            "NetworkPolicy",
            names.manager(cluster.name),
            "manager",
        ),
        "spec": {
            "podSelector": pods_of(cluster, "manager"),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": clients, "ports": _tcp(spec.manager.web_port)},
                {"from": [workers], "ports": _tcp(*serves)},
            ],
            "egress": egress,
        },
    }


def _workers(cluster: UforaCluster) -> Manifest:
    workers = {"podSelector": pods_of(cluster, "worker")}
    manager = {"podSelector": pods_of(cluster, "manager")}
    serves = [names.REGISTRY_PORT, *_manager_peer_ports(cluster)]
    return {
        **owned(
            cluster, "networking.k8s.io/v1", "NetworkPolicy", names.worker(cluster.name), "worker"
        ),
        "spec": {
            "podSelector": pods_of(cluster, "worker"),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [workers], "ports": _tcp(*_peer_ports(cluster))},
                {"from": [manager], "ports": _tcp(*_ports_for_manager(cluster))},
            ],
            "egress": [
                _DNS,
                {"to": [manager], "ports": _tcp(*serves)},
                {"to": [workers], "ports": _tcp(*_peer_ports(cluster))},
                *cluster.spec.network.extra_egress,
            ],
        },
    }


def _peer_ports(cluster: UforaCluster) -> tuple[int, int]:
    """Control and data port of every worker."""
    base = cluster.spec.workers.base_port
    return base, base + 1


def _manager_peer_ports(cluster: UforaCluster) -> tuple[int, ...]:
    """Ports of the worker beside the manager, if there is one."""
    return _peer_ports(cluster) if cluster.spec.manager.runs_worker else ()


def _ports_for_manager(cluster: UforaCluster) -> tuple[int, ...]:
    """Workers' ports that the manager's pod connects to: it carries objects, and steals nothing
    unless it runs a worker."""
    control, data = _peer_ports(cluster)
    return (control, data) if cluster.spec.manager.runs_worker else (data,)


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]


_DNS: Manifest = {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
