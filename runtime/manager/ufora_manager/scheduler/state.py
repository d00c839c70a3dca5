"""What the scheduler knows: jobs, workers, sessions and objects, and how they refer to each other.

Only the functions of this package change these records, and only inside ``Scheduler.handle``.
Collections are dicts, never sets: their order is the order of events, so that a log of events
always gives the same commands. They are ``OrderedDict`` where the first entry is taken out again
and again; a plain dict would walk over the gaps. ``invariants`` says in code what the comments
here say in words.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from ufora_core.protocol.client import JobDone
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_manager.errors import EventRefused
from ufora_manager.scheduler.events import RootEnded
from ufora_manager.scheduler.printed import Printed

#: A time that lies before all others.
NEVER = float("-inf")


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


#: A client that is away for longer than this many seconds does not come back: its jobs stop.
AWAY_FOR = 3.0


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
    #: Counts the jobs in the order in which they came.
    number: int = 0
    #: Where the root is, or was; empty before the job is placed, and while it waits once more.
    worker: str = ""
    placed_at: float = 0.0
    #: When the root left for its worker; None: not yet, so it has certainly not begun.
    sent_at: float | None = None
    #: The worker found that nobody could notice if the block ran once more from its beginning.
    repeatable: bool = False
    #: How often it was run again because its worker was lost.
    repeats: int = 0
    #: Roots an executor of the worker had when this one came, itself included; at least 1.
    depth: float = 1.0
    ended_at: float = 0.0
    #: What the client was told at the end, or is told when it comes back after the session is over;
    #: None before.
    answer: JobDone | None = None
    #: ``Session.links`` when the client submitted it, or said so again.
    asked_on: int = 0
    #: What it printed lately.
    printed: Printed = field(default_factory=Printed)
    #: What happened, for error messages: ``(time, sentence)``.
    story: list[tuple[float, str]] = field(default_factory=list)


@dataclass(slots=True)
class RetireOrder:
    """Somebody wants a worker of a certain name to hand over what it holds. The order stands, for
    every process of that name, until it is taken back."""

    since: float
    #: The worker is to end when it is empty.
    exit: bool


@dataclass(slots=True)
class Retirement:
    """How far a worker's process is with handing over what it holds."""

    since: float
    #: The process said itself that it is about to stop.
    leaving: bool
    #: What it still holds by its last word; None until it has spoken.
    roots: int | None = None
    ranges: int = 0
    #: Objects that nobody else has and somebody may ask for: digest -> bytes. None: to be counted.
    left: dict[str, int] | None = None
    #: Those of them that are on their way into the manager's store.
    moving: dict[str, None] = field(default_factory=dict)
    #: When to try again those that could not be moved.
    retry_at: float = 0.0
    #: It was told to end.
    dismissed: bool = False


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
    #: Digests of the objects that it made, and that are still needed.
    made: dict[str, None] = field(default_factory=dict)
    #: Fingerprints of the tokens that it accepts, the one it sends first.
    tokens: tuple[str, ...] = ()
    #: None while it works.
    retirement: Retirement | None = None

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
    #: Seconds that it may be away.
    patience: float = AWAY_FOR
    #: Its jobs that are not forgotten.
    jobs: dict[str, None] = field(default_factory=dict)
    #: Digests of the objects that it may still ask for.
    objects: dict[str, None] = field(default_factory=dict)
    #: How often it connected. On a new link it hears of a job when it has asked for it again and
    #: said what it has heard, and not before: what was lost with the link before goes first.
    links: int = 0


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
    #: The manager's own store has it.
    stored: bool = False
    #: Stays until then although nobody names it: a job that does is on its way.
    kept_until: float = 0.0


@dataclass(slots=True)
class Stray:
    """A root on a worker that belongs to a job which this manager does not know (yet)."""

    worker: str
    #: How it ended, once it has.
    ended: RootEnded | None = None


class Kind(Enum):
    """Kinds of things that the journal keeps."""

    SESSION = "session"
    JOB = "job"
    OBJECT = "object"
    WORKER = "worker"
    ORDER = "order"
    OUTPUT = "output"


@dataclass(slots=True)
class State:
    """Everything the scheduler knows."""

    workers: dict[str, Worker] = field(default_factory=dict)
    #: Workers of the manager before this one that have not come back yet.
    missing: dict[str, Worker] = field(default_factory=dict)
    #: Orders to retire, by name of the worker, whether it is registered or not.
    orders: dict[str, RetireOrder] = field(default_factory=dict)
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
    #: Roots of jobs that nobody has submitted to this manager, by job.
    strays: dict[str, Stray] = field(default_factory=dict)
    #: Until then such roots are kept, since their clients may be about to come back.
    strays_until: float = NEVER
    #: While this is set no root is placed before that time: a worker that is on its way back may
    #: run it already.
    held_until: float | None = None
    #: The earliest time for that, even when all are back: there may be some that nobody expects.
    settled_at: float = NEVER
    #: Answers are kept at least until then.
    answers_until: float = NEVER
    #: Number of the last job that came.
    submitted: int = 0
    #: How many jobs ended in which way.
    outcomes: dict[str, int] = field(default_factory=dict)
    #: Since when no job is unfinished and nobody keeps an object; None while that is not so.
    idle_since: float | None = 0.0
    #: What the journal has not heard of yet; None: there is no journal.
    unsaved: dict[tuple[Kind, str], None] | None = None
    #: Time of the last tick, to notice that the manager itself stood still.
    ticked_at: float | None = None
    #: The wake-up that the driver was asked for last.
    wake_at: float = 0.0
    stopping: bool = False

    def note(self, kind: Kind, key: str) -> None:
        """Something that the journal keeps has changed."""
        if self.unsaved is not None:
            self.unsaved[kind, key] = None

    def note_output(self, job: str, places: Iterable[int]) -> None:
        """Pieces of what a job printed came or went."""
        for at in places:
            self.note(Kind.OUTPUT, f"{job} {at}")

    def registered(self, name: str) -> Worker:
        """The worker of that name; EventRefused when there is none."""
        worker = self.workers.get(name)
        if worker is None:
            raise EventRefused(f"worker {name} is not registered")
        return worker

    def listens(self, job: Job) -> bool:
        """The job's client is told at once what happens to it."""
        return job.asked_on == self.sessions[job.session].links

    def host(self, name: str) -> Worker:
        """The worker that a placed job is on; it may be one that has not come back yet."""
        return self.workers.get(name) or self.missing[name]

    def roots(self, worker: Worker) -> Iterator[Job]:
        """The jobs whose root is on ``worker``, oldest first."""
        for job in worker.roots:
            yield self.jobs[job]
