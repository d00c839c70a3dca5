"""Who may connect to what, worked out from the policies as a network plugin does it, against the
table in which it was decided. ``tests/kubernetes`` sends packets for the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given

from operator_strategies import OPERATOR_NAMESPACE, cluster_from, clusters, manifests_of
from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest


@dataclass(frozen=True)
class Peer:
    """A pod somewhere."""

    namespace: str
    labels: tuple[tuple[str, str], ...]


def _peer(namespace: str, labels: dict[str, str]) -> Peer:
    return Peer(namespace, tuple(labels.items()))


PEERS = {
    "manager": _peer("ns", names.labels("demo", "manager")),
    "worker": _peer("ns", names.labels("demo", "worker")),
    "client": _peer("ns", {names.CLIENT_LABEL: "demo"}),
    "operator": _peer(OPERATOR_NAMESPACE, {names.NAME_LABEL: names.OPERATOR}),
    "notebook": _peer("notebooks", {"app": "jupyter"}),
    "scraper": _peer("monitoring", {"app": "prometheus"}),
    "neighbour": _peer("ns", {"app": "other"}),
    "client of another cluster": _peer("ns", {names.CLIENT_LABEL: "other"}),
    "client elsewhere": _peer("elsewhere", {names.CLIENT_LABEL: "demo"}),
    "worker elsewhere": _peer("elsewhere", names.labels("demo", "worker")),
    "worker of another cluster": _peer("ns", names.labels("other", "worker")),
    "operator's neighbour": _peer(OPERATOR_NAMESPACE, {"app": "other"}),
    "operator elsewhere": _peer("elsewhere", {names.NAME_LABEL: names.OPERATOR}),
}
STRANGERS = list(PEERS)[6:]
PORTS = [53, 443, 8080, 30000, 30001, 30002, 30008, 30009, 30010, 30011]


def _matches(selector: Manifest, labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    expressions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in expressions)
    return labels.items() >= selector.get("matchLabels", {}).items() and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )


def _is_meant(peer: Peer, selectors: Manifest, own_namespace: str) -> bool:
    if "ipBlock" in selectors:
        return False  # addresses outside the cluster
    where = selectors.get("namespaceSelector")
    at_home = peer.namespace == own_namespace
    named = {"kubernetes.io/metadata.name": peer.namespace}
    in_namespace = at_home if where is None else _matches(where, named)
    return in_namespace and _matches(selectors.get("podSelector", {}), dict(peer.labels))


def _let_through(rules: list[Manifest], key: str, peer: Peer, port: int, home: str) -> bool:
    """An absent or empty list of peers or ports means all of them: the trap of NetworkPolicies."""
    return any(
        (not rule.get(key) or any(_is_meant(peer, each, home) for each in rule[key]))
        and (not rule.get("ports") or any(each["port"] == port for each in rule["ports"]))
        for rule in rules
    )


def _allowed(policies: list[Manifest], source: Peer, target: Peer, port: int) -> bool:
    """Both ends must allow a connection; a pod that no policy selects allows everything."""

    def end(pod: Peer, other: Peer, direction: str, key: str) -> bool:
        selecting = [
            policy["spec"]
            for policy in policies
            if policy["metadata"]["namespace"] == pod.namespace
            and _matches(policy["spec"]["podSelector"], dict(pod.labels))
            and direction in policy["spec"]["policyTypes"]
        ]
        return not selecting or any(
            _let_through(spec.get(direction.lower(), []), key, other, port, pod.namespace)
            for spec in selecting
        )

    return end(source, target, "Egress", "to") and end(target, source, "Ingress", "from")


def _policies(cluster: UforaCluster) -> list[Manifest]:
    return [each for each in manifests_of(cluster) if each["kind"] == "NetworkPolicy"]


def _open(spec: dict[str, Any]) -> dict[tuple[str, str], set[int]]:
    """Which ports are open, for every pair of which one is ours."""
    policies = _policies(cluster_from(spec))
    pairs = [(one, ours) for one in PEERS for ours in ("manager", "worker")]
    pairs += [(ours, other) for other in list(PEERS)[2:] for ours in ("manager", "worker")]
    found = {
        (source, target): {
            port for port in PORTS if _allowed(policies, PEERS[source], PEERS[target], port)
        }
        for source, target in pairs
        # A pod reaches itself, whatever the policies say, and there is one manager.
        if (source, target) != ("manager", "manager")
    }
    return {pair: ports for pair, ports in found.items() if ports}


#: Everybody may be asked for a name, so nobody who is not ours is kept from being asked.
DNS = {(ours, other): {53} for ours in ("manager", "worker") for other in list(PEERS)[2:]}
TABLE = {
    ("worker", "manager"): {30002},
    ("worker", "worker"): {30009, 30010},
    ("manager", "worker"): {30010},
    ("client", "manager"): {30000},
    ("operator", "manager"): {30000},
    **DNS,
}
NOTEBOOKS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "notebooks"}},
    "podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["jupyter"]}]},
}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def test_what_the_cluster_needs_is_open_and_nothing_else() -> None:
    assert _open({}) == TABLE


def test_a_manager_that_runs_a_worker_is_one() -> None:
    assert _open({"manager": {"runsWorker": True}}) == {
        **TABLE,
        ("worker", "manager"): {30002, 30009, 30010},
        ("manager", "worker"): {30009, 30010},
    }


def test_named_clients_and_scrapers_reach_the_front_end_alone() -> None:
    spec = {"network": {"allowFrom": [NOTEBOOKS], "metricsFrom": [MONITORING]}}
    assert _open(spec) == {
        **TABLE,
        ("notebook", "manager"): {30000},
        ("scraper", "manager"): {30000},
    }


def test_other_ports_move_the_openings() -> None:
    spec = {"manager": {"webPort": 8080}, "workers": {"basePort": 30010}}
    assert _open(spec) == {
        **TABLE,
        ("worker", "worker"): {30010, 30011},
        ("manager", "worker"): {30011},
        ("client", "manager"): {8080},
        ("operator", "manager"): {8080},
    }


@pytest.mark.parametrize("runs_worker", [False, True])
def test_users_code_may_connect_to_what_is_listed_from_where_it_runs(runs_worker: bool) -> None:
    spec = {
        "manager": {"runsWorker": runs_worker},
        "network": {"extraEgress": [{"to": [NOTEBOOKS], "ports": [{"port": 443}]}]},
    }
    opened = _open(spec)
    assert opened["worker", "notebook"] == {53, 443}
    assert opened["manager", "notebook"] == ({53, 443} if runs_worker else {53})
    assert opened["worker", "neighbour"] == {53}


def test_without_policies_nothing_is_closed() -> None:
    assert _policies(cluster_from({"network": {"policies": False}})) == []


@given(clusters)
def test_no_spec_opens_a_port_of_ours_to_strangers_that_it_does_not_name(
    cluster: UforaCluster,
) -> None:
    """Random specs name no peer by the labels that the strangers here have, but for everybody."""
    network = cluster.spec.network
    policies = _policies(cluster)
    if not policies:
        assert not network.policies
        return
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        for rule in policy["spec"]["ingress"]:
            assert rule["from"] and rule["ports"], "an empty list opens everything"
    base = cluster.spec.workers.base_port
    guarded = {
        "manager": {names.REGISTRY_PORT, base, base + 1},
        "worker": {base, base + 1, cluster.spec.manager.web_port},
    }
    for target, ports in guarded.items():
        for stranger in [*STRANGERS, "client", "operator"]:
            for port in ports:
                assert not _allowed(policies, PEERS[stranger], PEERS[target], port)


@given(clusters)
def test_the_policies_of_every_cluster_let_it_work(cluster: UforaCluster) -> None:
    policies, base = _policies(cluster), cluster.spec.workers.base_port
    needed = [
        ("worker", "manager", names.REGISTRY_PORT),
        ("worker", "worker", base),
        ("worker", "worker", base + 1),
        ("manager", "worker", base + 1),
        ("client", "manager", cluster.spec.manager.web_port),
        ("operator", "manager", cluster.spec.manager.web_port),
    ]
    if cluster.spec.manager.runs_worker:
        needed += [("worker", "manager", base), ("manager", "worker", base)]
    for source, target, port in needed:
        assert _allowed(policies, PEERS[source], PEERS[target], port), (source, target, port)
