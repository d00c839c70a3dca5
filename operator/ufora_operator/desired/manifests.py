"""Everything that a cluster should consist of now."""

from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.access import secret, service_accounts
from ufora_operator.desired.disruption import budgets
from ufora_operator.desired.exposure import exposure
from ufora_operator.desired.manager import deployment
from ufora_operator.desired.network import network_policies
from ufora_operator.desired.objects import Manifest, plain
from ufora_operator.desired.services import (
    manager_service,
    registry_service,
    workers_service,
)
from ufora_operator.desired.storage import manager_claims
from ufora_operator.desired.workers import stateful_set
from ufora_operator.plan.types import Plan


def desired(cluster: UforaCluster, plan: Plan, *, operator_namespace: str) -> list[Manifest]:
    """The objects of a cluster in the order of their creation: whatever guards the pods is there
    before them. The operator's pods, in their namespace, are let in to the front end.

    The same cluster and plan give the same manifests, in every release: a difference in a pod
    template would restart every cluster.
    """
    manifests = [
        *([] if plan.tokens is None else [secret(cluster, plan.tokens)]),
        *service_accounts(cluster),
        *network_policies(cluster, operator_namespace),
        manager_service(cluster),
        registry_service(cluster),
        workers_service(cluster),
        *budgets(cluster),
        *manager_claims(cluster),
        deployment(cluster, plan.manager_replicas),
        stateful_set(cluster, plan.worker_replicas),
        *exposure(cluster),
    ]
    return [plain(manifest) for manifest in manifests]
