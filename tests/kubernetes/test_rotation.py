"""The token is replaced while the cluster works."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

import pyfora
from kubectl import Kubectl, eventually
from kubernetes_clusters import Cluster


def square(n: int) -> int:
    return n * n


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Iterator[Cluster]:
    cluster = Cluster("rotated", kubectl)
    cluster.apply({"workers": {"replicas": 2}})
    cluster.wait_for_workers(2)
    yield cluster
    cluster.delete()


def token_of(cluster: Cluster, key: str = "token") -> str:
    data = cluster.kubectl.json("get", "secret", f"{cluster.name}-auth")["data"]
    return base64.b64decode(data.get(key, "")).decode()


def test_no_call_fails_while_the_token_is_rotated(cluster: Cluster) -> None:
    before, pods = token_of(cluster), cluster.uids()
    with cluster.connected() as connection:
        cluster.patch({"auth": {"rotation": "first"}})
        calls = 0

        def rotated() -> bool:
            nonlocal calls
            calls += 1
            assert connection.submit(square, calls).result(timeout=60) == calls * calls
            return token_of(cluster) != before and not token_of(cluster, "second-token")

        eventually("the token is another one, and the only one", rotated, 300, cluster.describe)
    assert calls > 3
    assert cluster.uids() == pods, "nothing was restarted"
    cluster.wait_for_workers(2)
    # A worker that starts afterwards gets in with the new token.
    cluster.scale(3)
    cluster.wait_for_workers(3)


def test_a_client_without_the_right_token_is_turned_away(cluster: Cluster) -> None:
    # From another pod, since what comes by a port-forward comes from the pod's own loopback.
    worker, manager = cluster.pod("worker"), "http://rotated-manager:30000/api/v1/cluster"
    script = (
        "import sys, urllib.request, urllib.error\n"
        "request = urllib.request.Request(sys.argv[1], headers=dict(Authorization=sys.argv[2]))\n"
        "try: print(urllib.request.urlopen(request, timeout=5).status)\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )
    manager_pod = cluster.pod("manager")
    address = cluster.kubectl.json("get", "pod", manager_pod)["status"]["podIP"]
    url = manager.replace("rotated-manager", address)
    for header, status in (
        ("", "401"),
        ("Bearer wrong", "401"),
        (f"Bearer {token_of(cluster)}", "200"),
    ):
        said = cluster.kubectl.execute(manager_pod, "python", "-c", script, url, header)
        assert said.strip() == status
    assert worker


def test_a_secret_of_ones_own_is_used_and_never_written(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "mine", "--from-literal=token=a-token-of-my-own")
    before = kubectl.json("get", "secret", "mine")["metadata"]["resourceVersion"]
    cluster = Cluster("own", kubectl, {"auth": {"secretRef": {"name": "mine"}}})
    cluster.apply()
    cluster.wait_for_workers(1)
    with cluster.forwarded() as url, pyfora.connect(url, token="a-token-of-my-own") as connection:
        assert connection.submit(square, 3).result(timeout=60) == 9
    assert kubectl.find("secret", "own-auth") is None
    assert kubectl.json("get", "secret", "mine")["metadata"]["resourceVersion"] == before
    cluster.delete()
