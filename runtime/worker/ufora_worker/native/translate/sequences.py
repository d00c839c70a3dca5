"""Sequences: indices, ``in``, and iteration, over whatever the front end can express.

Arrays stand for captured lists, tuples, NumPy arrays, ``bytes`` and strings. What ``enumerate``,
``zip``, ``reversed``, ``islice`` and ``range`` give is never made: an element is worked out of its
index.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ufora_core.compiler.sites import views
from ufora_worker.native.ir.nodes import Atom, Const
from ufora_worker.native.ir.types import BOOL, CHAR, INT, Array
from ufora_worker.native.translate import slices, texts
from ufora_worker.native.translate.comparisons import equal, written_parts
from ufora_worker.native.translate.conversions import NUMPY_SCALARS, as_index, as_int
from ufora_worker.native.translate.values import (
    Display,
    Enumerated,
    Iteration,
    Known,
    Picked,
    Range,
    Reversed,
    Value,
    Zipped,
)
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: A constant collection of at most so many elements is searched by a comparison for each.
_MOST_CONSTANTS = 32

_ZERO, _ONE = Const(INT, 0), Const(INT, 1)


def subscript(b: "Builder", node: ast.Subscript, of: Value) -> Value:
    """``of[...]``: an element, a row, or a slice.

    Raises:
        Refused: native code cannot read it.
    """
    if isinstance(node.slice, ast.Slice):
        return slices.slice_of(b, node, node.slice, of)
    if isinstance(node.slice, ast.Tuple):
        return _at_two_indices(b, node, node.slice, of)
    return element_at(b, node, of, index_of(b, node.slice, of))


def index_of(b: "Builder", node: ast.expr, of: Value) -> Atom:
    """The index that an expression says, as an INT.

    Raises:
        Refused: it is no int.
    """
    value = b.evaluate(node)
    masks = isinstance(of, Atom) and isinstance(of.type, Array) and of.type.element in NUMPY_SCALARS
    found = as_index(b, value) if isinstance(value, Atom) else None
    if found is None or (masks and isinstance(value, Atom) and value.type == BOOL):
        return b.refuse(
            node, f"`{ast.unparse(node)}` is {describe(value)}, and is used as an index"
        )
    return found


def element_at(b: "Builder", node: ast.AST, of: Value, index: Atom) -> Value:
    """``of[index]``, where ``index`` is an INT.

    Raises:
        Refused: native code cannot read it.
    """
    if isinstance(index, Const):
        found = _constant_element(b, node, of, int(index.value.real))
        if found is not None:
            return found
    iteration = iterate(b, node, of)
    if isinstance(of, Atom) and isinstance(of.type, Array):
        return iteration.element(index)
    behind = b.emit("int.ge", index, iteration.length)
    at = _from_the_end(b, index, iteration.length)
    b.bail_if(b.emit("bool.or", behind, b.emit("int.lt", at, _ZERO)), "index out of range")
    return iteration.element(at)


def contains(b: "Builder", node: ast.AST, value: Value, within: Value) -> Atom:
    """``value in within``, as a BOOL.

    Raises:
        Refused: native code cannot search it.
    """
    within = lazily(b, within)
    if texts.is_text(within):
        if texts.is_text(value):
            return texts.contains(b, node, value, within)
        return b.refuse(node, f"`in` looks for {describe(value)} in a string")
    if isinstance(within, Range):
        return _in_range(b, node, value, within)
    if isinstance(within, Atom) and isinstance(within.type, Array) and within.type.dimensions == 1:
        if within.type.storage == "u1" and within.type.element == INT:
            _check_byte(b, node, value)
        return texts.search(b, within, lambda element: equal(b, node, element, value))
    parts = _parts(b, within)
    if parts is None or len(parts) > _MOST_CONSTANTS:
        return b.refuse(node, f"`in` has no native form for {describe(within)}")
    found: Atom = Const(BOOL, False)
    for part in parts:
        found = b.emit("bool.or", found, equal(b, node, part, value))
    return found


def iterate(b: "Builder", node: ast.AST, iterable: Value) -> Iteration:
    """How many elements there are, and each by its index (from 0, and below the length).

    Raises:
        Refused: native code cannot iterate over it.
    """
    iterable = lazily(b, iterable)
    if texts.is_text(iterable):
        iterable = texts.operand(b, iterable)
    if isinstance(iterable, Atom) and isinstance(iterable.type, Array):
        return _over_array(b, iterable)
    if isinstance(iterable, Atom) and iterable.type == CHAR:
        return Iteration(_ONE, lambda index: iterable)
    if type(iterable) in _ITERATIONS:
        return _ITERATIONS[type(iterable)](b, node, iterable)
    parts = _parts(b, iterable)
    if parts is None:
        return b.refuse(node, f"native code cannot iterate over {describe(iterable)}")
    return Iteration(Const(INT, len(parts)), lambda index: _choose(b, node, parts, index))


def length(b: "Builder", node: ast.AST, value: Value) -> Atom:
    """``len(value)``.

    Raises:
        Refused: it has no length, or native code does not know it.
    """
    if isinstance(value, Enumerated | Zipped | Reversed):
        return b.refuse(node, f"{describe(value)} has no `len`")
    if isinstance(value, Known) and isinstance(value.value, _SIZED):
        return Const(INT, len(value.value))
    return iterate(b, node, value).length


def lazily(b: "Builder", value: Value) -> Value:
    """A known range or view as what the front end makes of ``range(...)``, ``zip(...)``..."""
    if not isinstance(value, Known):
        return value
    known, name = value.value, value.name
    match known:
        case range() if max(map(abs, (known.start, known.stop, known.step))) < 2**63:
            return Range(*(Const(INT, each) for each in (known.start, known.stop, known.step)))
        case views.Enumerated(items, start):
            return Enumerated(b.see(items, name), b.number(start))
        case views.Zipped(parts):
            return Zipped(tuple(b.see(part, name) for part in parts))
        case views.Reversed(items):
            return Reversed(b.see(items, name))
        case views.Picked(items, indices):
            # Parameters, so that whatever part is taken has the same code.
            first = b.captured(indices.start, f"{name}.start", (id(known), "start"))
            size = b.captured(len(indices), f"{name}.count", (id(known), "count"))
            return Picked(b.see(items, name), first, Const(INT, indices.step), size)
        case _:
            return value


# ------------------------------------------------------------------ parts known one by one

_SEARCHED = (set, frozenset, dict)
_SIZED = (str, bytes, list, tuple, *_SEARCHED)


def _parts(b: "Builder", value: Value) -> Sequence[Value] | None:
    """The elements, where each is a value of its own."""
    if isinstance(value, Known) and type(value.value) in (list, tuple, *_SEARCHED):
        known: Any = value.value
        if len(known) <= _MOST_CONSTANTS:
            return [b.see(each, f"{value.name}[{at}]") for at, each in enumerate(known)]
    return written_parts(b, value)


def _constant_element(b: "Builder", node: ast.AST, of: Value, index: int) -> Value | None:
    """An element that is known while translating."""
    if isinstance(of, Known) and type(of.value) is str:
        if -len(of.value) <= index < len(of.value):
            return Const(CHAR, ord(of.value[index]))
        return None
    if isinstance(of, Known) and isinstance(of.value, _SEARCHED):
        return b.refuse(node, f"{describe(of)} is a {type(of.value).__name__}", "use a list")
    parts = _parts(b, of)
    if parts is None or not -len(parts) <= index < len(parts):
        return None
    return parts[index]


def _choose(b: "Builder", node: ast.AST, parts: Sequence[Value], index: Atom) -> Value:
    """One of several values of one type; ``index`` is below their number."""
    if isinstance(index, Const):
        return parts[int(index.value.real)]
    if not parts:
        b.bail("an element of nothing")
        return _ZERO
    atoms = [b.atom(node, part) for part in parts]
    if len({atom.type for atom in atoms}) > 1:
        return b.refuse(
            node, "the elements are of several types", "let all elements be of one type"
        )
    *others, chosen = atoms
    for position, other in reversed(list(enumerate(others))):
        is_it = b.emit("int.eq", index, Const(INT, position))
        chosen = b.emit("select", is_it, other, chosen)
    return chosen


# ------------------------------------------------------------------ arrays


def _over_array(b: "Builder", array: Atom) -> Iteration:
    assert isinstance(array.type, Array)
    op = "array.row" if array.type.dimensions == 2 else "array.get"
    return Iteration(b.emit("array.len", array, _ZERO), lambda index: b.emit(op, array, index))


def _at_two_indices(b: "Builder", node: ast.AST, indices: ast.Tuple, of: Value) -> Value:
    is_matrix = (
        isinstance(of, Atom)
        and isinstance(of.type, Array)
        and of.type.dimensions == 2
        and of.type.element in NUMPY_SCALARS
    )
    if not is_matrix or len(indices.elts) != 2:
        return b.refuse(node, f"{describe(of)} is indexed by `{ast.unparse(indices)}`")
    assert isinstance(of, Atom)
    first, second = indices.elts
    if isinstance(first, ast.Slice):
        return b.refuse(node, "a column of an array has no native form", "index each element")
    row_index = index_of(b, first, of)
    if isinstance(second, ast.Slice):
        return slices.slice_of(b, node, second, b.emit("array.row", of, row_index))
    return b.emit("array.get", of, row_index, index_of(b, second, of))


def _check_byte(b: "Builder", node: ast.AST, value: Value) -> None:
    """``value in bytes`` raises for an int that is no byte, and looks for ``bytes`` as a whole."""
    if not (isinstance(value, Atom) and value.type in (BOOL, INT)):
        b.refuse(node, f"`in` looks for {describe(value)} in bytes")
    number = as_int(b, value)
    low, high = b.emit("int.lt", number, _ZERO), b.emit("int.gt", number, Const(INT, 255))
    b.bail_if(b.emit("bool.or", low, high), "byte must be in range(0, 256)")


# ------------------------------------------------------------------ lazy iterables


def _from_the_end(b: "Builder", index: Atom, count: Atom) -> Atom:
    """The index from the front that a negative one stands for."""
    negative = b.emit("int.lt", index, _ZERO)
    return b.emit("int.add", index, b.emit("select", negative, count, _ZERO))


def _range_length(b: "Builder", span: Range) -> Atom:
    if isinstance(span.step, Const):
        sign: Atom = Const(INT, 1 if span.step.value.real > 0 else -1)
    else:
        b.bail_if(b.emit("int.eq", span.step, _ZERO), "range() arg 3 must not be zero")
        ascends = b.emit("int.gt", span.step, _ZERO)
        sign = b.emit("select", ascends, _ONE, Const(INT, -1))
    count = b.emit("int.sub", span.stop, span.start)
    if span.step != _ONE:
        rounded = b.emit("int.sub", b.emit("int.add", count, span.step), sign)
        count = b.emit("int.floordiv", rounded, span.step)
    return b.emit("select", b.emit("int.lt", count, _ZERO), _ZERO, count)


def _over_range(b: "Builder", node: ast.AST, span: Range) -> Iteration:
    def element(index: Atom) -> Value:
        offset = index if span.step == _ONE else b.emit("int.mul", index, span.step)
        return offset if span.start == _ZERO else b.emit("int.add", span.start, offset)

    return Iteration(_range_length(b, span), element)


def _in_range(b: "Builder", node: ast.AST, value: Value, span: Range) -> Atom:
    """An int is in a range if it lies within, and a whole number of steps from the start."""
    if not (isinstance(value, Atom) and value.type in (BOOL, INT)):
        return b.refuse(node, f"`in` looks for {describe(value)} in a range", "look for an int")
    number = as_int(b, value)
    last = _over_range(b, node, span)
    found = b.accumulator(Const(BOOL, False))
    with b.branch(b.emit("int.gt", last.length, _ZERO)):
        distance = b.emit("int.sub", number, span.start)
        steps = b.emit("int.floordiv", distance, span.step)
        whole = b.emit("int.eq", b.emit("int.mod", distance, span.step), _ZERO)
        inside = b.emit(
            "bool.and", b.emit("int.ge", steps, _ZERO), b.emit("int.lt", steps, last.length)
        )
        b.assign(found, b.emit("bool.and", whole, inside))
    return found


def _over_enumerated(b: "Builder", node: ast.AST, counted: Enumerated) -> Iteration:
    inner = iterate(b, node, counted.of)

    def element(index: Atom) -> Value:
        number = index if counted.start == _ZERO else b.emit("int.add", counted.start, index)
        return Display((number, inner.element(index)))

    return Iteration(inner.length, element)


def _over_zipped(b: "Builder", node: ast.AST, zipped: Zipped) -> Iteration:
    inner = [iterate(b, node, part) for part in zipped.parts]
    shortest: Atom = _ZERO if not inner else inner[0].length
    for each in inner[1:]:
        shorter = b.emit("int.lt", each.length, shortest)
        shortest = b.emit("select", shorter, each.length, shortest)
    return Iteration(shortest, lambda index: Display(tuple(each.element(index) for each in inner)))


def _over_reversed(b: "Builder", node: ast.AST, backwards: Reversed) -> Iteration:
    inner = iterate(b, node, backwards.of)
    last = b.emit("int.sub", inner.length, _ONE)
    return Iteration(inner.length, lambda index: inner.element(b.emit("int.sub", last, index)))


def _over_picked(b: "Builder", node: ast.AST, picked: Picked) -> Iteration:
    inner = iterate(b, node, picked.of)

    def element(index: Atom) -> Value:
        if picked.step != _ONE:
            index = b.emit("int.mul", index, picked.step)
        return inner.element(b.emit("int.add", picked.start, index))

    return Iteration(picked.count, element)


_ITERATIONS: Mapping[type, Callable[["Builder", ast.AST, Any], Iteration]] = {
    Range: _over_range,
    Enumerated: _over_enumerated,
    Zipped: _over_zipped,
    Reversed: _over_reversed,
    Picked: _over_picked,
}
