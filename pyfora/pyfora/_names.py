"""Which variables a block binds and which it reads, by Python's rules of scope.

(Which global names it reaches, the encoder reads from the block's code.)

Too many names read are harmless (a name that nothing has is not sent); too few are not, so a class
body counts as reading what it may also have bound itself.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

#: Builtins that see variables without naming them. A block that uses one gets them all.
_SEE_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec"})

_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Names:
    """The variables of a block, each in sorted order; ``__private`` names are already mangled."""

    #: What the block itself, or a function in it by ``nonlocal``, may bind or delete.
    assigned: tuple[str, ...]
    #: Those of them that it may delete.
    deleted: tuple[str, ...]
    #: What the block, or a function in it, reads from outside of itself.
    read: tuple[str, ...]
    #: What functions that the block makes share with it.
    captured: tuple[str, ...]
    #: Whether the block may look at variables that it does not name.
    sees_locals: bool
    #: Whether it calls ``super()``, which looks at ``__class__`` and the first argument.
    calls_super: bool


def names_of(body: Sequence[ast.stmt], mangle: str) -> Names:
    """The names of these statements, which stand in a method of the class ``mangle`` (or '')."""
    scope = _Scope(mangle)
    for statement in body:
        scope.visit(statement)
    read = scope.read | scope.bound
    return Names(
        assigned=tuple(sorted(scope.bound | scope.rebound_inside)),
        deleted=tuple(sorted(scope.deleted | scope.rebound_inside)),
        read=tuple(sorted(read)),
        captured=tuple(sorted(scope.captured)),
        sees_locals=not _SEE_LOCALS.isdisjoint(read),
        calls_super=scope.calls_super,
    )


def mangled(name: str, class_name: str) -> str:
    """The variable that ``name`` means inside of a class."""
    stripped = class_name.lstrip("_")
    if not stripped or not name.startswith("__") or name.endswith("__"):
        return name
    return f"_{stripped}{name}"


class _Scope(ast.NodeVisitor):
    """One scope: a block, or a function, class or comprehension in it."""

    def __init__(self, mangle: str, function: bool = True) -> None:
        self.mangle = mangle
        #: False in a comprehension: there, ``:=`` binds outside.
        self.function = function
        self.bound: set[str] = set()
        self.deleted: set[str] = set()
        self.read: set[str] = set()
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        #: What ``:=`` in a comprehension binds, which is a variable of the scope around it.
        self.walrus: set[str] = set()
        #: What functions in here declare ``nonlocal``: variables of this scope, or further out.
        self.rebound_inside: set[str] = set()
        #: What functions in here (comprehensions do not outlive the block) see of scopes around.
        self.captured: set[str] = set()
        self.calls_super = False

    def _bind(self, name: str) -> None:
        self.bound.add(mangled(name, self.mangle))

    def _visit_all(self, nodes: Sequence[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _close(self, inner: _Scope, is_class: bool = False) -> None:
        """Takes over what an inner scope reads and binds outside of itself."""
        own = set() if is_class else inner.bound - inner.globals - inner.nonlocals
        self.read |= (inner.read - inner.globals - own) | inner.nonlocals | inner.walrus
        self.globals |= inner.globals
        self.captured |= inner.captured - own
        if inner.function and not is_class:
            self.captured |= (inner.read - inner.globals - own) | inner.nonlocals
        self.rebound_inside |= inner.nonlocals | (inner.rebound_inside - own)
        if self.function:
            self.bound |= inner.walrus
        else:
            self.walrus |= inner.walrus

    # ------------------------------------------------------------------ names

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read.add(mangled(node.id, self.mangle))
        else:
            self._bind(node.id)
        if isinstance(node.ctx, ast.Del):
            self.deleted.add(mangled(node.id, self.mangle))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        if self.function:
            self.visit(node.target)
        else:
            self.walrus.add(mangled(node.target.id, self.mangle))
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # ``name: int`` alone binds nothing.
        self._visit_all([node.annotation, node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_Global(self, node: ast.Global) -> None:
        self.globals.update(mangled(name, self.mangle) for name in node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.nonlocals.update(mangled(name, self.mangle) for name in node.names)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name)
            self.deleted.add(mangled(node.name, self.mangle))
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
            self.calls_super = True
        self.generic_visit(node)

    # ------------------------------------------------------------------ scopes

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        self._visit_all([*node.decorator_list, node.returns])
        self._function(node, node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, [node.body])

    def _function(self, node: _Function, body: Sequence[ast.AST]) -> None:
        inner = _Scope(self.mangle)
        arguments = node.args
        for argument in _arguments(arguments):
            inner._bind(argument.arg)
            self._visit_all([argument.annotation])
        self._visit_all([*arguments.defaults, *arguments.kw_defaults])
        inner._visit_all([*_type_parameters(node), *body])
        self._close(inner)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        inner = _Scope(node.name)
        inner._visit_all([*_type_parameters(node), *node.body])
        self._close(inner, is_class=True)

    def visit_TypeVar(self, node: ast.AST) -> None:
        self._bind(node.name)  # type: ignore[attr-defined]  # a node of 3.12
        self.generic_visit(node)

    visit_ParamSpec = visit_TypeVar  # noqa: N815 - the visitor's naming rule
    visit_TypeVarTuple = visit_TypeVar  # noqa: N815

    def visit_ListComp(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)  # evaluated out here: ``[x for x in x]`` reads ``x``
        inner = _Scope(self.mangle, function=False)
        inner.generic_visit(node)
        self._close(inner)

    visit_SetComp = visit_ListComp  # noqa: N815
    visit_DictComp = visit_ListComp  # noqa: N815
    visit_GeneratorExp = visit_ListComp  # noqa: N815


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _type_parameters(node: ast.AST) -> list[ast.AST]:
    return list(getattr(node, "type_params", ()))
