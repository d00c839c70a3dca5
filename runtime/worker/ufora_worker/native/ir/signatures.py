"""The type of what an operation gives, from those of its operands."""

from collections.abc import Callable, Mapping

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.ir.types import BOOL, INT, Array, Tuple, Type


class BadOperands(ValueError):
    """There is no such operation, or it does not take these operands."""


def result_type(op: str, args: tuple[Atom, ...]) -> Type:
    """What ``op(args)`` gives.

    Raises:
        BadOperands: there is no such operation, or it does not take these operands.
    """
    if operation := OPERATIONS.get(op):
        if tuple(arg.type for arg in args) != operation.takes:
            raise _takes(", ".join(map(str, operation.takes)), args)
        return operation.gives
    if op not in _STRUCTURAL:
        raise BadOperands("there is no such operation")
    return _STRUCTURAL[op](args)


def _takes(what: str, args: tuple[Atom, ...]) -> BadOperands:
    return BadOperands(f"it takes {what}, and gets {', '.join(str(arg.type) for arg in args)}")


def _copy(args: tuple[Atom, ...]) -> Type:
    if len(args) != 1:
        raise _takes("one operand", args)
    return args[0].type


def _make(args: tuple[Atom, ...]) -> Type:
    return Tuple(tuple(arg.type for arg in args))


def _component(args: tuple[Atom, ...]) -> Type:
    if len(args) == 2 and isinstance(args[0].type, Tuple):
        index = _constant_below(args[1], len(args[0].type.items))
        if index is not None:
            return args[0].type.items[index]
    raise _takes("a tuple and a constant index of it", args)


def _length(args: tuple[Atom, ...]) -> Type:
    of = args[0].type if len(args) == 2 else None
    if isinstance(of, Array) and _constant_below(args[1], of.dimensions) is not None:
        return INT
    raise _takes("an array and the constant number of a dimension", args)


def _constant_below(atom: Atom, limit: int) -> int | None:
    if not isinstance(atom, Const) or type(atom.value) is not int or atom.type != INT:
        return None
    return atom.value if 0 <= atom.value < limit else None


def _element(args: tuple[Atom, ...]) -> Type:
    of, *indices = (arg.type for arg in args) if args else (None,)
    if isinstance(of, Array) and indices == [INT] * of.dimensions:
        return of.element
    raise _takes("an array and an int for each dimension", args)


def _row(args: tuple[Atom, ...]) -> Type:
    of = args[0].type if len(args) == 2 else None
    if isinstance(of, Array) and of.dimensions == 2 and args[1].type == INT:
        return Array(of.element, of.storage)
    raise _takes("an array of two dimensions and an int", args)


def _slice(args: tuple[Atom, ...]) -> Type:
    of, *others = (arg.type for arg in args) if args else (None,)
    if isinstance(of, Array) and others == [INT] * 3:
        return of
    raise _takes("an array and three ints", args)


def _select(args: tuple[Atom, ...]) -> Type:
    if len(args) == 3 and args[0].type == BOOL and args[1].type == args[2].type:
        return args[1].type
    raise _takes("a bool and two operands of one type", args)


_STRUCTURAL: Mapping[str, Callable[[tuple[Atom, ...]], Type]] = {
    "copy": _copy,
    "tuple.make": _make,
    "tuple.get": _component,
    "array.len": _length,
    "array.get": _element,
    "array.row": _row,
    "array.slice": _slice,
    "select": _select,
}
