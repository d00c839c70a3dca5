"""Where a program may be split: its *sites*.

A site is a comprehension, or a call such as ``sum((f(x) for x in xs), start)`` that folds a
generator expression. ``rewrite`` turns each one, in place, into ::

    <original> if __ufora_plain__ else
    __ufora_result__(start) if __ufora_loop__(INDEX, sum, xs) else
    sum((f(x) for x in __ufora_items__()), start)

so that a program runs exactly as written unless the engine takes a loop over. Four names stand in
the namespace of builtins of the code that runs:

``__ufora_plain__``
    True while nothing may be split: the original expression runs, at the cost of one look-up.
``__ufora_loop__(index, function, iterable)``
    Takes the loop (True), or declines (False). ``function`` is what the reducer's name means just
    now (None for a bare comprehension): unless it is the builtin, the engine declines. Local
    variables that items read are in ``sys._getframe(1).f_locals``; ``Site.local_names`` says
    which.
``__ufora_result__(*operand)``
    Called next by the same frame when the loop was taken: runs it and gives the value of the whole
    expression. The operand is the reducer's start or default, evaluated after the iterable as in
    the original.
``__ufora_items__()``
    Called next by the same frame when the engine declined: the iterable, which is not evaluated
    twice. What cannot be iterated fails here, as and where it did before.

Of nested sites the outermost comes first; those inside its item are sites only in the last form,
which runs when the engine declines the outer one. Sites are numbered in the order in
which a reader meets them, so every process that rewrites the same source agrees on the numbers.
"""

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, TypeVar, cast

from ufora_core.compiler.forms import (
    COMPREHENSIONS,
    SiteKind,
    arguments_of,
    can_be_split,
    reduction_of,
)
from ufora_core.compiler.names import (
    Comprehension,
    free_names,
    kept_names,
    mangled,
    targets,
)
from ufora_core.compiler.trees import clone, depth

__all__ = ["ITEMS", "LOOP", "PLAIN", "RESULT", "Site", "SiteKind", "rewrite"]

PLAIN = "__ufora_plain__"
LOOP = "__ufora_loop__"
RESULT = "__ufora_result__"
ITEMS = "__ufora_items__"

#: Expressions that nest deeper are not looked into: recursive functions need frames.
_DEEPEST = 100

N = TypeVar("N", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Site:
    """One place where a program may be split."""

    index: int
    kind: SiteKind
    line: int
    column: int
    #: The comprehension as written; nobody may change it.
    comprehension: Comprehension
    #: Names, spelled as CPython spells them, that items read from the scopes around.
    free: tuple[str, ...]
    #: Those of ``free`` that an item's value may hold on to (``lambda: k``): if one is a local
    #: variable, the site cannot be split.
    kept: frozenset[str]
    #: Those of ``free`` that an enclosing comprehension binds.
    enclosing: frozenset[str]
    #: All items run before the fold looks at the first (``sum([f(x) for x in xs])``).
    eager: bool
    #: Whether the expression has a start or default.
    operand: bool
    #: Name of the class around the code, for ``__private`` names (or empty).
    mangle: str

    def local_names(self, code: CodeType) -> tuple[str, ...]:
        """Those of ``free`` that are variables of the frame that runs ``code``, its closure
        included; the others are globals. A variable that ``f_locals`` lacks is unbound, and then
        the original must run, so that it fails as written."""
        variables = set(self.enclosing)
        if code.co_flags & inspect.CO_OPTIMIZED:
            variables.update(code.co_varnames, code.co_cellvars, code.co_freevars)
        return tuple(name for name in self.free if name in variables)


def rewrite(tree: ast.AST, *, first: int = 0, mangle: str = "") -> list[Site]:
    """Rewrites every site below ``tree`` in place and returns them in order.

    ``first`` is the index of the first one; ``mangle`` the class around ``tree``, when ``tree`` is
    a method by itself. ``tree`` must not be a site itself (it has nowhere to be replaced).
    """
    rewriter = _Rewriter(first, mangle)
    rewriter.visit(tree)
    return rewriter.sites


class _Rewriter(ast.NodeTransformer):
    def __init__(self, first: int, mangle: str) -> None:
        self.sites: list[Site] = []
        self._next = first
        self._mangle = mangle
        #: Directly in a class body names mean something else than inside its comprehensions.
        self._in_class_body = False
        self._enclosing: frozenset[str] = frozenset()
        self._in_expression = False

    def visit(self, node: ast.AST) -> Any:
        """Expressions that nest too deeply for recursive functions stay as they are."""
        if self._in_expression or not isinstance(node, ast.expr):
            return super().visit(node)
        if depth(node) > _DEEPEST:
            return node
        self._in_expression = True
        visited = super().visit(node)
        self._in_expression = False
        return visited

    # ------------------------------------------------------------------ scopes

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._visit_all(node.decorator_list, node.bases, node.keywords)
        before = self._mangle, self._in_class_body
        self._mangle, self._in_class_body = node.name, True
        self._visit_all(node.body)
        self._mangle, self._in_class_body = before
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._visit_arguments(node.args)
        before = self._enter_function()
        node.body = self.visit(node.body)
        self._in_class_body, self._enclosing = before
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        # Annotations are read as text by tools: they stay as written.
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._visit_all(node.decorator_list)
        self._visit_arguments(node.args)
        before = self._enter_function()
        self._visit_all(node.body)
        self._in_class_body, self._enclosing = before
        return node

    def _enter_function(self) -> tuple[bool, frozenset[str]]:
        before = self._in_class_body, self._enclosing
        self._in_class_body, self._enclosing = False, frozenset()
        return before

    def _visit_arguments(self, arguments: ast.arguments) -> None:
        self._visit_all(arguments.defaults)
        arguments.kw_defaults = [
            None if default is None else self.visit(default) for default in arguments.kw_defaults
        ]

    def _visit_all(self, *lists: Sequence[ast.AST]) -> None:
        for nodes in lists:
            cast(list[ast.AST], nodes)[:] = [self.visit(node) for node in nodes]

    # ------------------------------------------------------------------ sites

    def visit_Call(self, node: ast.Call) -> ast.AST:
        reduction = reduction_of(node)
        if reduction is not None and not self._in_class_body:
            kind, comprehension = reduction
            if can_be_split(comprehension):
                return self._site(node, kind, comprehension, cast(ast.Name, node.func))
        return self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._bare(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._bare(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._bare(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._inside(node)

    def _bare(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> ast.AST:
        if self._in_class_body or not can_be_split(node):
            return self._inside(node)
        return self._site(node, COMPREHENSIONS[type(node)], node, None)

    def _inside(self, comprehension: Comprehension) -> ast.AST:
        """Rewrites the parts of a comprehension: its outermost iterable belongs to the scope
        around it, the rest to its own."""
        outermost = comprehension.generators[0]
        outermost.iter = self.visit(outermost.iter)
        self._item_parts(comprehension)
        return comprehension

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

    def _site(
        self,
        node: ast.expr,
        kind: SiteKind,
        comprehension: Comprehension,
        reducer: ast.Name | None,
    ) -> ast.AST:
        original = clone(node)
        site = self._describe(original, kind)
        self.sites.append(site)

        outermost = comprehension.generators[0]
        iterable = self.visit(outermost.iter)
        outermost.iter = _at(outermost.iter, _call(ITEMS))
        self._item_parts(comprehension)
        operands = self._operands(node)
        function = clone(reducer) if reducer is not None else ast.Constant(None)
        taken = _call(LOOP, ast.Constant(site.index), function, iterable)
        declined = ast.IfExp(taken, _call(RESULT, *operands), node)
        return _at(original, ast.IfExp(_load(PLAIN), original, declined))

    def _operands(self, node: ast.expr) -> list[ast.expr]:
        return list(map(clone, arguments_of(node)[1:])) if isinstance(node, ast.Call) else []

    def _describe(self, original: ast.expr, kind: SiteKind) -> Site:
        place = original
        operands: list[ast.expr] = []
        eager = False
        if isinstance(original, ast.Call):
            original, *operands = arguments_of(original)
            eager = not isinstance(original, ast.GeneratorExp)
        comprehension = cast(Comprehension, original)
        free = free_names(comprehension)
        self._next += 1
        return Site(
            index=self._next - 1,
            kind=kind,
            line=place.lineno,
            column=place.col_offset,
            comprehension=comprehension,
            free=self._mangled(sorted(free)),
            kept=frozenset(self._mangled(kept_names(comprehension))),
            enclosing=frozenset(self._mangled(free & self._enclosing)),
            eager=eager,
            operand=bool(operands),
            mangle=self._mangle,
        )

    def _mangled(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(mangled(name, self._mangle) for name in names)


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_load(name), list(arguments), [])


def _at(place: ast.expr, node: N) -> N:
    """``node``, with every part that has no location yet placed where ``place`` is."""
    for each in ast.walk(node):
        if isinstance(each, ast.expr) and not hasattr(each, "lineno"):
            ast.copy_location(each, place)
    return node
