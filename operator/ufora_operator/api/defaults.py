"""The one table of defaults, by type and by the field's name in YAML.

They stand in the CRD, so the API server fills them in and ``kubectl get -o yaml`` shows what holds.
An object in an object defaults to ``{}``, so that its own defaults are reached: a UforaCluster
without a ``spec`` comes out complete.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ufora_operator import __version__
from ufora_operator.api.pods import Metadata, PodOptions
from ufora_operator.api.spec import (
    Auth,
    Drain,
    Idle,
    IngressOptions,
    ManagerSpec,
    Network,
    RollingUpdate,
    RouteOptions,
    ServiceOptions,
    Spec,
    WorkersSpec,
)

_DEFAULTS: Mapping[type[msgspec.Struct], Mapping[str, Any]] = {
    Spec: {
        "image": f"ufora/manager:{__version__}",
        "imagePullSecrets": [],
        "manager": {},
        "workers": {},
        "auth": {},
        "network": {},
        "service": {},
        "suspend": False,
        "idle": {},
    },
    PodOptions: {
        "env": [],
        "nodeSelector": {},
        "tolerations": [],
        "topologySpreadConstraints": [],
        "podMetadata": {},
        "storage": {},
    },
    Metadata: {"labels": {}, "annotations": {}},
    ManagerSpec: {"runsWorker": False, "webPort": 30000},
    WorkersSpec: {"replicas": 1, "basePort": 30009, "drain": {}, "rollingUpdate": {}},
    Drain: {"timeoutSeconds": 600, "onTimeout": "Wait"},
    RollingUpdate: {"maxUnavailable": 1},
    Auth: {"enabled": True},
    Network: {"policies": True, "allowFrom": [], "metricsFrom": [], "extraEgress": []},
    ServiceOptions: {"type": "ClusterIP", "annotations": {}},
    IngressOptions: {"annotations": {}},
    RouteOptions: {"hostnames": []},
    Idle: {"action": "None", "timeoutSeconds": 3600},
}


def defaults_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The defaults of a type's fields, its parents' included; a field without one is missing."""
    found: dict[str, Any] = {}
    for parent in reversed(struct.__mro__):
        found |= _DEFAULTS.get(parent, {})
    return found
