"""A whole cluster in virtual time: real worker states, model executors, a model manager.

Everything that happens is an entry of one heap, ordered by its time; chance comes from one seeded
generator. So a run of minutes takes milliseconds, and a seed that fails once fails always.

What is modelled: links between workers keep the order of messages, and may delay and duplicate
them or break; objects arrive later than the messages that name them, or never; executors die, or do
not hear a stop; workers die. The executor's program is a generator that yields how long it runs.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from ufora_core.protocol.executor import (
    FromExecutor,
    Judged,
    LoopClosed,
    LoopLost,
    Offer,
    RangeDone,
    RangeStopped,
    Ready,
    RootEnded,
    RunRange,
    RunRoot,
    TakePiece,
    ToExecutor,
    Waiting,
)
from ufora_core.protocol.parts import Failure, Payload
from ufora_core.protocol.worker import Piece, Range

SLICE = 0.010
BEAT = 0.020
WORTH_GIVING = 0.001


@dataclass(frozen=True)
class LoopSpec:
    """A loop of a modelled program: how long each item takes, and which end it early."""

    costs: tuple[float, ...]
    #: Items that raise, that decide the loop, and that end the process.
    fails: frozenset[int] = frozenset()
    decides: frozenset[int] = frozenset()
    poison: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Chances:
    """How bad the world is; all are probabilities but ``latency`` (seconds)."""

    latency: float = 0.0002
    duplicate: float = 0.0
    by_digest: float = 0.0
    missing: float = 0.0
    deaf: float = 0.0


class Stopped(Exception):
    """The supervisor's stop, in a modelled executor."""


class Died(Exception):
    """The modelled process ended by itself."""


Run = Generator[float | None, ToExecutor, None]


class World:
    """Time, chance, and the programs that the modelled executors know by job."""

    def __init__(self, seed: int, chances: Chances) -> None:
        self.rng = random.Random(seed)
        self.chances = chances
        self.now = 0.0
        self.programs: dict[str, tuple[LoopSpec, ...]] = {}
        #: Jobs whose block may run twice, and how often each block has begun to run.
        self.repeatable: set[str] = set()
        self.begun: Counter[str] = Counter()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, delay: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + delay, self._count, action))

    def run(self, done: Callable[[], bool], limit: float) -> None:
        """Let things happen until ``done``; fails when that takes ``limit`` virtual seconds."""
        while not done():
            self.now, _, action = heapq.heappop(self._heap)
            assert self.now < limit, f"not done after {limit} s of virtual time"
            action()

    def payload(self) -> Payload:
        """A partial result: inside its message, or to be fetched."""
        inside = self.rng.random() >= self.chances.by_digest
        return Payload("0" * 64, 1, b"" if inside else None)


class ModelExecutor:
    """What an executor process does, in virtual time."""

    def __init__(self, world: World, words: "Words", say: Callable[[FromExecutor], None]) -> None:
        self.world, self.words, self.say = world, words, say
        self.deaf = world.rng.random() < world.chances.deaf
        self.alive = True
        self._inbox: deque[ToExecutor] = deque()
        self._ended = ""
        self._running = ""
        self._interruptible = False
        self._receiving = False
        self._sleep = 0
        self._program = self._serve()

    # ------------------------------------------------------------------ the process

    def start(self) -> None:
        if self.alive:
            self._resume(lambda: next(self._program))

    def receive(self, message: ToExecutor) -> None:
        self._inbox.append(message)
        self._deliver()

    def signal(self) -> None:
        """The supervisor set the stop word and sent a signal."""
        if self.alive and self._interruptible and not self.deaf and self.words.stop:
            self._receiving = False
            self._sleep += 1
            self._resume(lambda: self._program.throw(Stopped()))

    def ask(self) -> None:
        """The supervisor wants to know whether the block may run twice."""
        if self.alive and self._running:
            self.say(Judged(job=self._running, repeatable=self._running in self.world.repeatable))

    def _deliver(self) -> None:
        if self.alive and self._receiving and self._inbox:
            self._receiving = False
            message = self._inbox.popleft()
            self._resume(lambda: self._program.send(message))

    def _resume(self, step: Callable[[], float | None]) -> None:
        try:
            delay = step()
        except Died:
            self.alive = False
            self.words.on_death()
            return
        if delay is None:
            self._receiving = True
            self._deliver()
        else:
            self._sleep += 1
            sleep = self._sleep
            self.world.after(delay, lambda: self._wake(sleep))

    def _wake(self, sleep: int) -> None:
        if self.alive and sleep == self._sleep:
            self._resume(lambda: next(self._program))

    # ------------------------------------------------------------------ its program

    def _serve(self) -> Run:
        self.say(Ready(pid=1))
        while True:
            message = yield None
            match message:
                case RunRoot(job=job):
                    yield from self._stoppable(self._root(job), lambda: self._cancelled(job))
                case RunRange(range=work) if work.job == self._ended:
                    self._refuse(work)
                case RunRange(range=work):
                    yield from self._stoppable(self._range(work), lambda: self._refuse(work))
                case _:
                    pass

    def _stoppable(self, run: Run, on_stop: Callable[[], None]) -> Run:
        self._interruptible = True
        try:
            if self.words.stop and not self.deaf:
                raise Stopped
            yield from run
        except Stopped:
            on_stop()
        finally:
            self._interruptible = False

    def _refuse(self, work: Range) -> None:
        self.say(RangeStopped(job=work.job, loop=work.loop))

    def _cancelled(self, job: str) -> None:
        self._ended, self._running = job, ""
        self.say(RootEnded(job=job, failure=Failure("cancelled", "stopped")))

    def _range(self, work: Range) -> Run:
        loop = self.world.programs[work.job][work.loop]
        outcome = Outcome(work.lo, work.hi)
        yield from self._items(work, loop, outcome)
        piece = Piece(
            lo=work.lo,
            hi=outcome.next,
            partial=self.world.payload(),
            failed=outcome.failed,
            decides=outcome.decided,
        )
        self._interruptible = False
        self.say(RangeDone(job=work.job, loop=work.loop, piece=piece))

    def _items(self, work: Range, loop: LoopSpec, outcome: "Outcome") -> Run:
        """Run what is left of the range, and give away what others want."""
        item, growth = 1e-6, 1
        while outcome.next < outcome.hi:
            first = outcome.next
            growth = max(1, min(growth * 8, int(SLICE / item)))
            outcome.next = min(first + growth, outcome.hi)
            cost = sum(loop.costs[first : outcome.next])
            item = max(cost / (outcome.next - first), 1e-9)
            while cost > 0:
                yield min(cost, BEAT)
                cost -= BEAT
                left = outcome.hi - outcome.next
                if cost > 0 and left >= 1 and self.words.yields:
                    self._give(work, outcome, outcome.next)
                elif cost > 0 and self.words.hungry() and left >= 1:
                    self._give(work, outcome, outcome.next + left // 2)
            if self._ends(loop, first, outcome):
                return
            left = outcome.hi - outcome.next
            if self.words.yields and left >= 1:
                self._give(work, outcome, outcome.next)
            elif self.words.hungry() and left >= 2 and left * item >= WORTH_GIVING:
                self._give(work, outcome, outcome.next + (left + 1) // 2)

    def _ends(self, loop: LoopSpec, first: int, outcome: "Outcome") -> bool:
        for index in range(first, outcome.next):
            if index in loop.poison:
                raise Died
            if index in loop.fails:
                outcome.failed, outcome.next = True, index
                return True
            if index in loop.decides:
                outcome.decided, outcome.next = True, index + 1
                return True
        return False

    def _give(self, work: Range, outcome: "Outcome", middle: int) -> None:
        back = Range(job=work.job, loop=work.loop, lo=middle, hi=outcome.hi, task=work.task)
        self.say(Offer(range=back))
        outcome.hi = middle

    def _root(self, job: str) -> Run:
        self._running = job
        self.world.begun[job] += 1
        ended = RootEnded(job=job, result=Payload("1" * 64, 0, b""))
        for number, loop in enumerate(self.world.programs[job]):
            lost: list[Failure] = []
            yield from self._root_loop(job, number, loop, lost)
            if lost:
                ended = RootEnded(job=job, failure=lost[0])
                break
        self._interruptible = False
        self._ended, self._running = job, ""
        self.say(ended)

    def _root_loop(self, job: str, number: int, loop: LoopSpec, lost: list[Failure]) -> Run:
        work = Range(job=job, loop=number, lo=0, hi=len(loop.costs), task=self.world.payload())
        outcome = Outcome(0, work.hi)
        yield from self._items(work, loop, outcome)
        pieces: dict[int, Piece] = {}
        position, over = outcome.next, outcome.failed or outcome.decided
        if not over and position < work.hi:
            self.say(Waiting(job=job, loop=number))
        while not over and position < work.hi:
            if position in pieces:
                piece = pieces.pop(position)
                position, over = piece.hi, piece.failed or piece.decides
                continue
            message = yield None
            match message:
                case RunRange(range=range) if (range.job, range.loop) == (job, number):
                    yield from self._help(range)
                case RunRange(range=range):
                    self._refuse(range)
                case LoopLost(loop=which, failure=failure) if which == number:
                    lost.append(failure)
                    over = True
                case TakePiece(loop=which, piece=piece) if which == number:
                    self._check_new(piece, position, pieces)
                    pieces[piece.lo] = piece
                    if piece.failed or piece.decides:
                        self.say(LoopClosed(job=job, loop=number, beyond=piece.hi))
                case _:
                    pass
        if not lost:
            assert position == expected_end(loop), f"{job}/{number} ended at {position}"
        self.say(LoopClosed(job=job, loop=number, beyond=0))

    def _help(self, work: Range) -> Run:
        """A root runs a range while it waits; a stop stops both."""
        try:
            yield from self._range(work)
            self._interruptible = True
        except Stopped:
            self._refuse(work)
            raise

    def _check_new(self, piece: Piece, position: int, pieces: dict[int, Piece]) -> None:
        assert piece.lo >= position, f"{piece} came again"
        for other in pieces.values():
            assert piece.hi <= other.lo or other.hi <= piece.lo, f"{piece} and {other} overlap"


def expected_end(loop: LoopSpec) -> int:
    """How far the items count: to the first that raises, or through the first that decides."""
    count = len(loop.costs)
    return min(min(loop.fails, default=count), min(loop.decides, default=count) + 1, count)


@dataclass
class Outcome:
    """Items ``[next, hi)`` are left; why it ended."""

    next: int
    hi: int
    failed: bool = False
    decided: bool = False


@dataclass
class Words:
    """The shared words of one executor, and what happens when it dies."""

    hungry: Callable[[], int]
    on_death: Callable[[], None]
    stop: int = 0
    yields: bool = False
