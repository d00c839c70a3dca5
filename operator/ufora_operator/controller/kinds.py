"""The kinds of objects that the operator works with, and where the API server has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ufora_operator import names

Manifest = dict[str, Any]
"""An object of the API server, or one to be, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and its path: ``apps/v1``, ``StatefulSet``, ``statefulsets``."""

    api_version: str
    name: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def root(self) -> str:
        """Path of the group and version: ``/apis/apps/v1``."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"

    def path(self, namespace: str, name: str = "") -> str:
        """Path of the kind's objects in a namespace, or of one of them."""
        folder = f"{self.root}/namespaces/{namespace}/{self.plural}"
        return f"{folder}/{name}" if name else folder

    def __str__(self) -> str:
        return self.name


class Ref(NamedTuple):
    """An object by where it is."""

    kind: Kind
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """Path on the API server."""
        return self.kind.path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


CLUSTER = Kind(names.API_VERSION, names.KIND, names.PLURAL)
SECRET = Kind("v1", "Secret", "secrets")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
SERVICE = Kind("v1", "Service", "services")
BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps/v1", "StatefulSet", "statefulsets")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
POD = Kind("v1", "Pod", "pods")
EVENT = Kind("events.k8s.io/v1", "Event", "events")
CORE_EVENT = Kind("v1", "Event", "events")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")

#: What a cluster is made of, in the order of creation; pods come from the workloads among them.
CHILDREN = (
    SECRET,
    SERVICE_ACCOUNT,
    NETWORK_POLICY,
    SERVICE,
    BUDGET,
    CLAIM,
    DEPLOYMENT,
    STATEFUL_SET,
    INGRESS,
    ROUTE,
)

#: Read by name, and neither listed nor watched: the operator is to see no Secret but those that it
#: has to do with.
READ_BY_NAME = (SECRET,)

#: Kinds that not every API server has.
OPTIONAL = (ROUTE,)

_BY_NAME = {(kind.api_version, kind.name): kind for kind in (*CHILDREN, CLUSTER, POD, LEASE, EVENT)}


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """The kind of an object. Raises KeyError for one that the operator has nothing to do with."""
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]


def ref_of(manifest: Mapping[str, Any]) -> Ref:
    """Where an object is, or is to be."""
    metadata = manifest["metadata"]
    return Ref(kind_of(manifest), metadata["namespace"], metadata["name"])


def uid_of(manifest: Mapping[str, Any]) -> str:
    """The identity that the API server gave the object; empty before it did."""
    return str(manifest["metadata"].get("uid", ""))


def owned_by(manifest: Mapping[str, Any], uid: str) -> bool:
    """Whether the object's controller is the one with that identity."""
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(each.get("uid") == uid and each.get("controller") for each in references)
