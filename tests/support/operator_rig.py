"""A reconciler on a fake API server without a network, with small manifests of its own."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from fake_kubernetes import FakeStore, Refusal
from ufora_operator import names
from ufora_operator.api.decode import decode
from ufora_operator.api.spec import UforaCluster
from ufora_operator.controller.kinds import CLUSTER, Kind, Manifest, Ref, ref_of
from ufora_operator.controller.metrics import Metrics
from ufora_operator.controller.notices import Notices
from ufora_operator.controller.observe import Observer
from ufora_operator.controller.poller import Target
from ufora_operator.controller.queue import Key
from ufora_operator.controller.reconcile import Decisions, Outcome, Reconciler, RoundFailed
from ufora_operator.errors import KubeError
from ufora_operator.facts import Report
from ufora_operator.names import Component
from ufora_operator.plan.decide import decide
from ufora_operator.plan.types import Plan
from ufora_operator.status.build import status_of, status_of_rejected

T = TypeVar("T")

#: The moment of all tests, in Unix seconds: one minute after the store's objects were made.
NOW = 1767225660.0
NAMESPACE = "ns"
KEY = Key(NAMESPACE, "demo")

#: Has the name of one of our objects.
STRANGER: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "demo-manager", "namespace": NAMESPACE},
    "spec": {"ports": [{"port": 80}]},
}


class InMemoryKube:
    """``Kube`` on a store. ``hook`` is called before each call and may raise in its place."""

    def __init__(self, store: FakeStore, hook: Callable[[str], None] | None = None) -> None:
        self.store = store
        self.hook = hook
        self.calls: list[str] = []

    async def get(self, ref: Ref) -> Manifest | None:
        try:
            return self._call(f"get {ref}", lambda: self.store.get(ref))
        except KubeError as error:
            if error.code == 404:
                return None
            raise

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> list[Manifest]:
        found: list[Manifest] = self._call(
            f"list {kind} {namespace}", lambda: self.store.list(kind, namespace, labels, fields)
        )
        return found

    async def apply(self, manifest: Manifest, *, status: bool = False) -> Manifest:
        ref = ref_of(manifest)
        return self._call(
            f"apply {ref}",
            lambda: self.store.apply(ref, manifest, names.FIELD_MANAGER, status=status),
        )

    async def create(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        return self._call(f"create {ref}", lambda: self.store.create(ref, manifest))

    async def replace(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        return self._call(f"update {ref}", lambda: self.store.replace(ref, manifest))

    async def patch(self, ref: Ref, patch: Manifest) -> Manifest | None:
        return self._call(f"patch {ref}", lambda: self.store.patch(ref, patch))

    async def delete(self, ref: Ref, uid: str) -> bool:
        try:
            self._call(f"delete {ref}", lambda: self.store.delete(ref, uid))
        except KubeError as error:
            if error.code in (404, 409):
                return False
            raise
        return True

    def _call(self, call: str, action: Callable[[], T]) -> T:
        self.calls.append(call)
        if self.hook is not None:
            self.hook(call)
        try:
            return action()
        except Refusal as refusal:
            raise KubeError(call, refusal.code, refusal.reason, refusal.message) from None


@dataclass(slots=True)
class ScriptedReports:
    """Reports that the test has written, and the targets that were followed."""

    reports: dict[Key, Report] = field(default_factory=dict)
    followed: dict[Key, Target | None] = field(default_factory=dict)

    def report(self, key: Key) -> Report | None:
        return self.reports.get(key)

    def follow(self, key: Key, target: Target | None) -> None:
        self.followed[key] = target

    def forget(self, key: Key) -> None:
        self.followed.pop(key, None)


def small_manifests(cluster: UforaCluster, plan: Plan) -> list[Manifest]:
    """A Secret, policies, a Service, a Deployment and a StatefulSet, as far as tests look."""
    build = _Builder(cluster)
    found = []
    tokens = plan.tokens
    if tokens is not None:
        annotations = {
            names.ROTATION_ANNOTATION: tokens.rotation,
            names.SECOND_IS_NEXT_ANNOTATION: str(tokens.second_is_next).lower(),
        }
        data = {
            names.TOKEN_KEY: base64.b64encode(tokens.token.encode()).decode(),
            names.SECOND_TOKEN_KEY: base64.b64encode(tokens.second.encode()).decode(),
        }
        secret = build.object("v1", "Secret", names.auth_secret(cluster.name), "manager")
        secret["metadata"]["annotations"] = annotations
        found.append({**secret, "data": data})
    if cluster.spec.network.policies:
        found += [
            build.object(
                "networking.k8s.io/v1", "NetworkPolicy", name, part, ingress=[{"from": []}]
            )
            for name, part in build.parts()
        ]
    port = {"name": "http", "port": cluster.spec.manager.web_port}
    found.append(
        build.object("v1", "Service", names.manager(cluster.name), "manager", ports=[port])
    )
    for kind, (name, part), replicas in zip(
        ("Deployment", "StatefulSet"),
        build.parts(),
        (plan.manager_replicas, plan.worker_replicas),
        strict=True,
    ):
        found.append(
            build.object("apps/v1", kind, name, part, replicas=replicas, template=build.pod(part))
        )
    return found


@dataclass(frozen=True, slots=True)
class _Builder:
    cluster: UforaCluster

    def parts(self) -> list[tuple[str, Component]]:
        name = self.cluster.name
        return [(names.manager(name), "manager"), (names.worker(name), "worker")]

    def pod(self, part: Component) -> Manifest:
        container = {
            "name": part,
            "image": self.cluster.spec.image,
            "env": [{"name": "UFORA_DATA_DIR", "value": names.DATA_FOLDER}],
            "resources": {"limits": {"cpu": "1000m"}},
        }
        labels = names.labels(self.cluster.name, part)
        return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}

    def object(
        self, api_version: str, kind: str, name: str, part: Component, **spec: object
    ) -> Manifest:
        owner = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": self.cluster.name,
            "uid": self.cluster.uid,
            "controller": True,
        }
        metadata = {
            "name": name,
            "namespace": self.cluster.namespace,
            "labels": names.labels(self.cluster.name, part),
            "ownerReferences": [owner],
        }
        manifest: Manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
        return {**manifest, "spec": spec} if spec else manifest


Manifests = Callable[[UforaCluster, Plan], Sequence[Manifest]]


def decisions(desired: Manifests) -> Decisions:
    """The real decisions, on these manifests; tokens are ``token-1``, ``token-2`` and so on."""
    numbers = itertools.count(1)
    return Decisions(
        decode=decode,
        decide=partial(decide, new_token=lambda: f"token-{next(numbers)}"),
        desired=desired,
        status_of=partial(status_of, operator="0.1.0"),
        status_of_rejected=status_of_rejected,
    )


class Rig:
    """A store with clusters in it, and an operator that can be started anew."""

    def __init__(self, desired: Manifests = small_manifests) -> None:
        self.store = FakeStore()
        self.kube = InMemoryKube(self.store)
        self.reports = ScriptedReports()
        self.decisions = decisions(desired)
        self.now = NOW
        self.restart()

    def restart(self) -> None:
        """Another process, which remembers nothing."""
        self.metrics = Metrics("0.1.0")
        self.reconciler = Reconciler(
            self.kube,
            self.decisions,
            observer=Observer(self.kube),
            poller=self.reports,
            notices=Notices(self.kube, instance="operator-0", now=lambda: self.now),
            metrics=self.metrics,
            now=lambda: self.now,
        )

    def add_cluster(self, name: str = "demo", **spec: Any) -> Manifest:
        """Somebody makes a UforaCluster."""
        metadata = {"name": name, "namespace": NAMESPACE}
        return self.store.add(
            {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "metadata": metadata,
                "spec": spec,
            }
        )

    async def round(self, key: Key = KEY) -> Outcome:
        """One round."""
        return await self.reconciler.round(key)

    async def settle(self, key: Key = KEY) -> None:
        """Rounds until one writes nothing."""
        for _ in range(10):
            before = len(self.store.writes)
            await self.round(key)
            if len(self.store.writes) == before:
                return
        raise AssertionError(f"it never settles: {self.store.writes[-5:]}")

    async def until_well(self, key: Key = KEY, attempts: int = 20) -> None:
        """Rounds, and as many of them again as fail, until one goes well."""
        await retried(lambda: self.round(key), attempts)

    def conditions(self, name: str = "demo") -> dict[str, Manifest]:
        """The conditions of a cluster by their types."""
        status = self.store.get(Ref(CLUSTER, NAMESPACE, name)).get("status") or {}
        return {each["type"]: each for each in status.get("conditions", ())}

    def essence(self) -> dict[str, Manifest]:
        """All objects but for what differs from one making to the next."""
        return {
            str(ref): _bare(manifest)
            for ref, manifest in sorted(self.store.objects.items(), key=lambda pair: str(pair[0]))
            if ref.kind.name != "Event"
        }


async def retried(action: Callable[[], Awaitable[object]], attempts: int = 20) -> None:
    """Until it does not fail any more."""
    errors = []
    for _ in range(attempts):
        try:
            await action()
        except (KubeError, RoundFailed) as error:
            errors.append(str(error))
            continue
        return
    raise AssertionError(f"it failed {attempts} times: {errors}")


def _bare(manifest: Manifest) -> Manifest:
    volatile = ("uid", "resourceVersion", "generation", "ownerReferences")
    metadata = {name: each for name, each in manifest["metadata"].items() if name not in volatile}
    return {**manifest, "metadata": metadata}
