"""The CustomResourceDefinition, made of the types, their defaults and their rules.

``python -m ufora_operator.api.crd`` prints it; ``crds/`` holds what it prints.
"""

from typing import Any

import yaml

from ufora_operator import names
from ufora_operator.api.rules import rules_of
from ufora_operator.api.schema import Schema, completed, schema_of, validations
from ufora_operator.api.spec import Spec, UforaCluster
from ufora_operator.api.status import Status


def crd() -> dict[str, Any]:
    """The CustomResourceDefinition of UforaClusters."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.KIND.lower(),
                "shortNames": ["ufc"],
                "categories": ["all"],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.workers.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "additionalPrinterColumns": _COLUMNS,
                    "schema": {"openAPIV3Schema": resource_schema()},
                }
            ],
        },
    }


def resource_schema() -> Schema:
    """The schema of a whole UforaCluster."""
    spec = schema_of(Spec)
    return {
        "description": "A Ufora cluster: a manager, and workers that run ordinary Python in "
        "parallel.",
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec | {"default": completed({}, spec)},
            "status": schema_of(Status),
        },
        "x-kubernetes-validations": validations(rules_of(UforaCluster)),
    }


def _column(name: str, kind: str, path: str, description: str, priority: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "jsonPath": path,
        "description": description,
        **({"priority": priority} if priority else {}),
    }


_COLUMNS = [
    _column(
        "Manager",
        "string",
        '.status.conditions[?(@.type=="ManagerReady")].status',
        "Whether the manager is ready",
    ),
    _column("Workers", "integer", ".spec.workers.replicas", "Workers that there should be"),
    _column("Ready", "integer", ".status.readyReplicas", "Worker pods that are ready"),
    _column(
        "Registered", "integer", ".status.registeredReplicas", "Workers that the manager can use"
    ),
    _column("Status", "string", ".status.summary", "The state of the cluster"),
    _column("Version", "string", ".status.versions.manager", "Release of the manager"),
    _column("Age", "date", ".metadata.creationTimestamp", "When the cluster was made"),
    _column("Endpoint", "string", ".status.endpoint", "Address of the front end", priority=1),
]


def main() -> None:
    """Print the CustomResourceDefinition."""
    print(text(), end="")


def text() -> str:
    """The CustomResourceDefinition as YAML."""
    return yaml.safe_dump(crd(), sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    main()
