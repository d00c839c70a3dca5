"""What is in Kubernetes for one UforaCluster: small projections, since thousands are in memory.

``controller`` fills them from the API server's objects; ``plan`` and ``status`` read them.
"""

from dataclasses import dataclass, field

from ufora_operator.names import Component


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod is not ready, in Kubernetes' own words (``ImagePullBackOff``, the message)."""

    reason: str
    message: str
    #: Of the container's last end, where it had one (a crash loop).
    exit_code: int | None = None
    #: What it said at that end: its termination message, or its last line of output.
    last_words: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the cluster."""

    name: str
    uid: str
    component: Component
    created: float
    phase: str
    ready: bool
    #: Its template, as the StatefulSet's or ReplicaSet's hash.
    revision: str
    terminating: bool = False
    #: -1 for the manager's.
    ordinal: int = -1
    restarts: int = 0
    node: str = ""
    #: The worst of its containers and conditions; None while nothing is wrong.
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """The manager's Deployment or the workers' StatefulSet."""

    uid: str
    #: ``spec.replicas``.
    replicas: int
    generation: int
    observed_generation: int
    ready: int
    #: Revision that new pods get (StatefulSet only).
    update_revision: str = ""
    #: A condition or Event that says why pods cannot be made (quota, forbidden).
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token Secret holds."""

    token: str = ""
    second: str = ""
    #: Value of ``spec.auth.rotation`` that the token was made for.
    rotation: str = ""
    #: The second token is the one that comes next. Without this it is the one that was before:
    #: the two look alike, and only the Secret itself survives a crash between two steps.
    second_is_next: bool = False
    #: The Secret exists.
    exists: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything of one cluster at one moment."""

    manager: Workload | None = None
    workers: Workload | None = None
    pods: tuple[Pod, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    #: Objects with a name that we need and an owner that is not us: ``Service demo-manager``.
    foreign: tuple[str, ...] = ()
    #: Claims that are not bound, and why.
    claims: tuple[Trouble, ...] = ()
    #: ``status`` as it was written last.
    status: dict[str, object] = field(default_factory=dict)
    #: The namespace is being deleted: nothing can be made in it.
    namespace_terminating: bool = False

    def workers_pods(self) -> list[Pod]:
        """The workers' pods by ordinal."""
        found = [pod for pod in self.pods if pod.component == "worker"]
        return sorted(found, key=lambda pod: pod.ordinal)
