"""Takes the body of a ``for`` loop apart: what an item computes anywhere, and the fold.

The item's part reads only the item, variables that the loop leaves alone, and variables that every
turn assigns first. The fold is the whole body again, statement by statement, with every expression
that the item's part has computed replaced by a *field* of the item's *record*; so every variable
is assigned when and as Python assigns it, however the loop ends. Whether the item's part is pure is
proved later, on the values; here everything that could not be belongs to the fold.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.for_loops.flow import Flow, base_name, mutated_bases, reads, stores
from ufora_core.compiler.for_loops.fold import Folding, Known, Target
from ufora_core.compiler.for_loops.rules import FUNCTIONS, MAPPED, NotSplit, check, not_split
from ufora_core.compiler.sites.names import keeps_variables
from ufora_core.compiler.trees import clone, placed

#: How the fold calls ``statement.Unset``.
UNSET_MARK = "__ufora_unset__"
#: Name of what stands for a variable that an item did not assign (a parameter of its function).
UNSET = "_ufora_unset"
#: Modules whose functions change what they are given.
_MODULES = ("heapq", "bisect", "random")
#: Statements that end a loop, where they stand in a fold: loops within it are the item's.
_ENDING = (ast.Break, ast.Return)
#: Names of an item's results, where they are no variables of the user's.
_FIELD = "_ufora_{}"


@dataclass(frozen=True, slots=True)
class Halves:
    """A body taken apart."""

    #: Statements of an item; a ``return`` in it stands for that of the record, as does the end.
    item: list[ast.stmt]
    #: Names of the record's fields within the item's part, in order.
    fields: tuple[str, ...]
    #: Those that an item may leave without a value: they begin as None.
    begin_none: tuple[str, ...]
    #: Positions of fields that must hold immutable values: else the item runs as written.
    immutable: frozenset[int]
    fold: list[ast.stmt]
    #: Names that the body assigns, and those of them that the fold assigns.
    assigned: frozenset[str]
    carried: frozenset[str]
    #: Variables that operators may change in place.
    in_place: frozenset[str]
    targets: tuple[Target, ...]
    #: Builtins that the fold uses by name.
    builtins: frozenset[str]
    #: Names of the loop's own target.
    target_names: frozenset[str]
    #: The fold may end the loop.
    breaks: bool
    #: The fold may use special methods of the values, beyond keeping them.
    looks: bool


def is_field(name: str) -> bool:
    """Whether an item's part has this name for a result that no variable of the user's holds."""
    return name.startswith(_FIELD.format(""))


def field_name(position: int) -> str:
    """The name of a record's field in the fold; no program can have it."""
    return f".{position}"


def halves(target: ast.expr, body: list[ast.stmt]) -> Halves:
    """Takes a body apart.

    Raises:
        NotSplit: it has no such parts.
    """
    check(body)
    if any(keeps_variables(statement) for statement in body):
        kept = next(each for each in body if keeps_variables(each))
        raise not_split(kept, f"{quote(kept)} makes a function or generator that outlives its turn")
    own = stores(target)
    flow = Flow(own)
    flow.run(body)
    known = Known(stores(*body) & flow.early)
    while True:
        found = _Splitter(own, body, known).run(body)
        learnt = Known(
            found.carried,
            found.in_place,
            frozenset(each.name for each in found.targets if each.inner is not None),
        )
        if learnt == known:
            return found
        known = learnt


class _Splitter(Folding):
    """Goes through a body once."""

    def __init__(self, own: frozenset[str], body: list[ast.stmt], known: Known) -> None:
        super().__init__(own, stores(*body), known)
        self._assignments = Counter(_assigned_names(body))
        self._flow = Flow(own)
        self._fields: list[str] = []
        self._begin_none: list[str] = []
        self._immutable: set[int] = set()
        #: Within an ``if`` of the item's, or behind a way out of its turn.
        self._conditional = False
        #: Behind a ``continue`` that only the fold can decide.
        self._skipped = False
        #: Fold statements that came before, and got values of the item's.
        self._folded = False
        self._statements: list[ast.stmt] = []

    def run(self, body: list[ast.stmt]) -> Halves:
        """The two parts, as far as they are known with these carried names."""
        item, fold = self._block(body)
        return Halves(
            item=item,
            fields=tuple(self._fields),
            begin_none=tuple(self._begin_none),
            immutable=frozenset(self._immutable),
            fold=fold,
            assigned=self._assigned,
            carried=frozenset(self._found),
            in_place=frozenset(self._in_place),
            targets=tuple(self._targets.values()),
            builtins=frozenset(self._builtins),
            target_names=self._own,
            breaks=any(isinstance(x, _ENDING) for each in fold for x in ast.walk(each)),
            looks=self._looks,
        )

    def _block(self, body: Sequence[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
        item: list[ast.stmt] = []
        fold: list[ast.stmt] = []
        for statement in body:
            self._statements = []
            folded = self._statement(statement)
            item += self._statements
            fold += folded
        return item, fold

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        """The statement's part of the fold; the item's part goes to ``_statements``."""
        if not self._decided_by_fold and self._is_mapped(node):
            if self._skipped and is_work(node):
                raise self._skips(node)
            return self._mapped(node)
        match node:
            case ast.If():
                return self._if(node)
            case ast.Break() | ast.Continue():
                return self._leave(node)
            case ast.Return():
                value = node.value and self._residual(node.value)
                self._end_turn(node)
                return [ast.copy_location(ast.Return(value), node)]
            case ast.Pass():
                return [clone(node)]
        folded = self.folded(node)
        self._folded = True
        return [folded]

    # ------------------------------------------------------------------ the item's part

    def _is_mapped(self, node: ast.stmt) -> bool:
        """Whether a statement as a whole belongs to the item's part."""
        if isinstance(node, ast.Pass) or _leaves(node):
            return False
        if not (reads(node) | stores(node)).isdisjoint(self._carried):
            return False
        for each in ast.walk(node):
            if isinstance(each, ast.stmt) and not isinstance(each, MAPPED):
                return False
            if isinstance(each, ast.AnnAssign) and (each is not node or each.value is None):
                return False
            if isinstance(each, ast.Expr) and not self._is_private(each.value):
                return False
        return mutated_bases(node) <= self._private

    @property
    def _private(self) -> frozenset[str]:
        return self._assigned - self._carried - self._own

    def _is_private(self, effect: ast.expr) -> bool:
        """Whether an expression that stands by itself changes an object of the turn's own."""
        if isinstance(effect, ast.Constant):
            return True
        if not isinstance(effect, ast.Call):
            return False
        if isinstance(effect.func, ast.Name) and effect.func.id == "print":
            return False
        if isinstance(effect.func, ast.Attribute) and base_name(effect.func) in self._private:
            return True
        if base_name(effect.func) not in _MODULES and not isinstance(effect.func, ast.Name):
            return False
        return any(isinstance(x, ast.Name) and x.id in self._private for x in effect.args)

    def _mapped(self, node: ast.stmt) -> list[ast.stmt]:
        self._note_late(node)
        self._statements.append(clone(node))
        self._flow.run([node])
        assignments = [self._assignment(name, node) for name in sorted(stores(node))]
        if isinstance(node, ast.AnnAssign) and isinstance(assignments[0], ast.Assign):
            # In a module the annotation is evaluated, and kept.
            annotated = clone(node)
            annotated.value = assignments[0].value
            return [annotated]
        return assignments

    def _assignment(self, name: str, place: ast.stmt) -> ast.stmt:
        """The fold's assignment of a variable that the item's part has computed."""
        sure = self._flow.assigned is None or name in self._flow.assigned
        if sure and not self._conditional and self._assignments[name] == 1:
            self._fields.append(name)  # the variable itself
            position = len(self._fields) - 1
        else:
            position = self._field(ast.Name(name, ast.Load()), place)
        if not sure:
            read = unless_unbound(self._statements[-1], self._fields[position])
            self._statements[-1] = placed(read, place)
        value = ast.Name(field_name(position), ast.Load())
        assignment: ast.stmt = ast.Assign([ast.Name(name, ast.Store())], value)
        if not sure:
            test = ast.Compare(value, [ast.IsNot()], [ast.Name(UNSET_MARK, ast.Load())])
            assignment = ast.If(test, [assignment], [])
        return placed(assignment, place)

    def _field(self, value: ast.expr, place: ast.AST) -> int:
        """A new field of the record, computed here."""
        position = len(self._fields)
        name = _FIELD.format(position)
        self._fields.append(name)
        if self._conditional:
            self._begin_none.append(name)
        assignment = ast.Assign([ast.Name(name, ast.Store())], value)
        self._statements.append(placed(assignment, place))
        return position

    def _skips(self, node: ast.AST) -> NotSplit:
        return not_split(
            node,
            f"{quote(node)} is left out in some turns, depending on others, and may be much work: "
            "do it before the `continue`, or in a loop of its own",
        )

    def _computed(self, node: ast.expr, *, immutable: bool = False) -> ast.expr:
        if self._skipped and is_work(node):
            raise self._skips(node)
        self._note_late(node)
        position = self._field(clone(node), node)
        if immutable:
            self._immutable.add(position)
        return placed(ast.Name(field_name(position), ast.Load()), node)

    def _note_late(self, node: ast.AST) -> None:
        """What the fold got before this runs must not be changed by it."""
        if self._folded and not reads(node).isdisjoint(self._private) and _may_change(node):
            self._immutable.update(range(len(self._fields)))

    # ------------------------------------------------------------------ control flow

    def _if(self, node: ast.If) -> list[ast.stmt]:
        if self._decided_by_fold or not reads(node.test).isdisjoint(self._carried):
            self._looks = True
            test = self._residual(node.test)
            statements = self._statements
            with self._in_fold():
                body = self._block(node.body)[1]
                orelse = self._block(node.orelse)[1]
            self._statements = statements
            self._folded = True
        else:
            test, body, orelse = self._mapped_if(node)
        return [ast.copy_location(ast.If(test, body or [ast.Pass()], orelse), node)]

    def _mapped_if(self, node: ast.If) -> tuple[ast.expr, list[ast.stmt], list[ast.stmt]]:
        """An ``if`` that the item's part decides: both parts have it."""
        self._note_late(node.test)
        statements = self._statements
        truth = ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), clone(node.test)))
        position = self._field(truth, node.test)
        before, flow = self._conditional, self._flow.assigned
        self._conditional = True
        item_body, body = self._block(node.body)
        ends = self._flow.assigned
        self._flow.assigned = flow
        item_orelse, orelse = self._block(node.orelse)
        self._flow.assigned = _meet(ends, self._flow.assigned)
        self._conditional = before or _leaves(node)
        self._statements = statements
        if item_body or item_orelse:
            decided = ast.Name(self._fields[position], ast.Load())
            inner = ast.If(decided, item_body or [ast.Pass()], item_orelse)
            statements.append(placed(inner, node))
        test = ast.Name(field_name(position), ast.Load())
        return placed(test, node.test), body, orelse

    def _leave(self, node: ast.Break | ast.Continue) -> list[ast.stmt]:
        if self._decided_by_fold:
            self._skipped = self._skipped or isinstance(node, ast.Continue)
        self._end_turn(node)
        return [clone(node)]

    def _end_turn(self, node: ast.stmt) -> None:
        """The rest of the turn does not run: if the item decides that, the record is complete."""
        if not self._decided_by_fold:
            self._statements.append(placed(ast.Return(None), node))
            self._flow.assigned = None
            self._conditional = True

    @contextmanager
    def _in_fold(self) -> Iterator[None]:
        before = self._decided_by_fold
        self._decided_by_fold = True
        yield
        self._decided_by_fold = before


def _assigned_names(body: list[ast.stmt]) -> Iterator[str]:
    """Each name as often as the body assigns it (a loop's targets count as many times)."""
    for statement in body:
        for each in ast.walk(statement):
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                yield each.id


def _leaves(node: ast.stmt) -> bool:
    """Whether a statement may end the turn of the loop that it stands in."""
    pending: list[ast.AST] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Break | ast.Continue | ast.Return):
            return True
        if isinstance(each, ast.For | ast.While):
            pending.extend(each.orelse)
        elif isinstance(each, ast.stmt | ast.excepthandler):
            pending.extend(ast.iter_child_nodes(each))
    return False


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def unless_unbound(reading: ast.stmt, name: str) -> ast.stmt:
    """A statement that reads a variable; if that has no value, ``name`` becomes UNSET instead."""
    unset = ast.Assign([ast.Name(name, ast.Store())], ast.Name(UNSET, ast.Load()))
    handler = ast.ExceptHandler(ast.Name("UnboundLocalError", ast.Load()), None, [unset])
    return ast.Try([reading], [handler], [], [])


def _may_change(node: ast.AST) -> bool:
    """Whether running it may change an object of the turn's own."""
    for each in ast.walk(node):
        if isinstance(each, ast.Expr | ast.AugAssign):
            return True
        if isinstance(each, ast.Subscript | ast.Attribute) and not isinstance(each.ctx, ast.Load):
            return True
        if isinstance(each, ast.Call) and not (
            isinstance(each.func, ast.Name) and each.func.id in FUNCTIONS
        ):
            return True
    return False


def is_work(node: ast.AST) -> bool:
    """Whether it may take longer than passing its value on."""
    heavy = (ast.Call, ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp)
    return any(isinstance(each, heavy) for each in ast.walk(node))
