"""Which variables the statements of a loop's body read and assign, and in which order.

A variable is *private* to a turn if every turn assigns it before it reads it; only then can turns
run apart from each other.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ufora_core.compiler.sites.names import free_names_of

#: Statements that end a turn, or leave the function.
_LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise)


def reads(*nodes: ast.AST) -> frozenset[str]:
    """The names that expressions and statements read (``x += 1`` reads ``x``)."""
    return frozenset(name for node in nodes for name in _reads(node))


def stores(*nodes: ast.AST) -> frozenset[str]:
    """The names that they bind; those of comprehensions are left out."""
    return frozenset(name for node in nodes for name in _stores(node))


def mutated_bases(*nodes: ast.AST) -> frozenset[str]:
    """Names of the objects whose items or attributes are assigned (``x`` in ``x.a[0] = 1``)."""
    return frozenset(
        base
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load)
        for base in [base_name(each)]
        if base is not None
    )


def base_name(node: ast.expr) -> str | None:
    """The variable at the root of ``x.a[0].b``; None if there is none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _reads(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.expr):
        yield from free_names_of(node) if _has_scope(node) else _reads_of_parts(node)
    else:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        yield from _reads_of_parts(node)


def _has_scope(node: ast.expr) -> bool:
    return isinstance(
        node, ast.Lambda | ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp
    )


def _reads_of_parts(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        yield from _reads(child)


def _stores(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif not (isinstance(node, ast.expr) and _has_scope(node)):
        for child in ast.iter_child_nodes(node):
            yield from _stores(child)


@dataclass(slots=True)
class Flow:
    """Follows one turn from its first statement to its last."""

    #: Names that are assigned whichever way the turn took to this point; None: no way leads here.
    assigned: frozenset[str] | None
    #: Names that were read, or might have been, before the turn assigned them.
    early: set[str] = field(default_factory=set)
    #: Inner loops are taken to run.
    loops_run: bool = False
    #: What was assigned wherever a ``continue`` ends the turn.
    ends: list[frozenset[str]] = field(default_factory=list)
    _depth: int = 0

    def run(self, statements: Iterable[ast.stmt]) -> None:
        """Follow these statements."""
        for statement in statements:
            self._step(statement)

    def _step(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If):
            self._read(node.test)
            self._branches(node.body, node.orelse)
        elif isinstance(node, ast.For):
            self._read(node.iter)
            self._loop([*_as_statements(node.target), *node.body], node.orelse)
        elif isinstance(node, ast.While):
            self._read(node.test)
            self._loop(node.body, node.orelse)
        elif isinstance(node, ast.With):
            for item in node.items:
                self._read(item.context_expr)
                self._assign(stores(item))
            self._maybe(node.body)
        elif isinstance(node, ast.Try):
            self._try(node)
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr):
            self._read(node)
            self._assign(stores(node))
        else:
            # Whatever else there is may stop anywhere inside.
            self._read(node)
        if isinstance(node, ast.Continue) and self._depth == 0 and self.assigned is not None:
            self.ends.append(self.assigned)
        if isinstance(node, _LEAVING):
            self.assigned = None

    def _try(self, node: ast.Try) -> None:
        before = self.assigned
        handlers = [
            [ast.Expr(each.type or ast.Constant(None)), *each.body] for each in node.handlers
        ]
        self._branches([*node.body, *node.orelse], *handlers)
        after, self.assigned = self.assigned, before
        self.run(node.finalbody)
        self.assigned = after

    def _read(self, node: ast.AST) -> None:
        if self.assigned is not None:
            self.early |= reads(node) - self.assigned

    def _assign(self, names: frozenset[str]) -> None:
        if self.assigned is not None:
            self.assigned |= names

    def _branches(self, *ways: Sequence[ast.stmt]) -> None:
        before, ends = self.assigned, []
        for statements in ways:
            self.assigned = before
            self.run(statements)
            if self.assigned is not None:
                ends.append(self.assigned)
        self.assigned = frozenset.intersection(*ends) if ends else None

    def _loop(self, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        self._depth += 1
        before = self.assigned
        self._maybe(body)
        if self.loops_run and before is not None:
            self.assigned = before | stores(*body)
        self._depth -= 1
        self._maybe(orelse)

    def _maybe(self, *parts: Sequence[ast.stmt]) -> None:
        """Statements that may run or not, or stop in the middle."""
        before = self.assigned
        for statements in parts:
            self.assigned = before
            self.run(statements)
        self.assigned = before


def _as_statements(target: ast.expr) -> list[ast.stmt]:
    """A loop's target as an assignment."""
    return [ast.Assign([target], ast.Constant(None))]
