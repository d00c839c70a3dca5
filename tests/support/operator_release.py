"""The operator, installed by Helm for a test run, and looked at through its metrics."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from kubectl import Kubectl, KubectlError, eventually
from kubernetes_clusters import image, is_ready, namespace

CHART = Path(__file__).parent.parent.parent / "charts" / "ufora"
CRD = "uforaclusters.ufora.io"


def helm(*args: str, timeout: float = 240) -> str:
    """Run helm and return what it prints; raises KubectlError."""
    done = subprocess.run(["helm", *args], capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise KubectlError(done.stderr.strip())
    return done.stdout


@dataclass(frozen=True)
class Release:
    """One installation of the chart."""

    name: str
    kubectl: Kubectl
    values: tuple[str, ...] = ()

    @property
    def _namespace(self) -> str:
        assert self.kubectl.namespace is not None
        return self.kubectl.namespace

    def install(self, *values: str) -> None:
        """``helm upgrade --install``, and wait until both replicas are ready."""
        settings = ["--set=images.operator=" + image("operator")]
        settings += ["--set=images.cluster=" + image("manager"), "--set=resources.requests.cpu=20m"]
        settings += [f"--set={each}" for each in (*self.values, *values)]
        where = f"--namespace={self._namespace}"
        options = [where, "--wait", "--timeout=180s", *settings]
        helm("upgrade", "--install", self.name, str(CHART), *options)

    def uninstall(self) -> None:
        """``helm uninstall``."""
        helm("uninstall", self.name, f"--namespace={self._namespace}", "--wait", "--timeout=120s")
        eventually("the operator's pods are gone", lambda: not self.pods(), 60)

    def pods(self) -> list[str]:
        """The operator's pods."""
        found = self.kubectl.items("pods", "app.kubernetes.io/name=ufora-operator")
        return [str(each["metadata"]["name"]) for each in found]

    def ready_pods(self) -> list[str]:
        """Those that are ready."""
        found = self.kubectl.items("pods", "app.kubernetes.io/name=ufora-operator")
        return [str(each["metadata"]["name"]) for each in found if is_ready(each)]

    def scale(self, replicas: int) -> None:
        """Set the number of the operator's pods, and wait until it is so."""
        deployment = self.deployment()
        self.kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}")
        eventually(f"{replicas} operators", lambda: len(self.pods()) == replicas, 60)

    def deployment(self) -> str:
        """The name of its Deployment."""
        found = self.kubectl.items("deployments", "app.kubernetes.io/name=ufora-operator")
        return str(found[0]["metadata"]["name"])

    def leader(self) -> str:
        """The pod that holds the Lease, or an empty string."""
        leases = self.kubectl.json("get", "leases")["items"]
        holders = [str(each["spec"].get("holderIdentity") or "") for each in leases]
        named = [pod for pod in self.pods() if any(pod in holder for holder in holders)]
        return named[0] if named else ""

    def metrics(self, pod: str) -> str:
        """What a pod tells Prometheus."""
        with self.kubectl.port_forward(f"pod/{pod}", 8080) as port:
            with urlopen(f"http://localhost:{port}/metrics") as answer:
                return str(answer.read().decode())

    def reconciled(self) -> int:
        """Looks at clusters so far, over all replicas."""
        pattern = r"^ufora_operator_reconcile_total(?:{[^}]*})? ([0-9.e+]+)$"
        texts = [self.metrics(pod) for pod in self.ready_pods()]
        return int(sum(float(n) for text in texts for n in re.findall(pattern, text, re.M)))

    def logs(self) -> str:
        """The logs of all its pods."""
        return "".join(self.kubectl("logs", pod, "--all-containers") for pod in self.pods())


@contextmanager
def installed(label: str, *values: str) -> Iterator[Release]:
    """The chart in a namespace of its own; everything of it is removed at the end, the CRD too."""
    everywhere = Kubectl()
    if everywhere.find("crd", CRD) is not None:
        raise KubectlError(
            f"the CRD {CRD} is installed here already; this suite needs a cluster without it"
        )
    with namespace(label) as kubectl:
        release = Release("ufora", kubectl, values)
        try:
            release.install()
            yield release
        finally:
            uninstall_quietly(release)
            everywhere("delete", "crd", CRD, "--ignore-not-found", timeout=120)


def uninstall_quietly(release: Release) -> Sequence[str]:
    """Uninstall what is there of it, also after a failure half-way."""
    where = f"--namespace={release.kubectl.namespace}"
    names = helm("list", "--short", "--all", where).split()
    for name in names:
        helm("uninstall", name, where, "--wait", "--timeout=120s")
    return names
