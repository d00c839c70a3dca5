"""``for`` statements taken apart: a pure map and an ordered fold (``split``), a sum (``total``), or
a function of whole turns (``turns``); see ``writing`` for what becomes of the statement."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.for_loops.flow import reads, stores
from ufora_core.compiler.for_loops.item import comprehension_of
from ufora_core.compiler.for_loops.rules import NotSplit, not_split
from ufora_core.compiler.for_loops.split import (
    Halves,
    halves,
    is_work,
    unless_unbound,
)
from ufora_core.compiler.for_loops.total import TERMS, Total, total_of
from ufora_core.compiler.for_loops.turns import Turns, turns_of
from ufora_core.compiler.for_loops.walrus import spelled_out
from ufora_core.compiler.sites.calls import defined_by
from ufora_core.compiler.trees import clone, load, placed, store

#: A statement with loops in it, so deep, does not begin as written: its body is written once more.
_DEEPEST = 2


class Unset:
    """Stands in a record for a variable that an item did not assign (``__ufora_unset__``)."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """A ``for`` statement that is no site, and why."""

    #: The first line of the statement, and where it is.
    head: str
    line: int
    column: int
    why: NotSplit
    #: Names of the functions that its body calls; and whether it contains loops.
    calls: frozenset[str]
    loops: bool

    def may_last(self, slow: frozenset[str]) -> bool:
        """Whether it may take long, where calls of ``slow`` functions do."""
        return self.loops or not self.calls.isdisjoint(slow)


@dataclass(frozen=True, slots=True)
class ItemPart:
    """What the items of a loop compute: ``comprehension`` over them, which calls a function with
    the body ``item`` unless that is empty."""

    comprehension: ast.ListComp
    item: tuple[ast.stmt, ...]
    #: Names that the item reads from around the loop, as written.
    free: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForLoop:
    """A ``for`` statement taken apart."""

    #: The first line of the statement.
    head: str
    target: ast.expr
    #: What it iterates over, as written.
    items_text: str
    #: What gives each item's record, and the fold of these; None if it can only add up.
    records: ItemPart | None
    halves: Halves | None
    #: What gives the terms, if the loop only adds them to a number; and the other variables.
    terms: ItemPart | None
    left: ItemPart | None
    total: Total | None
    #: Whole turns, if the loop works on nothing but variables.
    turns: Turns | None = None
    in_turn: ItemPart | None = None
    #: Why there are no records.
    why: NotSplit | None = None
    #: Its body stands before the records too, so that the loop can begin with it.
    begins_as_written: bool = False

    @property
    def runs_apart(self) -> bool:
        """Whether items may run apart from each other."""
        return self.terms is not None or self.records is not None

    @property
    def items(self) -> ItemPart:
        """What gives the items' values in one way or the other."""
        part = self.terms or self.records or self.in_turn
        assert part is not None
        return part


def taken_apart(node: ast.For) -> ForLoop:
    """What the statement does.

    Raises:
        NotSplit: it is no map and ordered fold, or there is nothing to gain.
    """
    if not _is_plain_target(node.target):
        raise not_split(node.target, f"{quote(node.target)} is no variable: assign it in the loop")
    body = spelled_out(node.body)
    total = total_of(node.target, body)
    twice = _loops_deep(node) <= _DEEPEST
    turns = turns_of(node.target, body) if twice and total is None else None
    parts, why = _halves(node, body)
    if total is None and turns is None and why is not None:
        raise why
    return ForLoop(
        head=_head(node),
        target=node.target,
        items_text=ast.unparse(node.iter),
        records=None if parts is None else _records(node.target, parts),
        halves=parts,
        terms=None if total is None else _terms(node.target, total),
        left=None if total is None else _left(node.target, total),
        total=total,
        turns=turns,
        in_turn=None if turns is None else _in_turn(turns),
        why=why,
        begins_as_written=twice,
    )


def sequential(node: ast.For, why: NotSplit) -> Sequential:
    """What is known of a statement that ``taken_apart`` refused."""
    inside = defined_by(_head(node), node.body)
    return Sequential(inside.name, node.lineno, node.col_offset, why, inside.names, inside.loops)


def _head(node: ast.For) -> str:
    return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:"


def _halves(node: ast.For, body: list[ast.stmt]) -> tuple[Halves | None, NotSplit | None]:
    """A body's two parts, or why it has none that are worth it."""
    try:
        parts = halves(node.target, body)
    except NotSplit as why:
        return None, why
    if not any(map(is_work, parts.item)):
        return None, not_split(node, _why_idle(parts))
    return parts, None


def _loops_deep(node: ast.AST) -> int:
    """How many loops stand in one another."""
    inside = max(map(_loops_deep, ast.iter_child_nodes(node)), default=0)
    return inside + isinstance(node, ast.For)


def _in_turn(turns: Turns) -> ItemPart:
    """A call of the function, whose body is written later."""
    names = (*turns.state, *turns.free)
    return ItemPart(comprehension_of(turns.target, names, many=False), (), names)


def _why_idle(parts: Halves) -> str:
    """Why nothing of a body is worth running elsewhere."""
    if parts.item or not parts.carried:
        return "what a turn computes by itself takes no longer than passing it on"
    name = min(parts.carried)
    return f"every turn goes on from what the one before it left in `{name}`"


def _is_plain_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_plain_target, target.elts))
    if isinstance(target, ast.Starred):
        return _is_plain_target(target.value)
    return isinstance(target, ast.Name)


def _records(target: ast.expr, parts: Halves) -> ItemPart:
    values = [_value_of_field(each, parts) for each in parts.item]
    if len(values) == len(parts.fields) and all(values):
        # Nothing but expressions: they need no function of their own.
        fields = [clone(each) for each in values if each is not None]
        element = fields[0] if len(fields) == 1 else ast.Tuple(fields, ast.Load())
        generator = ast.comprehension(clone(target), ast.Tuple([], ast.Load()), [], 0)
        comprehension = placed(ast.ListComp(element, [generator]), target)
        return ItemPart(comprehension, (), tuple(sorted(reads(comprehension) - stores(target))))
    names: list[ast.expr] = [store(each) for each in parts.begin_none]
    begin = [ast.Assign(names, ast.Constant(None))] if names else []
    record: ast.expr = ast.Tuple([load(each) for each in parts.fields], ast.Load())
    if len(parts.fields) == 1:
        record = load(parts.fields[0])  # it travels for less, and is made native more often
    return _part(target, [*begin, *parts.item], [ast.Return(record)])


def _value_of_field(statement: ast.stmt, parts: Halves) -> ast.expr | None:
    """The value of a field that no variable of the program's holds as well."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in parts.assigned:
            return value
    return None


def _terms(target: ast.expr, total: Total) -> ItemPart:
    if total.comprehension is not None:
        free = reads(total.comprehension) - stores(target)
        return ItemPart(total.comprehension, (), tuple(sorted(free)))
    begin = ast.Assign([store(TERMS)], ast.List([], ast.Load()))
    return _part(target, [begin, *total.item], [ast.Return(load(TERMS))], many=True)


def _left(target: ast.expr, total: Total) -> ItemPart:
    values = ast.Tuple([load(each) for each in (*total.always, *total.perhaps)], ast.Load())
    read = [unless_unbound(ast.Expr(load(each)), each) for each in total.perhaps]
    return _part(target, total.turn, [*read, ast.Return(values)])


def _part(
    target: ast.expr,
    statements: Sequence[ast.stmt],
    end: Sequence[ast.stmt],
    *,
    many: bool = False,
) -> ItemPart:
    """The function of these statements; a ``return`` in them stands for ``end``, as does their
    end."""
    function = ast.Module([*map(clone, statements), ast.Return(None)], [])
    body = [placed(each, target) for each in _Ending(end).visit(function).body]
    free = tuple(sorted(reads(*body) - stores(target, *body)))
    return ItemPart(comprehension_of(target, free, many=many), tuple(body), free)


class _Ending(ast.NodeTransformer):
    """Makes every end of a turn the same."""

    def __init__(self, end: Sequence[ast.stmt]) -> None:
        self._end = end

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        return [placed(clone(each), node) for each in self._end]
