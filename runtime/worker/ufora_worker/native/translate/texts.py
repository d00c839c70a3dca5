"""Strings: constants (``Known``), single characters (CHAR) and arrays of them.

A string is never built: it is measured, indexed, iterated over, sliced and compared.
"""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import BOOL, CHAR, INT, Array
from ufora_worker.native.translate.operators import COMPARISONS, MIRRORED
from ufora_worker.native.translate.values import Known, Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: A constant of at most so many characters is compared by an operation for each.
_SHORT = 16


def _constant(value: Value) -> str | None:
    """The string itself, where it is a constant."""
    return value.value if isinstance(value, Known) and type(value.value) is str else None


def is_text(value: Value) -> bool:
    """Whether the value is a ``str``."""
    if _constant(value) is not None:
        return True
    return isinstance(value, Atom) and (value.type == CHAR or _is_array(value))


def _is_array(value: Atom) -> bool:
    return isinstance(value.type, Array) and value.type.element == CHAR


def operand(b: "Builder", text: Value) -> Atom:
    """A string as an operand: a CHAR, or an array of them."""
    if isinstance(text, Atom):
        return text
    constant = _constant(text)
    assert isinstance(text, Known) and constant is not None
    if len(constant) == 1:
        return Const(CHAR, ord(constant))
    return b.captured(constant, text.name)


def length(b: "Builder", text: Value) -> Atom:
    """``len(text)``."""
    known = _constant(text)
    if known is not None:
        return Const(INT, len(known))
    assert isinstance(text, Atom)
    if text.type == CHAR:
        return Const(INT, 1)
    return b.emit("array.len", text, Const(INT, 0))


def compare(b: "Builder", operator: type[ast.cmpop], left: Value, right: Value) -> Atom:
    """``left operator right`` of two strings."""
    known = _constant(left), _constant(right)
    if known[0] is not None and known[1] is not None:
        return Const(BOOL, COMPARISONS[operator].function(*known))
    if known[0] is not None:
        return compare(b, MIRRORED[operator], right, left)
    assert isinstance(left, Atom)
    if left.type == CHAR:
        return _compare_character(b, operator, left, right)
    if known[1] is not None and len(known[1]) <= _SHORT and operator in (ast.Eq, ast.NotEq):
        same = _is_constant(b, left, known[1])
        return same if operator is ast.Eq else b.emit("bool.not", same)
    return _compare_arrays(b, operator, left, operand(b, right))


def contains(b: "Builder", node: ast.AST, part: Value, text: Value) -> Atom:
    """``part in text``, as a BOOL.

    Raises:
        Refused: ``part`` may have more than one character.
    """
    constant, around = _constant(part), _constant(text)
    if constant is not None and (around is not None or not constant):
        return Const(BOOL, constant in (around or ""))
    wanted = operand(b, part)
    if wanted.type != CHAR:
        return b.refuse(
            node,
            "`in` has a native form for single characters only",
            "look for the first character, and compare the slice behind it",
        )
    if around is not None and len(around) <= _SHORT:
        found: Atom = Const(BOOL, False)
        for character in around:
            same = b.emit("char.eq", wanted, Const(CHAR, ord(character)))
            found = b.emit("bool.or", found, same)
        return found
    return search(b, operand(b, text), lambda character: b.emit("char.eq", wanted, character))


def search(b: "Builder", array: Atom, is_it: Callable[[Atom], Atom]) -> Atom:
    """Whether ``is_it`` is true of an element of a one-dimensional array, or of a character."""
    if array.type == CHAR:
        return is_it(array)
    found = b.accumulator(Const(BOOL, False))
    with b.for_range(0, b.emit("array.len", array, Const(INT, 0))) as index:
        is_here = is_it(b.emit("array.get", array, index))
        with b.branch(is_here):
            b.assign(found, Const(BOOL, True))
            b.leave_loop()
    return found


# ------------------------------------------------------------------ comparisons


def _compare_character(
    b: "Builder", operator: type[ast.cmpop], character: Atom, text: Value
) -> Atom:
    _, suffix, function = COMPARISONS[operator]
    known = _constant(text)
    if known is not None:
        if len(known) == 1:
            return b.emit(f"char.{suffix}", character, Const(CHAR, ord(known)))
        if not known or operator in (ast.Eq, ast.NotEq):
            return Const(BOOL, function(1, len(known)))
        # A string that is longer comes after its first character.
        before = "le" if function(0, 1) else "gt"
        return b.emit(f"char.{before}", character, Const(CHAR, ord(known[0])))
    other = operand(b, text)
    if other.type == CHAR:
        return b.emit(f"char.{suffix}", character, other)
    return _compare_arrays(b, operator, character, other)


def _compare_arrays(b: "Builder", operator: type[ast.cmpop], left: Atom, right: Atom) -> Atom:
    """``left operator right`` by the first characters that differ."""
    suffix = COMPARISONS[operator].suffix
    left_length, right_length = length(b, left), length(b, right)
    result = b.accumulator(b.emit(f"int.{suffix}", left_length, right_length))
    if operator in (ast.Eq, ast.NotEq):
        common: Atom = left_length
        worthwhile: Atom = b.emit("int.eq", left_length, right_length)
    else:
        shorter = b.emit("int.lt", left_length, right_length)
        common = b.emit("select", shorter, left_length, right_length)
        worthwhile = Const(BOOL, True)
    with b.branch(worthwhile), b.for_range(0, common) as index:
        one, other = _character(b, left, index), _character(b, right, index)
        with b.branch(b.emit("char.ne", one, other)):
            b.assign(result, b.emit(f"char.{suffix}", one, other))
            b.leave_loop()
    return result


def _character(b: "Builder", text: Atom, index: Atom) -> Atom:
    return text if text.type == CHAR else b.emit("array.get", text, index)


def _is_constant(b: "Builder", text: Atom, constant: str) -> Atom:
    """Whether an array of characters equals a short constant."""
    result = b.accumulator(Const(BOOL, False))
    with b.branch(b.emit("int.eq", length(b, text), Const(INT, len(constant)))):
        same: Atom = Const(BOOL, True)
        for position, character in enumerate(constant):
            here = b.emit("array.get", text, Const(INT, position))
            is_it = b.emit("char.eq", here, Const(CHAR, ord(character)))
            same = b.emit("bool.and", same, is_it)
        b.assign(result, same)
    return result
