"""Bodies that add to one number and do nothing else that outlives a turn.

Such a loop is a sum: its items yield the terms, in order, and no list of records is made. Terms are
added one after the other as ``+=`` does, never by the rules of ``sum``.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ufora_core.compiler.for_loops.flow import Flow, reads, stores
from ufora_core.compiler.for_loops.rules import MAPPED, NotSplit, check
from ufora_core.compiler.sites.names import keeps_variables
from ufora_core.compiler.trees import clone, load, placed

#: Where an item gathers its terms.
TERMS = "_ufora_terms"


@dataclass(frozen=True, slots=True)
class Total:
    """A loop that only adds up."""

    #: The variable that it adds to.
    name: str
    #: Some terms are negated, since the loop subtracts them.
    subtracts: bool
    #: All that the loop assigns.
    assigned: frozenset[str]
    #: The terms, if one comprehension can say them; its first iterable is left out.
    comprehension: ast.ListComp | None
    #: Else the body of a function that returns an item's terms.
    item: tuple[ast.stmt, ...]
    #: The body of one that leaves the turn's variables as the loop does.
    turn: tuple[ast.stmt, ...]
    #: The variables that every turn assigns, the loop's target included; and those that only inner
    #: loops assign, which may not run.
    always: tuple[str, ...]
    perhaps: tuple[str, ...]


def total_of(target: ast.expr, body: list[ast.stmt]) -> Total | None:
    """The sum that a body computes; None if it is anything else."""
    try:
        check(body)
    except NotSplit:
        return None
    everything = (each for statement in body for each in ast.walk(statement))
    added = [each for each in everything if isinstance(each, ast.AugAssign) and _adds(each)]
    name = added[0].target.id if added else ""  # type: ignore[union-attr]
    flow = Flow(stores(target))
    flow.run(body)
    if name in stores(target) or flow.early & stores(*body) != {name}:
        return None
    finder = _Terms(name)
    item = finder.block(body)
    if finder.failed or any(keeps_variables(each) for each in body):
        return None
    left = stores(target, *body) - {name}
    always, with_loops = (_at_the_end(target, body, loops) for loops in (False, True))
    if not left <= with_loops:
        return None  # a variable may keep its value for any number of turns
    assigned = stores(target, *body)
    subtracts = any(isinstance(each.op, ast.Sub) for each in added)
    return Total(
        name,
        subtracts,
        assigned,
        _comprehension(target, body),
        tuple(item),
        turn=tuple(_Terms(name, gathers=False).block(body)),
        always=tuple(sorted(left & always)),
        perhaps=tuple(sorted(left - always)),
    )


def _at_the_end(target: ast.expr, body: list[ast.stmt], loops_run: bool) -> frozenset[str]:
    """The names that have been assigned wherever the turn ends."""
    flow = Flow(stores(target), loops_run=loops_run)
    flow.run(body)
    ends = [*flow.ends, *([] if flow.assigned is None else [flow.assigned])]
    return frozenset.intersection(*ends) if ends else frozenset()


def _adds(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.AugAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.op, ast.Add | ast.Sub)
    )


def _term(node: ast.AugAssign) -> ast.expr:
    term = clone(node.value)
    if isinstance(node.op, ast.Sub):
        term = placed(ast.UnaryOp(ast.USub(), term), node.value)
    return term


class _Terms:
    """Rewrites a body so that it gathers its terms."""

    def __init__(self, name: str, *, gathers: bool = True) -> None:
        self._name = name
        self._gathers = gathers
        self._depth = 0
        self.failed = False

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [self._statement(each) for each in body]

    def _statement(self, node: ast.stmt) -> ast.stmt:
        if _adds(node) and node.target.id == self._name:  # type: ignore[attr-defined]
            assert isinstance(node, ast.AugAssign)
            self._check(self._name not in reads(node.value))
            if not self._gathers:
                return placed(ast.Pass(), node)
            gather = ast.Attribute(load(TERMS), "append", ast.Load())
            return placed(ast.Expr(ast.Call(gather, [_term(node)], [])), node)
        match node:
            case ast.If():
                self._check(self._name not in reads(node.test))
                return self._copy(node, body=self.block(node.body), orelse=self.block(node.orelse))
            case ast.For():
                self._check(self._name not in reads(node.iter, node.target) | stores(node.target))
                return self._loop(node)
            case ast.While():
                self._check(self._name not in reads(node.test))
                return self._loop(node)
            case ast.Continue() if self._depth == 0:
                return placed(ast.Return(None), node)
            case ast.Break():
                self._check(self._depth > 0)
            case ast.Expr():
                self._check(isinstance(node.value, ast.Constant))
            case _:
                self._check(isinstance(node, MAPPED) and not isinstance(node, ast.Try | ast.With))
                self._check(self._name not in reads(node) | stores(node))
        return clone(node)

    def _loop(self, node: ast.For | ast.While) -> ast.stmt:
        self._depth += 1
        body = self.block(node.body)
        self._depth -= 1
        return self._copy(node, body=body, orelse=self.block(node.orelse))

    def _copy(self, node: ast.stmt, **blocks: list[ast.stmt]) -> ast.stmt:
        copied = clone(node)
        for name, statements in blocks.items():
            setattr(copied, name, statements)
        return copied

    def _check(self, holds: bool) -> None:
        self.failed = self.failed or not holds


def _comprehension(target: ast.expr, body: list[ast.stmt]) -> ast.ListComp | None:
    """``[term for target in () if ... for ... in ...]``, if the body is nested in this way."""
    generators = [ast.comprehension(clone(target), ast.Tuple([], ast.Load()), [], 0)]
    while len(body) == 1:
        match body[0]:
            case ast.If(test=test, body=inner, orelse=[]):
                generators[-1].ifs.append(clone(test))
            case ast.For(target=each, iter=iterable, body=inner, orelse=[]):
                generators.append(ast.comprehension(clone(each), clone(iterable), [], 0))
            case ast.AugAssign():
                return placed(ast.ListComp(_term(body[0]), generators), body[0])
            case _:
                return None
        body = inner
    return None
