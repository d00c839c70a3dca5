"""UforaClusters for tests of the operator: of a spec as people write it, and random ones.

``complete`` does what the API server does with an object, so a test's spec may be as short as a
user's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from ufora_operator.api.crd import resource_schema
from ufora_operator.api.decode import decode
from ufora_operator.api.schema import completed
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.manifests import desired
from ufora_operator.desired.objects import Manifest
from ufora_operator.observed import Tokens
from ufora_operator.plan.types import Plan

OPERATOR_NAMESPACE = "ufora-system"
TOKENS = Tokens("first-token-of-a-test", "second-token-of-a-test", "2026", exists=True)

_schema = cache(resource_schema)


def complete(resource: dict[str, Any]) -> dict[str, Any]:
    """A UforaCluster as the API server gives it out: with identity and defaults."""
    metadata = {"namespace": "ns", "uid": "uid-of-the-cluster", "generation": 1}
    full = {**resource, "metadata": {"name": "demo", **metadata, **resource.get("metadata", {})}}
    filled: dict[str, Any] = completed(full, _schema())
    return filled


def cluster_from(spec: dict[str, Any], name: str = "demo") -> UforaCluster:
    """The UforaCluster with that spec. The image does not follow this release, unless given."""
    pinned = {"image": "ufora/manager:0.1.0", **spec}
    return decode(complete({"metadata": {"name": name}, "spec": pinned}))


def settled(cluster: UforaCluster) -> Plan:
    """The plan of a cluster that is as its spec says, in the middle of a rotation."""
    auth, suspended = cluster.spec.auth, cluster.spec.suspend
    ours = auth.enabled and auth.secret_ref is UNSET
    return Plan(
        worker_replicas=0 if suspended else cluster.spec.workers.replicas,
        manager_replicas=0 if suspended else 1,
        tokens=TOKENS if ours else None,
    )


def manifests_of(cluster: UforaCluster) -> list[Manifest]:
    """What a settled cluster consists of."""
    return desired(cluster, settled(cluster), operator_namespace=OPERATOR_NAMESPACE)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_names = st.from_regex("[a-z][a-z0-9]{0,8}", fullmatch=True)
_values = st.from_regex("[A-Za-z0-9]{1,8}", fullmatch=True)
_quantities = st.sampled_from(["1", "2", "500m", "4Gi", "1.5", 3])
_labels = st.dictionaries(_names, _values, max_size=3)
_annotations = st.dictionaries(_names, st.text(max_size=12), max_size=2)
_selectors = _optional(matchLabels=_labels)
_peers = st.one_of(
    st.fixed_dictionaries({"podSelector": _selectors}),
    st.fixed_dictionaries({"namespaceSelector": _selectors}),
    st.fixed_dictionaries({"namespaceSelector": _selectors, "podSelector": _selectors}),
    st.just({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}),
)
_egress = _optional(
    to=st.lists(_peers, min_size=1, max_size=2),
    ports=st.lists(st.fixed_dictionaries({"port": st.integers(1, 65535)}), min_size=1, max_size=2),
)
_variables = st.lists(_names.map(str.upper), unique=True, max_size=3).map(
    lambda found: [{"name": name, "value": "x"} for name in found]
)
_storages = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"emptyDir": _optional(sizeLimit=_quantities)}),
    st.fixed_dictionaries({"claimTemplate": st.just({"size": "10Gi"})}),
)
_patches = _optional(
    metadata=_optional(labels=_labels, annotations=_annotations),
    spec=_optional(
        hostNetwork=st.booleans(),
        containers=st.just([{"name": "sidecar", "image": "sidecar:1"}]),
    ),
)
_pods: dict[str, st.SearchStrategy[Any]] = {
    "env": _variables,
    "nodeSelector": _labels,
    "tolerations": st.lists(st.just({"operator": "Exists"}), max_size=1),
    "podMetadata": _optional(labels=_labels, annotations=_annotations),
    "storage": _storages,
    "image": st.just("elsewhere/ufora:2"),
    "resources": _optional(
        limits=st.dictionaries(st.sampled_from(["cpu", "memory"]), _quantities),
        requests=st.dictionaries(st.sampled_from(["cpu", "memory"]), _quantities),
    ),
    "priorityClassName": _names,
    "serviceAccountName": _names,
    "podPatch": _patches,
}
_auths: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({"enabled": False}),
    st.fixed_dictionaries({"rotation": _values}),
    st.fixed_dictionaries({"secretRef": st.fixed_dictionaries({"name": _names})}),
)

specs: st.SearchStrategy[dict[str, Any]] = _optional(
    manager=_optional(
        **_pods, runsWorker=st.booleans(), webPort=st.sampled_from([8080, 30000, 30001])
    ),
    workers=_optional(
        **_pods,
        replicas=st.integers(0, 9),
        basePort=st.sampled_from([20000, 30009]),
        drain=_optional(timeoutSeconds=st.integers(0, 900)),
    ),
    auth=_auths,
    network=_optional(
        policies=st.booleans(),
        allowFrom=st.lists(_peers, max_size=2),
        metricsFrom=st.lists(_peers, max_size=2),
        extraEgress=st.lists(_egress, max_size=2),
    ),
    service=_optional(
        type=st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"]), annotations=_annotations
    ),
    suspend=st.booleans(),
    ingress=st.fixed_dictionaries({"host": st.just("ufora.example.com")}),
)
"""Specs that are allowed, as people write them."""

clusters: st.SearchStrategy[UforaCluster] = specs.map(cluster_from)
"""UforaClusters with such specs."""
