"""Loops over the user's code: what variables hold at their heads and behind them.

A loop's body is translated from what is known before the loop. Where a turn ends knowing less (a
variable has become a float), everything is dropped and translated again from that, until a turn
changes nothing: each round settles at least one variable.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Block, Break, Const, Continue, For, Statement, While
from ufora_worker.native.ir.types import BOOL, INT
from ufora_worker.native.translate.assignment import (
    Binding,
    Flow,
    Local,
    Meeting,
    convert,
)
from ufora_worker.native.translate.conditions import nothing
from ufora_worker.native.translate.conversions import any_value
from ufora_worker.native.translate.values import Range

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

Part = Callable[[], None]


@dataclass(slots=True)
class LoopEnds:
    """Where the paths of one loop lead."""

    head: Meeting
    exit: Meeting
    #: Variables that every turn so far has left and that were not known at the head; None while no
    #: turn has ended.
    left: dict[str, Binding] | None = None

    def end_turn(self, b: "Builder") -> None:
        """The current path goes on with the next turn."""
        if not b.flow.reachable:
            return
        self.head.arrive(b)
        before = self.head.bindings or {}
        fresh = {key: each for key, each in b.flow.bindings.items() if key not in before}
        if self.left is None:
            self.left = fresh
        self.left = {key: each for key, each in self.left.items() if fresh.get(key) == each}

    def behind_turns(self, b: "Builder") -> Flow:
        """What is known when there was at least one turn and no ``break``.

        Variables that only a turn assigns get some value before the loop, since the IR does not
        know that there is a turn.
        """
        if self.left is None:
            return Flow(reachable=False)
        known = dict(self.head.bindings or {})
        for key, binding in self.left.items():
            value = any_value(b, binding.var.type) if isinstance(binding, Local) else None
            if isinstance(binding, Local) and value is not None:
                known[key] = binding
                b.assign(binding.var, value)
        return Flow(known)


def while_loop(
    b: "Builder",
    test: Callable[[], Atom],
    body: Part,
    orelse: Part = nothing,
) -> None:
    """``while test(): body() else: orelse()``."""

    def translate(ends: LoopEnds) -> Statement:
        with b.block() as head:
            condition = test()
        tested = b.flow.copy()
        if condition == Const(BOOL, True):
            tested.reachable = False
        turn = _turn(b, ends, body)
        return While(tuple(head), condition, turn, _otherwise(b, ends, tested, orelse))

    _settle(b, translate)


def for_loop(
    b: "Builder",
    span: Range,
    body: Callable[[Atom], None],
    orelse: Part = nothing,
) -> None:
    """``for counter in span: body(counter) else: orelse()``."""
    counter = b.temporary(INT)

    def translate(ends: LoopEnds) -> Statement:
        before = b.flow.copy()
        turn = _turn(b, ends, lambda: body(counter))
        behind = ends.behind_turns(b) if _is_entered(span) else before
        orelse_block = _otherwise(b, ends, behind, orelse, counted=True)
        return For(counter, span.start, span.stop, span.step, turn, orelse_block)

    _settle(b, translate)


def leave(b: "Builder") -> None:
    """``break`` out of the innermost loop."""
    b.loops[-1].exit.arrive(b)
    b.add(Break())
    b.flow.reachable = False


def next_turn(b: "Builder") -> None:
    """``continue`` with the innermost loop."""
    b.loops[-1].end_turn(b)
    b.add(Continue())
    b.flow.reachable = False


def assigned_in(b: "Builder", nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Keys of the variables that this code may assign."""
    names = {
        each.id
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    return frozenset(key for key in map(b.key, names) if key is not None)


def _settle(b: "Builder", translate: Callable[[LoopEnds], Statement]) -> None:
    """Translate a loop until every turn begins with what was assumed."""
    start = b.flow
    head, exit = Meeting(dict(start.bindings)), Meeting()
    temporaries = b.temporaries
    while True:
        b.flow, b.temporaries = head.flow(), temporaries
        with b.block() as before:
            statement = translate(LoopEnds(head, exit))
        if not (head.widened or exit.widened):
            break
        head.widened = exit.widened = False
    convert(b, start.bindings, head.flow().bindings)
    for each in (*before, statement):
        b.add(each)
    b.flow = exit.flow()


def _turn(b: "Builder", ends: LoopEnds, body: Part) -> Block:
    with _inside(b, ends), b.block() as statements:
        body()
        ends.end_turn(b)
    return tuple(statements)


def _otherwise(
    b: "Builder", ends: LoopEnds, flow: Flow, orelse: Part, *, counted: bool = False
) -> Block:
    """The block that runs when the loop has ended by itself."""
    b.flow = flow
    with b.block() as statements:
        if flow.reachable:
            orelse()
        elif counted:
            b.bail("no turn ends this loop")  # the IR does not know that there is a turn
        ends.exit.arrive(b)
    return tuple(statements)


@contextmanager
def _inside(b: "Builder", ends: LoopEnds) -> Iterator[None]:
    b.loops.append(ends)
    try:
        yield
    finally:
        b.loops.pop()


def _is_entered(span: Range) -> bool:
    """Whether the loop certainly has a turn."""
    limits = (span.start, span.stop, span.step)
    values = [each.value for each in limits if isinstance(each, Const)]
    if len(values) < 3 or values[2] == 0:
        return False
    return len(range(*map(int, values))) > 0  # type: ignore[arg-type]
