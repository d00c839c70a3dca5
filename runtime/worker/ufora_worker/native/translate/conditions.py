"""Paths that meet again: ``if``, conditional expressions, ``and``, ``or``, ``not``, comparisons."""

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const, If, Statement, Var
from ufora_worker.native.ir.types import BOOL, FLOAT, INT
from ufora_worker.native.translate import arithmetic, comparisons, sequences
from ufora_worker.native.translate.assignment import Flow, Mixed, convert, join
from ufora_worker.native.translate.names import mixed
from ufora_worker.native.translate.session import Unresolved
from ufora_worker.native.translate.values import Display, Known, LocalFunction, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

Path = Callable[[], None]

_TRUE, _FALSE = Const(BOOL, True), Const(BOOL, False)


def nothing() -> None:
    """The path on which nothing is done."""


def branches(b: "Builder", condition: Atom, then: Path, orelse: Path = nothing) -> None:
    """``if condition:`` where the paths may assign variables of the user's."""
    if isinstance(condition, Const):
        (then if condition.value else orelse)()
        return
    before = b.flow
    ends: list[tuple[list[Statement], Flow]] = []
    for path in (then, orelse):
        b.flow = before.copy()
        with b.block() as statements:
            path()
        ends.append((statements, b.flow))
    b.flow = _met(b, ends)
    (then_block, _), (else_block, _) = ends
    b.add(If(condition, tuple(then_block), tuple(else_block)))


def when(b: "Builder", test: ast.expr, then: Path) -> None:
    """``if test:`` without ``else``: behind ``and``, what its left side assigned is assigned."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        first, *others = test.values
        both = ast.copy_location(ast.BoolOp(test.op, others), test)
        rest = others[0] if len(others) == 1 else both
        when(b, first, lambda: when(b, rest, then))
        return
    branches(b, truth(b, test), then)


def _met(b: "Builder", ends: Sequence[tuple[list[Statement], Flow]]) -> Flow:
    """What is known after two paths, whose blocks get what makes their variables alike."""
    (_, one), (_, other) = ends
    if not (one.reachable and other.reachable):
        return one if one.reachable else other
    joined = join(b, one.bindings, other.bindings)
    for statements, flow in ends:
        with b.reopened(statements):
            convert(b, flow.bindings, joined)
    return Flow(joined)


# ---------------------------------------------------------------------- values by path


def choice(
    b: "Builder",
    node: ast.expr,
    condition: Atom,
    then: Callable[[], Value],
    orelse: Callable[[], Value],
) -> Value:
    """``then() if condition else orelse()``, of which only one is evaluated.

    Raises:
        Refused: the two are not of one type.
        Unresolved: neither has a known type yet.
    """
    if isinstance(condition, Const):
        return (then if condition.value else orelse)()
    results: list[Atom] = []
    target: list[Var] = []

    def path(evaluate: Callable[[], Value]) -> Path:
        def run() -> None:
            try:
                value = b.atom(node, evaluate())
            except Unresolved:
                b.flow.reachable = False
                return
            results.append(value)
            if not target:
                target.append(b.temporary(value.type))
            if value.type != target[0].type:
                _refuse_types(b, node, results)
            b.assign(target[0], value)

        return run

    branches(b, condition, path(then), path(orelse))
    if not target:
        raise Unresolved
    return target[0]


def _refuse_types(b: "Builder", node: ast.expr, values: Sequence[Atom]) -> None:
    one, other = map(describe, values)
    edit = ""
    if {each.type for each in values} == {INT, FLOAT}:
        edit = "write the int as a float (`0.0`), or convert it with `float(...)`"
    b.refuse(node, f"`{ast.unparse(node)}` is sometimes {one} and sometimes {other}", edit)


def conditional(b: "Builder", node: ast.IfExp) -> Value:
    """``body if test else orelse``."""
    return choice(
        b,
        node,
        truth(b, node.test),
        lambda: b.evaluate(node.body),
        lambda: b.evaluate(node.orelse),
    )


def boolean(b: "Builder", node: ast.BoolOp) -> Value:
    """``and`` and ``or`` for their value, which is one of the operands."""

    def rest(operands: Sequence[ast.expr]) -> Value:
        first, *others = operands
        if not others:
            return b.evaluate(first)
        value = b.atom(first, b.evaluate(first))
        true = as_truth(b, first, value)
        if isinstance(node.op, ast.And):
            return choice(b, node, true, lambda: rest(others), lambda: value)
        return choice(b, node, true, lambda: value, lambda: rest(others))

    return rest(node.values)


# ---------------------------------------------------------------------- truth


def truth(b: "Builder", node: ast.expr) -> Atom:
    """Whether an expression is true, as a BOOL."""
    match node:
        case ast.BoolOp(op, values):
            return _all_or_any(b, node, values, isinstance(op, ast.And))
        case ast.UnaryOp(ast.Not(), operand):
            return negation(b, operand)
        case ast.Compare():
            return comparison(b, node, as_bool=True)
        case ast.Name() if (both := mixed(b, node)) is not None:
            return arithmetic.truth(b, node, both.value)
        case _:
            return as_truth(b, node, b.evaluate(node))


def as_truth(b: "Builder", node: ast.expr, value: Value) -> Atom:
    """Whether a value is true, as a BOOL."""
    match value:
        case Known(None | str() | bool() as known):
            return Const(BOOL, bool(known))
        case Known(known) if callable(known):
            return _TRUE
        case LocalFunction():
            return _TRUE
        case Display(items):
            return Const(BOOL, bool(items))
        case Const(type, known) if type in (BOOL, INT, FLOAT):
            return Const(BOOL, bool(known))
        case _:
            return arithmetic.truth(b, node, b.atom(node, value))


def negation(b: "Builder", operand: ast.expr) -> Atom:
    """``not operand``."""
    value = truth(b, operand)
    if isinstance(value, Const):
        return Const(BOOL, not value.value)
    return b.emit("bool.not", value)


def _all_or_any(
    b: "Builder", node: ast.expr, operands: Sequence[ast.expr], conjunction: bool
) -> Atom:
    first, *others = operands
    value = truth(b, first)
    if not others:
        return value
    rest: Callable[[], Value] = lambda: _all_or_any(b, node, others, conjunction)  # noqa: E731
    if conjunction:
        found = choice(b, node, value, rest, lambda: _FALSE)
    else:
        found = choice(b, node, value, lambda: _TRUE, rest)
    return b.atom(node, found)


# ---------------------------------------------------------------------- comparisons


def comparison(b: "Builder", node: ast.Compare, *, as_bool: bool = False) -> Atom:
    """A comparison, chained or not: every operand is evaluated at most once.

    ``as_bool`` where only its truth counts.
    """

    def rest(left: Value | None, first: ast.expr, at: int) -> Atom:
        if left is None:
            left, right = operands(b, first, node.comparators[at], comparing=True)
        else:
            right = b.evaluate(node.comparators[at])
        found = _compare(b, node, node.ops[at], left, right)
        if as_bool:
            found = as_truth(b, node, found)
        if at + 1 == len(node.ops):
            return found
        true = as_truth(b, node, found)
        chosen = choice(
            b, node, true, lambda: rest(right, node.comparators[at], at + 1), lambda: found
        )
        return b.atom(node, chosen)

    return rest(None, node.left, 0)


def operands(
    b: "Builder", left: ast.expr, right: ast.expr, *, comparing: bool = False
) -> tuple[Value, Value]:
    """Both operands of an arithmetic operator, or of a comparison.

    A variable that is a literal on some paths is as good as the wider number where Python converts
    the literal: where it meets an operand of the wider type, and in comparisons of Python's reals,
    which are exact.
    """
    both_left, both_right = mixed(b, left), mixed(b, right)
    if both_left is not None and both_right is None:
        value = b.evaluate(right)
        good = _is_converted(both_left, value, comparing)
        return (both_left.value if good else b.evaluate(left)), value
    first = b.evaluate(left)
    if both_right is not None and _is_converted(both_right, first, comparing):
        return first, both_right.value
    return first, b.evaluate(right)


def _is_converted(both: Mixed, other: Value, comparing: bool) -> bool:
    if not isinstance(other, Atom):
        return False
    wide = both.value.type
    return other.type == wide or (comparing and {wide, other.type} <= {BOOL, INT, FLOAT})


def _compare(b: "Builder", node: ast.Compare, op: ast.cmpop, left: Value, right: Value) -> Atom:
    match op:
        case ast.Is() | ast.IsNot():
            return Const(BOOL, _is_same(b, node, left, right) == isinstance(op, ast.Is))
        case ast.In() | ast.NotIn():
            found = sequences.contains(b, node, left, right)
            if isinstance(op, ast.In):
                return found
            return b.emit("bool.not", found)
    return comparisons.compare(b, node, type(op), left, right)


def _is_same(b: "Builder", node: ast.Compare, left: Value, right: Value) -> bool:
    """Whether the operands of ``is`` are one object: known of ``None`` and functions only."""
    if isinstance(left, Known) and isinstance(right, Known) and type(left.value) is not str:
        return left.value is right.value
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Known) and one.value is None and isinstance(other, Atom):
            return False
    return b.refuse(node, f"`{ast.unparse(node)}` compares identities", "compare with `==`")
