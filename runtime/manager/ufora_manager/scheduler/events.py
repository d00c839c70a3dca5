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


@dataclass(frozen=True, slots=True)
class WorkerHeard:
    """A sign of life."""

    now: float
    worker: str
    idle: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class WorkerHungry:
    """``slots`` of the worker's executors have nothing to do."""

    now: float
    worker: str
    slots: int


@dataclass(frozen=True, slots=True)
class WorkerLeft:
    """A worker said goodbye, and why."""

    now: float
    worker: str
    reason: str


# ---------------------------------------------------------------------------------- roots


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


WorkerEvent = WorkerHeard | WorkerHungry | WorkerLeft
RootEvent = RootProgressed | RootPrinted | RootEnded | RootUnplaced
ClientEvent = SessionConnected | SessionGone | JobSubmitted | JobCancelled | ObjectsReleased
Event = (
    WorkerJoined | WorkerEvent | RootEvent | ClientEvent | ObjectsAnnounced | Tick | ManagerStopping
)
