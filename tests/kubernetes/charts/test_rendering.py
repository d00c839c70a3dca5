"""What Helm makes of the chart: for each value, in each mode, and for values that are wrong."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart_rendering import Manifest, helm, only, pod_specs, rendered, strings
from chart_values import CHART, documented
from ufora_operator.api.crd import crd
from ufora_operator.api.predicates import has_network_name

ROOT = CHART.parent.parent
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
MONITORING = {"serviceMonitor": {"enabled": True}, "rules": {"enabled": True}}
EVERYTHING: dict[str, Any] = {"monitoring": {**MONITORING, "dashboard": {"enabled": True}}}
DIGEST = "@sha256:" + "a" * 64
PEER = {"podSelector": {"matchLabels": {"a": "b"}}}

#: For each value another one than its default; every one must change what is rendered.
OTHERS: dict[str, Any] = {
    "images.operator": "mine/operator" + DIGEST,
    "images.cluster": "mine/manager" + DIGEST,
    "images.pullPolicy": "Always",
    "images.pullSecrets": [{"name": "mine"}],
    "replicas": 3,
    "watch.namespaces": ["there"],
    "crds.install": False,
    "logLevel": "debug",
    "lease.seconds": 30,
    "lease.renewSeconds": 12,
    "lease.retrySeconds": 3,
    "reconcile.concurrency": 9,
    "reconcile.resyncSeconds": 60,
    "reconcile.apiRate": 10,
    "extraEnv": [{"name": "A", "value": "b"}],
    "resources": {"limits": {"cpu": "2"}},
    "podLabels": {"a": "b"},
    "podAnnotations": {"a": "b"},
    "nodeSelector": {"a": "b"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "zone"}],
    "priorityClassName": "high",
    "serviceAccount.name": "mine",
    "serviceAccount.annotations": {"a": "b"},
    "rbac.aggregate": False,
    "podDisruptionBudget.enabled": False,
    "networkPolicy.enabled": False,
    "networkPolicy.metricsFrom": [PEER],
    "networkPolicy.apiServer": [PEER],
    "networkPolicy.apiServerPorts": [8443],
    "monitoring.serviceMonitor.enabled": False,
    "monitoring.serviceMonitor.labels": {"a": "b"},
    "monitoring.serviceMonitor.interval": "5s",
    "monitoring.rules.enabled": False,
    "monitoring.rules.labels": {"a": "b"},
    "monitoring.rules.runbook": "https://runbook.example",
    "monitoring.dashboard.enabled": False,
    "monitoring.dashboard.labels": {"a": "b"},
    "test.timeoutSeconds": 60,
    "test.requests": {"cpu": "1"},
}


def _with(path: str, value: Any) -> dict[str, Any]:
    """All that can be switched on, and one value laid over it."""
    first, _, rest = path.partition(".")
    inner = value if not rest else _overlaid(EVERYTHING.get(first, {}), rest, value)
    return {**EVERYTHING, first: inner}


def _overlaid(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    inner = value if not rest else _overlaid(values.get(first, {}), rest, value)
    return {**values, first: inner}


@cache
def _everything() -> list[Manifest]:
    return rendered(EVERYTHING)


def test_each_value_is_tried() -> None:
    assert set(OTHERS) == {value.path for value in documented()}


@pytest.mark.parametrize("path", OTHERS)
def test_a_value_changes_what_is_rendered(path: str) -> None:
    assert rendered(_with(path, OTHERS[path])) != _everything()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replicaz": 3}, "replicaz"),
        ({"images": {"operators": "x"}}, "operators"),
        ({"monitoring": {"rules": {"enable": True}}}, "enable"),
        ({"networkPolicy": {"metricsfrom": []}}, "metricsfrom"),
        ({"replicas": "two"}, "replicas"),
        ({"replicas": -1}, "replicas"),
        ({"logLevel": "loud"}, "logLevel"),
        ({"images": {"operator": ""}}, "operator"),
        ({"watch": {"namespaces": "all"}}, "namespaces"),
        ({"watch": {"namespaces": ["Not_a_name"]}}, "namespaces"),
        ({"lease": {"seconds": 0}}, "seconds"),
        ({"networkPolicy": {"apiServerPorts": [0]}}, "apiServerPorts"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        rendered(values)


def test_the_crd_is_that_of_the_release_and_is_kept() -> None:
    found = only(_everything(), "CustomResourceDefinition")
    assert found["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert found == yaml.safe_load((ROOT / "crds/uforaclusters.ufora.io.yaml").read_text()) == crd()


def test_the_default_image_of_clusters_is_the_chart_s() -> None:
    found = only(rendered({"images": {"cluster": "mine/x" + DIGEST}}), "CustomResourceDefinition")
    spec = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert spec["properties"]["image"]["default"] == "mine/x" + DIGEST


def test_by_digest_no_other_image_is_left_anywhere() -> None:
    images = {"operator": "mine/operator" + DIGEST, "cluster": "mine/manager" + DIGEST}
    manifests = rendered({**EVERYTHING, "images": images})
    containers = [c for _, spec in pod_specs(manifests) for c in spec["containers"]]
    assert {c["image"] for c in containers} == set(images.values())
    assert [text for each in manifests for text in strings(each) if "ufora/" in text] == []


def test_with_namespaces_nothing_is_cluster_wide_but_the_crd() -> None:
    manifests = rendered({**EVERYTHING, "watch": {"namespaces": ["one", "two"]}})
    scoped = [each for each in manifests if each["kind"] in CLUSTER_SCOPED]
    assert [each["kind"] for each in scoped] == ["CustomResourceDefinition"]
    for kind in ("Role", "RoleBinding"):
        places = [m["metadata"]["namespace"] for m in manifests if m["kind"] == kind]
        assert sorted(places) == ["here", "one", "two"]
    environment = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "UFORA_OPERATOR_NAMESPACES", "value": "one,two"} in environment


@pytest.mark.parametrize(("watched", "hooks"), [([], 3), (["one", "here"], 3), (["one"], 0)])
def test_helm_test_has_hooks_only_where_the_operator_looks(watched: list[str], hooks: int) -> None:
    """Helm looks for the log of a hook in the release's namespace only."""
    manifests = rendered({"watch": {"namespaces": watched}})
    found = [m for m in manifests if "helm.sh/hook" in m["metadata"].get("annotations", {})]
    assert len(found) == hooks
    assert {each["metadata"]["namespace"] for each in found} <= {"here"}


def test_the_cluster_of_helm_test_has_a_name_that_a_cluster_may_have() -> None:
    name = only(rendered(name="a" * 53), "UforaCluster")["metadata"]["name"]
    assert has_network_name(name), name


def test_a_kubernetes_that_does_not_know_the_rules_of_the_crd_is_refused() -> None:
    connected = "--api-versions=apps/v1/Deployment"
    with pytest.raises(ValueError, match=r"1\.31 or later, and this is v1\.30\.9"):
        rendered(options=(connected, "--kube-version=v1.30.9-eks-123"))
    assert rendered(options=(connected, "--kube-version=v1.31.0-gke.100"))
    # Without a cluster Helm says what it likes.
    assert rendered(options=("--kube-version=v1.20.0",))


@pytest.mark.parametrize("pod", ["ufora-operator", "ufora-operator-test"])
def test_pods_hold_pod_security_restricted_and_write_to_no_root(pod: str) -> None:
    spec = dict(pod_specs(_everything()))[pod]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert not [v for v in spec["volumes"] if "hostPath" in v]


def test_every_selector_finds_the_operator_s_pods_and_labels_cannot_break_it() -> None:
    manifests = rendered({**EVERYTHING, "podLabels": {"app.kubernetes.io/name": "other"}})
    labels = only(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    for kind in ("Deployment", "PodDisruptionBudget"):
        selector = only(manifests, kind)["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items(), kind
    policy = only(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    service = only(manifests, "Service")["spec"]["selector"]
    assert policy.items() <= labels.items() and service.items() <= labels.items()


def test_two_releases_of_one_name_share_no_cluster_wide_object() -> None:
    here, there = rendered(namespace="here"), rendered(namespace="there")
    names = [
        {m["metadata"]["name"] for m in manifests if m["kind"].startswith("ClusterRole")}
        for manifests in (here, there)
    ]
    assert names[0] and not names[0] & names[1]


def test_the_alerts_point_into_the_runbook() -> None:
    monitoring = {"rules": {"enabled": True, "runbook": "https://runbook.example/"}}
    groups = only(rendered({"monitoring": monitoring}), "PrometheusRule")["spec"]["groups"]
    urls = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]]
    assert "https://runbook.example/#uforaoperatordown" in urls
    assert all(url.startswith("https://runbook.example/#ufora") for url in urls)


def test_the_plain_manifests_are_complete_and_fit_a_client_side_apply(tmp_path: Path) -> None:
    file = tmp_path / "install.yaml"
    environment = {**os.environ, "HELM": helm(), "OUT": str(file), "NAMESPACE": "mine"}
    subprocess.run([ROOT / "scripts/render-install"], env=environment, check=True, timeout=60)
    manifests = list(yaml.safe_load_all(file.read_text()))
    assert manifests[0]["kind"] == "Namespace"
    assert "helm.sh/hook" not in file.read_text()
    assert {m["metadata"].get("namespace", "mine") for m in manifests} == {"mine"}
    # Kept whole in an annotation, which may have 262,144 bytes.
    assert len(str(only(manifests, "CustomResourceDefinition"))) < 262_144
