"""One client's dealings with one cluster: the jobs in flight, and what becomes of their messages.

Three threads meet here. The caller's captures, uploads and submits. The network's thread looks up
a message's job and passes the message on, at once. Results come to blocks in the thread that waits
for them, and to futures in the delivery thread.
"""

import itertools
import os
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from pyfora._capture import Captured
from pyfora._delivery import DeliveryThread
from pyfora._errors import ConnectionError, PyforaError, again
from pyfora._holdings import Holdings
from pyfora._transport import Transport, Unfinished
from ufora_core import program
from ufora_core.protocol.client import (
    CancelJob,
    JobDone,
    JobOutput,
    JobProgress,
    Release,
    Submit,
    ToClient,
)
from ufora_core.protocol.parts import Payload
from ufora_core.store import Buffer, payload_of
from ufora_core.values.nodes import Graph, Remote

#: What happens to a job, in order; the last is JobDone, or the error that ended the connection.
JobEvent = JobProgress | JobOutput | JobDone | PyforaError


def _ignore(event: JobEvent) -> None:
    """Nobody waits for the job (any more)."""


@dataclass(eq=False, slots=True)
class Job:
    """A program that the cluster runs for this client."""

    submit: Submit
    #: What the program needs beside the message, kept to send it again after a broken connection.
    blobs: Mapping[str, Buffer]
    #: What the cluster keeps for the job as long as it runs.
    objects: Sequence[Payload]
    #: The job has ended, or nobody can tell whether it has: the cluster is out of reach.
    ended: threading.Event = field(default_factory=threading.Event)
    #: The remote values that the program uses, as people see them.
    remote_values: Sequence[str] = ()
    cancelled: bool = False
    #: Characters of its output that have arrived.
    heard: int = 0
    #: Takes the job's events; called in the network's thread.
    deliver: Callable[[JobEvent], None] = _ignore

    def fresh(self, output: JobOutput) -> JobOutput | None:
        """The part of the output that has not arrived before."""
        at = self.heard if output.at is None else output.at
        known = self.heard - at
        self.heard = max(self.heard, at + len(output.text))
        if known <= 0:
            return output
        return replace(output, text=output.text[known:]) if known < len(output.text) else None

    def end(self) -> None:
        """The last event was delivered. A future may outlive its job for long, and must not keep
        alive what the job was made of."""
        self.deliver = _ignore
        self.blobs = {}
        self.ended.set()


class Session:
    """Open from ``start`` until ``close``; implements the transport's ``Receiver``."""

    def __init__(self, transport: Transport, on_close: Callable[[], None] = lambda: None) -> None:
        """``on_close`` is called once, after the link is closed."""
        self.transport = transport
        self.holdings = Holdings()
        self._on_close = on_close
        self._process = os.getpid()
        self._lock = threading.Lock()
        #: Names of jobs: nobody else draws this prefix, and drawing one for each job takes longer
        #: than the rest of sending it.
        self._prefix = uuid.uuid4().hex
        self._numbers = itertools.count(1)
        self._jobs: dict[str, Job] = {}
        self._end: PyforaError | None = None
        #: The link is broken and being made anew; and how often it was.
        self._interrupted = False
        self._interruptions = 0
        #: Of each object that a remote value stands for: all that it may need, with their sizes.
        self._companions: dict[str, dict[str, int]] = {}
        #: And what people see of the value.
        self._texts: dict[str, str] = {}
        self.delivery = DeliveryThread(self._release)

    def start(self) -> None:
        """Connect; see ``Transport.start``."""
        try:
            self.transport.start(self)
        except BaseException:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """True after ``close``, and after the cluster was lost."""
        return self._end is not None

    def check(self) -> None:
        """Raises PyforaError when the session cannot be used, or not in this process."""
        if os.getpid() != self._process:
            raise PyforaError(
                f"the connection to {self.transport.url} belongs to process {self._process}, and "
                "this is a fork of it; call pyfora.connect() in this process"
            )
        if self._end is not None:
            raise again(self._end)

    # ------------------------------------------------------------------ jobs

    def prepare(self, captured: Captured, title: str) -> Job:
        """The job that ``launch`` starts.

        Raises:
            PyforaError: the session is closed.
        """
        self.check()
        data = program.encode(captured.program)
        payload = payload_of(data)
        blobs: dict[str, Buffer] = dict(captured.blobs)
        needs = {digest: memoryview(each).nbytes for digest, each in blobs.items()}
        needs |= self._needs_of_remote_values(captured.program.graph)
        if payload.data is None:
            blobs[payload.digest] = data
        message = Submit(
            job=f"{self._prefix}-{next(self._numbers)}",
            program=payload,
            needs=tuple(Payload(digest, size) for digest, size in needs.items()),
            title=title,
        )
        objects = [each for each in (payload, *message.needs) if each.data is None]
        return Job(message, blobs, objects, remote_values=self._remote_values(captured))

    def launch(self, job: Job, deliver: Callable[[JobEvent], None]) -> None:
        """Send the job and what the cluster lacks of it; waits for uploads only.

        Raises:
            PyforaError: the session is closed.
            ConnectionError: the cluster cannot be reached.
        """
        self.holdings.hold(job.objects, sent=job.blobs.keys())
        try:
            job.deliver = deliver
            while not self._registered(job):
                pass
        except BaseException:
            self.let_go(job.objects)
            raise
        self.transport.send([job.submit])

    def cancel(self, job: Job) -> bool:
        """Stop the job on the workers; no event of it is delivered any more. False when it is not
        in flight, or is being stopped already."""
        with self._lock:
            if job.submit.job not in self._jobs or job.cancelled:
                return False
            job.cancelled = True
            if self._interrupted:
                job.ended.set()
        self.transport.send([CancelJob(job=job.submit.job)])
        return True

    def keep(self, value: object, digest: str, objects: Sequence[Payload]) -> None:
        """Keep these objects in the cluster as long as ``value`` lives, which stands for
        ``digest``; programs that use the value need all of them."""
        self.holdings.hold(objects)
        with self._lock:
            sizes = {each.digest: each.size for each in objects}
            self._companions.setdefault(digest, {}).update(sizes)
            self._texts[digest] = repr(value)
        weakref.finalize(value, self.let_go, objects).atexit = False

    def let_go(self, objects: Iterable[Payload]) -> None:
        """One value less needs these objects; the cluster hears of it later. Safe in finalizers."""
        self.delivery.put(partial(self.holdings.drop, objects))

    def close(self) -> None:
        """Stop what still runs and end the connection; what waits for a job gets an error."""
        if os.getpid() != self._process:
            return  # the threads and the socket are the parent's
        self._stop(
            PyforaError(
                f"the connection to {self.transport.url} was closed by this program; "
                "call pyfora.connect() again"
            )
        )
        self.transport.close()
        self.delivery.stop()
        on_close, self._on_close = self._on_close, lambda: None
        on_close()

    # ------------------------------------------------------------------ from the transport

    def on_messages(self, messages: Sequence[ToClient]) -> None:
        """Pass each message to its job."""
        for message in messages:
            if isinstance(message, JobDone):
                self._on_done(message)
                continue
            with self._lock:
                job = self._jobs.get(message.job)
            if job is None or job.cancelled:
                continue
            event = job.fresh(message) if isinstance(message, JobOutput) else message
            if event is not None:
                job.deliver(event)

    def on_interrupted(self) -> None:
        """Nobody is to wait until a job has stopped while the cluster cannot be told."""
        with self._lock:
            self._interrupted = True
            self._interruptions += 1
            stopping = [job for job in self._jobs.values() if job.cancelled]
        for job in stopping:
            job.ended.set()

    def unfinished(self) -> Unfinished:
        """All jobs in flight: the manager knows them by their ids, and says their ends again.
        Those that were cancelled are over for this client, whatever the cluster knows of them."""
        with self._lock:
            self._interrupted = False
            running = [job for job in self._jobs.values() if not job.cancelled]
            stopped = [job for job in self._jobs.values() if job.cancelled]
            self._jobs = {job.submit.job: job for job in running}
        for job in stopped:
            job.end()
            self.let_go(job.objects)
        return Unfinished(
            objects={digest: blob for job in running for digest, blob in job.blobs.items()},
            messages=[
                *(replace(job.submit, heard=job.heard) for job in running),
                *(CancelJob(job=job.submit.job) for job in stopped),
            ],
        )

    def in_flight(self) -> int:
        """Number of jobs whose end somebody waits for."""
        with self._lock:
            return sum(not job.cancelled for job in self._jobs.values())

    def on_lost(self, error: ConnectionError) -> None:
        """Nothing more will come: everything that waits fails with ``error``."""
        self._stop(error)

    # ------------------------------------------------------------------ within

    def _on_done(self, done: JobDone) -> None:
        with self._lock:
            job = self._jobs.pop(done.job, None)
        self.holdings.hold(objects_of(done))
        if job is None or job.cancelled:
            self.let_go(objects_of(done))
        else:
            job.deliver(_with_names(done, job.remote_values))
        if job is not None:
            job.end()
            self.let_go(job.objects)

    def _stop(self, end: PyforaError) -> None:
        with self._lock:
            if self._end is not None:
                return
            self._end = end
            jobs = list(self._jobs.values())
            self._jobs.clear()
        if jobs and not isinstance(end, ConnectionError):
            self.transport.send([CancelJob(job=each.submit.job) for each in jobs])
        for job in jobs:
            job.deliver(again(end))
            job.end()

    def _registered(self, job: Job) -> bool:
        """Give the cluster what it lacks, and count the job to those in flight; False when that
        has to be done anew, since the link broke meanwhile: the cluster may have lost it all."""
        interruptions = self._interruptions
        self._supply(job.blobs)
        with self._lock:
            if self._end is not None:
                raise again(self._end)
            if interruptions != self._interruptions:
                return False
            self._jobs[job.submit.job] = job
        return True

    def _supply(self, blobs: Mapping[str, Buffer]) -> None:
        # The manager is asked each time: it may have dropped what nobody needed in between, and
        # one small question is nothing beside the objects that it may save.
        if blobs and (missing := self.transport.missing(blobs)):
            self.transport.upload({digest: blobs[digest] for digest in missing})

    def _needs_of_remote_values(self, graph: Graph) -> dict[str, int]:
        needs: dict[str, int] = {}
        if self._companions:
            for node in graph.nodes:
                if isinstance(node, Remote):
                    needs |= self._companions.get(node.digest, {node.digest: node.size})
        # Two values may stand for one object, and one of them, with what only it needs, be gone.
        return {digest: size for digest, size in needs.items() if self.holdings.in_use(digest)}

    def _remote_values(self, captured: Captured) -> list[str]:
        nodes = captured.program.graph.nodes if self._texts else []
        used = (node.digest for node in nodes if isinstance(node, Remote))
        return [self._texts[digest] for digest in used if digest in self._texts]

    def _release(self) -> None:
        with self._lock:
            released = self.holdings.surplus(quiet=not self._jobs)
            for digest in released:
                self._companions.pop(digest, None)
                self._texts.pop(digest, None)
        if released and not self.closed:
            self.transport.send([Release(digests=tuple(released))])


def _with_names(done: JobDone, remote_values: Sequence[str]) -> JobDone:
    """An object that the cluster has lost is a number to people; what it was part of has a name."""
    failure = done.failure
    if failure is None or failure.reason != "missing-object" or not remote_values:
        return done
    message = (
        f"{failure.message}; the cluster does not have all of what it kept of "
        f"{' and '.join(remote_values)} any more: make it anew, by define() or by the block or "
        "call that it came from"
    )
    return replace(done, failure=replace(failure, message=message))


def objects_of(done: JobDone) -> list[Payload]:
    """The objects that the cluster keeps for this client because of the job's end."""
    if done.result is not None and done.result.data is None:
        return [*done.objects, done.result]
    return list(done.objects)
