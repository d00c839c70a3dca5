"""Operators on numbers, as CPython defines them for each pair of types.

A bool in arithmetic is the int that it equals, an int that meets a float becomes the nearest float,
and either becomes complex when it meets one. ``numpy_rules`` has what differs for NumPy's scalars,
``comparisons`` has ``==`` and the like.
"""

import ast
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    Array,
    Tuple,
    Type,
)
from ufora_worker.native.translate import numpy_rules
from ufora_worker.native.translate.conversions import (
    NUMPY_SCALARS,
    PYTHON_NUMBERS,
    as_complex,
    as_float,
    as_int,
    components,
    constant,
    plain,
)
from ufora_worker.native.translate.operators import (
    BOOLS,
    COMPLEXES,
    FLOATS,
    INTS,
    OPERATORS,
    UNARY,
    UNARY_OPERATORS,
    refuse_operator,
)
from ufora_worker.native.translate.wording import a_type

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: From here on ``1 + z`` is not ``complex(1, 0.0) + z`` any more.
_MIXES_REALS = (3, 14)
#: From here on ``~True`` is deprecated.
_WARNS_OF_INVERSION = (3, 12)

#: Constants are worked out while translating unless the result could be huge.
_LARGEST_FOLDED_EXPONENT = 64


def binary(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    """``left operator right``.

    Raises:
        Refused: Python has no such operation, or native code has not.
    """
    if isinstance(left, Const) and isinstance(right, Const):
        folded = _folded(operator, left, right)
        if folded is not None:
            return folded
    types = {left.type, right.type}
    if types <= set(PYTHON_NUMBERS):
        widest = max(types, key=PYTHON_NUMBERS.index)
        return _RULES[widest](b, node, operator, left, right)
    if types <= NUMPY_SCALARS.union(PYTHON_NUMBERS):
        return numpy_rules.binary(b, node, operator, left, right)
    if operator is ast.Add and isinstance(left.type, Tuple) and isinstance(right.type, Tuple):
        return b.emit("tuple.make", *components(b, left), *components(b, right))
    return refuse_operator(b, node, operator, left, right)


def unary(b: "Builder", node: ast.AST, operator: type[ast.unaryop], value: Atom) -> Atom:
    """``operator value``.

    Raises:
        Refused: Python has no such operation, or native code has not.
    """
    if operator is ast.Not:
        return b.emit("bool.not", truth(b, node, value))
    if isinstance(value, Const) and value.type in (INT, FLOAT, COMPLEX):
        folded = constant(lambda: UNARY_OPERATORS[operator][1](value.value))
        if folded is not None:
            return folded
    sign = UNARY_OPERATORS[operator][0]
    if value.type == BOOL and operator is ast.Invert and sys.version_info >= _WARNS_OF_INVERSION:
        b.refuse(node, "`~` of a bool gives a warning", "write `not ...`, or `~int(...)`")
    if value.type in NUMPY_SCALARS:
        return numpy_rules.unary(b, node, operator, value)
    operand = as_int(b, value) if value.type == BOOL else value
    op = UNARY.get((operator, operand.type))
    if op is None:
        return b.refuse(node, f"`{sign}` has no native form for {a_type(value.type)}")
    return operand if op == "copy" else b.emit(op, operand)


def truth(b: "Builder", node: ast.AST, value: Atom) -> Atom:
    """``bool(value)``, as BOOL.

    Raises:
        Refused: native code cannot say.
    """
    if isinstance(value.type, Tuple):
        return Const(BOOL, bool(value.type.items))
    if isinstance(value.type, Array):
        return _has_elements(b, node, value, value.type)
    held = plain(b, value)
    if isinstance(held, Const):
        return Const(BOOL, bool(held.value) or held.type not in PYTHON_NUMBERS)
    if held.type == BOOL:
        return held
    op = _TRUTH.get(held.type)
    # What is no number is a character, and no character is an empty string.
    return Const(BOOL, True) if op is None else b.emit(op, held)


# ------------------------------------------------------------------ constants


def _folded(operator: type[ast.operator], left: Const, right: Const) -> Const | None:
    """What CPython makes of two constants; None where it raises, or native code has no such
    value."""
    grows = operator in (ast.Pow, ast.LShift)
    if grows and abs(right.value) > _LARGEST_FOLDED_EXPONENT:
        return None
    if not {left.type, right.type} <= set(PYTHON_NUMBERS):
        return None
    return constant(lambda: OPERATORS[operator][1](left.value, right.value))


# ------------------------------------------------------------------ binary operators


def _bools(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    if operator in BOOLS:
        return b.emit(BOOLS[operator], left, right)
    return _ints(b, node, operator, left, right)


def _ints(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    if operator is ast.Pow and isinstance(right, Const) and right.value.real < 0:
        # An int to a negative power is a power of floats to CPython.
        return b.emit("float.pow", as_float(b, left), as_float(b, right))
    if operator not in INTS:
        refuse_operator(b, node, operator, left, right)
    return b.emit(INTS[operator], as_int(b, left), as_int(b, right))


def _floats(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    if operator not in FLOATS:
        refuse_operator(b, node, operator, left, right)
    return b.emit(FLOATS[operator], as_float(b, left), as_float(b, right))


def _complexes(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    if operator is ast.Pow:
        return _complex_power(b, node, left, right)
    if operator not in COMPLEXES:
        refuse_operator(b, node, operator, left, right)
    if left.type != right.type and sys.version_info >= _MIXES_REALS:
        refuse_operator(b, node, operator, left, right, "write complex(x, 0.0) for the real")
    return b.emit(COMPLEXES[operator], as_complex(b, left), as_complex(b, right))


def _complex_power(b: "Builder", node: ast.AST, left: Atom, right: Atom) -> Atom:
    """CPython multiplies for whole exponents up to 100, by an algorithm of its own."""
    if left.type == COMPLEX and sys.version_info < _MIXES_REALS:
        if right.type in (BOOL, INT):
            return b.emit("complex.powi", left, as_int(b, right))
        if (
            isinstance(right, Const)
            and right.value.imag == 0
            and float(right.value.real).is_integer()
        ):
            return b.emit("complex.powi", left, b.number(int(right.value.real), node))
    return b.refuse(
        node,
        "a power with a complex number has a native form for whole exponents only",
        "write an int for the exponent",
    )


_RULES: Mapping[Type, Callable[["Builder", ast.AST, type[ast.operator], Atom, Atom], Atom]] = {
    BOOL: _bools,
    INT: _ints,
    FLOAT: _floats,
    COMPLEX: _complexes,
}

# ------------------------------------------------------------------ unary operators

_TRUTH: Mapping[Type, str] = {
    INT: "int.to_bool",
    FLOAT: "float.to_bool",
    COMPLEX: "complex.to_bool",
}


def _has_elements(b: "Builder", node: ast.AST, value: Atom, type: Array) -> Atom:
    if type.element in NUMPY_SCALARS:
        return b.refuse(node, "whether an array is true has no native form", "compare its length")
    return b.emit("int.to_bool", b.emit("array.len", value, Const(INT, 0)))
