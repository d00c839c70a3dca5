"""What all objects of a cluster have in common: a name, labels, and the UforaCluster as owner."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from ufora_operator import names
from ufora_operator.api.spec import UforaCluster
from ufora_operator.names import Component

Manifest = dict[str, Any]
"""An object of the API server, or a part of one."""


def owned(
    cluster: UforaCluster,
    api_version: str,
    kind: str,
    name: str,
    component: Component | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The head of an object. Its owner is the UforaCluster, so it goes when that goes, whether or
    not an operator runs."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": cluster.namespace,
            "labels": names.labels(cluster.name, component),
            **present({"annotations": dict(annotations or {})}),
            "ownerReferences": [
                {
                    "apiVersion": names.API_VERSION,
                    "kind": names.KIND,
                    "name": cluster.name,
                    "uid": cluster.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
    }


def present(fields: Manifest) -> Manifest:
    """The fields that were given and are not empty."""
    return {
        name: value
        for name, value in fields.items()
        if value is not UNSET and value not in ("", (), [], {})
    }


def plain(manifest: Manifest) -> Manifest:
    """The manifest in new dicts and lists, as JSON has it; builders put parts of specs into it."""
    copied: Manifest = msgspec.json.decode(msgspec.json.encode(manifest))
    return copied


def pods_of(cluster: UforaCluster, component: Component) -> Manifest:
    """The selector of a component's pods."""
    return {"matchLabels": names.selector(cluster.name, component)}
