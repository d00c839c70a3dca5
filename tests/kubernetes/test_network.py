"""The NetworkPolicies, with packets: each port from each kind of peer, open or closed.

The cluster's CNI must enforce NetworkPolicies; the first test says so if it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kubectl import Kubectl, eventually
from kubernetes_clusters import SMALL, Cluster, image, namespace
from operator_release import Release

#: Tries to connect to each address and prints which answered.
KNOCK = """
import json, socket, sys
def knock(host, port):
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True
print(json.dumps([knock(host, port) for host, port in json.loads(sys.argv[1])]))
"""


@dataclass(frozen=True)
class Peer:
    """A pod that knocks at ports."""

    kubectl: Kubectl
    pod: str

    def knock(self, *addresses: tuple[str, int]) -> list[bool]:
        """Which of these accept a connection."""
        said = self.kubectl.execute(self.pod, "python", "-c", KNOCK, json.dumps(addresses))
        return [bool(each) for each in json.loads(said)]


def start_peer(kubectl: Kubectl, name: str, **labels: str) -> Peer:
    """A pod that does nothing, with these labels."""
    kubectl.apply(idle_pod(name, labels))
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s", timeout=70)
    return Peer(kubectl, name)


def idle_pod(name: str, labels: dict[str, str]) -> dict[str, object]:
    """A pod in which something listens on 8000, and nothing else happens."""
    container = {
        "name": "idle",
        "image": image("manager"),
        "command": ["python", "-m", "http.server", "8000"],
        "resources": SMALL,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "containers": [container],
            "securityContext": security,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
        },
    }


@dataclass(frozen=True)
class Scene:
    """A cluster and everybody who might want to reach it."""

    cluster: Cluster
    peers: dict[str, Peer]

    @property
    def manager(self) -> str:
        """Address of the manager's pod."""
        return self._address(self.cluster.pod("manager"))

    def worker(self, ordinal: int) -> str:
        """Address of a worker's pod."""
        return self._address(f"guarded-worker-{ordinal}")

    def _address(self, pod: str) -> str:
        return str(self.cluster.kubectl.json("get", "pod", pod)["status"]["podIP"])


@pytest.fixture(scope="module")
def scene(kubectl: Kubectl, release: Release) -> Iterator[Scene]:
    with namespace("friends", friends="yes") as friends, namespace("prometheus") as prometheus:
        cluster = Cluster("guarded", kubectl)
        friendly = {"namespaceSelector": {"matchLabels": {"friends": "yes"}}}
        scraper = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "prometheus"}}}
        network = {"allowFrom": [friendly], "metricsFrom": [scraper]}
        cluster.apply({"workers": {"replicas": 2}, "network": network})
        peers = {
            "client": start_peer(kubectl, "client", **{"ufora.io/client": "guarded"}),
            "client of another cluster": start_peer(
                kubectl, "stranger", **{"ufora.io/client": "other"}
            ),
            "pod of the namespace": start_peer(kubectl, "neighbour"),
            "pod of an allowed namespace": start_peer(friends, "friend"),
            "pod of another namespace": start_peer(prometheus, "foreigner"),
            "scraper": start_peer(prometheus, "prometheus", app="prometheus"),
            "operator": Peer(release.kubectl, release.ready_pods()[0]),
        }
        cluster.wait_for_workers(2)
        peers["manager"] = Peer(kubectl, cluster.pod("manager"))
        peers["worker"] = Peer(kubectl, "guarded-worker-0")
        yield Scene(cluster, peers)
        cluster.delete()


def test_this_kubernetes_enforces_network_policies(scene: Scene) -> None:
    nothing = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    kubectl = scene.peers["scraper"].kubectl
    target = kubectl.json("get", "pod", "foreigner")["status"]["podIP"]
    assert scene.peers["scraper"].knock((target, 8000)) == [True]
    kubectl.apply(nothing)
    eventually("closed", lambda: scene.peers["scraper"].knock((target, 8000)) == [False], 20)
    kubectl("delete", "networkpolicy", "closed")


#: Who may connect to the manager's 30000 and 30002, and to a worker's 30009 and 30010.
TABLE = {
    "client": (True, False, False, False),
    "client of another cluster": (False, False, False, False),
    "pod of the namespace": (False, False, False, False),
    "pod of an allowed namespace": (True, False, False, False),
    "pod of another namespace": (False, False, False, False),
    "scraper": (True, False, False, False),
    "operator": (True, False, False, False),
    "manager": (True, True, False, True),
    "worker": (False, True, True, True),
}


@pytest.mark.parametrize("who", TABLE)
def test_each_port_is_open_to_whom_it_should_be(scene: Scene, who: str) -> None:
    manager, worker = scene.manager, scene.worker(1)
    targets = ((manager, 30000), (manager, 30002), (worker, 30009), (worker, 30010))
    assert tuple(scene.peers[who].knock(*targets)) == TABLE[who]


def test_ports_without_a_name_in_the_table_are_closed(scene: Scene) -> None:
    targets = [(scene.manager, 8000), (scene.worker(1), 8000), (scene.worker(1), 30000)]
    for who in ("client", "worker", "operator"):
        assert scene.peers[who].knock(*targets) == [False, False, False]


def test_manager_and_workers_reach_names_and_nothing_else(scene: Scene) -> None:
    neighbour = scene.cluster.kubectl.json("get", "pod", "neighbour")["status"]["podIP"]
    script = "import socket; print(socket.getaddrinfo('guarded-manager', 30002)[0][4][0])"
    for who in ("manager", "worker"):
        peer = scene.peers[who]
        assert peer.knock((neighbour, 8000)) == [False], "egress is limited"
        assert peer.kubectl.execute(peer.pod, "python", "-c", script).strip()


def test_extra_egress_opens_a_way_out_for_workers(scene: Scene) -> None:
    neighbour = scene.cluster.kubectl.json("get", "pod", "neighbour")["status"]["podIP"]
    rule = {"to": [{"podSelector": {}}], "ports": [{"port": 8000, "protocol": "TCP"}]}
    scene.cluster.patch({"network": {"extraEgress": [rule]}})
    worker = scene.peers["worker"]
    eventually("open", lambda: worker.knock((neighbour, 8000)) == [True], 20)
    scene.cluster.patch({"network": {"extraEgress": []}})
    eventually("closed again", lambda: worker.knock((neighbour, 8000)) == [False], 20)


def test_the_table_holds_while_the_cluster_is_scaled(scene: Scene) -> None:
    scene.cluster.scale(3)
    fresh = eventually("worker 2 has an address", lambda: _address(scene, "guarded-worker-2"), 60)
    # Before its first packet a pod is isolated already, so there is no moment to catch it open.
    while scene.cluster.status.get("registeredReplicas") != 3:
        targets = [(fresh, 30009), (fresh, 30010)]
        assert scene.peers["pod of the namespace"].knock(*targets) == [False, False]
    assert scene.peers["worker"].knock((fresh, 30009), (fresh, 30010)) == [True, True]
    scene.cluster.scale(2)
    scene.cluster.wait_for_workers(2)


def test_policies_are_older_than_the_pods(scene: Scene) -> None:
    kubectl = scene.cluster.kubectl
    for component in ("manager", "worker"):
        policy = kubectl.json("get", "networkpolicy", f"guarded-{component}")["metadata"]
        for pod in scene.cluster.pods(component):
            assert policy["creationTimestamp"] <= pod["metadata"]["creationTimestamp"]


def _address(scene: Scene, pod: str) -> str | None:
    found = scene.cluster.kubectl.find("pod", pod)
    return found["status"].get("podIP") if found is not None else None
