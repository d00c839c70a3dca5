"""An executor: the process that runs users' code, one root or range at a time.

Started by its supervisor as ``python -m ufora_worker.executor '{...}'``; it talks to nobody else,
and ends when the supervisor does.
"""

import json
import logging
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ufora_core.protocol.executor import (
    FromExecutor,
    LoopLost,
    Printed,
    RangeStopped,
    Ready,
    RootEnded,
    RunRange,
    RunRoot,
    TakePiece,
)
from ufora_core.protocol.parts import Failure
from ufora_core.protocol.worker import Range
from ufora_core.store import ObjectStore
from ufora_worker.channel import Channel, ChannelClosed
from ufora_worker.interrupts import Interrupts, Stopped
from ufora_worker.loops import Place
from ufora_worker.memory_limit import limit_memory
from ufora_worker.output import Output
from ufora_worker.ranges import RangeRunner
from ufora_worker.root import Root
from ufora_worker.shared_words import SharedWords

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor says on the command line."""

    index: int
    executors: int
    worker: str
    channel_fd: int
    words_fd: int
    store: str
    memory_bytes: int | None


class Executor:
    """Takes work from the channel until it closes."""

    def __init__(self, orders: Orders) -> None:
        self._worker = orders.worker
        words = SharedWords.attach(orders.words_fd, orders.executors)
        self._interrupts = Interrupts(lambda: words.stop(orders.index) != 0)
        sock = socket.socket(fileno=orders.channel_fd)
        self._channel = Channel(sock, self._interrupts.deferred)
        self._place = Place(words, orders.index, self._interrupts)
        self._store = ObjectStore(Path(orders.store))
        self._ranges = RangeRunner(self._place, self._store, orders.worker, self.send)
        #: The last job whose root ran here: ranges of it come too late.
        self._ended = ""
        self._running = ""

    def send(self, message: FromExecutor) -> None:
        """Pass a message to the supervisor."""
        self._channel.send(message)

    def serve(self, pid: int) -> None:
        """Work until the supervisor is gone."""
        self._interrupts.install()
        self.send(Ready(pid=pid))
        while True:
            match self._channel.receive():
                case RunRoot() as order:
                    self._run_root(order)
                case RunRange(range=work) if work.job == self._ended:
                    self._refuse(work)
                case RunRange(range=work):
                    self._run_range(work)
                case TakePiece() | LoopLost():
                    pass  # word about a loop that ended before it came

    def wait(self, job: str, loop: int) -> TakePiece | LoopLost:
        """For a root: the next word about a loop; ranges of this loop are run meanwhile."""
        while True:
            match self._channel.receive():
                case RunRange(range=work) if (work.job, work.loop) == (job, loop):
                    self._help(work)
                case RunRange(range=work):
                    self._refuse(work)
                case TakePiece() | LoopLost() as message:
                    return message
                case other:
                    raise RuntimeError(f"a waiting root was sent {other}")

    def _help(self, work: Range) -> None:
        """Run a range of the root's own loop; a stop of it is a stop of the whole job."""
        try:
            done = self._ranges.run(work, counted=False)
        except Stopped:
            self._refuse(work)
            raise
        self.send(done)

    def _refuse(self, work: Range) -> None:
        """Say that nothing of the range is done; its loop has ended, or its job was stopped."""
        self.send(RangeStopped(job=work.job, loop=work.loop))

    def _run_range(self, work: Range) -> None:
        try:
            with self._interrupts.running_user_code():
                done = self._ranges.run(work)
        except Stopped:
            self._refuse(work)
        else:
            # Not before: a stop may come while it is sent, and each range has one answer.
            self.send(done)

    def _run_root(self, order: RunRoot) -> None:
        self._running = order.job
        output = Output(lambda stream, text: self._print(order.job, stream, text))
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = output.stream("stdout"), output.stream("stderr")
        try:
            ended = Root(order, self._place, self._store, self._worker, self).run()
        except Stopped:
            ended = self._failed(order, "cancelled", "the job was cancelled")
        finally:
            sys.stdout, sys.stderr = streams
            self._ended = order.job
            self._place.words.set_progress(self._place.executor, 0, 0)
        output.close()
        self._running = ""
        self.send(ended)

    def _print(self, job: str, stream: Any, text: str) -> None:
        if job == self._running:
            self.send(Printed(job=job, stream=stream, text=text))
        elif sys.__stderr__ is not None:
            # Something has kept the stream of a job that is over (a logging handler, say).
            sys.__stderr__.write(text)

    @staticmethod
    def _failed(order: RunRoot, reason: str, message: str) -> RootEnded:
        return RootEnded(job=order.job, failure=Failure(reason, message))


def main() -> None:
    """Run an executor until its supervisor is gone."""
    import os

    orders = Orders(**json.loads(sys.argv[1]))
    logging.basicConfig(format=f"%(levelname)s executor {orders.index}: %(message)s")
    limit_memory(orders.memory_bytes)
    try:
        Executor(orders).serve(os.getpid())
    except ChannelClosed:
        # Threads of the user's code may still run; nobody is left to wait for them.
        os._exit(0)


if __name__ == "__main__":
    main()
