"""An executor: the process that runs users' code, one root or range at a time.

It talks to nobody but its supervisor, and ends when the supervisor does.
"""

import gc
import logging
import os
import socket
import sys
from pathlib import Path
from secrets import randbits

from ufora_core.program import LoopTask
from ufora_core.protocol.executor import (
    FromExecutor,
    LoopClosed,
    LoopLost,
    Printed,
    RangeStopped,
    Ready,
    RootEnded,
    RunRange,
    RunRoot,
    TakePiece,
)
from ufora_core.protocol.parts import ExecutorUse, Failure
from ufora_core.store import ObjectStore
from ufora_worker.executor.channel import Channel, ChannelClosed
from ufora_worker.executor.chronicle import Chronicle
from ufora_worker.executor.interrupts import Interrupts, Stopped
from ufora_worker.executor.memory_limit import limit_memory
from ufora_worker.executor.orders import Orders
from ufora_worker.executor.output import Output, Stream
from ufora_worker.executor.root import Root
from ufora_worker.executor.stack_room import with_room
from ufora_worker.executor.unwinding import hide_dropped
from ufora_worker.loops.loop import Place
from ufora_worker.loops.mailbox import Mailbox
from ufora_worker.loops.nesting import NestedEngine
from ufora_worker.loops.ranges import Nest, RangeRunner
from ufora_worker.loops.root_loop import LoopFailed
from ufora_worker.loops.splitting import Splitter
from ufora_worker.loops.visits import Visits
from ufora_worker.native.engine import native_engine
from ufora_worker.shared_words import SharedWords

log = logging.getLogger(__name__)

#: The first number of a thief's loops is a random one of so many bits with room for this many more
#: (numbers travel as 64 bits).
_LOOP_BITS, _LOOPS_BITS = 40, 22


class Executor:
    """Takes work from the channel until it closes."""

    def __init__(self, orders: Orders) -> None:
        self._worker = orders.worker
        words = SharedWords.attach(orders.words_fd, orders.executors)
        self._interrupts = Interrupts(lambda: words.stop(orders.index) != 0)
        sock = socket.socket(fileno=orders.channel_fd)
        self._channel = Channel(sock, self._interrupts.deferred)
        native = native_engine(orders.native_folder, self._interrupts)
        self._place = Place(words, orders.index, self._interrupts, native, Path(orders.floats))
        self._store = ObjectStore(Path(orders.store))
        self._ranges = RangeRunner(self._place, self._store, orders.worker, self.send, self._nest)
        self._mailbox = Mailbox()
        self._known: dict[str, dict[tuple[int, int], Visits]] = {}
        self._running = ""

    def send(self, message: FromExecutor) -> None:
        """Pass a message to the supervisor."""
        self._channel.send(message)
        if isinstance(message, LoopClosed) and message.beyond == 0:
            self._mailbox.forget(message.job, message.loop)

    def serve(self, pid: int) -> None:
        """Work until the supervisor is gone."""
        self._interrupts.install()
        gc.freeze()  # the collector need not look at this program's own objects for the user's
        gc.enable()
        self.send(Ready(pid=pid))
        if self._place.native is not None:
            self._place.native.prepare()
        while True:
            match self._channel.receive():
                case RunRoot() as order:
                    self._run_root(order)
                case RunRange(waited=None) as order:
                    self._run_range(order)
                case RunRange() as order:
                    self._refuse(order)  # it was for a wait that ended before it came
                case TakePiece() | LoopLost():
                    pass  # word about a loop that ended before it came
            self._mailbox.clear()

    def wait(self, job: str, loop: int) -> TakePiece | LoopLost:
        """For the owner of a loop: the next word about it; ranges are run meanwhile."""
        while (word := self._mailbox.take(job, loop)) is None:
            match self._channel.receive():
                case RunRange(waited=waited) as order if waited == loop:
                    self._help(order)
                case RunRange() as order:
                    self._refuse(order)
                case TakePiece() | LoopLost() as word:
                    self._mailbox.put(word)
                case other:
                    raise RuntimeError(f"an executor that waits was sent {other}")
        return word

    def _help(self, order: RunRange) -> None:
        """Run a range while a loop waits."""
        try:
            done = self._ranges.run(order, counted=False)
        except LoopFailed as lost:
            self._refuse(order, lost.failure)
        except BaseException:
            # What waits is left: the job was stopped, or native code takes over.
            self._refuse(order)
            raise
        else:
            self.send(done)

    def _refuse(self, order: RunRange, failure: Failure | None = None) -> None:
        """Say that nothing of the range is done, and with ``failure`` that it cannot be."""
        work, number = order.range, order.number
        stopped = RangeStopped(job=work.job, loop=work.loop, failure=failure, number=number)
        self.send(stopped)

    def _nest(self, job: str, task: LoopTask) -> Nest:
        """The engine for loops in the items of a stolen range; their numbers are taken by chance,
        since other executors take some for the same job."""
        uses: list[ExecutorUse] = []
        splitter = Splitter(
            job=job,
            python=task.python,
            place=self._place,
            store=self._store,
            link=self,
            on_use=uses.append,
            worker=self._worker,
            chronicle=Chronicle(),
            first_loop=randbits(_LOOP_BITS) << _LOOPS_BITS,
            known=self._known_of(job),
        )
        return NestedEngine(splitter, task.graph.nodes, uses)

    def _known_of(self, job: str) -> dict[tuple[int, int], Visits]:
        """What ranges of a job have taught about its sites; of other jobs nothing is kept."""
        if job not in self._known:
            self._known = {job: {}}
        return self._known[job]

    def _run_range(self, order: RunRange) -> None:
        try:
            with self._interrupts.running_user_code():
                done = self._ranges.run(order)
        except Stopped:
            self._refuse(order)
        except LoopFailed as lost:
            self._refuse(order, lost.failure)
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
            cancelled = Failure("cancelled", "the job was cancelled")
            ended = RootEnded(job=order.job, failure=cancelled)
        finally:
            sys.stdout, sys.stderr = streams
            self._place.words.set_progress(self._place.executor, 0, 0)
        output.close()
        self._running = ""
        self.send(ended)

    def _print(self, job: str, stream: Stream, text: str) -> None:
        if job == self._running:
            self.send(Printed(job=job, stream=stream, text=text))
        elif sys.__stderr__ is not None:
            # Something has kept the stream of a job that is over (a logging handler, say).
            sys.__stderr__.write(text)


def run(orders: Orders) -> None:
    """Run an executor until its supervisor is gone."""
    logging.basicConfig(format=f"%(levelname)s executor {orders.index}: %(message)s")
    limit_memory(orders.memory_bytes)
    hide_dropped()
    try:
        with_room(lambda: Executor(orders).serve(os.getpid()))
    except ChannelClosed:
        # Threads of the user's code may still run; nobody is left to wait for them.
        os._exit(0)
