"""Every field of a spec takes effect, and a ``podPatch`` is merged as it is documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operator_strategies import cluster_from, manifests_of
from ufora_operator.api.crd import resource_schema
from ufora_operator.desired.objects import Manifest
from ufora_operator.desired.patch import merged

Spec = dict[str, Any]

#: Fields that only what is planned and told depends on; ``plan`` and ``status`` read them.
PLANNED = {
    "spec.auth.rotation",
    "spec.idle.action",
    "spec.idle.timeoutSeconds",
    "spec.suspend",
    "spec.version",
    "spec.workers.drain.onTimeout",
    "spec.workers.maxReplicas",
    "spec.workers.minReplicas",
    "spec.workers.replicas",
    "spec.workers.rollingUpdate.maxUnavailable",
}
_PODS: dict[str, tuple[Spec, Spec]] = {
    "env": ({}, {"env": [{"name": "A", "value": "b"}]}),
    "image": ({}, {"image": "other"}),
    "nodeSelector": ({}, {"nodeSelector": {"a": "b"}}),
    "tolerations": ({}, {"tolerations": [{"operator": "Exists"}]}),
    "topologySpreadConstraints": ({}, {"topologySpreadConstraints": [{"maxSkew": 2}]}),
    "podMetadata.labels": ({}, {"podMetadata": {"labels": {"a": "b"}}}),
    "podMetadata.annotations": ({}, {"podMetadata": {"annotations": {"a": "b"}}}),
    "storage.emptyDir": ({}, {"storage": {"emptyDir": {"sizeLimit": "1Gi"}}}),
    "storage.claimTemplate": ({}, {"storage": {"claimTemplate": {"size": "1Gi"}}}),
    "storage.existingClaim": ({}, {"storage": {"existingClaim": "mine"}}),
    "resources": ({}, {"resources": {"limits": {"cpu": 1}}}),
    "affinity": ({}, {"affinity": {"nodeAffinity": {}}}),
    "priorityClassName": ({}, {"priorityClassName": "high"}),
    "serviceAccountName": ({}, {"serviceAccountName": "mine"}),
    "podPatch": ({}, {"podPatch": {"spec": {"hostNetwork": True}}}),
}
_CLIENTS = [{"podSelector": {"matchLabels": {"app": "notebook"}}}]
_INGRESS, _ROUTE = {"host": "a.example.com"}, {"parentRefs": [{"name": "gateway"}]}
#: Field -> two specs that differ in it alone.
CHANGES: dict[str, tuple[Spec, Spec]] = {
    **{
        f"spec.{part}.{field}": ({part: before}, {part: after})
        for part in ("manager", "workers")
        for field, (before, after) in _PODS.items()
    },
    "spec.image": ({}, {"image": "other"}),
    "spec.imagePullPolicy": ({}, {"imagePullPolicy": "Always"}),
    "spec.imagePullSecrets": ({}, {"imagePullSecrets": [{"name": "a"}]}),
    "spec.manager.runsWorker": ({}, {"manager": {"runsWorker": True}}),
    "spec.manager.webPort": ({}, {"manager": {"webPort": 8080}}),
    "spec.workers.basePort": ({}, {"workers": {"basePort": 40000}}),
    "spec.workers.drain.timeoutSeconds": ({}, {"workers": {"drain": {"timeoutSeconds": 5}}}),
    "spec.auth.enabled": ({}, {"auth": {"enabled": False}}),
    "spec.auth.secretRef": ({}, {"auth": {"secretRef": {"name": "mine"}}}),
    "spec.network.policies": ({}, {"network": {"policies": False}}),
    "spec.network.allowFrom": ({}, {"network": {"allowFrom": _CLIENTS}}),
    "spec.network.metricsFrom": ({}, {"network": {"metricsFrom": _CLIENTS}}),
    "spec.network.extraEgress": ({}, {"network": {"extraEgress": [{"to": _CLIENTS}]}}),
    "spec.service.type": ({}, {"service": {"type": "NodePort"}}),
    "spec.service.annotations": ({}, {"service": {"annotations": {"a": "b"}}}),
    "spec.ingress.host": ({"ingress": _INGRESS}, {"ingress": {"host": "b.example.com"}}),
    "spec.ingress.annotations": (
        {"ingress": _INGRESS},
        {"ingress": {**_INGRESS, "annotations": {"a": "b"}}},
    ),
    "spec.ingress.className": (
        {"ingress": _INGRESS},
        {"ingress": {**_INGRESS, "className": "nginx"}},
    ),
    "spec.ingress.tlsSecretName": (
        {"ingress": _INGRESS},
        {"ingress": {**_INGRESS, "tlsSecretName": "tls"}},
    ),
    "spec.route.parentRefs": ({"route": _ROUTE}, {"route": {"parentRefs": [{"name": "other"}]}}),
    "spec.route.hostnames": (
        {"route": _ROUTE},
        {"route": {**_ROUTE, "hostnames": ["a.example.com"]}},
    ),
}


def _fields(schema: Manifest, path: str) -> set[str]:
    """Fields that a user decides on; parts of Kubernetes' own types belong to their field."""
    composed = ("manager", "workers", "auth", "network", "service", "ingress", "route", "idle")
    inner = (*composed, "drain", "rollingUpdate", "podMetadata", "storage")
    found = set()
    for name, part in schema["properties"].items():
        found |= _fields(part, f"{path}.{name}") if name in inner else {f"{path}.{name}"}
    return found


def test_every_field_has_an_effect_or_is_one_of_the_plan() -> None:
    fields = _fields(resource_schema()["properties"]["spec"], "spec")
    assert fields == CHANGES.keys() | PLANNED
    assert CHANGES.keys().isdisjoint(PLANNED)


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_the_field_changes_an_object(field: str) -> None:
    before, after = (manifests_of(cluster_from(spec)) for spec in CHANGES[field])
    assert before != after


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"c": {"d": None}}}, {"a": {"b": 1, "c": {}}}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
            {
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "value": "3"},
                    {"name": "C", "value": "4"},
                ]
            },
        ),
        (
            {"volumeMounts": [{"name": "a", "mountPath": "/a"}]},
            {"volumeMounts": [{"mountPath": "/a", "readOnly": True}]},
            {"volumeMounts": [{"name": "a", "mountPath": "/a", "readOnly": True}]},
        ),
        (
            {},
            {"volumes": [{"name": "a", "emptyDir": None}]},
            {"volumes": [{"name": "a"}]},
        ),
    ],
)
def test_a_patch_is_merged(target: Spec, patch: Spec, result: Spec) -> None:
    original = json.dumps(target)
    assert merged(target, patch) == result
    assert json.dumps(target) == original
