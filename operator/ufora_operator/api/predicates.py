"""What the rules ask in Python, beside the comparisons that they can do themselves."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from msgspec import UNSET, UnsetType

from ufora_operator.api.fragments import IPBlock, Labels
from ufora_operator.api.pods import ClaimTemplate, PodPatch
from ufora_operator.api.quantities import amount
from ufora_operator.api.spec import Spec
from ufora_operator.names import OWNED_LABELS, OWNED_VARIABLES

#: A StatefulSet labels its pods with <cluster>-worker-<ten digits>, and a label has 63 characters.
LONGEST_NAME = 45
NAME = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
_LONGEST_LABEL_KEY = 316


def given(*values: object) -> int:
    """How many optional fields are there."""
    return sum(value is not UNSET for value in values)


def within(*bounds: int | UnsetType) -> bool:
    """The numbers that are there do not fall."""
    numbers = [each for each in bounds if each is not UNSET]
    return numbers == sorted(numbers)


def has_network_name(name: str) -> bool:
    """Services and pods can be named after it."""
    return len(name) <= LONGEST_NAME and re.fullmatch(NAME, name) is not None


def are_label_keys(labels: Labels | UnsetType) -> bool:
    """Every key is one that Kubernetes allows."""
    return labels is UNSET or all(
        len(key) <= _LONGEST_LABEL_KEY and re.fullmatch(LABEL_KEY, key) for key in labels
    )


def leaves_our_labels(labels: Labels | UnsetType) -> bool:
    """None of the labels is one that the operator sets."""
    return labels is UNSET or labels.keys().isdisjoint(OWNED_LABELS)


def leaves_our_variables(patch: PodPatch) -> bool:
    """No container gets a variable that the operator sets."""
    containers = [] if patch.spec is UNSET else patch.spec.get("containers", [])
    names = {each["name"] for container in containers for each in container.get("env", [])}
    return names.isdisjoint(OWNED_VARIABLES)


def ports_differ(spec: Spec) -> bool:
    """The front end and a worker could listen in the same pod."""
    base = spec.workers.base_port
    return spec.manager.web_port not in (base, base + 1)


def shares_a_claim(spec: Spec) -> bool:
    """Manager and workers would write into the same volume."""
    claim = spec.manager.storage.existing_claim
    return claim is not UNSET and claim == spec.workers.storage.existing_claim


def is_cidr(text: str) -> bool:
    """An address range, written with its length."""
    return _network(text) is not None


def holds_its_exceptions(block: IPBlock) -> bool:
    """Every exception is a range inside the range."""
    outer = _network(block.cidr)
    return block.except_ is UNSET or all(
        _is_inside(_network(each), outer) for each in block.except_
    )


def claim_may_become(old: ClaimTemplate | UnsetType, new: ClaimTemplate | UnsetType) -> bool:
    """Kubernetes would change the one claim into the other: it can grow, and nothing else."""
    if old is UNSET or new is UNSET:
        return True
    return (
        old.storage_class_name == new.storage_class_name
        and old.access_modes == new.access_modes
        and amount(old.size) <= amount(new.size)
    )


def _network(text: str) -> IPv4Network | IPv6Network | None:
    if not re.search("/[0-9]{1,3}$", text):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _is_inside(
    inner: IPv4Network | IPv6Network | None, outer: IPv4Network | IPv6Network | None
) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False
