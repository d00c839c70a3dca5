"""A transport whose other side is the test itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future

from pyfora._errors import LostObject
from pyfora._transport import Receiver
from ufora_core import program
from ufora_core.program import Result
from ufora_core.protocol.client import FromClient, JobDone, Submit, ToClient
from ufora_core.protocol.parts import Payload
from ufora_core.store import Buffer, payload_of
from ufora_core.values.nodes import Graph, Item


class ScriptedTransport:
    """Remembers what is sent; ``reply`` answers each message, in the sender's thread."""

    url = "http://cluster:30000"

    def __init__(self, reply: Callable[[FromClient], Sequence[ToClient]] = lambda _: ()) -> None:
        self.reply = reply
        self.sent: list[FromClient] = []
        self.uploaded: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.facts: object = {"workers": [{"name": "a"}, {"name": "b"}]}
        self.refusal: Exception | None = None
        self.closed = 0
        self.receiver: Receiver

    def start(self, receiver: Receiver) -> None:
        self.receiver = receiver
        if self.refusal is not None:
            raise self.refusal

    def send(self, messages: Sequence[FromClient]) -> None:
        for message in messages:
            self.sent.append(message)
            answers = self.reply(message)
            if answers:
                self.receiver.on_messages(answers)

    def missing(self, digests: Iterable[str]) -> list[str]:
        return [each for each in digests if each not in self.objects]

    def upload(self, objects: Mapping[str, Buffer]) -> None:
        self.uploaded.extend(objects)
        self.objects.update((digest, bytes(each)) for digest, each in objects.items())

    def download(self, digest: str) -> Future[Buffer]:
        future: Future[Buffer] = Future()
        if digest in self.objects:
            future.set_result(bytearray(self.objects[digest]))
        else:
            future.set_exception(LostObject(f"{self.url} lost {digest[:12]}"))
        return future

    def get_json(self, path: str) -> object:
        return self.facts

    def close(self) -> None:
        self.closed += 1

    @property
    def jobs(self) -> list[Submit]:
        """The programs that were sent."""
        return [each for each in self.sent if isinstance(each, Submit)]


def done(submit: Submit, value: Item = None, objects: tuple[Payload, ...] = ()) -> JobDone:
    """The end of a job that returned a plain value."""
    result = Result(
        names=["result"],
        values=[value],
        proxies={},
        deleted=[],
        changes=[],
        raised=None,
        graph=Graph(),
    )
    return JobDone(job=submit.job, result=payload_of(program.encode(result)), objects=objects)
