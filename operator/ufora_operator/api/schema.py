"""Structural schemas, in the dialect of CustomResourceDefinitions, of the types of a spec.

msgspec describes the types in JSON Schema. Kubernetes wants the same without references, without
``additionalProperties`` beside ``properties``, and with its own defaults and rules.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ufora_operator.api.defaults import defaults_of
from ufora_operator.api.rules import AnyRule, rules_of

Schema = dict[str, Any]


def schema_of(struct: type[msgspec.Struct]) -> Schema:
    """The structural schema of a type, with descriptions, defaults and rules."""
    _, components = msgspec.json.schema_components([struct])
    return _Inliner(components, _structs_in(struct)).schema({"$ref": f"#/$defs/{struct.__name__}"})


def validations(rules: tuple[AnyRule, ...]) -> list[dict[str, str]]:
    """The rules as ``x-kubernetes-validations``."""
    return [{"rule": rule.cel, "message": rule.message} | _field_path(rule.field) for rule in rules]


def _field_path(field: str) -> dict[str, str]:
    nameable = field and not field.startswith("metadata.")  # of which CEL knows the name alone
    return {"fieldPath": f".{field}"} if nameable else {}


def completed(value: Any, schema: Schema) -> Any:
    """A value with the defaults of the schema, as the API server gives it out: null in a field that
    the schema names is as good as nothing."""
    if isinstance(value, list):
        return [completed(each, schema.get("items", {})) for each in value]
    if not isinstance(value, dict):
        return value
    properties: Schema = schema.get("properties", {})
    defaults = {name: part["default"] for name, part in properties.items() if "default" in part}
    given = {
        name: part for name, part in value.items() if part is not None or name not in properties
    }
    return {
        name: completed(part, properties.get(name, {})) for name, part in (defaults | given).items()
    }


class _Inliner:
    def __init__(
        self, components: Mapping[str, Any], structs: Mapping[str, type[msgspec.Struct]]
    ) -> None:
        self._components = components
        self._structs = structs

    def schema(self, source: Mapping[str, Any]) -> Schema:
        """One schema of msgspec's as Kubernetes wants it."""
        result = dict(source)
        reference = result.pop("$ref", None)
        if reference is not None:
            name = reference.rpartition("/")[2]
            return self._object(name) | result
        if "enum" in result:
            result["type"] = "string"
        if "items" in result:
            result["items"] = self.schema(result["items"])
        if "additionalProperties" in result:
            result["additionalProperties"] = self.schema(result["additionalProperties"])
        return result

    def _object(self, name: str) -> Schema:
        source, struct = self._components[name], self._structs[name]
        defaults, rules = defaults_of(struct), rules_of(struct)
        properties = {field: self.schema(schema) for field, schema in source["properties"].items()}
        for field, default in defaults.items():
            properties[field]["default"] = completed(default, properties[field])
        required = [field for field in source.get("required", ()) if field not in defaults]
        return {
            "description": " ".join(source["description"].split()),
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            **({"x-kubernetes-validations": validations(rules)} if rules else {}),
        }


def _structs_in(struct: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Every type that a type consists of, itself included, by name."""
    found: dict[str, type[msgspec.Struct]] = {}

    def visit(part: Any) -> None:
        if isinstance(part, msgspec.inspect.StructType):
            found[part.cls.__name__] = part.cls
        for name in part.__struct_fields__:
            value = getattr(part, name)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, msgspec.inspect.Type | msgspec.inspect.Field):
                    visit(each)

    visit(msgspec.inspect.type_info(struct))
    return found
