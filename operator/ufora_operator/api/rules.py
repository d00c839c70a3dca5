"""What a schema cannot say: the one table of rules over several fields.

Each rule stands here twice, side by side: in CEL, for the API server to refuse the object, and in
Python, for the operator not to act on an object that came past it (an older CRD, validation
switched off). A corpus of specs that is fed to both holds the two together.

A rule belongs to a type and holds wherever the spec has an object of it. CEL's costs are bounded by
the ``maxItems`` and ``maxLength`` of the schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET

from ufora_operator.api.fragments import EnvVar, IPBlock, NetworkPeer
from ufora_operator.api.pods import (
    ClaimTemplate,
    Metadata,
    MetadataPatch,
    PodOptions,
    PodPatch,
    Storage,
)
from ufora_operator.api.predicates import (
    LABEL_KEY,
    LONGEST_NAME,
    NAME,
    are_label_keys,
    claim_may_become,
    given,
    has_network_name,
    holds_its_exceptions,
    is_cidr,
    leaves_our_labels,
    leaves_our_variables,
    ports_differ,
    shares_a_claim,
    within,
)
from ufora_operator.api.quantities import amount
from ufora_operator.api.spec import Auth, ManagerSpec, Spec, UforaCluster, WorkersSpec
from ufora_operator.names import OWNED_LABELS, OWNED_VARIABLES, REGISTRY_PORT

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """What must hold for every object of one type in a spec."""

    of: type[T]
    #: The field that a fault is reported at; empty: the object itself.
    field: str
    #: What must hold, in CEL; ``self`` is the object.
    cel: str
    holds: Callable[[T], bool]
    #: What is allowed, and what to do.
    message: str


@dataclass(frozen=True, slots=True)
class Transition(Generic[T]):
    """What must hold between an object before and after a change; in CEL, ``oldSelf`` and
    ``self``."""

    of: type[T]
    field: str
    cel: str
    holds: Callable[[T, T], bool]
    message: str


AnyRule: TypeAlias = Rule[Any] | Transition[Any]


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


_LABEL_KEYS_MESSAGE = "keys of labels are names such as team or example.com/team"


def _label_rules(struct: type[Metadata] | type[MetadataPatch]) -> tuple[Rule[Any], ...]:
    return (
        Rule(
            struct,
            "labels",
            "!has(self.labels) || self.labels.all(key, "
            f"size(key) <= 316 && key.matches('{LABEL_KEY}'))",
            lambda metadata: are_label_keys(metadata.labels),
            _LABEL_KEYS_MESSAGE,
        ),
        Rule(
            struct,
            "labels",
            f"!has(self.labels) || self.labels.all(key, !(key in {_list(OWNED_LABELS)}))",
            lambda metadata: leaves_our_labels(metadata.labels),
            "the operator finds the pods by its app.kubernetes.io/ labels name, instance, "
            "component, managed-by and part-of; choose another key",
        ),
    )


RULES: tuple[Rule[Any], ...] = (
    Rule(
        UforaCluster,
        "metadata.name",
        f"size(self.metadata.name) <= {LONGEST_NAME} && self.metadata.name.matches('{NAME}')",
        lambda cluster: has_network_name(cluster.name),
        f"a UforaCluster's name has at most {LONGEST_NAME} characters, begins with a letter and "
        "consists of a-z, 0-9 and -, since its Services and pods are named after it",
    ),
    Rule(
        Spec,
        "route",
        "!(has(self.ingress) && has(self.route))",
        lambda spec: given(spec.ingress, spec.route) <= 1,
        "ingress and route exclude each other: remove one of them",
    ),
    Rule(
        Spec,
        "workers.basePort",
        "self.manager.webPort != self.workers.basePort && "
        "self.manager.webPort != self.workers.basePort + 1",
        ports_differ,
        "basePort and the port after it must differ from manager.webPort",
    ),
    Rule(
        Spec,
        "workers.storage",
        "!has(self.manager.storage.existingClaim) || !has(self.workers.storage.existingClaim) || "
        "self.manager.storage.existingClaim != self.workers.storage.existingClaim",
        lambda spec: not shares_a_claim(spec),
        "manager and workers cannot share an existingClaim: give one of them another",
    ),
    Rule(
        ManagerSpec,
        "webPort",
        f"self.webPort != {REGISTRY_PORT}",
        lambda manager: manager.web_port != REGISTRY_PORT,
        f"{REGISTRY_PORT} is the port of the registry: choose another",
    ),
    Rule(
        WorkersSpec,
        "basePort",
        f"self.basePort != {REGISTRY_PORT} && self.basePort != {REGISTRY_PORT - 1}",
        lambda workers: REGISTRY_PORT not in (workers.base_port, workers.base_port + 1),
        f"{REGISTRY_PORT} is the port of the registry, and basePort takes two ports: choose others",
    ),
    Rule(
        WorkersSpec,
        "maxReplicas",
        "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
        lambda workers: within(workers.min_replicas, workers.max_replicas),
        "maxReplicas must not be below minReplicas",
    ),
    Rule(
        WorkersSpec,
        "replicas",
        "(!has(self.minReplicas) || self.minReplicas <= self.replicas) && "
        "(!has(self.maxReplicas) || self.replicas <= self.maxReplicas)",
        lambda workers: within(workers.min_replicas, workers.replicas, workers.max_replicas),
        "replicas must lie between minReplicas and maxReplicas",
    ),
    Rule(
        Storage,
        "",
        "(has(self.emptyDir) ? 1 : 0) + (has(self.claimTemplate) ? 1 : 0) + "
        "(has(self.existingClaim) ? 1 : 0) <= 1",
        lambda storage: (
            given(storage.empty_dir, storage.claim_template, storage.existing_claim) <= 1
        ),
        "emptyDir, claimTemplate and existingClaim exclude each other: keep one of them",
    ),
    Rule(
        ClaimTemplate,
        "size",
        "quantity(self.size).isGreaterThan(quantity('0'))",
        lambda claim: amount(claim.size) > 0,
        "a volume has a size above 0, such as 10Gi",
    ),
    Rule(
        Auth,
        "secretRef",
        "self.enabled || !has(self.secretRef)",
        lambda auth: auth.enabled or auth.secret_ref is UNSET,
        "with enabled: false there is no token: remove secretRef, or enable it",
    ),
    Rule(
        Auth,
        "rotation",
        "self.enabled || !has(self.rotation)",
        lambda auth: auth.enabled or auth.rotation is UNSET,
        "with enabled: false there is no token to rotate: remove rotation, or enable it",
    ),
    Rule(
        Auth,
        "rotation",
        "!(has(self.secretRef) && has(self.rotation))",
        lambda auth: given(auth.secret_ref, auth.rotation) <= 1,
        "a Secret of your own (secretRef) is never written: rotate the token in it yourself, and "
        "remove rotation",
    ),
    Rule(
        EnvVar,
        "name",
        f"!(self.name in {_list(OWNED_VARIABLES)})",
        lambda variable: variable.name not in OWNED_VARIABLES,
        "the operator sets this variable from other fields of the spec; remove it",
    ),
    Rule(
        EnvVar,
        "valueFrom",
        "!(has(self.value) && has(self.valueFrom))",
        lambda variable: given(variable.value, variable.value_from) <= 1,
        "value and valueFrom exclude each other: remove one of them",
    ),
    Rule(
        PodOptions,
        "nodeSelector",
        f"self.nodeSelector.all(key, size(key) <= 316 && key.matches('{LABEL_KEY}'))",
        lambda pods: are_label_keys(pods.node_selector),
        _LABEL_KEYS_MESSAGE,
    ),
    *_label_rules(Metadata),
    *_label_rules(MetadataPatch),
    Rule(
        PodPatch,
        "spec",
        "!has(self.spec) || !has(self.spec.containers) || self.spec.containers.all(container, "
        "!has(container.env) || container.env.all(variable, "
        f"!(variable.name in {_list(OWNED_VARIABLES)})))",
        leaves_our_variables,
        "containers cannot get variables that the operator sets (UFORA_MANAGER_ADDRESS and so on)",
    ),
    Rule(
        NetworkPeer,
        "",
        "has(self.ipBlock) != (has(self.podSelector) || has(self.namespaceSelector))",
        lambda peer: (
            given(peer.ip_block) != bool(given(peer.pod_selector, peer.namespace_selector))
        ),
        "a peer has either ipBlock or podSelector and namespaceSelector",
    ),
    Rule(
        IPBlock,
        "cidr",
        "isCIDR(self.cidr)",
        lambda block: is_cidr(block.cidr),
        "a range of addresses is written like 10.0.0.0/8 or fd00::/8",
    ),
    Rule(
        IPBlock,
        "except",
        "!has(self.except) || self.except.all(each, isCIDR(each) && isCIDR(self.cidr) && "
        "cidr(self.cidr).containsCIDR(each))",
        holds_its_exceptions,
        "exceptions are ranges of addresses inside cidr",
    ),
)


_KEPT = (
    "(has(self.storage.claimTemplate.{0}) == has(oldSelf.storage.claimTemplate.{0}) && "
    "(!has(self.storage.claimTemplate.{0}) || "
    "self.storage.claimTemplate.{0} == oldSelf.storage.claimTemplate.{0}))"
)
_CLAIM_GROWS = (
    "!has(self.storage.claimTemplate) || !has(oldSelf.storage.claimTemplate) || "
    f"({_KEPT.format('storageClassName')} && {_KEPT.format('accessModes')} && "
    "quantity(self.storage.claimTemplate.size).compareTo("
    "quantity(oldSelf.storage.claimTemplate.size)) >= 0)"
)

TRANSITIONS: tuple[Transition[Any], ...] = (
    Transition(
        WorkersSpec,
        "storage",
        "has(self.storage.claimTemplate) == has(oldSelf.storage.claimTemplate) && "
        "(!has(self.storage.claimTemplate) || "
        "self.storage.claimTemplate == oldSelf.storage.claimTemplate)",
        lambda old, new: old.storage.claim_template == new.storage.claim_template,
        "the workers' claimTemplate cannot be added, changed or removed, since a StatefulSet "
        "cannot; make a new UforaCluster with it",
    ),
    Transition(
        ManagerSpec,
        "storage",
        _CLAIM_GROWS,
        lambda old, new: claim_may_become(old.storage.claim_template, new.storage.claim_template),
        "a claim can grow and nothing else: take storageClassName and accessModes back, and make "
        "size no smaller",
    ),
)


EVERY_RULE: tuple[AnyRule, ...] = (*RULES, *TRANSITIONS)


def rules_of(struct: type[msgspec.Struct]) -> tuple[AnyRule, ...]:
    """The rules of a type, its parents' included."""
    return tuple(rule for rule in EVERY_RULE if issubclass(struct, rule.of))
