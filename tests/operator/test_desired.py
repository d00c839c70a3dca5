"""What holds for the objects of every cluster, whatever its spec."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

from hypothesis import given

from operator_strategies import (
    OPERATOR_NAMESPACE,
    TOKENS,
    cluster_from,
    clusters,
    manifests_of,
    settled,
)
from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.manifests import desired
from ufora_operator.desired.objects import Manifest

Spec = dict[str, Any]


def _by_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def _workloads(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The two workloads, by the component that they run."""
    return {
        manifest["metadata"]["labels"][names.COMPONENT_LABEL]: manifest
        for manifest in manifests
        if manifest["kind"] in ("Deployment", "StatefulSet")
    }


@given(clusters)
def test_the_same_cluster_gives_the_same_objects_in_new_dicts(cluster: UforaCluster) -> None:
    first, second = manifests_of(cluster), manifests_of(cluster)
    assert first == second
    for manifest in first:
        manifest["metadata"].clear()
    assert manifests_of(cluster) == second


@given(clusters)
def test_objects_are_plain_json(cluster: UforaCluster) -> None:
    manifests = manifests_of(cluster)
    assert json.loads(json.dumps(manifests)) == manifests


@given(clusters)
def test_every_object_is_owned_labelled_and_named_once(cluster: UforaCluster) -> None:
    manifests = manifests_of(cluster)
    for manifest in manifests:
        metadata = manifest["metadata"]
        [owner] = metadata["ownerReferences"]
        assert owner["uid"] == cluster.uid and owner["controller"] is True
        assert owner["blockOwnerDeletion"] is False
        assert metadata["namespace"] == cluster.namespace
        assert metadata["labels"].items() >= names.labels(cluster.name).items()
    identities = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    assert len(identities) == len(manifests)


@given(clusters)
def test_every_selector_matches_the_pods_that_it_is_for_and_no_others(
    cluster: UforaCluster,
) -> None:
    manifests = manifests_of(cluster)
    pods = {
        component: manifest["spec"]["template"]["metadata"]["labels"]
        for component, manifest in _workloads(manifests).items()
    }
    for manifest in manifests:
        component = manifest["metadata"]["labels"].get(names.COMPONENT_LABEL)
        spec = manifest.get("spec", {})
        found = spec.get("podSelector") or spec.get("selector")
        if found is None:
            continue
        selector = found.get("matchLabels", found)
        matching = {each for each, labels in pods.items() if labels.items() >= selector.items()}
        assert matching == {component}, manifest["kind"]
        assert selector == names.selector(cluster.name, component)


@given(clusters)
def test_users_labels_never_reach_a_selector(cluster: UforaCluster) -> None:
    plain = _workloads(manifests_of(replace_spec(cluster, {})))
    for component, manifest in _workloads(manifests_of(cluster)).items():
        assert manifest["spec"]["selector"] == plain[component]["spec"]["selector"]


def replace_spec(cluster: UforaCluster, spec: Spec) -> UforaCluster:
    """The cluster of that name with another spec."""
    return cluster_from(spec, cluster.name)


@given(clusters)
def test_a_token_is_nowhere_but_in_the_data_of_the_secret(cluster: UforaCluster) -> None:
    manifests = manifests_of(cluster)
    for manifest in _by_kind(manifests, "Secret"):
        data = manifest.pop("data")
        assert b64decode(data[names.TOKEN_KEY]).decode() == TOKENS.token
        assert b64decode(data[names.SECOND_TOKEN_KEY]).decode() == TOKENS.second
    text = json.dumps(manifests)
    assert TOKENS.token not in text and TOKENS.second not in text


@given(clusters)
def test_pods_hold_the_restricted_standard(cluster: UforaCluster) -> None:
    for component, manifest in _workloads(manifests_of(cluster)).items():
        pod = manifest["spec"]["template"]["spec"]
        [container] = [each for each in pod["containers"] if each["name"] == component]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["automountServiceAccountToken"] is False
        sources = {key for volume in pod["volumes"] for key in volume} - {"name"}
        assert sources <= {"emptyDir", "persistentVolumeClaim", "secret"}


@given(clusters)
def test_every_mount_has_its_volume_and_every_port_its_name(cluster: UforaCluster) -> None:
    for component, manifest in _workloads(manifests_of(cluster)).items():
        pod = manifest["spec"]["template"]["spec"]
        claimed = manifest["spec"].get("volumeClaimTemplates", [])
        volumes = [each["name"] for each in pod["volumes"]]
        volumes += [each["metadata"]["name"] for each in claimed]
        container = next(each for each in pod["containers"] if each["name"] == component)
        assert sorted(volumes) == sorted(each["name"] for each in container["volumeMounts"])
        variables = [each["name"] for each in container["env"]]
        assert len(set(variables)) == len(variables)


@given(clusters)
def test_guards_come_before_what_they_guard(cluster: UforaCluster) -> None:
    order = [manifest["kind"] for manifest in manifests_of(cluster)]
    ranks = [
        "Secret",
        "ServiceAccount",
        "NetworkPolicy",
        "Service",
        "PodDisruptionBudget",
        "PersistentVolumeClaim",
        "Deployment",
        "StatefulSet",
        "Ingress",
        "HTTPRoute",
    ]
    assert order == sorted(order, key=ranks.index)


@given(clusters)
def test_nothing_but_the_web_port_leads_outside(cluster: UforaCluster) -> None:
    services = {
        each["metadata"]["name"]: each["spec"]
        for each in _by_kind(manifests_of(cluster), "Service")
    }
    front_end = services.pop(names.manager(cluster.name))
    assert front_end["type"] == cluster.spec.service.type
    assert [each["port"] for each in front_end["ports"]] == [cluster.spec.manager.web_port]
    assert {each["type"] for each in services.values()} == {"ClusterIP"}


@given(clusters)
def test_workers_find_a_manager_that_is_not_ready(cluster: UforaCluster) -> None:
    manifests = manifests_of(cluster)
    env = _workloads(manifests)["worker"]["spec"]["template"]["spec"]["containers"][0]["env"]
    variables = {each["name"]: each.get("value") for each in env}
    found = {
        f"{each['metadata']['name']}.{cluster.namespace}.svc": each["spec"]
        for each in _by_kind(manifests, "Service")
    }[variables["UFORA_MANAGER_ADDRESS"]]
    assert found["publishNotReadyAddresses"] is True
    assert [str(each["port"]) for each in found["ports"]] == [variables["UFORA_MANAGER_PORT"]]
    assert found["selector"] == names.selector(cluster.name, "manager")


def test_replicas_are_those_of_the_plan() -> None:
    cluster = cluster_from({"workers": {"replicas": 5}})
    plan = replace(settled(cluster), worker_replicas=7, manager_replicas=0)
    found = _workloads(desired(cluster, plan, operator_namespace=OPERATOR_NAMESPACE))
    assert found["worker"]["spec"]["replicas"] == 7
    assert found["manager"]["spec"]["replicas"] == 0


def test_a_secret_of_somebody_else_is_used_and_never_written() -> None:
    manifests = manifests_of(cluster_from({"auth": {"secretRef": {"name": "mine"}}}))
    assert _by_kind(manifests, "Secret") == []
    for manifest in _workloads(manifests).values():
        volumes = manifest["spec"]["template"]["spec"]["volumes"]
        [auth] = [each for each in volumes if each["name"] == "auth"]
        assert auth["secret"]["secretName"] == "mine"


def test_a_rotation_changes_the_secret_and_no_pod() -> None:
    cluster = cluster_from({})
    plan = settled(cluster)
    later = replace(plan, tokens=replace(TOKENS, token="third", second_is_next=True))
    before = desired(cluster, plan, operator_namespace=OPERATOR_NAMESPACE)
    after = desired(cluster, later, operator_namespace=OPERATOR_NAMESPACE)
    assert [new["kind"] for old, new in zip(before, after, strict=True) if old != new] == ["Secret"]
    assert after[0]["metadata"]["annotations"] == {
        names.ROTATION_ANNOTATION: TOKENS.rotation,
        names.SECOND_IS_NEXT_ANNOTATION: "true",
    }
