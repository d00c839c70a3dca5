"""The reference of all rules and fields as Markdown, made of the schema.

``docs/uforacluster.md`` ends with what ``python -m ufora_operator.api.reference`` prints.
"""

import json
from collections.abc import Iterator
from typing import Any

from ufora_operator.api.crd import resource_schema
from ufora_operator.api.schema import Schema

_RULES = """\
## Rules

What the types alone do not say. The API server and the operator judge by the same table.

"""


def text() -> str:
    """What the document says after its introduction."""
    schema = resource_schema()
    return "".join(
        (
            _RULES,
            *(f"* {line}\n" for line in _rules(schema)),
            "\n## spec\n\n",
            _table(schema["properties"]["spec"], "spec", with_defaults=True),
            "\n## status\n\n",
            _table(schema["properties"]["status"], "status", with_defaults=False),
        )
    )


def _rules(schema: Schema) -> list[str]:
    """Each rule once, after all fields that it is about."""
    fields: dict[str, list[str]] = {}
    for path, validations in _validations(schema, ""):
        for rule in validations:
            # The one rule of the whole object is about its name.
            field = f"{path}{rule.get('fieldPath', '')}" or ".metadata.name"
            fields.setdefault(rule["message"], []).append(f"`{field[1:]}`")
    return [f"{', '.join(found)}: {message}." for message, found in fields.items()]


def _validations(schema: Schema, path: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    if "x-kubernetes-validations" in schema:
        yield path, schema["x-kubernetes-validations"]
    for name, part in schema.get("properties", {}).items():
        yield from _validations(part, f"{path}.{name}")
    if "items" in schema:
        yield from _validations(schema["items"], f"{path}[]")


def _table(schema: Schema, path: str, *, with_defaults: bool) -> str:
    head = (
        ("field", "type", "default", "meaning") if with_defaults else ("field", "type", "meaning")
    )
    rows = [head, tuple("---" for _ in head)]
    for field, part, required in _fields(schema, path):
        default = "**required**" if required else _default(part)
        cells = (f"`{field}`", _type(part), default, part["description"])
        rows.append(cells if with_defaults else (cells[0], cells[1], cells[3]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    """Every field that is explained, objects before their parts."""
    for name, part in schema.get("properties", {}).items():
        field = f"{path}.{name}"
        if "description" not in part:
            continue
        yield field, part, name in schema.get("required", ())
        if "items" in part:
            yield from _fields(part["items"], f"{field}[]")
        yield from _fields(part, field)


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity" if "pattern" in schema else "integer or string"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map to {_type(schema['additionalProperties'])}"
    return _with_bounds(schema)


def _with_bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return str(schema["type"])
    return f"integer, {least} or more" if most is None else f"integer, {least} to {most}"


def _default(schema: Schema) -> str:
    value: Any = schema.get("default")
    # What the parts of an object default to stands at the parts.
    is_composed = isinstance(value, dict) and "properties" in schema
    return "" if value is None or is_composed else f"`{json.dumps(value)}`"


def main() -> None:
    """Print it."""
    print(text(), end="")


if __name__ == "__main__":
    main()
