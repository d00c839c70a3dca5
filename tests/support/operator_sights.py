"""UforaClusters, pods and facts for tests of what the operator decides, from a few words each."""

from __future__ import annotations

from typing import Any

import msgspec

from ufora_operator.api.spec import Spec, UforaCluster
from ufora_operator.facts import Counts, Facts, ManagerFacts, Report, Retiring, WorkerFacts
from ufora_operator.observed import Observed, Pod, Tokens, Trouble, Workload
from ufora_operator.plan.decide import decide
from ufora_operator.plan.rotation import fingerprint
from ufora_operator.plan.types import Plan

#: The moment of a test, in Unix seconds.
NOW = 1_800_000_000.0
NEW, OLD = "new-template", "old-template"

_POD_OPTIONS = {
    "env": [],
    "nodeSelector": {},
    "tolerations": [],
    "topologySpreadConstraints": [],
    "podMetadata": {"labels": {}, "annotations": {}},
    "storage": {},
}


def cluster_of(generation: int = 1, deleting: bool = False, **spec: Any) -> UforaCluster:
    """``ns/demo`` as its spec reads, ``workers__replicas=3`` for a field within another."""
    raw: dict[str, Any] = {
        "image": NEW,
        "imagePullSecrets": [],
        "manager": {**_POD_OPTIONS, "runsWorker": False, "webPort": 30000},
        "workers": {
            **_POD_OPTIONS,
            "replicas": 3,
            "basePort": 30009,
            "drain": {"timeoutSeconds": 600, "onTimeout": "Wait"},
            "rollingUpdate": {"maxUnavailable": 1},
        },
        "auth": {"enabled": True},
        "network": {"policies": True, "allowFrom": [], "metricsFrom": [], "extraEgress": []},
        "service": {"type": "ClusterIP", "annotations": {}},
        "suspend": False,
        "idle": {"action": "None", "timeoutSeconds": 3600},
    }
    for path, value in spec.items():
        *parents, last = path.split("__")
        place = raw
        for parent in parents:
            place = place[parent]
        place[last] = value
    return UforaCluster("ns", "demo", "uid", generation, msgspec.convert(raw, Spec), deleting)


def name(ordinal: int) -> str:
    """A worker's name."""
    return f"demo-worker-{ordinal}"


def pod(ordinal: int, revision: str = NEW, **changes: Any) -> Pod:
    """A worker's pod that has been well for an hour, or with ``trouble``, which has not."""
    trouble: Trouble | None = changes.get("trouble")
    values: dict[str, Any] = {
        "created": NOW - 3600,
        "phase": "Running" if trouble is None else "Pending",
        "ready": trouble is None,
        **changes,
    }
    return Pod(
        name(ordinal), f"uid-{ordinal}", "worker", revision=revision, ordinal=ordinal, **values
    )


def manager_pod(**changes: Any) -> Pod:
    """The manager's pod, well."""
    values: dict[str, Any] = {"created": NOW - 3600, "phase": "Running", "ready": True, **changes}
    return Pod("demo-manager-abc", "uid-manager", "manager", revision=NEW, **values)


def observed(
    *pods: Pod,
    replicas: int | None = None,
    status: dict[str, object] | None = None,
    tokens: Tokens | None = None,
    manager_replicas: int = 1,
    **changes: Any,
) -> Observed:
    """A cluster with these workers' pods and a manager that is well."""
    count = len(pods) if replicas is None else replicas
    values: dict[str, Any] = {
        "manager": Workload("m", manager_replicas, 1, 1, manager_replicas),
        "workers": Workload("w", count, 1, 1, sum(each.ready for each in pods), NEW),
        "pods": (*pods, manager_pod()) if manager_replicas else pods,
        **changes,
    }
    return Observed(tokens=tokens or Tokens("t1", exists=True), status=status or {}, **values)


def worker(who: int | str, **changes: Any) -> WorkerFacts:
    """A registered worker with nothing to do."""
    values: dict[str, Any] = {"roots": 0, "tokens": (fingerprint("t1"),), **changes}
    values.setdefault("release", "0.1.0")
    return WorkerFacts(
        name(who) if isinstance(who, int) else who, executors=2, idle=2, python="3.11", **values
    )


def retiring(
    ordinal: int, since: float = NOW - 10, empty: bool = False, **left: int
) -> WorkerFacts:
    """A worker under an order, with ``roots``, ``ranges``, ``objects`` and ``bytes`` left."""
    roots, ranges, objects, size = (
        left.get(key, 0) for key in ("roots", "ranges", "objects", "bytes")
    )
    return worker(ordinal, retiring=Retiring(since, roots, ranges, objects, size, empty))


def facts(
    *workers: WorkerFacts,
    orders: tuple[int, ...] | None = None,
    idle_since: float | None = None,
    jobs: int = 0,
    since: float = NOW - 3600,
    tokens: tuple[str, ...] = (fingerprint("t1"),),
    release: str = "0.1.0",
) -> Facts:
    """What a manager says. Who retires is under an order, unless ``orders`` says otherwise."""
    under = tuple(each.name for each in workers if each.retiring is not None)
    return Facts(
        release=release,
        protocol=1,
        manager=ManagerFacts("demo-manager-abc", since, tokens),
        idle_since=idle_since,
        retire_orders=under if orders is None else tuple(map(name, orders)),
        workers=workers,
        counts=Counts({"waiting": jobs, "placed": 0, "done": 7}),
    )


def report(*workers: WorkerFacts, at: float = NOW, **said: Any) -> Report:
    """An answer of the manager, just now."""
    return Report(at, facts(*workers, **said))


UNREACHABLE = Report(NOW, None, "connection refused")


def plan_for(cluster: UforaCluster, seen: Observed, said: Report | None, now: float = NOW) -> Plan:
    """The plan; a new token would be ``t2``."""
    return decide(cluster, seen, said, now, lambda: "t2")
