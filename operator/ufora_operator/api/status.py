"""The status of a UforaCluster as types, for the CRD's schema; ``ufora_operator.status`` fills it.

Every field is optional: a cluster that was never looked at has none.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ufora_operator.api.fragments import Fields, list_map

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A moment, as Kubernetes writes it: ``2026-01-31T12:00:00Z``."""


class Condition(Fields, frozen=True, kw_only=True):
    """One thing that is so, or not, or not known."""

    type: Annotated[str, Meta(min_length=1, max_length=316, description="What it is about.")]
    status: Annotated[Literal["True", "False", "Unknown"], Meta(description="Whether it is so.")]
    reason: Annotated[
        str, Meta(min_length=1, max_length=1024, description="Why, in one word for programs.")
    ]
    message: Annotated[
        str, Meta(max_length=32768, description="Why, in a sentence, and what to do about it.")
    ]
    last_transition_time: Annotated[Time, Meta(description="When status changed last.")]
    observed_generation: (
        Annotated[int, Meta(ge=0, description="The generation of the spec that this is about.")]
        | UnsetType
    ) = UNSET


class Versions(Fields, frozen=True, kw_only=True):
    """Releases that run."""

    operator: Annotated[str, Meta(description="Release of the operator.")] | UnsetType = UNSET
    manager: Annotated[str, Meta(description="Release of the manager.")] | UnsetType = UNSET
    workers: (
        Annotated[
            tuple[str, ...],
            Meta(
                extra_json_schema={"x-kubernetes-list-type": "atomic"},
                description="Releases of the registered workers, each once.",
            ),
        ]
        | UnsetType
    ) = UNSET


class RetiringWorker(Fields, frozen=True, kw_only=True):
    """A worker on its way out."""

    name: Annotated[str, Meta(description="The worker, which is also the name of its pod.")]
    phase: Annotated[str, Meta(description="How far it is.")] | UnsetType = UNSET
    since: Annotated[Time, Meta(description="When it was told to leave.")] | UnsetType = UNSET
    roots: Annotated[int, Meta(description="Jobs that it runs.")] | UnsetType = UNSET
    ranges: (
        Annotated[int, Meta(description="Parts of other workers' jobs that it runs.")] | UnsetType
    ) = UNSET
    objects: (
        Annotated[int, Meta(description="Objects that only it has, still to be handed over.")]
        | UnsetType
    ) = UNSET
    bytes: Annotated[int, Meta(description="Size of those objects.")] | UnsetType = UNSET


class AuthStatus(Fields, frozen=True, kw_only=True):
    """How far a rotation of the token is."""

    rotation: (
        Annotated[str, Meta(description="Value of spec.auth.rotation that the token was made for.")]
        | UnsetType
    ) = UNSET
    phase: Annotated[str, Meta(description="How far the rotation is.")] | UnsetType = UNSET
    since: Annotated[Time, Meta(description="When that phase began.")] | UnsetType = UNSET


class Status(Fields, frozen=True, kw_only=True):
    """What the cluster is."""

    summary: (
        Annotated[str, Meta(description="The state of the cluster in a word or two.")] | UnsetType
    ) = UNSET
    observed_generation: (
        Annotated[int, Meta(ge=0, description="The generation of the spec that this is about.")]
        | UnsetType
    ) = UNSET
    conditions: (
        Annotated[
            tuple[Condition, ...],
            Meta(
                max_length=32,
                extra_json_schema=list_map("type"),
                description="Accepted, Available, ManagerReady, WorkersReady, Progressing, "
                "ScaleDownBlocked, Suspended, Idle, VersionSkew, Degraded: each with its reason.",
            ),
        ]
        | UnsetType
    ) = UNSET
    replicas: Annotated[int, Meta(ge=0, description="Worker pods that there are.")] | UnsetType = (
        UNSET
    )
    ready_replicas: (
        Annotated[int, Meta(ge=0, description="Worker pods that are ready.")] | UnsetType
    ) = UNSET
    registered_replicas: (
        Annotated[int, Meta(ge=0, description="Workers that the manager knows and can use.")]
        | UnsetType
    ) = UNSET
    selector: (
        Annotated[str, Meta(description="Labels of the worker pods, for autoscalers.")] | UnsetType
    ) = UNSET
    endpoint: (
        Annotated[str, Meta(description="Address of the front end inside the cluster.")] | UnsetType
    ) = UNSET
    versions: Annotated[Versions, Meta(description="Releases that run.")] | UnsetType = UNSET
    retiring: (
        Annotated[
            tuple[RetiringWorker, ...],
            Meta(
                extra_json_schema=list_map("name"),
                description="Workers on their way out, and what they still hold.",
            ),
        ]
        | UnsetType
    ) = UNSET
    auth: Annotated[AuthStatus, Meta(description="How far a rotation is.")] | UnsetType = UNSET
    idle_since: (
        Annotated[Time, Meta(description="Since when nobody uses the cluster.")] | UnsetType
    ) = UNSET
    idle_suspended: (
        Annotated[bool, Meta(description="It was suspended because nobody used it.")] | UnsetType
    ) = UNSET
    idle_suspended_generation: (
        Annotated[
            int, Meta(ge=0, description="The spec that was suspended so; any other resumes it.")
        ]
        | UnsetType
    ) = UNSET
