"""What manager and worker pods have in common in a spec."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from ufora_operator.api.fragments import (
    OPEN,
    QUANTITY,
    Annotations,
    EnvVar,
    Fields,
    Labels,
    ObjectName,
    Quantity,
    Raw,
    list_map,
)

_CONTAINER_PATCH = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 63},
        "env": {
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string", "maxLength": 253}},
                **OPEN,
            },
        },
    },
    **OPEN,
}
_POD_SPEC_PATCH = {
    "properties": {
        "containers": {
            "type": "array",
            "maxItems": 32,
            "items": _CONTAINER_PATCH,
        },
    },
    **OPEN,
}


class Metadata(Fields, frozen=True, kw_only=True):
    """Labels and annotations for the pods."""

    labels: Annotated[
        Labels,
        Meta(description="Labels for the pods, beside the operator's own, which are refused here."),
    ]
    annotations: Annotated[Annotations, Meta(description="Annotations for the pods.")]


class EmptyDir(Fields, frozen=True, kw_only=True):
    """Scratch space on the node, gone with the pod."""

    size_limit: (
        Annotated[
            Quantity, Meta(description="A pod that uses more is evicted; no limit unless given.")
        ]
        | UnsetType
    ) = UNSET
    medium: (
        Annotated[
            Literal["", "Memory"],
            Meta(description='"Memory" keeps it in the memory of the pod, counted to its limit.'),
        ]
        | UnsetType
    ) = UNSET


class ClaimTemplate(Fields, frozen=True, kw_only=True):
    """A volume that is claimed for the pod, and released when the pod is scaled away."""

    # No number: CEL cannot afford to compare what may also be a number.
    size: Annotated[
        str,
        Meta(max_length=32, pattern=QUANTITY, description="Size of the volume, such as 10Gi."),
    ]
    storage_class_name: (
        Annotated[
            ObjectName,
            Meta(description="StorageClass of the volume; the cluster's default unless given."),
        ]
        | UnsetType
    ) = UNSET
    access_modes: (
        Annotated[
            tuple[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"], ...],
            Meta(
                min_length=1,
                max_length=3,
                extra_json_schema={"x-kubernetes-list-type": "set"},
                description="Access modes of the volume; ReadWriteOnce unless given.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Storage(Fields, frozen=True, kw_only=True):
    """Where /var/ufora lives: at most one of the three; with none, scratch space on the node."""

    empty_dir: (
        Annotated[EmptyDir, Meta(description="Scratch space on the node, gone with the pod.")]
        | UnsetType
    ) = UNSET
    claim_template: (
        Annotated[
            ClaimTemplate,
            Meta(
                description="A volume of its own, claimed for each pod. For workers it cannot be "
                "added, changed or removed later: make a new UforaCluster for that."
            ),
        ]
        | UnsetType
    ) = UNSET
    existing_claim: (
        Annotated[
            ObjectName,
            Meta(
                description="Name of a PersistentVolumeClaim of the namespace. Each worker uses a "
                "folder of it with the worker's name, so with several nodes it must be "
                "ReadWriteMany."
            ),
        ]
        | UnsetType
    ) = UNSET


class Resources(Fields, frozen=True, kw_only=True):
    """What a container may use, and what is kept free for it."""

    limits: (
        Annotated[
            dict[str, Quantity],
            Meta(
                max_length=32,
                description="The most that the container may use, such as cpu: 4, memory: 8Gi. "
                "A worker with a whole number of cpu runs as many executors.",
            ),
        ]
        | UnsetType
    ) = UNSET
    requests: (
        Annotated[
            dict[str, Quantity],
            Meta(
                max_length=32,
                description="What is kept free for the container; the limits unless given.",
            ),
        ]
        | UnsetType
    ) = UNSET
    claims: (
        Annotated[
            tuple[Raw, ...],
            Meta(max_length=32, description="Devices: ResourceClaims of the pod, by name."),
        ]
        | UnsetType
    ) = UNSET


class MetadataPatch(Fields, frozen=True, kw_only=True):
    """Changes to the pods' labels and annotations."""

    labels: (
        Annotated[Labels, Meta(description="Labels to add; the operator's own are refused.")]
        | UnsetType
    ) = UNSET
    annotations: Annotated[Annotations, Meta(description="Annotations to add.")] | UnsetType = UNSET


class PodPatch(Fields, frozen=True, kw_only=True):
    """Changes to the finished pod template."""

    metadata: (
        Annotated[MetadataPatch, Meta(description="Changes to the pod's metadata.")] | UnsetType
    ) = UNSET
    spec: (
        Annotated[
            dict[str, Any],
            Meta(
                extra_json_schema=_POD_SPEC_PATCH,
                description="Changes to the PodSpec. The containers are called manager and worker; "
                "containers of other names are added.",
            ),
        ]
        | UnsetType
    ) = UNSET


class PodOptions(Fields, frozen=True, kw_only=True):
    """What manager and worker pods have in common."""

    env: Annotated[
        tuple[EnvVar, ...],
        Meta(
            max_length=200,
            extra_json_schema=list_map("name"),
            description="Environment variables for the container, after the operator's own, which "
            "are refused here (UFORA_MANAGER_ADDRESS, UFORA_DATA_DIR and so on).",
        ),
    ]
    node_selector: Annotated[
        Labels, Meta(description="Labels that a node must have for the pods to run on it.")
    ]
    tolerations: Annotated[
        tuple[Raw, ...],
        Meta(
            max_length=64, description="Taints that the pods tolerate: Tolerations of Kubernetes."
        ),
    ]
    topology_spread_constraints: Annotated[
        tuple[Raw, ...],
        Meta(
            max_length=16,
            description="How the pods spread over nodes and zones: TopologySpreadConstraints of "
            "Kubernetes, for these pods unless a labelSelector is given. Workers spread over the "
            "nodes, as far as possible, unless there are any.",
        ),
    ]
    pod_metadata: Annotated[Metadata, Meta(description="Labels and annotations for the pods.")]
    storage: Annotated[
        Storage,
        Meta(
            description="Where /var/ufora lives (the manager's journal, objects, logs): at most "
            "one of the three; with none, scratch space on the node."
        ),
    ]
    image: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=512,
                pattern=r"^\S+$",
                description="Image of these pods, by tag or digest; spec.image unless given.",
            ),
        ]
        | UnsetType
    ) = UNSET
    resources: (
        Annotated[
            Resources,
            Meta(
                description="What the container may use and what is kept free for it; the "
                "namespace's defaults unless given."
            ),
        ]
        | UnsetType
    ) = UNSET
    affinity: (
        Annotated[
            Raw, Meta(description="Nodes and pods to be near or far from: Kubernetes' Affinity.")
        ]
        | UnsetType
    ) = UNSET
    priority_class_name: (
        Annotated[ObjectName, Meta(description="PriorityClass of the pods.")] | UnsetType
    ) = UNSET
    service_account_name: (
        Annotated[
            ObjectName,
            Meta(
                description="ServiceAccount of the pods, for what users' code needs; one without "
                "rights is made unless given. No token is mounted either way."
            ),
        ]
        | UnsetType
    ) = UNSET
    pod_patch: (
        Annotated[
            PodPatch,
            Meta(
                description="The way out for what has no field: merged into the finished pod "
                "template as a JSON merge patch, with containers, initContainers, volumes, "
                "imagePullSecrets, env and ports merged by name and volumeMounts by mountPath. "
                "The operator's labels and variables cannot be changed."
            ),
        ]
        | UnsetType
    ) = UNSET
