"""What can happen to a cluster. ``now`` counts seconds on one clock that never goes back."""

from dataclasses import dataclass

from ufora_core.protocol.parts import ExecutorUse, Failure, Payload, WorkerAddress

# ---------------------------------------------------------------------------------- workers


@dataclass(frozen=True, slots=True)
class WorkerJoined:
    """A worker said hello: for the first time, after a restart, or after a broken link."""

    now: float
    address: WorkerAddress
    executors: int
    incarnation: str
    python: str = ""
    release: str = ""
    #: Jobs whose root runs there.
    roots: tuple[str, ...] = ()
    #: Fingerprints of the tokens that it accepts.
    tokens: tuple[str, ...] = ()
    #: It is about to stop.
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class WorkerHeard:
    """A sign of life."""

    now: float
    worker: str
    idle: int
    memory_bytes: int
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerHungry:
    """``slots`` of the worker's executors have nothing to do."""

    now: float
    worker: str
    slots: int


@dataclass(frozen=True, slots=True)
class WorkerLeaving:
    """A worker is about to stop, and wants to hand over what it holds before."""

    now: float
    worker: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerHolds:
    """What a retiring worker still has to finish or to hand over."""

    now: float
    worker: str
    roots: int
    ranges: int


@dataclass(frozen=True, slots=True)
class WorkerLeft:
    """A worker said goodbye, and why."""

    now: float
    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class ObjectsRescued:
    """Objects of a retiring worker are in the manager's store now."""

    now: float
    worker: str
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RescueFailed:
    """An object of a retiring worker could not be brought here. ``gone``: the worker says that it
    does not have it."""

    now: float
    worker: str
    digest: str
    gone: bool


# ---------------------------------------------------------------------------------- roots


@dataclass(frozen=True, slots=True)
class RootSent:
    """Everything that a root needs is at its worker, and the root itself is on its way there."""

    now: float
    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class RootStarted:
    """A root has been running for a while; ``repeatable``: it may be run again if it dies."""

    now: float
    worker: str
    job: str
    repeatable: bool


@dataclass(frozen=True, slots=True)
class RootReturned:
    """A worker gives back a root that it has not begun."""

    now: float
    worker: str
    job: str


@dataclass(frozen=True, slots=True)
class RootProgressed:
    """A root got on with its outermost loop."""

    now: float
    worker: str
    job: str
    items_done: int
    items_total: int
    executors: int


@dataclass(frozen=True, slots=True)
class RootPrinted:
    """A root printed; ``stream`` is ``stdout`` or ``stderr``."""

    now: float
    worker: str
    job: str
    stream: str
    text: str
    #: Characters that it printed before.
    at: int | None = None


@dataclass(frozen=True, slots=True)
class RootEnded:
    """A root ended on its worker, with a result or with a failure."""

    now: float
    worker: str
    job: str
    result: Payload | None = None
    objects: tuple[Payload, ...] = ()
    failure: Failure | None = None
    use: tuple[ExecutorUse, ...] = ()


@dataclass(frozen=True, slots=True)
class RootUnplaced:
    """A root never reached its worker: what it needs could not be brought there."""

    now: float
    worker: str
    job: str
    failure: Failure


# ---------------------------------------------------------------------------------- clients


@dataclass(frozen=True, slots=True)
class SessionConnected:
    """A client is there, for the first time or again."""

    now: float
    session: str
    #: Seconds within which it comes back whenever its link breaks; None: it did not say.
    returns_within: float | None = None


@dataclass(frozen=True, slots=True)
class SessionGone:
    """A client's link broke; it may come back."""

    now: float
    session: str


@dataclass(frozen=True, slots=True)
class JobSubmitted:
    """A client wants a program to run. The same job twice runs once."""

    now: float
    session: str
    job: str
    program: Payload
    needs: tuple[Payload, ...] = ()
    title: str = ""
    #: Characters of its output that the client has, when it says this again.
    heard: int = 0


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """A client no longer wants a job."""

    now: float
    session: str
    job: str


@dataclass(frozen=True, slots=True)
class ObjectsReleased:
    """A client has no more use for these objects."""

    now: float
    session: str
    digests: tuple[str, ...]


# ---------------------------------------------------------------------------------- the rest


@dataclass(frozen=True, slots=True)
class RetireOrdered:
    """The worker of this name, registered or not, is to hand over what it holds, and to end when
    it is empty if ``exit`` is set."""

    now: float
    worker: str
    exit: bool


@dataclass(frozen=True, slots=True)
class RetireTakenBack:
    """The worker of this name is to work as before."""

    now: float
    worker: str


@dataclass(frozen=True, slots=True)
class ObjectsAnnounced:
    """Objects are in the manager's store, and somebody is about to submit a job with them."""

    now: float
    objects: tuple[Payload, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""

    now: float


@dataclass(frozen=True, slots=True)
class ManagerStopping:
    """The manager is about to end: every job ends with it."""

    now: float


WorkerEvent = WorkerJoined | WorkerHeard | WorkerHungry | WorkerLeft
RootEvent = (
    RootSent | RootStarted | RootReturned | RootProgressed | RootPrinted | RootEnded | RootUnplaced
)
ClientEvent = SessionConnected | SessionGone | JobSubmitted | JobCancelled | ObjectsReleased
RetirementEvent = (
    RetireOrdered | RetireTakenBack | WorkerLeaving | WorkerHolds | ObjectsRescued | RescueFailed
)
Event = (
    WorkerEvent
    | RootEvent
    | ClientEvent
    | RetirementEvent
    | ObjectsAnnounced
    | Tick
    | ManagerStopping
)
