"""Values against a structural schema, as the API server would judge them.

The operator looks at every object with its own schema, since the CRD that let the object in may be
of another release: what the API server fills in is missing then, or fields are there that this
operator does not know. All faults are found at once, each with its path.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ufora_operator.api.schema import Schema
from ufora_operator.errors import FieldError

_TYPES: Mapping[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def faults(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    """Everything in which a value differs from its schema."""
    expected = _expected(schema)
    if expected and not _is_a(value, expected):
        yield FieldError(path, f"is {_described(value)}, and should be {' or '.join(expected)}")
        return
    if isinstance(value, str):
        yield from _string_faults(value, schema, path)
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, path)
    elif isinstance(value, int):
        yield from _bound_faults(value, schema, ("minimum", "maximum"), path, "is")


def _expected(schema: Schema) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if "type" in schema else ()


def _is_a(value: Any, expected: tuple[str, ...]) -> bool:
    if isinstance(value, bool):
        return "boolean" in expected
    return isinstance(value, tuple(_TYPES[name] for name in expected))


def _described(value: Any) -> str:
    if value is None:
        return "null"
    for name in ("boolean", *_TYPES):
        if isinstance(value, _TYPES[name]):
            return f"{name} {value!r}" if name in ("string", "integer", "boolean") else name
    return f"number {value!r}"


def _string_faults(value: str, schema: Schema, path: str) -> Iterator[FieldError]:
    yield from _bound_faults(len(value), schema, ("minLength", "maxLength"), path, "has length")
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(map(repr, schema["enum"]))
        yield FieldError(path, f"is {value!r}, and should be one of {allowed}")
    # The schema's patterns end in $, which in Python may stand before a last line feed.
    if "pattern" in schema and ("\n" in value or not re.search(schema["pattern"], value)):
        yield FieldError(path, f"is {value!r}, and should match {schema['pattern']}")


def _object_faults(value: dict[str, Any], schema: Schema, path: str) -> Iterator[FieldError]:
    yield from _bound_faults(
        len(value), schema, ("minProperties", "maxProperties"), path, "has this many entries:"
    )
    properties: Schema = schema.get("properties", {})
    for name, part in properties.items():
        if name in value:
            yield from faults(value[name], part, f"{path}.{name}")
        elif name in schema.get("required", ()):
            yield FieldError(f"{path}.{name}", "is missing, and has no default: give it a value")
        elif "default" in part:
            yield FieldError(
                f"{path}.{name}",
                "has no value: the installed CRD is older than this operator; install the "
                "operator's own CRD, and apply the object again",
            )
    for name in value.keys() - properties.keys():
        yield from _other_faults(value[name], schema, f"{path}.{name}")


def _other_faults(value: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    """Faults of a field that the schema does not name."""
    if "additionalProperties" in schema:
        yield from faults(value, schema["additionalProperties"], path)
    elif not schema.get("x-kubernetes-preserve-unknown-fields"):
        yield FieldError(
            path,
            "is unknown: it is misspelt, or the installed CRD is newer than this operator; upgrade "
            "the operator, or remove the field",
        )


def _list_faults(value: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    yield from _bound_faults(
        len(value), schema, ("minItems", "maxItems"), path, "has this many items:"
    )
    found = [
        fault
        for index, item in enumerate(value)
        for fault in faults(item, schema["items"], f"{path}[{index}]")
    ]
    yield from found
    if not found:
        yield from _duplicates(value, schema, path)


def _duplicates(value: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("map", "set"):
        return
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: list[Any] = []
    for index, item in enumerate(value):
        identity = item if kind == "set" else tuple(item.get(key) for key in keys)
        if identity in seen:
            yield FieldError(f"{path}[{index}]", "is there twice: remove one of them")
        seen.append(identity)


def _bound_faults(
    number: int, schema: Schema, bounds: tuple[str, str], path: str, verb: str
) -> Iterator[FieldError]:
    least, most = (schema.get(name) for name in bounds)
    if least is not None and number < least:
        yield FieldError(path, f"{verb} {number}, and should be {least} or more")
    if most is not None and number > most:
        yield FieldError(path, f"{verb} {number}, and should be {most} or less")
