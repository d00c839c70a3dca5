"""Where a program may be split: its *sites*.

A site is a comprehension, or a call such as ``sum((f(x) for x in xs), start)`` that folds a
generator expression. ``rewrite`` turns each one, in place, into ::

    <original> if __ufora_closed_INDEX__ else
    __ufora_result__(start) if __ufora_loop__(INDEX, sum, xs) else
    sum((f(x) for x in __ufora_items__()), start)

and ``sorted(map(f, xs), key=k)`` into ::

    <original> if __ufora_closed_INDEX__ else
    __ufora_result__() if __ufora_loop__(INDEX, sorted, __ufora_view__(map, f, xs), k) else
    __ufora_reducer__()(__ufora_items__())

so that a program runs exactly as written unless the engine takes a loop over; ``asking`` says what
these names mean.

Of nested sites the outermost comes first; those inside its item are sites only in the last form,
which runs when the engine declines the outer one. ``for`` statements that are a map and an ordered
fold are sites too, see ``for_loops``. Sites are numbered in the order in
which a reader meets them, so every process that rewrites the same source agrees on the numbers.
"""

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from ufora_core.compiler.for_loops.rules import NotSplit
from ufora_core.compiler.for_loops.statement import Sequential, sequential, taken_apart
from ufora_core.compiler.for_loops.writing import rewritten
from ufora_core.compiler.scopes import Scopes
from ufora_core.compiler.sites.asking import ITEMS, LOOP, REDUCER, RESULT
from ufora_core.compiler.sites.calls import (
    ALONE,
    VALUE,
    CallFinder,
    Calls,
    asks_alone,
    is_question,
    items_of,
    with_values,
)
from ufora_core.compiler.sites.forms import (
    Form,
    SiteKind,
    besides,
    can_be_split,
    drained,
    form_of,
    spread_in,
    unpacks_all,
)
from ufora_core.compiler.sites.gates import runs_as_written
from ufora_core.compiler.sites.iterables import VIEW, viewed
from ufora_core.compiler.sites.names import Comprehension, mangled, targets
from ufora_core.compiler.sites.site import Site, described
from ufora_core.compiler.trees import call, clone, depth, placed

__all__ = [
    "ALONE",
    "ITEMS",
    "LOOP",
    "REDUCER",
    "RESULT",
    "VALUE",
    "VIEW",
    "Site",
    "SiteKind",
    "rewrite",
    "rewrite_items",
]

#: Expressions that nest deeper are not looked into: recursive functions need frames.
_DEEPEST = 100


def rewrite(
    tree: ast.AST,
    *,
    first: int = 0,
    mangle: str = "",
    slow: frozenset[str] = frozenset(),
    refused: list[Sequential] | None = None,
) -> list[Site]:
    """Rewrites every site below ``tree`` in place and returns them in order.

    ``first`` is the index of the first one; ``mangle`` the class around ``tree``, when ``tree`` is
    a method by itself; ``slow`` the names of functions whose calls may take long
    (``calls``). ``for`` statements that are no sites are added to ``refused``, but for those
    within a site. ``tree`` must not be a site itself (it has nowhere to be replaced).
    """
    rewriter = _Rewriter(first, mangle, slow)
    rewriter.visit(tree)
    if refused is not None:
        refused += rewriter.refused
    return rewriter.sites


def rewrite_items(
    comprehension: Comprehension,
    *,
    first: int = 0,
    mangle: str = "",
    slow: frozenset[str] = frozenset(),
) -> list[Site]:
    """As ``rewrite``, for the sites that the items of a comprehension reach."""
    rewriter = _Rewriter(first, mangle, slow)
    rewriter.visit_items(comprehension)
    return rewriter.sites


class _Rewriter(Scopes, ast.NodeTransformer):
    def __init__(self, first: int, mangle: str, slow: frozenset[str]) -> None:
        super().__init__(mangle)
        self.sites: list[Site] = []
        #: ``for`` statements that are no sites.
        self.refused: list[Sequential] = []
        #: By the identity of an iterable of which all items are taken where it stands, what
        #: takes them.
        self._drained: dict[int, ast.expr] = {}
        self._next = first
        self._in_expression = False
        self._finder = CallFinder(slow)

    def visit(self, node: ast.AST) -> Any:
        """Expressions that nest too deeply for recursive functions stay as they are."""
        if not isinstance(node, ast.expr):
            return super().visit(node)
        if self._in_expression:
            return self._expression(node)
        if depth(node) > _DEEPEST:
            return node
        self._in_expression = True
        visited = self._expression(node)
        self._in_expression = False
        return visited

    # ------------------------------------------------------------------ calls side by side

    def _expression(self, node: ast.expr) -> Any:
        calls = None if self._in_class_body else self._finder.group(node)
        if calls is None and self._stands_alone(node):
            calls = Calls(1)
        if calls is None:
            return self._drain(node) or super().visit(node)
        original = clone(node)
        found = self._finder.calls(node)
        site = self._calls_site(node, found, calls)
        with_values(node, {id(call): call for call in found})
        condition = runs_as_written(site.index, asks_alone(site.index))
        return placed(ast.IfExp(condition, original, node), original)

    def _stands_alone(self, node: ast.expr) -> bool:
        """Whether it is a call of the block itself that may take long. A call in a function is
        divided or compiled with the call of that function."""
        inside = self._in_class_body or self._in_function or self._enclosing
        return not inside and self._finder.is_candidate(node)

    def put_together(self, statements: list[ast.stmt]) -> None:
        """Put those statements together whose calls may be made side by side."""
        if self._in_class_body or not self._finder.names:
            return
        runs = self._finder.runs(statements)
        statements[:] = [run[0] if len(run) == 1 else self._side_by_side(run) for run in runs]

    def _side_by_side(self, run: list[ast.stmt]) -> ast.If:
        assignments = cast(list[ast.Assign], run)
        names = (cast(ast.Name, each.targets[0]).id for each in assignments)
        assigned = frozenset(mangled(name, self._mangle) for name in names)
        originals = [clone(each) for each in assignments]
        found = [cast(ast.Call, each.value) for each in assignments]
        site = self._calls_site(found[0], found, Calls(len(found), assigned))
        for each in assignments:
            with_values(each, {id(call): call for call in found})
        condition = runs_as_written(site.index, asks_alone(site.index))
        choice = ast.If(condition, [*originals], [*assignments])
        return placed(ast.copy_location(choice, assignments[0]), assignments[0])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Statements stand in lists of these names."""
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                self.put_together(statements)
        return super().generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        """What was put together just now has nothing more to rewrite."""
        if isinstance(node.test, ast.BoolOp) and is_question(node.test.values[-1]):
            return node
        return self.generic_visit(node)

    def _calls_site(self, place: ast.expr, found: Sequence[ast.Call], calls: Calls) -> Site:
        comprehension = placed(items_of(found), place)
        described = self._describe(comprehension)
        site = replace(
            described,
            kind=SiteKind.CALLS,
            line=place.lineno,
            column=place.col_offset,
            eager=True,
            calls=calls,
        )
        self.sites.append(site)
        return site

    # ------------------------------------------------------------------ statements

    def visit_For(self, node: ast.For) -> ast.AST:
        if self._in_class_body:
            return self.generic_visit(node)
        try:
            loop = taken_apart(node)
        except NotSplit as reason:
            self.refused.append(sequential(node, reason))
            return self.generic_visit(node)
        site = self._describe(loop.items.comprehension)
        site = replace(site, line=node.lineno, column=node.col_offset, loop=loop)
        self.sites.append(site)
        if loop.why is not None and not loop.runs_apart:
            self.refused.append(sequential(node, loop.why))
        known = len(self.refused)
        statement = rewritten(node, loop, site.index, self.visit)
        del self.refused[known:]
        return statement

    # ------------------------------------------------------------------ sites

    def visit_Call(self, node: ast.Call) -> ast.AST:
        form = form_of(node)
        if form is None or self._in_class_body or not can_be_split(form.comprehension()):
            return self._display(node)
        return self._site(node, form)

    def visit_List(self, node: ast.List) -> ast.AST:
        return self._display(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        return self._display(node)

    def _display(self, node: ast.expr) -> ast.AST:
        self._drained |= {id(each.value): node for each in spread_in(node)}
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if unpacks_all(node):
            self._drained[id(node.value)] = node.targets[0]
        return self.generic_visit(node)

    def _drain(self, node: ast.expr) -> ast.AST | None:
        """The site that takes all items of an iterable, if it is one."""
        place = self._drained.pop(id(node), None)
        form = None if place is None else drained(node)
        if form is None or self._in_class_body or not can_be_split(form.comprehension()):
            return None
        return self._site(node, form, place)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._bare(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._bare(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._bare(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._inside(node)

    def _bare(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> ast.AST:
        form = form_of(node)
        if form is None or self._in_class_body or not can_be_split(form.comprehension()):
            return self._inside(node)
        return self._site(node, form)

    def _inside(self, comprehension: Comprehension) -> ast.AST:
        """Rewrites the parts of a comprehension: its outermost iterable belongs to the scope
        around it, the rest to its own."""
        outermost = comprehension.generators[0]
        outermost.iter = self.visit(outermost.iter)
        self._item_parts(comprehension)
        return comprehension

    def visit_items(self, comprehension: Comprehension) -> None:
        """Rewrite what belongs to the items of a comprehension, and not the rest of it."""
        if depth(comprehension) <= _DEEPEST:
            self._in_expression = True
            self._item_parts(comprehension)
            self._in_expression = False

    def _item_parts(self, comprehension: Comprehension) -> None:
        before = self._enclosing
        self._enclosing = before | targets(comprehension)
        outermost, *rest = comprehension.generators
        self._visit_all(outermost.ifs)
        for generator in rest:
            generator.iter = self.visit(generator.iter)
            self._visit_all(generator.ifs)
        if isinstance(comprehension, ast.DictComp):
            comprehension.key = self.visit(comprehension.key)
            comprehension.value = self.visit(comprehension.value)
        else:
            comprehension.elt = self.visit(comprehension.elt)
        self._enclosing = before

    def _site(self, node: ast.expr, form: Form, place: ast.expr | None = None) -> ast.AST:
        """The expression that asks the engine; items fail at ``place``."""
        original = clone(node)
        site = self._describe(original)
        self.sites.append(site)

        operands = [] if form.operand is None else [clone(form.operand)]
        function, key = self._function_and_key(node, form)
        iterable = viewed(form.source, self.visit)
        items = placed(call(ITEMS), form.source.node)
        if form.written is not None:
            form.written.generators[0].iter = items
            self._item_parts(form.written)
        elif form.reducer is None:
            node = items
        elif isinstance(node, ast.Call):
            (form.running or node).args[0] = items
        if form.running is not None:
            form.running.args, form.running.keywords = form.running.args[:1], []
        taken = call(LOOP, ast.Constant(site.index), function, iterable, *key)
        result = placed(call(RESULT, *operands), place or original)
        declined = ast.IfExp(taken, result, node)
        choice = ast.IfExp(runs_as_written(site.index), original, declined)
        return placed(choice, original)

    def _function_and_key(self, node: ast.expr, form: Form) -> tuple[ast.expr, list[ast.expr]]:
        """What the site passes to the engine besides the items. What is more than a name leaves the
        call, which gets it back from the engine."""
        if form.reducer is None or not isinstance(node, ast.Call):
            return ast.Constant(None), []
        if form.running is not None:
            return self._running(node, form.running)
        before, node.args = node.args[: form.position], node.args[form.position :]
        if isinstance(node.func, ast.Name) and not before and form.key is None:
            return clone(node.func), []
        function, node.func = self.visit(node.func), placed(call(REDUCER), node.func)
        if before:
            self._visit_all(before)
            function = ast.Tuple([function, *before], ast.Load())
        if form.key is None:
            return function, []
        node.keywords.remove(form.key)
        return function, [self.visit(form.key.value)]

    def _running(self, node: ast.Call, running: ast.Call) -> tuple[ast.expr, list[ast.expr]]:
        """As ``_function_and_key``, where the reducer folds what ``accumulate`` gives."""
        both = ast.Tuple([clone(node.func), self.visit(running.func)], ast.Load())
        running.func = placed(call(REDUCER), running.func)
        return both, list(map(self.visit, besides(running)))

    def _describe(self, original: ast.expr) -> Site:
        self._next += 1
        return described(original, self._next - 1, self._mangle, self._enclosing)
