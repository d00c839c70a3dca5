"""From an object of the API server to a ``UforaCluster``, or to every fault that it has.

Nothing is guessed: a field that is unknown, or that the API server should have given a default,
means that CRD and operator are of different releases, and then nothing is done with the object.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from ufora_operator.api.crd import resource_schema
from ufora_operator.api.rules import RULES, TRANSITIONS
from ufora_operator.api.schema import Schema
from ufora_operator.api.spec import Spec, UforaCluster
from ufora_operator.api.structure import faults
from ufora_operator.errors import FieldError, SpecError


def decode(body: Mapping[str, Any]) -> UforaCluster:
    """The UforaCluster that an object of the API server describes.

    Raises:
        SpecError: it cannot be acted on; the error names every field that is wrong.
    """
    found = tuple(faults({"spec": body["spec"]} if "spec" in body else {}, _schema(), ""))
    if found:
        raise SpecError(tuple(FieldError(each.path[1:], each.message) for each in found))
    metadata = body["metadata"]
    try:
        spec = msgspec.convert(body["spec"], Spec)
    except msgspec.ValidationError as error:
        raise SpecError((FieldError("spec", str(error)),)) from None
    cluster = UforaCluster(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        spec=spec,
        deleting="deletionTimestamp" in metadata,
    )
    broken = tuple(_broken_rules(cluster, ""))
    if broken:
        raise SpecError(broken)
    return cluster


def forbidden_changes(old: Spec, new: Spec) -> tuple[FieldError, ...]:
    """What may not change in this way, with what ``old`` stands for kept."""
    return tuple(_forbidden_changes(old, new, "spec"))


@cache
def _schema() -> Schema:
    return {"type": "object", "properties": {"spec": resource_schema()["properties"]["spec"]}}


def _broken_rules(value: Any, path: str) -> Iterator[FieldError]:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _broken_rules(item, f"{path}[{index}]")
    if not isinstance(value, msgspec.Struct):
        return
    for rule in RULES:
        if isinstance(value, rule.of) and not rule.holds(value):
            yield FieldError(_join(path, rule.field), rule.message)
    for name, part in _parts(value):
        yield from _broken_rules(part, _join(path, name))


def _forbidden_changes(old: Any, new: Any, path: str) -> Iterator[FieldError]:
    """Lists are not looked into: their items have no identity that a rule could be about."""
    if not (isinstance(old, msgspec.Struct) and isinstance(new, msgspec.Struct)):
        return
    for rule in TRANSITIONS:
        if isinstance(new, rule.of) and not rule.holds(old, new):
            yield FieldError(_join(path, rule.field), rule.message)
    for (name, before), (_, after) in zip(_parts(old), _parts(new), strict=True):
        yield from _forbidden_changes(before, after, _join(path, name))


def _parts(value: msgspec.Struct) -> list[tuple[str, Any]]:
    """The fields of an object, by their names in YAML."""
    names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
    return [(encoded, getattr(value, name)) for encoded, name in names]


def _join(path: str, field: str) -> str:
    return ".".join(filter(None, (path, field)))
