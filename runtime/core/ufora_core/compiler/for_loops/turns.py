"""Bodies that work on nothing but variables, as a function that runs many turns.

Where every turn goes on from the one before, or takes so little that a record of it would take
longer, nothing is gained by items that run apart from each other. But if all variables that such a
body assigns hold numbers, then its turns, one after the other, may well be machine code ::

    def item(<variables>, <what else it reads>, _ufora_at, _ufora_end, ...):
        while _ufora_at < _ufora_end:
            T = <item _ufora_at>
            _ufora_at += 1
            BODY                        # `break` returns (<variables>, _ufora_at, True)
        return <variables>, _ufora_at, False

What an item is depends on what the loop iterates over; so that line is written when the loop is
reached.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ufora_core.compiler.for_loops.flow import reads, stores
from ufora_core.compiler.for_loops.rules import NotSplit, check
from ufora_core.compiler.trees import clone, load, placed, store

#: The index of the next item, and that of the first that is left to others.
AT, END = "_ufora_at", "_ufora_end"

_STATEMENTS = (
    *(ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Pass),
    *(ast.Break, ast.Continue, ast.Assert, ast.Raise),
)
_EXPRESSIONS = (
    *(ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Call, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.GeneratorExp, ast.ListComp),
)


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a loop as a function."""

    target: ast.expr
    #: The variables that the body assigns.
    state: tuple[str, ...]
    body: tuple[ast.stmt, ...]
    #: What it reads besides them and the loop's target.
    free: tuple[str, ...]
    #: The body may end the loop.
    breaks: bool
    #: Those of ``state`` that only a turn assigns that ends the loop, and that none reads.
    found: frozenset[str]

    def function(self, item: ast.expr) -> list[ast.stmt]:
        """The body of the function, where ``item`` is the item at the index ``AT``."""
        at, one = load(AT), ast.Constant(1)
        turn: list[ast.stmt] = [
            ast.Assign([clone(self.target)], item),
            ast.AugAssign(store(AT), ast.Add(), one),
            *map(clone, self.body),
        ]
        test = ast.Compare(at, [ast.Lt()], [load(END)])
        loop = ast.While(test, turn, [])
        return [placed(each, self.target) for each in (loop, _result(self.state, broken=False))]


def turns_of(target: ast.expr, body: list[ast.stmt]) -> Turns | None:
    """The turns of a loop with this body; None if they are no work on variables alone."""
    state = stores(*body)
    if not state or state & stores(target) or not all(map(_is_plain, body)):
        return None
    names = tuple(sorted(state))
    ending = _Ending(names)
    turn = tuple(ending.block(body))
    free = tuple(sorted(reads(*body) - state - stores(target)))
    found = ending.assigned - stores(*ending.others) - reads(*body)
    return Turns(target, names, turn, free, ending.breaks, found)


def _is_plain(statement: ast.stmt) -> bool:
    try:
        check([statement])
    except NotSplit:
        return False
    return all(map(_is_known, ast.walk(statement)))


def _is_known(node: ast.AST) -> bool:
    match node:
        case ast.Expr():
            return isinstance(node.value, ast.Constant)
        case ast.stmt():
            return isinstance(node, _STATEMENTS)
        case ast.Subscript() | ast.Attribute():
            return isinstance(node.ctx, ast.Load)
        case ast.Name(id="print"):
            return False
        case ast.expr():
            return isinstance(node, _EXPRESSIONS)
    return True


def _result(state: Sequence[str], *, broken: bool) -> ast.Return:
    names: list[ast.expr] = [load(each) for each in (*state, AT)]
    return ast.Return(ast.Tuple([*names, ast.Constant(broken)], ast.Load()))


class _Ending:
    """Makes each ``break`` of the loop a ``return``."""

    def __init__(self, state: Sequence[str]) -> None:
        self._state = state
        self.breaks = False
        #: What statements assign that lead to a ``break``; and the simple statements that do not.
        self.assigned: frozenset[str] = frozenset()
        self.others: list[ast.stmt] = []

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements, ready for the function."""
        if body and isinstance(body[-1], ast.Break) and not any(map(_branches, body)):
            self.assigned |= stores(*body)
        else:
            self.others += [each for each in body if not isinstance(each, ast.If)]
        return [self._statement(each) for each in body]

    def _statement(self, node: ast.stmt) -> ast.stmt:
        if isinstance(node, ast.Break):
            self.breaks = True
            return placed(_result(self._state, broken=True), node)
        copied = clone(node)
        if isinstance(copied, ast.If):
            copied.body = self.block(copied.body)
        if isinstance(copied, ast.If | ast.For | ast.While):
            copied.orelse = self.block(copied.orelse)
        return copied


def _branches(node: ast.stmt) -> bool:
    return isinstance(node, ast.If | ast.For | ast.While)
