"""Brings what the cluster holds into this process: a result or a kept value, with all its blobs.

Nothing here waits. Each step runs when the one before it has come, in whatever thread brought it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from pyfora._errors import LostObject
from pyfora._transport import Transport
from ufora_core import program
from ufora_core.errors import ProtocolError, StoreError
from ufora_core.program import Kept, Result
from ufora_core.protocol.parts import Payload
from ufora_core.store import Buffer
from ufora_core.values.blobs import blobs_of
from ufora_core.values.nodes import Bytes

A = TypeVar("A")
B = TypeVar("B")
K = TypeVar("K", Result, Kept)


@dataclass(frozen=True, slots=True)
class Arrived(Generic[K]):
    """A decoded ``Result`` or ``Kept``, and the bytes of every blob that it names."""

    content: K
    blobs: Mapping[str, Buffer]

    def blob(self, digest: str) -> Buffer:
        """The bytes of one of the blobs.

        Raises:
            StoreError: it is none of them.
        """
        try:
            return self.blobs[digest]
        except KeyError:
            raise StoreError(f"blob {digest[:12]} did not come with the value") from None


def fetch(transport: Transport, payload: Payload, kind: type[K]) -> "Future[Arrived[K]]":
    """Everything that ``payload`` stands for, in memory."""

    def open_up(data: Buffer) -> Future[Arrived[K]]:
        content = program.decode(memoryview(data), kind)
        digests = [blob.digest for blob in _blobs_in(content)]
        if not digests:
            return _ready(Arrived(content, {}))
        found = gather([transport.download(each) for each in digests])
        return chain(
            found, lambda blobs: _ready(Arrived(content, dict(zip(digests, blobs, strict=True))))
        )

    if payload.data is not None:
        # Nearly every result is small: no chain for them.
        try:
            return open_up(payload.data)
        except ProtocolError as error:
            broken: Future[Arrived[K]] = Future()
            broken.set_exception(error)
            return broken
    return chain(transport.download(payload.digest), open_up)


def chain(source: "Future[A]", step: Callable[[A], "Future[B]"]) -> "Future[B]":
    """The future of ``step`` applied to the value of ``source``; errors of either pass through."""
    target: Future[B] = Future()

    def arrived(done: "Future[A]") -> None:
        try:
            following = step(done.result())
        except (Exception, CancelledError) as error:
            target.set_exception(error)
        else:
            following.add_done_callback(lambda last: _copy(last, target))

    source.add_done_callback(arrived)
    return target


def named(source: "Future[A]", text: str) -> "Future[A]":
    """The same future, with an error that names the value of which the cluster lost a part."""
    target: Future[A] = Future()

    def arrived(done: "Future[A]") -> None:
        try:
            target.set_result(done.result())
        except LostObject as error:
            lost = f"{text} is lost: {error}; make it anew, by define() or by what it came from"
            target.set_exception(LostObject(lost))
        except (Exception, CancelledError) as error:
            target.set_exception(error)

    source.add_done_callback(arrived)
    return target


def gather(sources: Sequence["Future[A]"]) -> "Future[list[A]]":
    """The values of all of them, in order; or the error of one, once all are done."""
    target: Future[list[A]] = Future()
    lock = threading.Lock()
    waiting = len(sources)

    def arrived(_: "Future[A]") -> None:
        nonlocal waiting
        with lock:
            waiting -= 1
            last = waiting == 0
        if last:
            try:
                target.set_result([each.result() for each in sources])
            except (Exception, CancelledError) as error:
                target.set_exception(error)

    for each in sources:
        each.add_done_callback(arrived)
    return target


def _ready(value: A) -> "Future[A]":
    future: Future[A] = Future()
    future.set_result(value)
    return future


def _copy(source: "Future[A]", target: "Future[A]") -> None:
    try:
        target.set_result(source.result())
    except (Exception, CancelledError) as error:
        target.set_exception(error)


def _blobs_in(content: Result | Kept) -> list[Bytes]:
    found = blobs_of(content.graph)
    if isinstance(content, Result):
        for change in content.changes:
            found.extend(blobs_of(change.node))
    return found
