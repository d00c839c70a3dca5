"""What the tests of the real transport have in common: a receiver that remembers, and peers."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyfora
from fake_manager import FakeManager
from pyfora._socketio import SocketIoTransport
from pyfora._transport import Unfinished
from ufora_core.protocol.client import Submit, ToClient
from ufora_core.protocol.parts import Payload
from ufora_core.store import digest_of
from ufora_core.tokens import TokenSource


class Recorder:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.messages: list[ToClient] = []
        self.interruptions = 0
        self.reconnects = 0
        self.again = Unfinished(objects={}, messages=[])
        self.lost: pyfora.ConnectionError | None = None
        self._changed = threading.Condition()

    def on_messages(self, messages: Sequence[ToClient]) -> None:
        with self._changed:
            self.messages.extend(messages)
            self._changed.notify_all()

    def on_interrupted(self) -> None:
        with self._changed:
            self.interruptions += 1
            self._changed.notify_all()

    def unfinished(self) -> Unfinished:
        with self._changed:
            self.reconnects += 1
            self._changed.notify_all()
        return self.again

    def in_flight(self) -> int:
        return 3

    def on_lost(self, error: pyfora.ConnectionError) -> None:
        with self._changed:
            self.lost = error
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout=20)


@contextmanager
def connected(
    manager: FakeManager, *, token: TokenSource | str | None = None, reconnect_seconds: float = 20.0
) -> Iterator[tuple[SocketIoTransport, Recorder]]:
    recorder = Recorder()
    transport = SocketIoTransport(
        manager.url, token=token, timeout=20, reconnect_seconds=reconnect_seconds
    )
    transport.start(recorder)
    try:
        yield transport, recorder
    finally:
        transport.close()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def submit(number: int, data: bytes = b"") -> Submit:
    return Submit(job=f"job-{number}", program=Payload(digest_of(data), len(data), data))


@contextmanager
def somebody_else(
    answer: bytes, port: int = 0, heard: Callable[[], object] = lambda: None
) -> Iterator[str]:
    """A server of something else, which gives the same answer to everybody; ``heard`` is called
    with each request. Without an answer, it keeps the peer waiting until the end."""
    silenced: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                peer.recv(10_000)
                heard()
                if answer:
                    peer.sendall(answer)
                    peer.close()
                else:
                    silenced.append(peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for peer in silenced:
                peer.close()
