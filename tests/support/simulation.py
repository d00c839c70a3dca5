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

from simulated_loops import Died, LoopSpec, Lost, Mine, Outcome, Stopped, expected_end
from ufora_core.protocol.executor import (
    FromExecutor,
    Judged,
    LoopClosed,
    LoopLost,
    Offer,
    RangeBegun,
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
#: How often the front of a range is sent before the rest.
EARLY = 0.3


@dataclass(frozen=True)
class Chances:
    """How bad the world is; all are probabilities but ``latency`` (seconds)."""

    latency: float = 0.0002
    duplicate: float = 0.0
    by_digest: float = 0.0
    missing: float = 0.0
    deaf: float = 0.0


Run = Generator[float | None, ToExecutor, None]


class World:
    """Time, chance, and the programs that the modelled executors know by job."""

    def __init__(self, seed: int, chances: Chances) -> None:
        self.rng = random.Random(seed)
        self.chances = chances
        self.now = 0.0
        self.programs: dict[str, tuple[LoopSpec, ...]] = {}
        #: Every loop that runs or ran, by its number: those of a program, then inner ones.
        self.loops: dict[tuple[str, int], LoopSpec] = {}
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

    def number(self, job: str, loop: LoopSpec) -> int:
        """A number for a loop that begins."""
        number = len(self.loops)
        self.loops[job, number] = loop
        return number

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
        self._running = ""
        #: The loops that run here, each in an item of the one before.
        self._chain: list[Mine] = []
        self._mail: dict[tuple[str, int], deque[TakePiece | LoopLost]] = {}
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
            self._beat_while_it_waits(self._sleep)
        else:
            self._sleep += 1
            sleep = self._sleep
            self.world.after(delay, lambda: self._wake(sleep))

    def _beat_while_it_waits(self, sleep: int) -> None:
        def beat() -> None:
            if self.alive and self._receiving and sleep == self._sleep and self._chain:
                self._look()
                self.world.after(BEAT, beat)

        if self._receiving and self._chain:
            self.world.after(BEAT, beat)

    def _wake(self, sleep: int) -> None:
        if self.alive and sleep == self._sleep:
            self._resume(lambda: next(self._program))

    # ------------------------------------------------------------------ its program

    def _serve(self) -> Run:
        self.say(Ready(pid=1))
        while True:
            message = yield None
            self._mail.clear()
            match message:
                case RunRoot(job=job):
                    yield from self._stoppable(self._root(job), lambda: self._cancelled(job))
                case RunRange(waited=None) as order:
                    yield from self._stoppable(self._range(order), lambda: self._refuse(order))
                case RunRange() as order:
                    self._refuse(order)
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
            self._chain.clear()

    def _refuse(self, order: RunRange, failure: Failure | None = None) -> None:
        job, loop = order.range.job, order.range.loop
        self.say(RangeStopped(job=job, loop=loop, failure=failure, number=order.number))

    def _cancelled(self, job: str) -> None:
        self._running = ""
        self.say(RootEnded(job=job, failure=Failure("cancelled", "stopped")))

    def _range(self, order: RunRange) -> Run:
        work = order.range
        outcome = Outcome(work.lo, work.hi)
        mine = Mine(work, outcome, order.number)
        try:
            yield from self._items(mine)
        except Lost as lost:
            self._interruptible = False
            self._refuse(order, lost.failure)
            return
        piece = Piece(
            lo=work.lo + mine.sent,
            hi=outcome.next,
            partial=self.world.payload(),
            failed=outcome.failed,
            decides=outcome.decided,
        )
        self._interruptible = False
        self.say(RangeDone(job=work.job, loop=work.loop, piece=piece))

    def _items(self, mine: Mine) -> Run:
        """Run what is left of the range, and give away what others want."""
        loop = self.world.loops[mine.work.job, mine.work.loop]
        depth = len(self._chain)
        self._chain.append(mine)
        try:
            yield from self._slices(mine, loop)
        finally:
            del self._chain[depth:]

    def _slices(self, mine: Mine, loop: LoopSpec) -> Run:
        outcome, item, growth = mine.outcome, 1e-6, 1
        while outcome.next < outcome.hi:
            first, began = outcome.next, self.world.now
            growth = 1 if loop.inner else max(1, min(growth * 8, int(SLICE / item)))
            outcome.next = min(first + growth, outcome.hi)
            mine.running = True
            yield from self._sleep_through(sum(loop.costs[first : outcome.next]))
            if first in loop.inner:
                yield from self._own_loop(mine.work.job, loop.inner[first])
            mine.running = False
            item = max((self.world.now - began) / (outcome.next - first), 1e-9)
            mine.worth = (outcome.hi - outcome.next) * item >= WORTH_GIVING
            if self._ends(loop, first, outcome):
                return
            self._send_front(mine)
            self._look()

    def _send_front(self, mine: Mine) -> None:
        """Now and then what is done of a range goes home before the rest, where it is much."""
        work, first, hi = mine.work, mine.work.lo + mine.sent, mine.outcome.next
        much = 4 * (hi - first) >= work.hi - work.lo
        if mine.number is None or not much or hi >= mine.outcome.hi:
            return
        if self.world.rng.random() >= EARLY:
            return
        piece = Piece(lo=first, hi=hi, partial=self.world.payload())
        self.say(RangeBegun(job=work.job, loop=work.loop, piece=piece))
        mine.sent = hi - work.lo

    def _sleep_through(self, cost: float) -> Run:
        while cost > 0:
            yield min(cost, BEAT)
            cost -= BEAT
            if cost > 0:
                self._look()

    def _look(self) -> None:
        """Give away what others want, the outermost loop first."""
        for mine in self._chain:
            if mine.number is not None and self.words.yields and mine.left:
                self._give(mine, mine.outcome.next)
        if self.words.hungry():
            giver = next((mine for mine in self._chain if mine.gives), None)
            if giver is not None:
                kept = giver.left // 2 if giver.running else (giver.left + 1) // 2
                self._give(giver, giver.outcome.next + kept)

    def _ends(self, loop: LoopSpec, first: int, outcome: Outcome) -> bool:
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

    def _give(self, mine: Mine, middle: int) -> None:
        work, outcome = mine.work, mine.outcome
        back = Range(job=work.job, loop=work.loop, lo=middle, hi=outcome.hi, task=work.task)
        self.say(Offer(range=back, number=mine.number))
        outcome.hi, mine.gave = middle, True

    def _root(self, job: str) -> Run:
        self._running = job
        self.world.begun[job] += 1
        ended = RootEnded(job=job, result=Payload("1" * 64, 0, b""))
        try:
            for loop in self.world.programs[job]:
                yield from self._own_loop(job, loop)
        except Lost as lost:
            ended = RootEnded(job=job, failure=lost.failure)
        self._interruptible = False
        self._running = ""
        self.say(ended)

    def _own_loop(self, job: str, loop: LoopSpec) -> Run:
        number, end = self.world.number(job, loop), len(loop.costs)
        work = Range(job=job, loop=number, lo=0, hi=end, task=self.world.payload())
        mine = Mine(work, Outcome(0, end))
        try:
            yield from self._items(mine)
            if not mine.outcome.over and mine.outcome.next < end:
                yield from self._collect(work, mine.outcome)
        except Died:
            mine.gave = False
            raise
        finally:
            if mine.gave and self.alive:
                self.say(LoopClosed(job=job, loop=number, beyond=0))
        end = expected_end(loop)
        assert mine.outcome.next == end, f"{job}/{number} ended at {mine.outcome.next}, not {end}"

    def _collect(self, work: Range, outcome: Outcome) -> Run:
        """Take the pieces of what was given away, in order."""
        self.say(Waiting(job=work.job, loop=work.loop))
        pieces: dict[int, Piece] = {}
        while not outcome.over and outcome.next < work.hi:
            if outcome.next in pieces:
                piece = pieces.pop(outcome.next)
                outcome.next = piece.hi
                outcome.failed, outcome.decided = piece.failed, piece.decides
                continue
            word = self._take_mail(work)
            if word is None:
                yield from self._serve_while_waiting(work)
            elif isinstance(word, LoopLost):
                raise Lost(word.failure)
            else:
                piece = word.piece
                self._check_new(piece, outcome.next, pieces)
                if piece.lo < piece.hi or piece.failed:
                    pieces[piece.lo] = piece
                if piece.failed or piece.decides:
                    self.say(LoopClosed(job=work.job, loop=work.loop, beyond=piece.hi))

    def _take_mail(self, work: Range) -> TakePiece | LoopLost | None:
        words = self._mail.get((work.job, work.loop))
        return words.popleft() if words else None

    def _serve_while_waiting(self, waited: Range) -> Run:
        message = yield None
        match message:
            case RunRange(waited=loop) as order if loop == waited.loop:
                yield from self._help(order)
            case RunRange() as order:
                self._refuse(order)
            case LoopLost() | TakePiece():
                self._mail.setdefault((message.job, message.loop), deque()).append(message)
            case other:
                raise AssertionError(f"an executor that waits was sent {other}")

    def _help(self, order: RunRange) -> Run:
        """Run a range while a loop waits; a stop stops both."""
        try:
            yield from self._range(order)
            self._interruptible = True
        except Stopped:
            self._refuse(order)
            raise

    def _check_new(self, piece: Piece, position: int, pieces: dict[int, Piece]) -> None:
        assert piece.lo >= position, f"{piece} came again"
        for other in pieces.values():
            assert piece.hi <= other.lo or other.hi <= piece.lo, f"{piece} and {other} overlap"


@dataclass
class Words:
    """The shared words of one executor, and what happens when it dies."""

    hungry: Callable[[], int]
    on_death: Callable[[], None]
    stop: int = 0
    yields: bool = False
