"""``podPatch``: a JSON merge patch (RFC 7386) that merges the usual lists of a pod by name.

An object is merged field by field, null removes a field, and any other value replaces what was
there. Of the lists in ``_KEYS`` an item changes the one with the same key, or is added; every other
list is replaced.
"""

from typing import Any

#: What tells the items of a list apart.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "env": "name",
    "ports": "name",
    "volumeMounts": "mountPath",
}


def merged(target: Any, patch: Any, field: str = "") -> Any:
    """``target`` with the changes of ``patch``; neither is changed. ``field`` is the name under
    which they stand."""
    if isinstance(patch, dict):
        return _merged_object(target if isinstance(target, dict) else {}, patch)
    if isinstance(patch, list) and field in _KEYS:
        return _merged_list(target if isinstance(target, list) else [], patch, _KEYS[field])
    return patch


def _merged_object(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    result = {name: value for name, value in target.items() if name not in patch}
    for name, change in patch.items():
        if change is not None:
            result[name] = merged(target.get(name), change, name)
    return result


def _merged_list(target: list[Any], patch: list[Any], key: str) -> list[Any]:
    changes = {item[key]: item for item in patch if key in item}
    kept = {item.get(key) for item in target}
    return [
        *(merged(item, changes.get(item.get(key), {})) for item in target),
        *(merged({}, item) for item in patch if item.get(key) not in kept),
    ]
