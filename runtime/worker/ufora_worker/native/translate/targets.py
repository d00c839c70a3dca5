"""Assignment to targets: names, and tuples of them."""

import ast
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import INT, Tuple
from ufora_worker.native.translate import names, sequences
from ufora_worker.native.translate.values import Display, Value, with_atoms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ufora_worker.native.translate.builder import Builder


def bind(b: "Builder", target: ast.expr, value: Value, written: ast.expr | None = None) -> None:
    """``target = value``, where the value is ``written`` out.

    Raises:
        Refused: the target is no name, or the value cannot be taken apart.
    """
    match target:
        case ast.Name(name):
            names.assign(b, target, name, value, literal=_is_literal(written))
        case ast.Tuple(parts) | ast.List(parts):
            _check_stars(b, parts)
            values = _parts(b, target, value, len(parts))
            for part, each, source in zip(parts, values, _elements(written, parts), strict=True):
                bind(b, part, each, source)
        case ast.Subscript() | ast.Attribute():
            b.refuse(
                target,
                f"`{ast.unparse(target)}` is assigned, and native code changes no objects",
                "keep the value in a variable",
            )
        case _:
            b.refuse(target, f"`{ast.unparse(target)}` is assigned")


def _is_literal(written: ast.expr | None) -> bool:
    """Whether this is a number as the user writes it: ``0`` or ``-1.5``."""
    if isinstance(written, ast.UnaryOp) and isinstance(written.op, ast.USub | ast.UAdd):
        written = written.operand
    return isinstance(written, ast.Constant) and type(written.value) in (int, float)


def _elements(written: ast.expr | None, parts: "Sequence[ast.expr]") -> "Sequence[ast.expr | None]":
    """How the value of each part is written, where that is known."""
    if isinstance(written, ast.Tuple | ast.List) and len(written.elts) == len(parts):
        return written.elts
    return [None] * len(parts)


def _parts(b: "Builder", target: ast.expr, value: Value, count: int) -> "Sequence[Value]":
    """The values that ``value`` is unpacked into; all of them are read before any is assigned."""
    if isinstance(value, Display):
        _check(b, target, count, len(value.items))
        # ``a, b = b, a`` reads both before it assigns one.
        return [with_atoms(each, b.kept) for each in value.items]
    if isinstance(value, Atom) and isinstance(value.type, Tuple):
        _check(b, target, count, len(value.type.items))
        return [b.emit("tuple.get", value, Const(INT, index)) for index in range(count)]
    iteration = sequences.iterate(b, target, value)
    wrong = b.emit("int.ne", iteration.length, Const(INT, count))
    b.bail_if(wrong, f"not {count} values to unpack")
    return [iteration.element(Const(INT, index)) for index in range(count)]


def _check_stars(b: "Builder", parts: "Sequence[ast.expr]") -> None:
    for part in parts:
        if isinstance(part, ast.Starred):
            b.refuse(part, f"`{ast.unparse(part)}` takes a list", "unpack by index")


def _check(b: "Builder", target: ast.expr, count: int, given: int) -> None:
    if count != given:
        b.refuse(target, f"{given} values are unpacked into {count} variables")
