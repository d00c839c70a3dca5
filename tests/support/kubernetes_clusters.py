"""UforaClusters for the end-to-end suite: made, watched and used as a person would."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

import pyfora
from kubectl import Kubectl, KubectlError, eventually

#: Seconds that a cluster of a few small pods gets to come up on a busy machine.
START = 120.0

#: Small pods, so that many clusters fit on one small node.
SMALL: dict[str, Any] = {"requests": {"cpu": "20m", "memory": "64Mi"}}


#: The suite's own settings, read before a test's environment is cleaned.
E2E = {name: value for name, value in os.environ.items() if name.startswith("UFORA_E2E_")}


def image(part: str) -> str:
    """The image of ``manager``, ``worker`` or ``operator``; ``scripts/e2e`` says which."""
    name = f"UFORA_E2E_IMAGE_{part.upper()}"
    if name not in E2E:
        raise KubectlError(f"{name} is not set: run this suite with `make e2e`")
    return E2E[name]


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, map by map."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(old, value) if both and isinstance(old, Mapping) else value
    return result


@dataclass(frozen=True)
class Cluster:
    """One UforaCluster."""

    name: str
    kubectl: Kubectl
    spec: dict[str, Any] = field(default_factory=dict)

    # ------------------------------------------------------------------ as kubectl sees it

    def apply(self, spec: Mapping[str, Any] | None = None) -> None:
        """Create the cluster, or change it: small pods of this suite's images, and ``spec``."""
        pods = {"resources": SMALL, "env": [{"name": "UFORA_WORKER_CORES", "value": "1"}]}
        base = {"image": image("manager"), "manager": {"resources": SMALL}, "workers": pods}
        self.kubectl.apply(
            {
                "apiVersion": "ufora.io/v1alpha1",
                "kind": "UforaCluster",
                "metadata": {"name": self.name},
                "spec": merged(merged(base, self.spec), spec or {}),
            }
        )

    def patch(self, spec: Mapping[str, Any]) -> None:
        """Change these fields of the spec."""
        self.kubectl.patch("uforacluster", self.name, {"spec": spec})

    def scale(self, replicas: int) -> None:
        """``kubectl scale``."""
        self.kubectl("scale", f"uforacluster/{self.name}", f"--replicas={replicas}")

    @property
    def live(self) -> dict[str, Any]:
        """The object as it is."""
        found: dict[str, Any] = self.kubectl.json("get", "uforacluster", self.name)
        return found

    @property
    def status(self) -> dict[str, Any]:
        """Its status."""
        found: dict[str, Any] = self.live.get("status", {})
        return found

    def condition(self, kind: str) -> dict[str, Any]:
        """A condition of the status, for the generation that the spec has now; else empty."""
        live = self.live
        for each in live.get("status", {}).get("conditions", []):
            if (
                each["type"] == kind
                and each["observedGeneration"] == live["metadata"]["generation"]
            ):
                return dict(each)
        return {}

    def wait_for(
        self, kind: str, status: str = "True", seconds: float = START, reason: str | None = None
    ) -> dict[str, Any]:
        """The condition, as soon as it has this status (and reason)."""

        def probe() -> dict[str, Any] | None:
            found = self.condition(kind)
            right = found.get("status") == status and reason in (None, found.get("reason"))
            return found if right else None

        wanted = f"{self.name}: {kind}={status} {reason or ''}"
        return eventually(wanted, probe, seconds, self.describe)

    def wait_for_workers(self, count: int, seconds: float = START) -> None:
        """Wait until exactly so many workers are there, ready and registered."""

        def probe() -> bool:
            status = self.status
            figures = ("replicas", "readyReplicas", "registeredReplicas")
            return all(status.get(each, 0) == count for each in figures)

        eventually(f"{self.name}: {count} workers", probe, seconds, self.describe)

    def pods(self, component: str = "") -> list[dict[str, Any]]:
        """Its pods, by name."""
        selector = f"app.kubernetes.io/name=ufora,app.kubernetes.io/instance={self.name}"
        if component:
            selector += f",app.kubernetes.io/component={component}"
        return self.kubectl.items("pods", selector)

    def pod(self, component: str) -> str:
        """The name of a running pod of the component."""
        running = [each for each in self.pods(component) if is_ready(each)]
        assert running, f"no ready {component}:\n{self.describe()}"
        return str(running[0]["metadata"]["name"])

    def uids(self, component: str = "") -> dict[str, str]:
        """UIDs of its pods by name."""
        return {p["metadata"]["name"]: p["metadata"]["uid"] for p in self.pods(component)}

    def describe(self) -> str:
        """What ``kubectl describe`` says of it, and the pods: for messages."""
        try:
            return self.kubectl("describe", "uforacluster", self.name) + self.kubectl("get", "pods")
        except KubectlError as error:
            return str(error)

    def delete(self, *options: str) -> None:
        """Delete it and wait until its pods are gone."""
        self.kubectl("delete", "uforacluster", self.name, "--ignore-not-found", *options)
        eventually(f"{self.name}'s pods are gone", lambda: not self.pods(), 120, self.describe)

    # ------------------------------------------------------------------ as its users see it

    @contextmanager
    def forwarded(self, local: int = 0) -> Iterator[str]:
        """``kubectl port-forward`` to it; the URL."""
        target = f"service/{self.name}-manager"
        with self.kubectl.port_forward(target, 30000, local) as port:
            yield f"http://localhost:{port}"

    @contextmanager
    def connected(self) -> Iterator[pyfora.Cluster]:
        """``pyfora.connect`` through ``kubectl port-forward``."""
        with self.forwarded() as url, pyfora.connect(url) as connection:
            yield connection


def is_ready(pod: Mapping[str, Any]) -> bool:
    """True for a pod that is ready and not on its way out."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


@contextmanager
def namespace(label: str, **labels: str) -> Iterator[Kubectl]:
    """A namespace of its own, with Pod Security ``restricted`` enforced; deleted at the end."""
    name = f"ufora-e2e-{label}-{secrets.token_hex(3)}"
    everywhere = Kubectl()
    enforced = {"pod-security.kubernetes.io/enforce": "restricted", "ufora-e2e": "1", **labels}
    metadata = {"name": name, "labels": enforced}
    everywhere.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield Kubectl(name)
    finally:
        everywhere("delete", "namespace", name, "--wait=true", timeout=180)


def documents(text: str) -> list[dict[str, Any]]:
    """The manifests of a YAML stream."""
    return [each for each in yaml.safe_load_all(text) if each]
