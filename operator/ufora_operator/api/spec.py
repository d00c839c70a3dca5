"""The spec of a UforaCluster as types; the CRD's schema and its reference are made of them.

Defaults stand in the CRD alone (``defaults``): the API server fills them in, so a field here that
is neither optional nor there was defaulted by no CRD of this release, and ``decode`` says so. The
descriptions are what ``kubectl explain`` shows.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ufora_operator.api.fragments import (
    Annotations,
    EgressRule,
    Fields,
    HostName,
    LocalReference,
    NetworkPeer,
    ObjectName,
    Raw,
    list_map,
)
from ufora_operator.api.pods import PodOptions


class ManagerSpec(PodOptions, frozen=True, kw_only=True):
    """The manager: it takes jobs from clients and gives them to the workers."""

    runs_worker: Annotated[
        bool,
        Meta(
            description="Run a worker beside the manager, in the same container. With replicas: 0 "
            "that makes a cluster of one pod."
        ),
    ]
    web_port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65535,
            description="Port of the front end, in the pod and at the Service; clients connect "
            "to it.",
        ),
    ]


class Drain(Fields, frozen=True, kw_only=True):
    """How a worker leaves: it takes no new work, hands over what others can do, and finishes the
    rest."""

    timeout_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=86400,
            description="Seconds that a worker gets to finish and hand over its work, when it is "
            "scaled away, replaced, or its node is drained. 0: none.",
        ),
    ]
    on_timeout: Annotated[
        Literal["Wait", "Force"],
        Meta(
            description="What happens when the time is over and the worker still holds work. "
            "Wait: nothing, and the condition ScaleDownBlocked says what is left. Force: the "
            "worker is stopped; its jobs run again elsewhere or fail with WorkerDied."
        ),
    ]


class RollingUpdate(Fields, frozen=True, kw_only=True):
    """How changes of the pod template reach the workers."""

    max_unavailable: Annotated[
        int,
        Meta(
            ge=1,
            le=10000,
            description="How many workers may be drained, replaced or not ready at the same time.",
        ),
    ]


class WorkersSpec(PodOptions, frozen=True, kw_only=True):
    """The workers: they run the jobs, and steal work from each other."""

    replicas: Annotated[
        int,
        Meta(
            ge=0,
            le=10000,
            description="How many workers there should be. `kubectl scale` and a "
            "HorizontalPodAutoscaler set this field.",
        ),
    ]
    base_port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65534,
            description="Port at which workers talk to each other; the next one is for data. "
            "Changing it replaces all workers.",
        ),
    ]
    drain: Annotated[
        Drain,
        Meta(
            description="How a worker leaves, when it is scaled away, replaced by a newer one, or "
            "its node is drained: it takes no new work, returns what it has not begun, lets others "
            "take over what can be split, finishes the rest, and hands over its objects."
        ),
    ]
    rolling_update: Annotated[
        RollingUpdate,
        Meta(
            description="How a new image, new resources and so on reach the workers: drained and "
            "replaced, a few at a time, broken ones first."
        ),
    ]
    min_replicas: (
        Annotated[
            int,
            Meta(ge=0, le=10000, description="replicas below this are refused, for autoscalers."),
        ]
        | UnsetType
    ) = UNSET
    max_replicas: (
        Annotated[
            int,
            Meta(ge=0, le=10000, description="replicas above this are refused, for autoscalers."),
        ]
        | UnsetType
    ) = UNSET


class Auth(Fields, frozen=True, kw_only=True):
    """Who may use the cluster."""

    enabled: Annotated[
        bool,
        Meta(
            description="Every connection needs the cluster's token, and those between manager and "
            "workers are encrypted. false opens the cluster to everybody who can reach its ports."
        ),
    ]
    secret_ref: (
        Annotated[
            LocalReference,
            Meta(
                description="A Secret of yours with the token under the key token (and, while you "
                "replace it, the other one under second-token). A new token is made, and kept in "
                "the Secret <name>-auth, unless given."
            ),
        ]
        | UnsetType
    ) = UNSET
    rotation: (
        Annotated[
            str,
            Meta(
                max_length=253,
                description="Any new value makes a new token, such as the date. Both tokens are "
                "valid until every process has the new one; nothing is restarted.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Network(Fields, frozen=True, kw_only=True):
    """Who may reach the cluster's ports."""

    policies: Annotated[
        bool,
        Meta(
            description="Make NetworkPolicies that let through what the cluster needs and what is "
            "listed here, and nothing else, in both directions. Without them the lists have no "
            "effect."
        ),
    ]
    allow_from: Annotated[
        tuple[NetworkPeer, ...],
        Meta(
            max_length=64,
            description="Who may connect to the front end (manager.webPort), beside the pods of "
            "the namespace that are labelled ufora.io/client: <name of the cluster>. An ingress "
            "controller or a load balancer must be listed here.",
        ),
    ]
    metrics_from: Annotated[
        tuple[NetworkPeer, ...],
        Meta(
            max_length=64,
            description="Who may scrape /metrics of the front end; with the token, like everybody.",
        ),
    ]
    extra_egress: Annotated[
        tuple[EgressRule, ...],
        Meta(
            max_length=32,
            description="What users' code may connect to, beside DNS and the cluster itself. "
            "{} allows everything.",
        ),
    ]


class ServiceOptions(Fields, frozen=True, kw_only=True):
    """The Service in front of the manager."""

    type: Annotated[
        Literal["ClusterIP", "NodePort", "LoadBalancer"],
        Meta(
            description="How the front end is reached. From outside the cluster network.allowFrom "
            "must let its clients in, too."
        ),
    ]
    annotations: Annotated[
        Annotations, Meta(description="Annotations of the Service, for load balancers.")
    ]


class IngressOptions(Fields, frozen=True, kw_only=True):
    """An Ingress for the front end."""

    host: Annotated[HostName, Meta(description="Host name of the front end.")]
    annotations: Annotated[
        Annotations,
        Meta(
            description="Annotations of the Ingress. For ingress-nginx, long-lived websockets and "
            "large uploads are allowed already."
        ),
    ]
    class_name: (
        Annotated[ObjectName, Meta(description="IngressClass; the cluster's default unless given.")]
        | UnsetType
    ) = UNSET
    tls_secret_name: (
        Annotated[
            ObjectName,
            Meta(description="Secret with the certificate for host; plain HTTP unless given."),
        ]
        | UnsetType
    ) = UNSET


class RouteOptions(Fields, frozen=True, kw_only=True):
    """An HTTPRoute of the Gateway API for the front end."""

    parent_refs: Annotated[
        tuple[Raw, ...],
        Meta(
            min_length=1,
            max_length=32,
            description="Gateways that the route attaches to: ParentReferences of the Gateway API.",
        ),
    ]
    hostnames: Annotated[
        tuple[HostName, ...],
        Meta(
            max_length=16,
            extra_json_schema={"x-kubernetes-list-type": "set"},
            description="Host names of the front end; those of the Gateway unless given.",
        ),
    ]


class Idle(Fields, frozen=True, kw_only=True):
    """What becomes of a cluster that nobody uses."""

    action: Annotated[
        Literal["None", "Suspend", "Delete"],
        Meta(
            description="None: it stays. Suspend: its pods go as with spec.suspend, until the "
            "spec is changed. Delete: the UforaCluster is deleted. Nothing is done "
            "while the manager cannot be asked."
        ),
    ]
    timeout_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=31536000,
            description="Seconds without an unfinished job, and without a session that keeps "
            "objects in the cluster, after which it counts as idle.",
        ),
    ]


class Spec(Fields, frozen=True, kw_only=True):
    """What the cluster should be."""

    image: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=512,
            pattern=r"^\S+$",
            description="Image of manager and workers, by tag or digest.",
        ),
    ]
    image_pull_secrets: Annotated[
        tuple[LocalReference, ...],
        Meta(
            max_length=32,
            extra_json_schema=list_map("name"),
            description="Secrets of the namespace with credentials for the image's registry.",
        ),
    ]
    manager: Annotated[
        ManagerSpec,
        Meta(
            description="The manager: one pod that takes jobs from clients and gives them to the "
            "workers. Its journal keeps jobs over a restart if its storage does."
        ),
    ]
    workers: Annotated[
        WorkersSpec,
        Meta(description="The workers: pods that run the jobs, and steal work from each other."),
    ]
    auth: Annotated[Auth, Meta(description="Who may use the cluster: the holders of its token.")]
    network: Annotated[
        Network, Meta(description="Who may reach the cluster's ports, by NetworkPolicies.")
    ]
    service: Annotated[ServiceOptions, Meta(description="The Service in front of the manager.")]
    suspend: Annotated[
        bool,
        Meta(
            description="Drain and stop all pods, and keep everything else: the token, the "
            "Services, the volumes of the manager. false brings the cluster back."
        ),
    ]
    idle: Annotated[Idle, Meta(description="What becomes of a cluster that nobody uses.")]
    image_pull_policy: (
        Annotated[
            Literal["Always", "IfNotPresent", "Never"],
            Meta(description="When the image is pulled; Kubernetes' own choice unless given."),
        ]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=63,
                description="The release that manager and workers should report; where they "
                "report another one, the condition VersionSkew says so.",
            ),
        ]
        | UnsetType
    ) = UNSET
    ingress: (
        Annotated[
            IngressOptions,
            Meta(description="An Ingress for the front end; not together with route."),
        ]
        | UnsetType
    ) = UNSET
    route: (
        Annotated[
            RouteOptions,
            Meta(
                description="An HTTPRoute of the Gateway API for the front end; not together with "
                "ingress."
            ),
        ]
        | UnsetType
    ) = UNSET


class UforaCluster(msgspec.Struct, frozen=True):
    """A UforaCluster as the operator works with it."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: Spec
    #: Being deleted: nothing is done for it any more.
    deleting: bool = False
