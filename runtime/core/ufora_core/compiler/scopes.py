"""Walks through a program and knows in what kind of scope it is."""

import ast
from collections.abc import Sequence
from typing import cast


class Scopes(ast.NodeTransformer):
    """A transformer that keeps track of the scopes around a node."""

    def __init__(self, mangle: str) -> None:
        """``mangle`` is the class around the code, or empty."""
        self._mangle = mangle
        #: Directly in a class body names mean something else than inside its comprehensions.
        self._in_class_body = False
        self._in_function = False
        #: Names that comprehensions around bind.
        self._enclosing: frozenset[str] = frozenset()

    def put_together(self, statements: list[ast.stmt]) -> None:
        """Change the body of a function before it is visited."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Its body is a scope of its own, in which no site is taken."""
        self._visit_all(node.decorator_list, node.bases, node.keywords)
        before = self._mangle, self._in_class_body
        self._mangle, self._in_class_body = node.name, True
        self._visit_all(node.body)
        self._mangle, self._in_class_body = before
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """See ``put_together``."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """See ``put_together``."""
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Its body belongs to a function."""
        self._visit_arguments(node.args)
        before = self._enter_function()
        node.body = self.visit(node.body)
        self._leave_function(before)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Annotations are read as text by tools: they stay as written."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        """It stays as written."""
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._visit_all(node.decorator_list)
        self._visit_arguments(node.args)
        before = self._enter_function()
        self.put_together(node.body)
        self._visit_all(node.body)
        self._leave_function(before)
        return node

    def _enter_function(self) -> tuple[bool, bool, frozenset[str]]:
        before = self._in_class_body, self._in_function, self._enclosing
        self._leave_function((False, True, frozenset()))
        return before

    def _leave_function(self, before: tuple[bool, bool, frozenset[str]]) -> None:
        self._in_class_body, self._in_function, self._enclosing = before

    def _visit_arguments(self, arguments: ast.arguments) -> None:
        self._visit_all(arguments.defaults)
        arguments.kw_defaults = [
            None if default is None else self.visit(default) for default in arguments.kw_defaults
        ]

    def _visit_all(self, *lists: Sequence[ast.AST]) -> None:
        for nodes in lists:
            cast(list[ast.AST], nodes)[:] = [self.visit(node) for node in nodes]
