"""Slices: ``a[start:stop:step]`` of what lies in memory, without copying it."""

import ast
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import INT, Array, Tuple
from ufora_worker.native.translate import texts
from ufora_worker.native.translate.conversions import as_index, components
from ufora_worker.native.translate.values import Display, Known, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

_ZERO, _ONE = Const(INT, 0), Const(INT, 1)
#: A longer string is not copied for a slice, even if that is known while translating.
_SHORT = 64
Bounds = tuple[Atom | None, Atom | None]


def slice_of(b: "Builder", node: ast.AST, slice: ast.Slice, of: Value) -> Value:
    """``of[start:stop:step]``.

    Raises:
        Refused: native code cannot slice it, or the step is no constant.
    """
    bounds = _bound(b, slice.lower), _bound(b, slice.upper)
    step = _step(b, slice)
    known = _constant_part(b, of, bounds, step)
    if known is not None:
        return known
    array = texts.operand(b, of) if texts.is_text(of) else of
    if not (isinstance(array, Atom) and isinstance(array.type, Array)):
        return b.refuse(node, f"a slice of {describe(of)} has no native form")
    length = b.emit("array.len", array, _ZERO)
    if step > 0:
        start, count = _ascending(b, length, bounds, step)
    else:
        start, count = _descending(b, length, bounds, -step)
    return b.emit("array.slice", array, start, count, Const(INT, step))


def _bound(b: "Builder", node: ast.expr | None) -> Atom | None:
    """A bound as an INT; None where none is written."""
    if node is None:
        return None
    value = b.evaluate(node)
    if isinstance(value, Known) and value.value is None:
        return None
    found = as_index(b, value) if isinstance(value, Atom) else None
    if found is None:
        return b.refuse(node, f"`{ast.unparse(node)}` is {describe(value)}, and bounds a slice")
    return found


def _step(b: "Builder", slice: ast.Slice) -> int:
    step = _bound(b, slice.step) or _ONE
    if not isinstance(step, Const) or step == _ZERO:
        b.refuse(slice.step or slice, "the step of a slice is not a constant", "write a number")
    return int(step.value.real)


def _constant_part(b: "Builder", of: Value, bounds: Bounds, step: int) -> Value | None:
    """The slice of something whose parts are known, by bounds that are."""
    known = []
    for bound in bounds:
        if bound is not None and not isinstance(bound, Const):
            return None
        known.append(None if bound is None else int(bound.value.real))
    cut = slice(known[0], known[1], step)
    if isinstance(of, Known) and type(of.value) is str and len(of.value) <= _SHORT:
        return Known(of.value[cut], f"{of.name}[...]")
    if isinstance(of, Display):
        return Display(of.items[cut], of.is_list)
    if isinstance(of, Atom) and isinstance(of.type, Tuple):
        return Display(tuple(components(b, of)[cut]))
    return None


def _clamped(b: "Builder", bound: Atom, length: Atom, least: Atom, most: Atom) -> Atom:
    """A bound as CPython adjusts it: counted from the front, and between the two limits."""
    from_end = b.emit("select", b.emit("int.lt", bound, _ZERO), length, _ZERO)
    at = b.emit("int.add", bound, from_end)
    raised = b.emit("select", b.emit("int.lt", at, least), least, at)
    return b.emit("select", b.emit("int.gt", raised, most), most, raised)


def _ascending(b: "Builder", length: Atom, bounds: Bounds, step: int) -> tuple[Atom, Atom]:
    """First index and number of elements for a positive step."""
    lower, upper = bounds
    start: Atom = _ZERO if lower is None else _clamped(b, lower, length, _ZERO, length)
    stop = length if upper is None else _clamped(b, upper, length, _ZERO, length)
    return start, _count(b, start, stop, step)


def _descending(b: "Builder", length: Atom, bounds: Bounds, step: int) -> tuple[Atom, Atom]:
    """Likewise for a step of ``-step``."""
    lower, upper = bounds
    before, last = Const(INT, -1), b.emit("int.sub", length, _ONE)
    start: Atom = last if lower is None else _clamped(b, lower, length, before, last)
    stop: Atom = before if upper is None else _clamped(b, upper, length, before, last)
    return start, _count(b, stop, start, step)


def _count(b: "Builder", low: Atom, high: Atom, step: int) -> Atom:
    """How many steps fit between two bounds: ``max(0, ceil((high - low) / step))``."""
    distance = b.emit("int.sub", high, low)
    if step != 1:
        stretched = b.emit("int.add", distance, Const(INT, step - 1))
        distance = b.emit("int.floordiv", stretched, Const(INT, step))
    return b.emit("select", b.emit("int.lt", distance, _ZERO), _ZERO, distance)
