"""What the scheduler knows: jobs, workers, sessions and objects, and how they refer to each other.

Only the functions of this package change these records, and only inside ``Scheduler.handle``.
Collections are dicts, never sets: their order is the order of events, so that a log of events
always gives the same commands. They are ``OrderedDict`` where the first entry is taken out again
and again; a plain dict would walk over the gaps. ``invariants`` says in code what the comments
here say in words.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload, WorkerAddress


class JobState(Enum):
    """Where a job is in its life; ``transitions.TRANSITIONS`` says what may follow what."""

    WAITING = "waiting"
    PLACED = "placed"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True when the job has its answer and nothing more will happen to it."""
        return self not in (JobState.WAITING, JobState.PLACED)


@dataclass(slots=True)
class Job:
    """A program in the cluster."""

    id: str
    session: str
    title: str
    #: None once the job has ended: nobody will run it again.
    program: Payload | None
    needs: tuple[Payload, ...]
    submitted_at: float
    state: JobState = JobState.WAITING
    #: Where the root is, or was; empty before the job is placed.
    worker: str = ""
    placed_at: float = 0.0
    #: Roots an executor of the worker had when this one came, itself included; at least 1.
    depth: float = 1.0
    ended_at: float = 0.0
    #: What the client was told at the end; None before, and again when the session is over.
    answer: JobDone | None = None
    #: What happened, for error messages: ``(time, sentence)``.
    story: list[tuple[float, str]] = field(default_factory=list)


@dataclass(slots=True)
class Worker:
    """A supervisor and its executors."""

    address: WorkerAddress
    executors: int
    incarnation: str
    python: str
    release: str
    joined_at: float
    heard_at: float
    idle: int = 0
    memory_bytes: int = 0
    #: Executors without work, by the worker's last word.
    hungry: int = 0
    #: Names in the last ``WorkAt``; None when it was told nothing since it became hungry.
    told: tuple[str, ...] | None = None
    #: Placed jobs whose root is here, oldest first.
    roots: dict[str, None] = field(default_factory=dict)
    #: How long roots take here, lately, in seconds; None before the first one ended.
    pace: float | None = None

    @property
    def name(self) -> str:
        """The name that everybody uses for it."""
        return self.address.name


@dataclass(slots=True)
class Session:
    """A client, from its first connection until it stays away."""

    id: str
    #: When its link broke; None while it is connected.
    gone_at: float | None = None
    #: Its jobs that are not forgotten.
    jobs: dict[str, None] = field(default_factory=dict)
    #: Digests of the objects that it may still ask for.
    objects: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class StoredObject:
    """An object of the store. It is deleted when nobody needs it any more."""

    digest: str
    size: int
    #: Sessions that may still ask for it.
    sessions: dict[str, None] = field(default_factory=dict)
    #: Jobs not ended that need it.
    jobs: dict[str, None] = field(default_factory=dict)
    #: Workers that made it, which therefore have it.
    workers: dict[str, None] = field(default_factory=dict)
    #: Stays until then although nobody names it: a job that does is on its way.
    kept_until: float = 0.0


@dataclass(slots=True)
class State:
    """Everything the scheduler knows."""

    workers: dict[str, Worker] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    #: Jobs in state WAITING, in the order in which they came.
    waiting: OrderedDict[str, None] = field(default_factory=OrderedDict)
    #: Ended jobs of living sessions, in the order in which they ended, until they are forgotten.
    ended: OrderedDict[str, None] = field(default_factory=OrderedDict)
    #: Jobs of sessions that are over: the time of that. Their ids are kept for long, so that a
    #: client that was away does not run them a second time.
    orphaned: OrderedDict[str, float] = field(default_factory=OrderedDict)
    #: Objects with a ``kept_until``, the next one to expire first.
    announced: OrderedDict[str, None] = field(default_factory=OrderedDict)
    #: Time of the last tick, to notice that the manager itself stood still.
    ticked_at: float | None = None
    #: The wake-up that the driver was asked for last.
    wake_at: float = 0.0
    stopping: bool = False

    def roots(self, worker: Worker) -> Iterator[Job]:
        """The jobs whose root is on ``worker``, oldest first."""
        for job in worker.roots:
            yield self.jobs[job]
