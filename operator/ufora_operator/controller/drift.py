"""Whether an object is as it should be. Pure.

A manifest says a part of an object; the API server adds defaults, and others may add fields of
their own. So the live object is as it should be when it *contains* the manifest and was made of
this very one: an annotation holds the manifest's digest, which tells of fields that were dropped
from it, and the comparison tells of fields that somebody changed since.
"""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from ufora_operator.controller.kinds import Manifest
from ufora_operator.names import GROUP

#: Where an object says which manifest it was made of.
APPLIED_ANNOTATION = f"{GROUP}/applied"

#: Fields by which elements of a list are told apart, where the API server merges a list.
_LIST_KEYS = ("name", "mountPath", "containerPort", "uid")

#: Lists that others may add to; every other list is as the manifest has it.
_SHARED_LISTS = ("metadata.ownerReferences",)

#: Fields that hold quantities.
_QUANTITIES = re.compile(r"\.(limits|requests)\.|\.sizeLimit$")
_QUANTITY = re.compile(r"([+-]?[0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[+-]?[0-9]+)?")
_SUFFIXES = {"": Decimal(1), "m": Decimal("0.001")} | {
    suffix + binary: Decimal(1024 if binary else 1000) ** (power + 1)
    for binary in ("", "i")
    for power, suffix in enumerate("KMGTPE" if binary else "kMGTPE")
}


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its digest as an annotation: what is sent to the API server."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), APPLIED_ANNOTATION: digest(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def applied(manifest: Mapping[str, Any]) -> str | None:
    """The digest of the manifest that an object was made of last; None if it does not say."""
    annotations = manifest["metadata"].get("annotations") or {}
    found: str | None = annotations.get(APPLIED_ANNOTATION)
    return found


def digest(value: Any) -> str:
    """A short fingerprint of plain data, whatever the order of its keys."""
    encoded = msgspec.json.encode(value, order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]


def drifted(manifest: Manifest, live: Mapping[str, Any]) -> str | None:
    """Where the live object differs from a stamped manifest (``spec.replicas``); None: nowhere."""
    for field, wanted in manifest.items():
        found = _difference(wanted, live.get(field), field)
        if found is not None:
            return found
    return None


def part_of(live: Any, wanted: Any) -> Any:
    """What the live object has in the places that the manifest speaks of."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return {name: part_of(live.get(name), value) for name, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(live, list):
        key = _list_key(wanted)
        if key is not None and len(live) == len(wanted):
            there = {each.get(key): each for each in live if isinstance(each, dict)}
            return [part_of(there.get(each[key]), each) for each in wanted]
    return live


def _difference(wanted: Any, live: Any, where: str) -> str | None:
    if isinstance(wanted, dict) and isinstance(live, dict):
        for name, value in wanted.items():
            found = _difference(value, live.get(name), f"{where}.{name}")
            if found is not None:
                return found
        return None
    if isinstance(wanted, list) and isinstance(live, list):
        return _list_difference(wanted, live, where)
    if wanted == live or (live is None and not wanted):
        return None
    return None if _QUANTITIES.search(where) and _same_quantity(wanted, live) else where


def _list_difference(wanted: list[Any], live: list[Any], where: str) -> str | None:
    key = _list_key(wanted)
    if len(live) > len(wanted) and where in _SHARED_LISTS:
        live = [each for each in live if each.get(key) in {one.get(key) for one in wanted}]
    if len(live) != len(wanted):
        return where
    if key is not None:
        there = {each.get(key): each for each in live if isinstance(each, dict)}
        pairs = [(each[key], each, there.get(each[key])) for each in wanted]
    else:
        pairs = [(index, *pair) for index, pair in enumerate(zip(wanted, live, strict=True))]
    for place, each, other in pairs:
        found = _difference(each, other, f"{where}[{place}]")
        if found is not None:
            return found
    return None


def _list_key(elements: list[Any]) -> str | None:
    if not elements or not all(isinstance(each, dict) for each in elements):
        return None
    for key in _LIST_KEYS:
        if len({each.get(key) for each in elements} - {None}) == len(elements):
            return key
    return None


def _same_quantity(wanted: Any, live: Any) -> bool:
    """``1000m`` and ``1`` are one quantity, and the API server writes it its own way."""
    one, other = _quantity(wanted), _quantity(live)
    return one is not None and one == other


def _quantity(value: Any) -> Decimal | None:
    found = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None or isinstance(value, bool):
        return None
    number, suffix = found[1], found[2] or ""
    try:
        if suffix in _SUFFIXES:
            return Decimal(number) * _SUFFIXES[suffix]
        return Decimal(number + suffix)
    except ArithmeticError:
        return None
