"""Assignments within expressions as statements of their own, where that is the same.

``if (y := f(x)) > 3:`` is ``y = f(x)`` and then ``if y > 3:``, since nothing is evaluated before
``y := f(x)`` is, nor whether or not it is. Any other place is left as it is.
"""

import ast
from collections.abc import Mapping, Sequence

from ufora_core.compiler.trees import clone, load

#: What of a statement, and of an expression, is evaluated first and always.
_FIRST: Mapping[type[ast.AST], str] = {
    **dict.fromkeys((ast.Assign, ast.AugAssign, ast.Expr, ast.Return), "value"),
    **dict.fromkeys((ast.If, ast.IfExp), "test"),
    **dict.fromkeys((ast.BinOp, ast.Compare), "left"),
    **dict.fromkeys((ast.Subscript, ast.Attribute), "value"),
    ast.UnaryOp: "operand",
    ast.BoolOp: "values",
    **dict.fromkeys((ast.Tuple, ast.List), "elts"),
    ast.Call: "args",
}


def spelled_out(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements, with such assignments before those that contain them. What is changed is
    copied."""
    return [each for statement in body for each in _spelled_out(statement)]


def _spelled_out(statement: ast.stmt) -> list[ast.stmt]:
    if not any(isinstance(each, ast.NamedExpr) for each in ast.walk(statement)):
        return [statement]
    copied, before = clone(statement), []
    while (found := _first(copied)) is not None:
        assignment = ast.Assign([found.target], found.value)
        before += _spelled_out(ast.copy_location(assignment, found))
        _replace(copied, found, ast.copy_location(load(found.target.id), found))
    if isinstance(copied, ast.If):
        copied.body, copied.orelse = spelled_out(copied.body), spelled_out(copied.orelse)
    return [*before, copied]


def _first(node: ast.AST) -> ast.NamedExpr | None:
    """The assignment in it that is evaluated before everything else."""
    if isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name):
        return None
    skipped: set[str] = set()  # names that are read before it
    pending: ast.AST | None = node
    while pending is not None and not isinstance(pending, ast.NamedExpr):
        if isinstance(pending, ast.AugAssign):
            skipped.add(pending.target.id)  # type: ignore[union-attr]
        if isinstance(pending, ast.Call):
            if not _is_name(pending.func):
                return None
            skipped |= {each.id for each in ast.walk(pending.func) if isinstance(each, ast.Name)}
        part = getattr(pending, _FIRST.get(type(pending), ""), None)
        pending = (part or [None])[0] if isinstance(part, list) else part
    return None if pending is None or pending.target.id in skipped else pending


def _is_name(function: ast.expr) -> bool:
    """Whether it is ``f`` or ``thing.f``."""
    return isinstance(getattr(function, "value", function), ast.Name)


def _replace(node: ast.AST, found: ast.expr, name: ast.expr) -> None:
    for parent in ast.walk(node):
        for field, value in ast.iter_fields(parent):
            if value is found:
                setattr(parent, field, name)
            elif isinstance(value, list) and found in value:
                value[value.index(found)] = name
