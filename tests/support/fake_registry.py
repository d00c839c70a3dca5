"""A registry port for workers under test: it welcomes them, and keeps what they say."""

from pathlib import Path

import zmq

from ufora_core.protocol.codec import decode_to_manager, encode
from ufora_core.protocol.worker import (
    Heartbeat,
    HeartbeatSeen,
    Hello,
    Refused,
    RootDone,
    ToManager,
    ToWorker,
    Welcome,
)
from ufora_core.sockets import new_router
from ufora_core.store import ObjectStore


class FakeRegistry:
    """A registry port that welcomes workers and keeps what they say."""

    def __init__(self, store: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.router = new_router(self.context)
        self.port = self.router.bind_to_random_port("tcp://127.0.0.1")
        self.store = ObjectStore(store)
        self.store.prove("the proof")
        #: False: workers see another file, as on another machine.
        self.shares_store = True
        self.said: dict[str, list[ToManager]] = {}
        self.refuse: str | None = None
        self._identities: dict[str, bytes] = {}

    def answer(self) -> None:
        """Take what is there; never waits."""
        while self.router.poll(0):
            identity, frame = self.router.recv_multipart()
            for message in decode_to_manager(frame):
                self._answer(identity, message)

    def _answer(self, identity: bytes, message: ToManager) -> None:
        if isinstance(message, Hello):
            name = message.address.name
            self._identities[name] = identity
            welcome = Welcome(
                release="0",
                manager="fake",
                store_path=str(self.store.directory),
                store_proof="the proof" if self.shares_store else "of another file",
            )
            if self.refuse is not None:
                self.send(name, Refused(reason=self.refuse))
            elif not message.shares_store:
                self.send(name, welcome)
        name = next(name for name, known in self._identities.items() if known == identity)
        if isinstance(message, Heartbeat):
            self.send(name, HeartbeatSeen())
        self.said.setdefault(name, []).append(message)

    def send(self, worker: str, message: ToWorker) -> None:
        self.router.send_multipart([self._identities[worker], encode([message])])

    def hellos(self, worker: str) -> list[Hello]:
        return [x for x in self.said.get(worker, []) if isinstance(x, Hello)]

    def knows(self, worker: str) -> bool:
        return len(self.hellos(worker)) == 1 + self.shares_store

    def ends(self, worker: str) -> dict[str, RootDone]:
        return {x.job: x for x in self.said.get(worker, []) if isinstance(x, RootDone)}

    def close(self) -> None:
        self.router.close(0)
        self.context.term()
