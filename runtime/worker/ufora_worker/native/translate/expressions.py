"""Expressions: what each kind of node becomes."""

import ast
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from ufora_worker.native.translate import arithmetic, attributes, names, sequences
from ufora_worker.native.translate.calls import call
from ufora_worker.native.translate.comprehensions import comprehend
from ufora_worker.native.translate.conditions import (
    boolean,
    comparison,
    conditional,
    negation,
    operands,
)
from ufora_worker.native.translate.targets import bind
from ufora_worker.native.translate.values import Display, Known, LocalFunction, Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: What native code does not do, as the user calls it, and what to write instead.
_REFUSED: Mapping[type[ast.expr], tuple[str, str]] = {
    ast.Dict: ("a dict is made", "compute numbers in the loop, and make the dict after it"),
    ast.Set: ("a set is made", "compute numbers in the loop, and make the set after it"),
    ast.DictComp: ("a dict is made", "compute numbers in the loop, and make the dict after it"),
    ast.SetComp: ("a set is made", "compute numbers in the loop, and make the set after it"),
    ast.JoinedStr: ("a string is formatted", "format after the loop"),
    ast.FormattedValue: ("a string is formatted", "format after the loop"),
    ast.Await: ("`await` cannot run in native code", ""),
    ast.Yield: ("`yield` makes a generator", "return a number"),
    ast.YieldFrom: ("`yield from` makes a generator", "return a number"),
    ast.Starred: ("`*` unpacks a sequence", "write the elements one by one"),
}


def evaluate(b: "Builder", node: ast.expr) -> Value:
    """The value of an expression.

    Raises:
        Refused: native code cannot do what it does.
        Unresolved: it rests on a call whose type is not known yet.
    """
    before, b.line = b.line, node.lineno
    handler = _HANDLERS.get(type(node))
    if handler is None:
        what, edit = _REFUSED.get(type(node), (f"`{ast.unparse(node)}`", ""))
        b.refuse(node, what, edit)
    value = handler(b, node)
    b.line = before
    return value


def _constant(b: "Builder", node: ast.Constant) -> Value:
    value = node.value
    if isinstance(value, bool | int | float | complex):
        return b.number(value, node)
    if type(value) is bytes:
        return b.captured(value, "bytes")
    return Known(value, ast.unparse(node))


def _binary(b: "Builder", node: ast.BinOp) -> Value:
    left, right = operands(b, node.left, node.right)
    return arithmetic.binary(
        b, node, type(node.op), b.atom(node.left, left), b.atom(node.right, right)
    )


def _unary(b: "Builder", node: ast.UnaryOp) -> Value:
    operand = node.operand
    if isinstance(node.op, ast.Not):
        return negation(b, operand)
    if isinstance(node.op, ast.USub) and type(literal := _literal(operand)) is int:
        return b.number(-literal, node)  # 2**63 has no native form, but its negative has
    return arithmetic.unary(b, node, type(node.op), b.atom(operand, b.evaluate(operand)))


def _literal(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _display(b: "Builder", node: ast.Tuple | ast.List) -> Value:
    items = tuple(b.evaluate(each) for each in node.elts)
    return Display(items, is_list=isinstance(node, ast.List))


def _subscript(b: "Builder", node: ast.Subscript) -> Value:
    return sequences.subscript(b, node, b.evaluate(node.value))


def _attribute(b: "Builder", node: ast.Attribute) -> Value:
    of = b.evaluate(node.value)
    if isinstance(of, Known) and isinstance(of.value, ModuleType):
        return names.attribute(b, node, of.value)
    return attributes.attribute(b, node, of)


def _lambda(b: "Builder", node: ast.Lambda) -> Value:
    return LocalFunction(node, b, b.layers)


def _walrus(b: "Builder", node: ast.NamedExpr) -> Value:
    value = b.evaluate(node.value)
    bind(b, node.target, value, node.value)
    return names.read(b, ast.copy_location(ast.Name(node.target.id, ast.Load()), node))


_HANDLERS: Mapping[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: names.read,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: boolean,
    ast.Compare: comparison,
    ast.IfExp: conditional,
    ast.Call: call,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.Lambda: _lambda,
    ast.NamedExpr: _walrus,
    ast.GeneratorExp: comprehend,
    ast.ListComp: comprehend,
}
