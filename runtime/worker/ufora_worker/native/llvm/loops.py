"""Loops, which look at the attention word often enough to be stopped at once, and for nothing.

A ``for`` loop is *strip-mined*: its turns come in strips of some thousands, and only between
two strips is there a poll, so the inner loop is as LLVM likes it. A ``while`` loop polls each turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ufora_worker.native.ir import nodes
from ufora_worker.native.llvm.integers import compare, plain
from ufora_worker.native.llvm.slots import Operand, integer

if TYPE_CHECKING:
    from ufora_worker.native.llvm.emitter import Emitter


@dataclass(frozen=True, slots=True)
class Targets:
    """Labels that ``break`` and ``continue`` go to."""

    on_break: str
    on_continue: str


def repeat_while(emitter: Emitter, loop: nodes.While) -> None:
    """``while``."""
    code = emitter.code
    head, body, ended, after = (code.label() for _ in range(4))
    code.jump(head)
    code.begin(head)
    emitter.poll()
    emitter.block(loop.head)
    code.branch(emitter.read_one(loop.condition), body, ended)
    code.begin(body)
    _turn(emitter, loop.body, Targets(after, head))
    code.jump(head)
    _end(emitter, loop.orelse, ended, after)


def repeat_for(emitter: Emitter, loop: nodes.For) -> None:
    """``for counter in range(start, stop, step)``."""
    code = emitter.code
    start, stop, step = (emitter.read_one(atom) for atom in (loop.start, loop.stop, loop.step))
    code.expect(compare(code, "ne", step, "0"), code.bail)
    trips = _trips(emitter, start, stop, step)
    length = emitter.context.weights.strip_length(loop.body)
    turns = Strips(emitter, start, step, trips, length)
    turns.begin()
    emitter.write(loop.counter, (turns.counter(),))
    after = code.label()
    _turn(emitter, loop.body, Targets(after, turns.on_continue))
    turns.end()
    _end(emitter, loop.orelse, turns.ended, after)


def _turn(emitter: Emitter, body: nodes.Block, targets: Targets) -> None:
    emitter.loops.append(targets)
    emitter.block(body)
    emitter.loops.pop()


def _end(emitter: Emitter, orelse: nodes.Block, ended: str, after: str) -> None:
    emitter.code.begin(ended)
    emitter.block(orelse)
    emitter.code.jump(after)
    emitter.code.begin(after)


def _trips(emitter: Emitter, start: Operand, stop: Operand, step: Operand) -> Operand:
    """The length of a range, as an unsigned number: that of all 64-bit integers fits."""
    code = emitter.code
    known = integer(step)
    if known is not None:
        return _trips_one_way(emitter, start, stop, step, rising=known > 0)
    rising = compare(code, "sgt", step, "0")
    return code.choose(
        rising,
        "i64",
        lambda: _trips_one_way(emitter, start, stop, step, rising=True),
        lambda: _trips_one_way(emitter, start, stop, step, rising=False),
    )


def _trips_one_way(
    emitter: Emitter, start: Operand, stop: Operand, step: Operand, *, rising: bool
) -> Operand:
    code = emitter.code
    low, high = (start, stop) if rising else (stop, start)
    size = step if rising else plain(code, "sub", "0", step)
    some = compare(code, "slt", low, high)
    distance = plain(code, "sub", high, low)
    if size != "1":
        last = plain(code, "udiv", plain(code, "sub", distance, "1"), size)
        distance = plain(code, "add", last, "1")
    return code.select(some, "i64", distance, "0")


class Strips:
    """A counted loop in strips, with polls between them.

    Call ``begin``, write one turn, and call ``end``; code goes on at the label ``ended``, where it
    still has to begin. The counter is advanced only towards a turn that there is, so it never
    overflows, which LLVM is told.
    """

    def __init__(
        self, emitter: Emitter, start: Operand, step: Operand, trips: Operand, length: int
    ) -> None:
        """``length``: turns in a strip."""
        self._emitter = emitter
        self._code = code = emitter.code
        self._step = step
        self._length = length
        #: Turns that are left after this strip, the counter, and its value in the strip's last.
        self._trips, self._counter, self._last = (code.cell("i64") for _ in range(3))
        #: Where ``continue`` goes.
        self.on_continue = code.label()
        #: Where the loop goes after its last turn.
        self.ended = code.label()
        self._strip, self._turn = code.label(), code.label()
        code.store("i64", trips, self._trips)
        code.store("i64", start, self._counter)

    def counter(self) -> Operand:
        """The counter's value in this turn."""
        return self._code.load("i64", self._counter)

    def begin(self) -> None:
        """Open the loop."""
        code = self._code
        some = compare(code, "ne", code.load("i64", self._trips), "0")
        code.branch(some, self._strip, self.ended)
        code.begin(self._strip)
        self._emitter.poll()
        trips = code.load("i64", self._trips)
        strip = code.call("i64", "llvm.umin.i64", f"i64 {trips}", f"i64 {self._length}")
        code.store("i64", plain(code, "sub", trips, strip), self._trips)
        distance = plain(code, "mul", plain(code, "sub", strip, "1"), self._step)
        code.store("i64", plain(code, "add", self.counter(), distance), self._last)
        code.jump(self._turn)
        code.begin(self._turn)

    def end(self, at_strip_end: Callable[[], None] = lambda: None) -> None:
        """Close the loop. ``at_strip_end`` writes what is to be done after each strip."""
        code = self._code
        next_turn, strip_ended, next_strip = (code.label() for _ in range(3))
        code.jump(self.on_continue)
        code.begin(self.on_continue)
        last = code.load("i64", self._last)
        code.branch(compare(code, "eq", self.counter(), last), strip_ended, next_turn)
        for label, target in ((next_turn, self._turn), (next_strip, self._strip)):
            code.begin(label)
            code.store("i64", plain(code, "add nsw", self.counter(), self._step), self._counter)
            code.jump(target)
        code.begin(strip_ended)
        at_strip_end()
        more = compare(code, "ne", code.load("i64", self._trips), "0")
        code.branch(more, next_strip, self.ended)
