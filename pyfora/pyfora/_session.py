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

from pyfora._capture import Captured
from pyfora._delivery import DeliveryThread
from pyfora._errors import ConnectionError, PyforaError
from pyfora._holdings import Holdings
from pyfora._transport import Transport
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
    #: The cluster, or the loss of it, has ended the job.
    ended: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    #: Takes the job's events; called in the network's thread.
    deliver: Callable[[JobEvent], None] = _ignore

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
        #: Of each object that a remote value stands for: all that it may need, with their sizes.
        self._companions: dict[str, dict[str, int]] = {}
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
            raise _again(self._end)

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
        return Job(message, blobs, objects)

    def launch(self, job: Job, deliver: Callable[[JobEvent], None]) -> None:
        """Send the job and what the cluster lacks of it; waits for uploads only.

        Raises:
            PyforaError: the session is closed.
            ConnectionError: the cluster cannot be reached.
        """
        self.holdings.hold(job.objects, sent=job.blobs.keys())
        try:
            self._supply(job.blobs)
            job.deliver = deliver
            with self._lock:
                if self._end is not None:
                    raise _again(self._end)
                self._jobs[job.submit.job] = job
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
        self.transport.send([CancelJob(job=job.submit.job)])
        return True

    def keep(self, value: object, digest: str, objects: Sequence[Payload]) -> None:
        """Keep these objects in the cluster as long as ``value`` lives, which stands for
        ``digest``; programs that use the value need all of them."""
        self.holdings.hold(objects)
        with self._lock:
            sizes = {each.digest: each.size for each in objects}
            self._companions.setdefault(digest, {}).update(sizes)
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
            if job is not None and not job.cancelled:
                job.deliver(message)

    def on_reconnected(self) -> None:
        """Send again what may have been lost; the manager knows jobs by their ids."""
        self.delivery.put(self._resume)

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
            job.deliver(done)
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
            job.deliver(_again(end))
            job.end()

    def _supply(self, blobs: Mapping[str, Buffer]) -> None:
        # The manager is asked each time: it may have dropped what nobody needed in between, and
        # one small question is nothing beside the objects that it may save.
        if blobs and (missing := self.transport.missing(blobs)):
            self.transport.upload({digest: blobs[digest] for digest in missing})

    def _resume(self) -> None:
        with self._lock:
            jobs = list(self._jobs.values())
        running = [job for job in jobs if not job.cancelled]
        try:
            self._supply({digest: blob for job in running for digest, blob in job.blobs.items()})
        except PyforaError as error:
            self._stop(error)
            return
        self.transport.send([job.submit for job in running])
        self.transport.send([CancelJob(job=job.submit.job) for job in jobs if job.cancelled])

    def _needs_of_remote_values(self, graph: Graph) -> dict[str, int]:
        needs: dict[str, int] = {}
        if self._companions:
            for node in graph.nodes:
                if isinstance(node, Remote):
                    needs |= self._companions.get(node.digest, {node.digest: node.size})
        # Two values may stand for one object, and one of them, with what only it needs, be gone.
        return {digest: size for digest, size in needs.items() if self.holdings.in_use(digest)}

    def _release(self) -> None:
        with self._lock:
            released = self.holdings.surplus(quiet=not self._jobs)
            for digest in released:
                self._companions.pop(digest, None)
        if released and not self.closed:
            self.transport.send([Release(digests=tuple(released))])


def objects_of(done: JobDone) -> list[Payload]:
    """The objects that the cluster keeps for this client because of the job's end."""
    if done.result is not None and done.result.data is None:
        return [*done.objects, done.result]
    return list(done.objects)


def _again(error: PyforaError) -> PyforaError:
    """A copy to raise: a traceback belongs to one raise only."""
    return type(error)(*error.args)
