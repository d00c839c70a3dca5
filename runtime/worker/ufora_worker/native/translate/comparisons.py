"""``== != < <= > >=`` of numbers, characters, strings and tuples, as CPython compares them.

An int and a float are compared by their exact values, a tuple by its first components that differ.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    Tuple,
    Type,
)
from ufora_worker.native.translate import numpy_rules, texts
from ufora_worker.native.translate.conversions import (
    NUMBERS,
    PYTHON_NUMBERS,
    as_complex,
    as_float_exactly,
    as_int,
    components,
    constant,
    plain,
)
from ufora_worker.native.translate.operators import COMPARISONS
from ufora_worker.native.translate.values import Display, Known, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: How two numbers of one type are compared: the first part of the operation's name.
_PREFIX: Mapping[Type, str] = {BOOL: "int", INT: "int", FLOAT: "float", COMPLEX: "complex"}


def compare(
    b: "Builder", node: ast.AST, operator: type[ast.cmpop], left: Value, right: Value
) -> Atom:
    """``left operator right``, a BOOL or NUMPY_BOOL.

    Raises:
        Refused: Python has no such comparison, or native code has not.
    """
    if texts.is_text(left) and texts.is_text(right):
        return texts.compare(b, operator, left, right)
    parts = written_parts(b, left), written_parts(b, right)
    if parts[0] is not None and parts[1] is not None:
        if _is_list(left) != _is_list(right):
            return _different(b, node, operator, left, right)
        return _compare_parts(b, node, operator, parts[0], parts[1])
    if _is_number(left) and _is_number(right):
        assert isinstance(left, Atom) and isinstance(right, Atom)
        return _compare_numbers(b, node, operator, left, right)
    return _different(b, node, operator, left, right)


def equal(b: "Builder", node: ast.AST, left: Value, right: Value) -> Atom:
    """Whether ``left == right`` as ``in`` and tuples ask it, as a BOOL. They take an object to be
    equal to itself, which only a NaN is not: that bails.

    Raises:
        Refused: as ``compare``.
    """
    for each in (left, right):
        if isinstance(each, Atom) and each.type in NUMBERS and not _is_ordinary(each):
            bail_if_nan(b, each)
    return plain(b, compare(b, node, ast.Eq, left, right))


def _is_ordinary(value: Atom) -> bool:
    """Whether it is a constant, and no NaN."""
    return isinstance(value, Const) and value.value == value.value


def bail_if_nan(b: "Builder", value: Atom) -> None:
    """CPython runs the item where a number is NaN."""
    held = plain(b, value)
    if held.type == FLOAT:
        b.bail_if(b.emit("float.is_nan", held), "nan is looked for, or met while looking")
    elif held.type == COMPLEX:
        b.bail_if(b.emit("complex.ne", held, held), "nan is looked for, or met while looking")


def _is_number(value: Value) -> bool:
    return isinstance(value, Atom) and value.type in NUMBERS


def _is_list(value: Value) -> bool:
    return isinstance(value, Display) and value.is_list


def _different(
    b: "Builder", node: ast.AST, operator: type[ast.cmpop], left: Value, right: Value
) -> Atom:
    """Things of different kinds are not equal, and have no order."""
    kinds = {_kind(left), _kind(right)}
    if operator in (ast.Eq, ast.NotEq) and len(kinds) == 2 and "" not in kinds:
        return Const(BOOL, operator is ast.NotEq)
    sign = COMPARISONS[operator].sign
    return b.refuse(node, f"`{sign}` has no native form for {describe(left)} and {describe(right)}")


def _kind(value: Value) -> str:
    """A word for values that are never equal to those of another word; empty if it is not known."""
    if texts.is_text(value):
        return "text"
    if _is_list(value):
        return "list"
    if isinstance(value, Display) or (isinstance(value, Atom) and isinstance(value.type, Tuple)):
        return "tuple"
    if isinstance(value, Known) and value.value is None:
        return "None"
    # An np.bool would come of a NumPy scalar.
    return "number" if isinstance(value, Atom) and value.type in PYTHON_NUMBERS else ""


# ------------------------------------------------------------------ numbers


def _compare_numbers(
    b: "Builder", node: ast.AST, operator: type[ast.cmpop], left: Atom, right: Atom
) -> Atom:
    sign, suffix, function = COMPARISONS[operator]
    types = {left.type, right.type}
    if not types <= set(PYTHON_NUMBERS):
        operands = numpy_rules.compare_operands(b, node, sign, left, right)
        op = f"{_PREFIX[operands[0].type]}.{suffix}"
        return numpy_rules.wrap(b, b.emit(op, *operands))
    if isinstance(left, Const) and isinstance(right, Const):
        folded = constant(lambda: function(left.value, right.value))
        if folded is not None:
            return folded
    if types == {BOOL} and operator is ast.Eq:
        return b.emit("bool.eq", left, right)
    widest = max(types, key=PYTHON_NUMBERS.index)
    if widest == COMPLEX and operator not in (ast.Eq, ast.NotEq):
        return b.refuse(node, f"`{sign}` raises TypeError for complex numbers")
    operands = _of_type(b, widest, left), _of_type(b, widest, right)
    return b.emit(f"{_PREFIX[widest]}.{suffix}", *operands)


def _of_type(b: "Builder", type: Type, value: Atom) -> Atom:
    if type in (BOOL, INT):
        return as_int(b, value)
    if type == FLOAT:
        return as_float_exactly(b, value)
    return value if value.type == COMPLEX else as_complex(b, as_float_exactly(b, value))


# ------------------------------------------------------------------ tuples


def written_parts(b: "Builder", value: Value) -> Sequence[Value] | None:
    """The components of a tuple or list that is written out."""
    if isinstance(value, Display):
        return value.items
    if isinstance(value, Atom) and isinstance(value.type, Tuple):
        return components(b, value)
    return None


def _compare_parts(
    b: "Builder",
    node: ast.AST,
    operator: type[ast.cmpop],
    left: Sequence[Value],
    right: Sequence[Value],
) -> Atom:
    function = COMPARISONS[operator].function
    if operator in (ast.Eq, ast.NotEq) and len(left) != len(right):
        return Const(BOOL, operator is ast.NotEq)
    # What all components being equal leads to, and then from the last component to the first.
    result: Atom = Const(BOOL, function(len(left), len(right)))
    for one, other in reversed(list(zip(left, right, strict=False))):
        same = equal(b, node, one, other)
        differs: Atom = Const(BOOL, operator is ast.NotEq)
        if operator not in (ast.Eq, ast.NotEq):
            differs = compare(b, node, operator, one, other)
        if differs.type == NUMPY_BOOL:
            return b.refuse(
                node, "tuples with NumPy scalars have no native order", "unwrap with `float(...)`"
            )
        result = b.emit("select", same, result, differs)
    return result
