"""What a block may not contain, and what to write instead.

Everything that Python allows is allowed in a block, but for statements that leave it sideways or
reach past it: those would need the function around it, which stays at home.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pyfora._errors import BadWithBlockError

_AFTER_IT = "Assign the value to a name in the block, and {verb} it after the block."
_BEFORE_IT = "Declare the name before the block, or assign to it after the block."
_NAME_IT = "Name what is imported, or import it before the block."
_IN_FUNCTION = "Put it into a function that the block calls, or after the block."


def check(body: Sequence[ast.stmt], filename: str) -> None:
    """Raises BadWithBlockError at the first thing that this body may not contain."""
    rules = _Rules(filename)
    for statement in body:
        rules.visit(statement)


class _Rules(ast.NodeVisitor):
    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._loops = 0

    def _refuse(self, node: ast.stmt | ast.expr, what: str, advice: str) -> None:
        problem = f"{what} in a block that runs on the cluster"
        raise BadWithBlockError(problem, self._filename, node.lineno, advice)

    # ---------------------------------------------------------------- a function has its own rules

    def _visit_outside(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Decorators and defaults belong to the block; the body of a function does not."""
        self.visit(node.args)
        for decorator in getattr(node, "decorator_list", ()):
            self.visit(decorator)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_outside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_outside(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_outside(node)

    # ------------------------------------------------------------------ what leaves the block

    def visit_Return(self, node: ast.Return) -> None:
        self._refuse(node, "'return'", _AFTER_IT.format(verb="return"))

    def visit_Yield(self, node: ast.Yield) -> None:
        self._refuse(node, "'yield'", _AFTER_IT.format(verb="yield"))

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._refuse(node, "'yield from'", _AFTER_IT.format(verb="yield"))

    def visit_Await(self, node: ast.Await) -> None:
        self._refuse(node, "'await'", _IN_FUNCTION)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._refuse(node, "'async for'", _IN_FUNCTION)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._refuse(node, "'async with'", _IN_FUNCTION)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            self._refuse(node.target, "an asynchronous comprehension", _IN_FUNCTION)
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.While) -> None:
        for field, value in ast.iter_fields(node):
            nodes = value if isinstance(value, list) else [value]
            self._loops += field == "body"
            for each in nodes:
                if isinstance(each, ast.AST):
                    self.visit(each)
            self._loops -= field == "body"

    visit_While = visit_For  # noqa: N815 - the visitor's naming rule

    def visit_Break(self, node: ast.Break) -> None:
        self._leave_loop(node, "break")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._leave_loop(node, "continue")

    def _leave_loop(self, node: ast.stmt, word: str) -> None:
        if not self._loops:
            advice = f"Assign a flag in the block, and '{word}' after the block if it is set."
            self._refuse(node, f"'{word}' of a loop around the block,", advice)

    # ------------------------------------------------------------------ what reaches past it

    def visit_Global(self, node: ast.Global) -> None:
        self._refuse(node, "'global'", _BEFORE_IT)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._refuse(node, "'nonlocal'", _BEFORE_IT)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class statement may declare names of its own, so only its head is looked at."""
        for each in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(each)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if any(alias.name == "*" for alias in node.names):
            self._refuse(node, "'import *'", _NAME_IT)
