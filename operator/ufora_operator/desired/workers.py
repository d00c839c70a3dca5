"""The workers' StatefulSet."""

from msgspec import UNSET, structs

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster, WorkersSpec
from ufora_operator.desired.environment import worker_environment
from ufora_operator.desired.objects import Manifest, owned, pods_of
from ufora_operator.desired.pods import Process, pod_template
from ufora_operator.desired.storage import data_volume, worker_claim_templates

#: Seconds from the end of a drain to SIGKILL, for the processes to end.
_MARGIN = 15


def stateful_set(cluster: UforaCluster, replicas: int) -> Manifest:
    """All workers start at once (``Parallel``), and the operator alone replaces them
    (``OnDelete``), after they handed over their work."""
    name = names.worker(cluster.name)
    claims = worker_claim_templates(cluster)
    return {
        **owned(cluster, "apps/v1", "StatefulSet", name, "worker"),
        "spec": {
            "replicas": replicas,
            "serviceName": names.workers(cluster.name),
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "selector": pods_of(cluster, "worker"),
            "template": pod_template(cluster, _process(cluster)),
            **(_claimed(claims) if claims else {}),
        },
    }


def _claimed(claims: list[Manifest]) -> Manifest:
    """A worker that was scaled away has handed over everything, so its volume may go."""
    return {
        "volumeClaimTemplates": claims,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"},
    }


def _process(cluster: UforaCluster) -> Process:
    options, base = _spread(cluster), cluster.spec.workers.base_port
    shares_a_claim = options.storage.existing_claim is not UNSET
    return Process(
        component="worker",
        options=options,
        account=names.worker(cluster.name),
        env=worker_environment(cluster),
        ports={"control": base, "data": base + 1},
        probes={
            "startupProbe": _probe("alive", period=2, failures=60),
            "livenessProbe": _probe("alive", period=10, failures=3),
            "readinessProbe": _probe("ready", period=5, failures=2),
        },
        grace=cluster.spec.workers.drain.timeout_seconds + _MARGIN,
        data=data_volume(options.storage, claim=None),
        executors=True,
        # All workers have the same claim then, and each a folder of its own in it.
        mount={"subPathExpr": "$(UFORA_WORKER_NAME)"} if shares_a_claim else {},
    )


def _spread(cluster: UforaCluster) -> WorkersSpec:
    """The workers' options; they spread over the nodes, as far as possible, unless they are told
    how to spread."""
    workers = cluster.spec.workers
    if workers.topology_spread_constraints:
        return workers
    softly = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
    }
    return structs.replace(workers, topology_spread_constraints=(softly,))


def _probe(question: str, *, period: int, failures: int) -> Manifest:
    return {
        "exec": {"command": ["ufora-worker-probe", question]},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
