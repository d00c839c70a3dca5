"""A transport that stays in this process, for tests of programs that use pyfora.

It plays the part that an HTTP library's mock transport plays: everything is captured, encoded,
decoded and landed as with a real cluster, but what runs the programs is a function of the test's::

    def run(program: bytes, objects: MutableMapping[str, bytes]) -> Result: ...

    with pyfora.testing.connect(run) as cluster:
        assert cluster.submit(pow, 2, 10).result() == 1024
"""

import threading
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from queue import SimpleQueue

from pyfora._cluster import Cluster
from pyfora._errors import ConnectionError
from pyfora._transport import Receiver
from ufora_core import program
from ufora_core.program import Result
from ufora_core.protocol.client import CancelJob, FromClient, JobDone, Release, Submit, ToClient
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.store import Buffer, payload_of

#: Runs an encoded ``Program``. The second argument holds the bytes of every object by its digest;
#: the function reads a program's blobs there, and adds those of its result.
Run = Callable[[bytes, MutableMapping[str, bytes]], Result]


def connect(run: Run) -> Cluster:
    """A cluster whose programs ``run`` executes, one after the other, in a thread."""
    return Cluster(LocalTransport(run))


class LocalTransport:
    """A ``Transport`` without a network."""

    def __init__(self, run: Run) -> None:
        self.objects: dict[str, bytes] = {}
        #: Every message that the client sent, in order.
        self.sent: list[FromClient] = []
        self._run = run
        self._tasks: SimpleQueue[Submit | None] = SimpleQueue()
        self._cancelled: set[str] = set()
        self._receiver: Receiver | None = None
        self._thread = threading.Thread(target=self._work, name="pyfora-testing", daemon=True)

    @property
    def url(self) -> str:
        """A name for messages."""
        return "this process"

    def start(self, receiver: Receiver) -> None:
        """Report to ``receiver`` from now on."""
        self._receiver = receiver
        self._thread.start()

    def send(self, messages: Sequence[FromClient]) -> None:
        """Queue the jobs, do the rest at once."""
        for message in messages:
            self.sent.append(message)
            if isinstance(message, Submit):
                self._tasks.put(message)
            elif isinstance(message, CancelJob):
                self._cancelled.add(message.job)
            elif isinstance(message, Release):
                for digest in message.digests:
                    self.objects.pop(digest, None)

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Those of the objects that were not uploaded yet."""
        return [each for each in digests if each not in self.objects]

    def upload(self, objects: Mapping[str, Buffer]) -> None:
        """Copy the objects."""
        self.objects.update((digest, bytes(each)) for digest, each in objects.items())

    def download(self, digest: str) -> Future[Buffer]:
        """A copy of an object."""
        future: Future[Buffer] = Future()
        if digest in self.objects:
            future.set_result(bytearray(self.objects[digest]))
        else:
            future.set_exception(ConnectionError(f"object {digest[:12]} is not in {self.url}"))
        return future

    def get_json(self, path: str) -> object:
        """One worker, with one core."""
        return {"workers": [{"name": "this process", "executors": 1}], "jobs": []}

    def close(self) -> None:
        """Finish the job that runs, and end the thread."""
        self._tasks.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        while (submit := self._tasks.get()) is not None:
            self._report(self._done(submit))

    def _done(self, submit: Submit) -> JobDone:
        if submit.job in self._cancelled:
            return _failed(submit, "cancelled", "the job was cancelled before it started")
        data = submit.program.data
        known = set(self.objects)
        try:
            result = self._run(
                self.objects[submit.program.digest] if data is None else data, self.objects
            )
        except Exception as error:
            return _failed(submit, "internal", f"the test's run function raised {error!r}")
        encoded = program.encode(result)
        payload = payload_of(encoded)
        if payload.data is None:
            self.objects[payload.digest] = encoded
        new = [digest for digest in self.objects if digest not in known]
        objects = tuple(Payload(digest, len(self.objects[digest])) for digest in new)
        return JobDone(job=submit.job, result=payload, objects=objects, use=result.use)

    def _report(self, message: ToClient) -> None:
        if self._receiver is not None:
            self._receiver.on_messages([message])


def _failed(submit: Submit, reason: str, message: str) -> JobDone:
    return JobDone(job=submit.job, failure=Failure(reason, message))
