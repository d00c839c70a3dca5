"""What the manager's pod and a worker's pod have in common.

Both hold Pod Security ``restricted``: an unprivileged user without capabilities, a read-only root,
and ``/var/ufora``, ``/tmp`` and shared memory as the only places to write to. No token of the API
server is mounted, and no Service of the namespace reaches the environment.
"""

from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET

from ufora_operator import names
from ufora_operator.api.pods import PodOptions
from ufora_operator.api.spec import UforaCluster
from ufora_operator.desired.objects import Manifest, plain, pods_of, present
from ufora_operator.desired.patch import merged
from ufora_operator.desired.storage import DATA
from ufora_operator.names import Component

#: The user of the image.
_USER = 10001

_POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True)
class Process:
    """What the pods of the two components differ in."""

    component: Component
    options: PodOptions
    account: str
    env: list[Manifest]
    ports: dict[str, int]
    #: ``livenessProbe`` and so on.
    probes: dict[str, Manifest]
    #: Seconds from SIGTERM to SIGKILL.
    grace: int
    #: Volume of ``/var/ufora``; empty where a StatefulSet adds it.
    data: list[Manifest]
    #: Users' code runs there: executors share memory.
    executors: bool
    #: Further fields of the mount of ``/var/ufora``.
    mount: Manifest = field(default_factory=dict)


def pod_template(cluster: UforaCluster, process: Process) -> Manifest:
    """The pod template, with the user's patch."""
    spec, options = cluster.spec, process.options
    own_labels = names.labels(cluster.name, process.component)
    template = {
        "metadata": {
            "labels": {**options.pod_metadata.labels, **own_labels},
            **present({"annotations": options.pod_metadata.annotations}),
        },
        "spec": {
            "serviceAccountName": options.service_account_name or process.account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            # The first process of a pid namespace does not get a SIGTERM for which it has no
            # handler yet: a pod deleted while it starts would stay for its whole grace period.
            "shareProcessNamespace": True,
            "terminationGracePeriodSeconds": process.grace,
            "securityContext": _POD_SECURITY,
            **present(
                {
                    "imagePullSecrets": spec.image_pull_secrets,
                    "nodeSelector": options.node_selector,
                    "tolerations": options.tolerations,
                    "affinity": options.affinity,
                    "topologySpreadConstraints": _spread(cluster, process),
                    "priorityClassName": options.priority_class_name,
                }
            ),
            "containers": [_container(cluster, process)],
            "volumes": _volumes(cluster, process),
        },
    }
    if options.pod_patch is UNSET:
        return template
    patched: Manifest = merged(plain(template), msgspec.to_builtins(options.pod_patch))
    return patched


def _spread(cluster: UforaCluster, process: Process) -> list[Manifest]:
    """The constraints; one without a selector would count no pod, so it counts these."""
    ours = {"labelSelector": pods_of(cluster, process.component)}
    return [ours | each for each in process.options.topology_spread_constraints]


def _container(cluster: UforaCluster, process: Process) -> Manifest:
    spec, options = cluster.spec, process.options
    return {
        "name": process.component,
        "image": spec.image if options.image is UNSET else options.image,
        **present({"imagePullPolicy": spec.image_pull_policy}),
        "env": process.env,
        "ports": [
            {"name": name, "containerPort": number, "protocol": "TCP"}
            for name, number in process.ports.items()
        ],
        **process.probes,
        **present({"resources": options.resources}),
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": _mounts(cluster, process),
    }


def _mounts(cluster: UforaCluster, process: Process) -> list[Manifest]:
    mounts = [
        {"name": DATA, "mountPath": names.DATA_FOLDER, **process.mount},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if process.executors:
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})
    if cluster.spec.auth.enabled:
        mounts.append({"name": "auth", "mountPath": names.AUTH_FOLDER, "readOnly": True})
    return mounts


def _volumes(cluster: UforaCluster, process: Process) -> list[Manifest]:
    volumes = [*process.data, {"name": "tmp", "emptyDir": {}}]
    if process.executors:
        volumes.append({"name": "shared-memory", "emptyDir": {"medium": "Memory"}})
    auth = cluster.spec.auth
    if auth.enabled:
        own = names.auth_secret(cluster.name)
        name = own if auth.secret_ref is UNSET else auth.secret_ref.name
        # A folder, not single files: only then do new tokens reach a running pod.
        volumes.append({"name": "auth", "secret": {"secretName": name, "defaultMode": 0o440}})
    return volumes
