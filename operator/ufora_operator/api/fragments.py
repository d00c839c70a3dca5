"""Pieces of Kubernetes' own types that a spec contains, as far as we have to understand them.

What only Kubernetes needs to understand (tolerations, affinity and the like) is ``Raw``. The
annotations carry what the CRD's schema says; ``schema`` makes it of them.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

#: Schema of an object whose fields are kept although the schema does not name them.
OPEN = {"x-kubernetes-preserve-unknown-fields": True}

Raw = Annotated[dict[str, Any], Meta(extra_json_schema=OPEN)]
"""A piece of a manifest that is handed on unread."""

_NUMBER = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)"
QUANTITY = rf"^{_NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$"
LABEL_VALUE = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
HOST_NAME = r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
#: Name of an object: a DNS subdomain.
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"

Quantity = Annotated[
    int | str,
    Meta(
        extra_json_schema={
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY,
            "maxLength": 32,
        }
    ),
]
"""An amount: ``2``, ``500m``, ``10Gi``."""

LabelValue = Annotated[str, Meta(max_length=63, pattern=LABEL_VALUE)]
Labels = Annotated[dict[str, LabelValue], Meta(max_length=64)]
Annotations = Annotated[dict[str, str], Meta(max_length=64)]
ObjectName = Annotated[str, Meta(min_length=1, max_length=253, pattern=OBJECT_NAME)]
HostName = Annotated[str, Meta(min_length=1, max_length=253, pattern=HOST_NAME)]


def list_map(*keys: str) -> dict[str, Any]:
    """Schema of a list whose items are told apart, and merged, by these fields."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


class Fields(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Parent of every object in a spec."""


class LocalReference(Fields, frozen=True, kw_only=True):
    """An object of the same namespace, by name."""

    name: Annotated[ObjectName, Meta(description="Name of the object.")]


class EnvVar(Fields, frozen=True, kw_only=True):
    """An environment variable."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=253,
            pattern="^[^= ]+$",
            description="Name of the variable. The variables that the operator sets are refused.",
        ),
    ]
    value: (
        Annotated[
            str,
            Meta(description="Its value. $(NAME) stands for a variable that was set before it."),
        ]
        | UnsetType
    ) = UNSET
    value_from: (
        Annotated[
            Raw,
            Meta(description="Where the value comes from: an EnvVarSource of Kubernetes."),
        ]
        | UnsetType
    ) = UNSET


class LabelRequirement(Fields, frozen=True, kw_only=True):
    """A requirement on one label."""

    key: Annotated[str, Meta(min_length=1, max_length=316, description="The label's key.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        Meta(description="How the label's value is compared with values."),
    ]
    values: (
        Annotated[
            tuple[LabelValue, ...],
            Meta(max_length=64, description="Values for In and NotIn; absent for the others."),
        ]
        | UnsetType
    ) = UNSET


class LabelSelector(Fields, frozen=True, kw_only=True):
    """Labels that an object must have; without any requirement, every object is meant."""

    match_labels: (
        Annotated[Labels, Meta(description="Labels that must have exactly these values.")]
        | UnsetType
    ) = UNSET
    match_expressions: (
        Annotated[
            tuple[LabelRequirement, ...],
            Meta(max_length=16, description="Requirements that must all hold."),
        ]
        | UnsetType
    ) = UNSET


class IPBlock(Fields, frozen=True, kw_only=True):
    """A range of addresses."""

    cidr: Annotated[
        str, Meta(min_length=3, max_length=49, description="The range, such as 10.0.0.0/8.")
    ]
    except_: (
        Annotated[
            tuple[Annotated[str, Meta(min_length=3, max_length=49)], ...],
            Meta(max_length=16, description="Ranges inside it that are not meant."),
        ]
        | UnsetType
    ) = msgspec.field(name="except", default=UNSET)


class NetworkPeer(Fields, frozen=True, kw_only=True):
    """Pods or addresses, as in a NetworkPolicy: selectors, or an address range."""

    pod_selector: (
        Annotated[
            LabelSelector,
            Meta(
                description="Pods with these labels, in the cluster's own namespace unless "
                "namespaceSelector is given; {} means every pod."
            ),
        ]
        | UnsetType
    ) = UNSET
    namespace_selector: (
        Annotated[
            LabelSelector,
            Meta(
                description="Namespaces with these labels; {} means every namespace. "
                "kubernetes.io/metadata.name is the label with a namespace's name."
            ),
        ]
        | UnsetType
    ) = UNSET
    ip_block: (
        Annotated[
            IPBlock, Meta(description="Addresses outside the cluster; excludes the selectors.")
        ]
        | UnsetType
    ) = UNSET


class NetworkPort(Fields, frozen=True, kw_only=True):
    """A port, or a range of ports."""

    protocol: (
        Annotated[Literal["TCP", "UDP", "SCTP"], Meta(description="TCP unless given.")] | UnsetType
    ) = UNSET
    port: (
        Annotated[
            int | str,
            Meta(
                extra_json_schema={"x-kubernetes-int-or-string": True, "maxLength": 63},
                description="Number or name of the port; every port unless given.",
            ),
        ]
        | UnsetType
    ) = UNSET
    end_port: (
        Annotated[
            int, Meta(ge=1, le=65535, description="Last port of a range that begins at port.")
        ]
        | UnsetType
    ) = UNSET


class EgressRule(Fields, frozen=True, kw_only=True):
    """What pods may connect to, as in a NetworkPolicy."""

    to: (
        Annotated[
            tuple[NetworkPeer, ...],
            Meta(max_length=32, description="Where to; everywhere unless given."),
        ]
        | UnsetType
    ) = UNSET
    ports: (
        Annotated[
            tuple[NetworkPort, ...],
            Meta(max_length=32, description="Which ports; every port unless given."),
        ]
        | UnsetType
    ) = UNSET
