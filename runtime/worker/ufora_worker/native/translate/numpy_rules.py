"""Operators on NumPy's scalars (NumPy 2: NEP 50), which elements of its arrays are.

``np.int64`` wraps around with a warning where an int would grow: such operations bail, as they do
for ints. ``np.float64`` has the bits that Python's float has, also for ``//``, ``%`` and ``**``,
but warns where its result is infinite or NaN and Python may raise: those bail.
"""

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_COMPLEX,
    NUMPY_FLOAT,
    NUMPY_INT,
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Type,
)
from ufora_worker.native.translate.conversions import as_float, as_int, plain
from ufora_worker.native.translate.operators import (
    BOOLS,
    FLOATS,
    INTS,
    UNARY,
    UNARY_OPERATORS,
    refuse_operator,
)
from ufora_worker.native.translate.wording import a_type

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: What makes a NumPy scalar of a number of Python's.
_WRAP: Mapping[Type, str] = {BOOL: "np.bool", INT: "np.int", FLOAT: "np.float"}

_FLOATING = frozenset({FLOAT, NUMPY_FLOAT, NUMPY_NARROW_FLOAT})
_BOOLEAN = frozenset({BOOL, NUMPY_BOOL})
_COMPLEX = frozenset({COMPLEX, NUMPY_COMPLEX})

#: With which a narrow element gives an ``np.int64`` or ``np.float64``, whatever its own class is.
_WIDE_ENOUGH: Mapping[Type, frozenset[Type]] = {
    NUMPY_NARROW_INT: frozenset({NUMPY_INT, NUMPY_FLOAT, FLOAT}),
    NUMPY_NARROW_FLOAT: frozenset({NUMPY_INT, NUMPY_FLOAT}),
}

#: A power of other mixtures is worked out by NumPy's own ``pow``, which has other bits.
_POWERS_OF_C = frozenset({NUMPY_FLOAT, NUMPY_INT, FLOAT, INT, BOOL})


def binary(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    """``left operator right`` for two numbers of which one is a NumPy scalar.

    Raises:
        Refused: native code has no such operation.
    """
    types = {left.type, right.type}
    if types & _COMPLEX:
        refuse_operator(b, node, operator, left, right, "unwrap elements with `complex(...)`")
    if _too_narrow(left.type, right.type):
        refuse_operator(
            b, node, operator, left, right, "unwrap the element with `int(...)` or `float(...)`"
        )
    if types <= _BOOLEAN:
        return _bools(b, node, operator, left, right)
    if types & _FLOATING or operator is ast.Div:
        return _floats(b, node, operator, left, right)
    if operator not in INTS:
        refuse_operator(b, node, operator, left, right)
    return wrap(b, b.emit(INTS[operator], *(as_int(b, plain(b, each)) for each in (left, right))))


def unary(b: "Builder", node: ast.AST, operator: type[ast.unaryop], value: Atom) -> Atom:
    """``operator value`` for a NumPy scalar.

    Raises:
        Refused: native code has no such operation.
    """
    held = plain(b, value)
    if value.type == NUMPY_BOOL and operator is ast.Invert:
        return wrap(b, b.emit("bool.not", held))
    op = UNARY.get((operator, held.type))
    if op is None or value.type not in (NUMPY_INT, NUMPY_FLOAT):
        sign = UNARY_OPERATORS[operator][0]
        b.refuse(node, f"`{sign}` has no native form for {a_type(value.type)}")
    return value if op == "copy" else wrap(b, b.emit(op, held))


def wrap(b: "Builder", value: Atom) -> Atom:
    """A BOOL, INT or FLOAT as a NumPy scalar."""
    return b.emit(_WRAP[value.type], value)


def compare_operands(
    b: "Builder", node: ast.AST, sign: str, left: Atom, right: Atom
) -> tuple[Atom, Atom]:
    """Two numbers, of which one is a NumPy scalar, as two INTs or two FLOATs that compare as NumPy
    compares the two: an int becomes the nearest float.

    Raises:
        Refused: NumPy would round one of them to float32.
    """
    types = {left.type, right.type}
    if types & _COMPLEX:
        b.refuse(
            node,
            f"`{sign}` has no native form for NumPy scalars and complex numbers",
            "unwrap them",
        )
    if not (_fits_float32(left, right) and _fits_float32(right, left)):
        b.refuse(
            node,
            f"`{sign}` of a float32 rounds the other number first, and has no native form",
            "unwrap the element with `float(...)`",
        )
    as_number = as_float if types & _FLOATING else as_int
    return as_number(b, plain(b, left)), as_number(b, plain(b, right))


def _too_narrow(one: Type, two: Type) -> bool:
    """Whether the class of the result depends on which narrow class an element has."""
    return any(
        narrow in _WIDE_ENOUGH and other not in _WIDE_ENOUGH[narrow]
        for narrow, other in ((one, two), (two, one))
    )


def _fits_float32(narrow: Atom, other: Atom) -> bool:
    """Whether ``other`` meets a float32 without being rounded to one."""
    if narrow.type != NUMPY_NARROW_FLOAT or other.type in _HELD_EXACTLY:
        return True
    if not isinstance(other, Const):
        return False
    value = float(other.value.real)
    return value == other.value and float(numpy.float32(value)) == value


#: A comparison of a float32 with one of these rounds nothing.
_HELD_EXACTLY = frozenset(
    {NUMPY_NARROW_FLOAT, NUMPY_NARROW_INT, NUMPY_FLOAT, NUMPY_INT, NUMPY_BOOL, BOOL}
)


def _bools(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    if operator not in BOOLS:
        refuse_operator(b, node, operator, left, right, "unwrap the element with `bool(...)`")
    return wrap(b, b.emit(BOOLS[operator], plain(b, left), plain(b, right)))


def _floats(
    b: "Builder", node: ast.AST, operator: type[ast.operator], left: Atom, right: Atom
) -> Atom:
    types = {left.type, right.type}
    exact = operator is not ast.Pow or (NUMPY_FLOAT in types and types <= _POWERS_OF_C)
    if operator not in FLOATS or not exact:
        edit = "unwrap elements with `float(...)`" if operator in FLOATS else ""
        refuse_operator(b, node, operator, left, right, edit)
    operands = (as_float(b, plain(b, each)) for each in (left, right))
    return wrap(b, b.emit("float.finite", b.emit(FLOATS[operator], *operands)))
