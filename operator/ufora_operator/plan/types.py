"""The shape of a decision. It is made anew at every look, and nothing is remembered but what the
status, the Secret and the manager hold."""

from dataclasses import dataclass
from typing import Literal

from ufora_operator.observed import Tokens


@dataclass(frozen=True, slots=True)
class Notice:
    """An Event for people: posted once for the same words."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why something that the spec wants does not happen yet: a CamelCase reason and a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """Workers on their way to a new pod template."""

    outdated: tuple[str, ...]
    #: Pods that are new or being replaced and not well yet.
    waiting_for: tuple[str, ...] = ()
    stalled: Blocked | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """Where the change from one token to the next stands."""

    #: ``Stable``: one token. ``Distributing``: the next one is handed out, and accepted by
    #: whoever has it. ``Switching``: the next one is used, and the former one still accepted.
    phase: Literal["Stable", "Distributing", "Switching"]
    #: Value of ``spec.auth.rotation`` that the Secret's token was made for.
    rotation: str
    #: Processes that do not report yet what the next phase needs.
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DoomedPod:
    """A pod to delete, only if it is still this very one."""

    name: str
    uid: str
    why: str
    #: Kill it although it still holds work (``onTimeout: Force``).
    force: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to bring about now."""

    #: ``spec.replicas`` of the StatefulSet and of the Deployment.
    worker_replicas: int
    manager_replicas: int
    #: Why nothing at all may be applied, ordered or deleted now; only the status is written.
    halted: Blocked | None = None
    #: What the token Secret is to hold; None: it is not ours, or there is no token.
    tokens: Tokens | None = None
    rotation: Rotation | None = None
    #: Workers to order to retire (``exit: false``, since their pod's end is theirs: one that ended
    #: by itself would be started again), and orders to take back. Whoever sends one marks the
    #: report that he has as overtaken, and one that is being asked for, too.
    retire: tuple[str, ...] = ()
    unretire: tuple[str, ...] = ()
    #: Workers that are let go although they hold work (``onTimeout: Force``).
    forced: tuple[str, ...] = ()
    delete_pods: tuple[DoomedPod, ...] = ()
    #: A scale-down that waits, and for what.
    scale_down: Blocked | None = None
    rollout: Rollout | None = None
    #: Suspended by the spec or by idleness: ``suspending`` until the last worker is gone.
    suspended: Literal["", "suspending", "suspended"] = ""
    #: What the manager still waits for before it is stopped, too.
    suspension: Blocked | None = None
    #: Suspended by ``spec.idle``, not by the user.
    by_idleness: bool = False
    #: Idle for so long that ``spec.idle.action: Delete`` deletes the UforaCluster.
    delete_cluster: bool = False
    notices: tuple[Notice, ...] = ()
    #: Look again after so many seconds, even if nothing happens.
    again_after: float | None = None
