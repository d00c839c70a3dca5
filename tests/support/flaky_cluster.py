"""A cluster whose link breaks and whose manager restarts whenever a test says so.

It is the real outbox on the client's side, and on the manager's the few rules that clients rely on:
a job is known by its id, and who submits it again hears its output from where they were, and its
end. All of it happens in the thread that calls.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from pyfora._outbox import Outbox
from pyfora._transport import Receiver
from ufora_core.protocol import codec
from ufora_core.protocol.client import (
    CancelJob,
    FromClient,
    JobDone,
    JobOutput,
    Submit,
    ToClient,
)
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.store import Buffer, payload_of


@dataclass
class RunningJob:
    """What the manager knows of a job."""

    printed: str = ""
    #: The client has asked for it on this link.
    listened_to: bool = False
    answer: JobDone | None = None


@dataclass
class FlakyCluster:
    """A ``Transport``, and the cluster behind it."""

    url: str = "http://flaky:30000"
    jobs: dict[str, RunningJob] = field(default_factory=dict)
    #: How often each job was begun.
    runs: Counter[str] = field(default_factory=Counter)
    objects: dict[str, bytes] = field(default_factory=dict)
    #: Jobs that were begun without all that they need.
    starved: list[str] = field(default_factory=list)
    linked: bool = True
    #: Called once by the next question for missing objects, after its answer was found.
    trouble: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._outbox = Outbox()
        self._to_manager: deque[bytes] = deque()
        self._to_client: deque[bytes] = deque()
        self._receiver: Receiver

    # ------------------------------------------------------------------ what the client calls

    def start(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, messages: Sequence[FromClient]) -> None:
        self._outbox.put(messages)

    def missing(self, digests: Iterable[str]) -> list[str]:
        lacking = [each for each in digests if each not in self.objects]
        trouble, self.trouble = self.trouble, lambda: None
        trouble()
        return lacking

    def upload(self, objects: Mapping[str, Buffer]) -> None:
        self.objects |= {digest: bytes(each) for digest, each in objects.items()}

    def download(self, digest: str) -> Future[Buffer]:
        raise AssertionError(f"nobody asked for {digest} in these tests")

    def get_json(self, path: str) -> object:
        raise AssertionError(f"nobody asked for {path} in these tests")

    def close(self) -> None:
        self.linked = False

    # ------------------------------------------------------------------ what the test decides

    def client_sends(self) -> None:
        """Everything that waits in the client goes on its way, or into a broken link."""
        if self.linked:
            self._to_manager.extend(self._outbox.frames())

    def manager_hears(self) -> None:
        """The next frame arrives there."""
        if self._to_manager:
            for message in codec.decode_from_client(self._to_manager.popleft()):
                self._hear(message)

    def client_hears(self) -> None:
        """The next frame arrives here."""
        if self._to_client:
            self._receiver.on_messages(codec.decode_to_client(self._to_client.popleft()))

    def job_prints(self, job: str, text: str) -> None:
        running = self.jobs[job]
        if running.listened_to:
            self._tell(JobOutput(job=job, stream="stdout", text=text, at=len(running.printed)))
        running.printed += text

    def job_ends(self, job: str) -> None:
        self.jobs[job].answer = JobDone(job=job, result=payload_of(b"result of " + job.encode()))
        self._tell_answer(job)

    def link_breaks(self) -> None:
        """What is on its way is lost."""
        self.linked = False
        self._to_manager.clear()
        self._to_client.clear()
        for job in self.jobs.values():
            job.listened_to = False
        self._receiver.on_interrupted()

    def link_is_back(self) -> None:
        self.linked = True
        self._outbox.drop_submits()
        unfinished = self._receiver.unfinished()
        self.upload(unfinished.objects)
        self._outbox.put_first(unfinished.messages)

    @property
    def unfinished(self) -> list[str]:
        """Jobs that have not ended."""
        return [job for job, known in self.jobs.items() if known.answer is None]

    @property
    def quiet(self) -> bool:
        """Nothing is on its way."""
        return not self._to_client and not self._to_manager

    def _hear(self, message: FromClient) -> None:
        if isinstance(message, Submit):
            if message.job not in self.jobs:
                self._begin(message)
            self._say_again(message)
        elif isinstance(message, CancelJob) and message.job in self.unfinished:
            failure = Failure("cancelled", "by its client")
            self.jobs[message.job].answer = JobDone(job=message.job, failure=failure)
            self._tell_answer(message.job)

    def _begin(self, submit: Submit) -> None:
        self.jobs[submit.job] = RunningJob()
        self.runs[submit.job] += 1
        if not {each.digest for each in bulk(submit)} <= self.objects.keys():
            self.starved.append(submit.job)

    def _say_again(self, submit: Submit) -> None:
        printed = self.jobs[submit.job].printed
        self.jobs[submit.job].listened_to = True
        # From somewhat before, as a manager may that keeps whole messages.
        at = max(0, submit.heard - 3)
        if printed[at:]:
            self._tell(JobOutput(job=submit.job, stream="stdout", text=printed[at:], at=at))
        self._tell_answer(submit.job)

    def _tell_answer(self, job: str) -> None:
        answer = self.jobs[job].answer
        if answer is not None and self.jobs[job].listened_to:
            self._tell(answer)

    def _tell(self, message: ToClient) -> None:
        if self.linked:
            self._to_client.append(codec.encode([message]))


def bulk(submit: Submit) -> list[Payload]:
    """The objects that the job needs from the store."""
    return [each for each in (submit.program, *submit.needs) if each.data is None]
