"""Every name, label, selector, port and path that the operator gives out; they stand here only."""

from typing import Literal

GROUP = "ufora.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "UforaCluster"
PLURAL = "uforaclusters"

#: Who writes, in every server-side apply and every Event.
FIELD_MANAGER = "ufora-operator"

Component = Literal["manager", "worker"]

NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
PART_OF_LABEL = "app.kubernetes.io/part-of"
#: Pods of the namespace with this label, set to the cluster's name, may use its web port.
CLIENT_LABEL = f"{GROUP}/client"

REGISTRY_PORT = 30002

DATA_FOLDER = "/var/ufora"
AUTH_FOLDER = "/etc/ufora/auth"
TOKEN_KEY = "token"
SECOND_TOKEN_KEY = "second-token"
#: On the token Secret: the value of ``spec.auth.rotation`` that its token was made for.
ROTATION_ANNOTATION = f"{GROUP}/rotation"
#: On the token Secret: ``true`` while the second token is the one that comes next.
SECOND_IS_NEXT_ANNOTATION = f"{GROUP}/second-is-next"
#: What the operator's own pods are called, by ``NAME_LABEL``.
OPERATOR = "ufora-operator"

#: Labels of every object and pod of ours; specs cannot set them.
OWNED_LABELS = (NAME_LABEL, INSTANCE_LABEL, COMPONENT_LABEL, MANAGED_BY_LABEL, PART_OF_LABEL)
#: Environment variables that follow from other fields of the spec; specs cannot set them.
OWNED_VARIABLES = (
    "UFORA_AUTH_SECOND_TOKEN_FILE",
    "UFORA_AUTH_TOKEN",
    "UFORA_AUTH_TOKEN_FILE",
    "UFORA_DATA_DIR",
    "UFORA_DRAIN_SECONDS",
    "UFORA_INSECURE",
    "UFORA_LIFELINE_FD",
    "UFORA_MANAGER_ADDRESS",
    "UFORA_MANAGER_PORT",
    "UFORA_NO_WORKER",
    "UFORA_WEB_HTTP_PORT",
    "UFORA_WORKER_BASE_PORT",
    "UFORA_WORKER_NAME",
    "UFORA_WORKER_OWN_ADDRESS",
)


def selector(cluster: str, component: Component | None = None) -> dict[str, str]:
    """The labels that find a cluster's pods. They are in immutable fields, so never more."""
    labels = {NAME_LABEL: "ufora", INSTANCE_LABEL: cluster}
    return labels if component is None else {**labels, COMPONENT_LABEL: component}


def labels(cluster: str, component: Component | None = None) -> dict[str, str]:
    """The labels of an object of the cluster."""
    return {
        **selector(cluster, component),
        MANAGED_BY_LABEL: FIELD_MANAGER,
        PART_OF_LABEL: "ufora",
    }


def manager(cluster: str) -> str:
    """Name of the manager's Deployment, Service, NetworkPolicy, PDB, ServiceAccount, Ingress."""
    return f"{cluster}-manager"


def registry(cluster: str) -> str:
    """Name of the Service at which workers find the manager."""
    return f"{cluster}-registry"


def worker(cluster: str) -> str:
    """Name of the workers' StatefulSet, NetworkPolicy and ServiceAccount."""
    return f"{cluster}-worker"


def workers(cluster: str) -> str:
    """Name of the workers' headless Service and PDB."""
    return f"{cluster}-workers"


def worker_pod(cluster: str, ordinal: int) -> str:
    """Name of a worker's pod, which is the worker's own name, too."""
    return f"{worker(cluster)}-{ordinal}"


def auth_secret(cluster: str) -> str:
    """Name of the Secret with the cluster's token, where the operator makes it."""
    return f"{cluster}-auth"


def manager_claim(cluster: str) -> str:
    """Name of the manager's PersistentVolumeClaim."""
    return f"{cluster}-manager-data"
