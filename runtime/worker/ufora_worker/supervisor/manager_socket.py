"""The worker's line to the manager's registry port (30002)."""

import logging
from collections.abc import Callable, Sequence

import zmq

from ufora_core.errors import ProtocolError
from ufora_core.protocol.codec import decode_to_worker, encode
from ufora_core.protocol.worker import ToManager, ToWorker
from ufora_core.tokens import Tokens
from ufora_worker.supervisor.links import Link
from ufora_worker.supervisor.poll_loop import PollLoop

log = logging.getLogger(__name__)


class ManagerSocket:
    """Messages to and from the manager; ``report`` gets each that arrives."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        loop: PollLoop,
        tokens: Tokens,
        host: str,
        port: int,
        identity: str,
        report: Callable[[ToWorker], None],
        on_change: Callable[[bool], None],
    ) -> None:
        self._where = f"{host}:{port}"
        self._report = report
        self._link = Link(
            context,
            loop,
            tokens,
            self._on_frames,
            on_change,
            peer="the manager",
            host=host,
            port=port,
            identity=identity,
        )

    def send(self, messages: Sequence[ToManager]) -> None:
        """Send these, in order."""
        if messages and not self._link.send(encode(messages)):
            log.warning("manager=%s takes no more messages; %d dropped", self._where, len(messages))

    def tick(self) -> None:
        """Go on trying to reach it."""
        self._link.tick()

    def close(self, linger_ms: int = 0) -> None:
        """End the line; what waits gets so long to leave."""
        self._link.close(linger_ms)

    def _on_frames(self, frames: list[zmq.Frame]) -> None:
        try:
            messages = decode_to_worker(frames[-1].buffer)
        except ProtocolError as error:
            log.warning("manager=%s sent garbage: %s; ignored", self._where, error)
            return
        for message in messages:
            self._report(message)
