"""Objects between workers that share no folder: real sockets, one thread."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from ufora_core.protocol.codec import decode_data_reply, encode
from ufora_core.protocol.data import CHUNK_SIZE, Chunk, ChunkTaken, DataReply, Fetch, Unknown
from ufora_core.protocol.parts import Payload, WorkerAddress
from ufora_core.store import ObjectStore
from ufora_core.tokens import Tokens, TokenSource
from ufora_worker.state.commands import FetchObjects
from ufora_worker.state.events import Event, ObjectsHere, ObjectsMissing
from ufora_worker.supervisor import links
from ufora_worker.supervisor.data_port import DataPort
from ufora_worker.supervisor.fetches import Fetches
from ufora_worker.supervisor.poll_loop import PollLoop

NO_TOKENS = Tokens(TokenSource())
SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 20 * CHUNK_SIZE + 5]


class Two:
    """A worker with a data port, and one that fetches."""

    def __init__(self, folder: Path, there: Tokens = NO_TOKENS, here: Tokens = NO_TOKENS) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.loop = PollLoop()
        self.there, self.here = ObjectStore(folder / "there"), ObjectStore(folder / "here")
        self.port = DataPort(self.context, self.loop, there, "127.0.0.1", 0, self.there)
        self.events: list[Event] = []
        self.fetches = Fetches(self.context, self.loop, here, self.here, "here", self.events.append)
        self.source = WorkerAddress("there", "127.0.0.1", 1, self.port.port)
        self.pusher = self.context.socket(zmq.DEALER)
        self.pusher.linger = 0
        self.pusher.connect(f"tcp://127.0.0.1:{self.port.port}")

    def until(self, true: Callable[[], bool]) -> None:
        while not true():
            self.loop.turn(0.01)
            self.fetches.tick()

    def fetch(self, *objects: Payload, ticket: int = 1) -> Event:
        self.fetches.start(FetchObjects(ticket, objects, self.source))
        self.until(lambda: bool(self.events))
        return self.events.pop()

    def push(self, message: Chunk | Fetch, data: bytes = b"") -> DataReply:
        self.pusher.send_multipart([encode([message]), data])
        self.until(lambda: bool(self.pusher.poll(0)))
        return decode_data_reply(self.pusher.recv_multipart()[0])[0]

    def close(self) -> None:
        self.fetches.close()
        self.port.close()
        self.pusher.close()
        self.context.term()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.close()


@pytest.mark.parametrize("size", SIZES)
def test_an_object_of_any_size_is_fetched(two: Two, size: int) -> None:
    payload = two.there.put(os.urandom(size))
    assert two.fetch(payload) == ObjectsHere(1)
    assert two.here.open(payload.digest) == two.there.open(payload.digest)


def test_several_objects_make_one_event(two: Two) -> None:
    payloads = [two.there.put(bytes([n]) * 3_000_000) for n in range(4)]
    assert two.fetch(*payloads) == ObjectsHere(1)
    assert two.events == []


def test_two_tickets_for_one_object_are_both_answered(two: Two) -> None:
    payload = two.there.put(b"x" * 3_000_000)
    two.fetches.start(FetchObjects(1, (payload,), two.source))
    two.fetches.start(FetchObjects(2, (payload,), two.source))
    two.until(lambda: len(two.events) == 2)
    assert two.events == [ObjectsHere(1), ObjectsHere(2)]


def test_a_cancelled_ticket_is_not_answered(two: Two) -> None:
    payload = two.there.put(b"x" * 3_000_000)
    two.fetches.start(FetchObjects(1, (payload,), two.source))
    two.fetches.cancel(1)
    assert two.fetch(payload, ticket=2) == ObjectsHere(2)


def test_what_is_here_is_not_fetched(two: Two) -> None:
    payload = two.here.put(b"here already")
    assert two.fetch(payload) == ObjectsHere(1)


def test_an_object_that_is_not_there_is_missed_with_the_reason(two: Two) -> None:
    event = two.fetch(Payload(hashlib.sha256(b"never").hexdigest(), 5))
    assert isinstance(event, ObjectsMissing)
    assert "there says: object" in event.reason and "is not in the store" in event.reason


def test_an_object_of_a_root_is_never_fetched(two: Two) -> None:
    two.fetches.start(FetchObjects(1, (Payload("0" * 64, 5),), None))
    (event,) = two.events
    assert isinstance(event, ObjectsMissing)


def test_a_worker_that_leaves_ends_the_transfers_from_it(two: Two) -> None:
    payload = two.there.put(b"x" * 3_000_000)
    two.fetches.start(FetchObjects(1, (payload,), two.source))
    two.fetches.drop("there")
    (event,) = two.events
    assert isinstance(event, ObjectsMissing) and "left the cluster" in event.reason


def test_a_pushed_object_is_stored_when_it_is_whole(two: Two) -> None:
    data = os.urandom(CHUNK_SIZE + 10)
    digest = hashlib.sha256(data).hexdigest()
    first = Chunk(digest=digest, offset=0, size=len(data))
    assert two.push(first, data[:CHUNK_SIZE]) == ChunkTaken(digest=digest, received=CHUNK_SIZE)
    assert digest not in two.there
    last = Chunk(digest=digest, offset=CHUNK_SIZE, size=len(data))
    assert two.push(last, data[CHUNK_SIZE:]) == ChunkTaken(digest=digest, received=len(data))
    assert two.there.open(digest) == data
    assert two.push(first, data[:CHUNK_SIZE]) == ChunkTaken(digest=digest, received=len(data))


@pytest.mark.parametrize(
    ("offset", "size", "data", "reason"),
    [
        (5, 10, b"12345", "not the next one"),
        (0, 3, b"12345", "more than the promised"),
        (0, 5, b"12345", "they are not that object"),
    ],
)
def test_a_push_that_makes_no_sense_is_refused_with_the_reason(
    two: Two, offset: int, size: int, data: bytes, reason: str
) -> None:
    reply = two.push(Chunk(digest="0" * 64, offset=offset, size=size), data)
    assert isinstance(reply, Unknown) and reason in reply.reason
    assert list(two.there.digests()) == []


@pytest.mark.parametrize("digest", ["../secret", "", "0" * 63])
def test_a_digest_never_names_another_file(two: Two, digest: str) -> None:
    reply = two.push(Fetch(digest=digest, offset=0))
    assert isinstance(reply, Unknown)
    reply = two.push(Chunk(digest=digest, offset=0, size=1), b"x")
    assert isinstance(reply, Unknown)


def test_a_fetch_past_the_end_is_refused(two: Two) -> None:
    payload = two.there.put(b"short")
    assert isinstance(two.push(Fetch(digest=payload.digest, offset=10)), Unknown)


@contextmanager
def guarded(folder: Path, there: Path, here: Path) -> Iterator[tuple[Two, Tokens]]:
    """Two workers with token files, and the tokens of the one with the data port."""
    tokens = Tokens(TokenSource(token_file=there, second_file=folder / "second"))
    two = Two(folder, tokens, Tokens(TokenSource(token_file=here, second_file=folder / "second")))
    try:
        yield two, tokens
    finally:
        two.close()


@pytest.fixture
def one(tmp_path: Path) -> Path:
    file = tmp_path / "one"
    file.write_text("one")
    return file


def test_an_object_is_fetched_with_the_token(tmp_path: Path, one: Path) -> None:
    with guarded(tmp_path, one, one) as (two, _):
        payload = two.there.put(os.urandom(3 * CHUNK_SIZE + 1))
        assert two.fetch(payload) == ObjectsHere(1)
        assert two.here.open(payload.digest) == two.there.open(payload.digest)


def test_nothing_is_fetched_with_another_token(
    tmp_path: Path, one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "CONNECT_SECONDS", 0.2)
    (tmp_path / "other").write_text("other")
    with guarded(tmp_path, one, tmp_path / "other") as (two, _):
        event = two.fetch(two.there.put(b"secret"))
        assert isinstance(event, ObjectsMissing) and "cannot be reached" in event.reason
        assert list(two.here.digests()) == []


def test_a_new_key_breaks_a_transfer_and_the_next_one_gets_through(
    tmp_path: Path, one: Path
) -> None:
    (tmp_path / "second").write_text("two")
    with guarded(tmp_path, one, one) as (two, tokens):
        assert two.fetch(two.there.put(b"the link is there")) == ObjectsHere(1)
        payload = two.there.put(bytes(20 * CHUNK_SIZE))
        two.fetches.start(FetchObjects(1, (payload,), two.source))
        one.write_text("two")
        assert tokens.refresh()
        two.port.rekey()
        two.until(lambda: bool(two.events))
        event = two.events.pop()
        assert isinstance(event, ObjectsMissing) and "link to it broke" in event.reason
        assert two.fetch(payload) == ObjectsHere(1)
