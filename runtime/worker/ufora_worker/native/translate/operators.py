"""Tables of the operators: how each is written, and its operation for each class of number."""

import ast
import operator as functions
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ufora_worker.native.ir.nodes import Atom
from ufora_worker.native.ir.types import COMPLEX, FLOAT, INT, Type
from ufora_worker.native.translate.wording import a_type

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: Each operator as the user writes it, and as a function.
OPERATORS: Mapping[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", functions.add),
    ast.Sub: ("-", functions.sub),
    ast.Mult: ("*", functions.mul),
    ast.Div: ("/", functions.truediv),
    ast.FloorDiv: ("//", functions.floordiv),
    ast.Mod: ("%", functions.mod),
    ast.Pow: ("**", functions.pow),
    ast.LShift: ("<<", functions.lshift),
    ast.RShift: (">>", functions.rshift),
    ast.BitAnd: ("&", functions.and_),
    ast.BitOr: ("|", functions.or_),
    ast.BitXor: ("^", functions.xor),
    ast.MatMult: ("@", functions.matmul),
}

#: What stays BOOL among two BOOLs.
BOOLS: Mapping[type[ast.operator], str] = {
    ast.BitAnd: "bool.and",
    ast.BitOr: "bool.or",
    ast.BitXor: "bool.xor",
}

INTS: Mapping[type[ast.operator], str] = {
    ast.Add: "int.add",
    ast.Sub: "int.sub",
    ast.Mult: "int.mul",
    ast.Div: "int.truediv",
    ast.FloorDiv: "int.floordiv",
    ast.Mod: "int.mod",
    ast.Pow: "int.pow",
    ast.LShift: "int.lshift",
    ast.RShift: "int.rshift",
    ast.BitAnd: "int.and",
    ast.BitOr: "int.or",
    ast.BitXor: "int.xor",
}

FLOATS: Mapping[type[ast.operator], str] = {
    ast.Add: "float.add",
    ast.Sub: "float.sub",
    ast.Mult: "float.mul",
    ast.Div: "float.truediv",
    ast.FloorDiv: "float.floordiv",
    ast.Mod: "float.mod",
    ast.Pow: "float.pow",
}

COMPLEXES: Mapping[type[ast.operator], str] = {
    ast.Add: "complex.add",
    ast.Sub: "complex.sub",
    ast.Mult: "complex.mul",
    ast.Div: "complex.truediv",
}

#: Likewise with one operand.
UNARY_OPERATORS: Mapping[type[ast.unaryop], tuple[str, Callable[[Any], Any]]] = {
    ast.USub: ("-", functions.neg),
    ast.UAdd: ("+", functions.pos),
    ast.Invert: ("~", functions.invert),
}

UNARY: Mapping[tuple[type[ast.unaryop], Type], str] = {
    (ast.USub, INT): "int.neg",
    (ast.USub, FLOAT): "float.neg",
    (ast.USub, COMPLEX): "complex.neg",
    (ast.UAdd, INT): "copy",
    (ast.UAdd, FLOAT): "copy",
    (ast.UAdd, COMPLEX): "copy",
    (ast.Invert, INT): "int.invert",
}


class Comparison(NamedTuple):
    """A comparison as the user writes it, as the IR calls it, and as a function."""

    sign: str
    suffix: str
    function: Callable[[Any, Any], bool]


COMPARISONS: Mapping[type[ast.cmpop], Comparison] = {
    ast.Eq: Comparison("==", "eq", functions.eq),
    ast.NotEq: Comparison("!=", "ne", functions.ne),
    ast.Lt: Comparison("<", "lt", functions.lt),
    ast.LtE: Comparison("<=", "le", functions.le),
    ast.Gt: Comparison(">", "gt", functions.gt),
    ast.GtE: Comparison(">=", "ge", functions.ge),
}

#: ``a < b`` is ``b > a``.
MIRRORED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}


def refuse_operator(
    b: "Builder",
    node: ast.AST,
    operator: type[ast.operator],
    left: Atom,
    right: Atom,
    edit: str = "",
) -> NoReturn:
    """There is no such operation in native code.

    Raises:
        Refused: always.
    """
    sign = OPERATORS[operator][0]
    b.refuse(
        node,
        f"`{sign}` has no native form for {a_type(left.type)} and {a_type(right.type)}",
        edit,
    )
