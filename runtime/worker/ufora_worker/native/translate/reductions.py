"""``sum any all min max len`` and ``math.prod`` over iterables inside an item, as loops.

They follow CPython's own loops: the order of additions and comparisons, the rule for the sum of
floats (see ``float_sum``), and what an empty iterable gives. Where that has another type than all
the rest (``sum`` of no floats is the int 0), an empty iterable bails.
"""

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ufora_worker.loops.float_sum import compensates
from ufora_worker.native.ir.nodes import Atom, Const, Var
from ufora_worker.native.ir.types import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_FLOAT,
    NUMPY_INT,
    Scalar,
    Type,
)
from ufora_worker.native.translate import arithmetic, sequences
from ufora_worker.native.translate.comparisons import compare
from ufora_worker.native.translate.comprehensions import Comprehension
from ufora_worker.native.translate.conditions import as_truth
from ufora_worker.native.translate.conversions import any_value, as_complex, as_float, as_int, plain
from ufora_worker.native.translate.numpy_rules import wrap
from ufora_worker.native.translate.values import Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

Visit = Callable[[Value], None]

_TRUE, _FALSE = Const(BOOL, True), Const(BOOL, False)
_ZERO, _ONE = Const(INT, 0), Const(INT, 1)

#: From here on ``sum`` carries rounding errors of complex numbers along too.
_COMPENSATES_COMPLEX = (3, 14)


def each(
    b: "Builder", node: ast.expr, iterable: Value, visit: Visit, until: Var | None = None
) -> None:
    """The loops over an iterable, with what ``visit(value)`` emits inside; see ``Generator``."""
    if isinstance(iterable, Comprehension):
        iterable.each(visit, until)
        return
    iteration = sequences.iterate(b, node, iterable)
    with b.for_range(0, iteration.length) as index:
        visit(iteration.element(index))
        if until is not None:
            with b.branch(until):
                b.leave_loop()


def any_of(b: "Builder", node: ast.expr, iterable: Value) -> Atom:
    """``any(iterable)``."""
    return _is_met(b, node, iterable, lambda true: true)


def all_of(b: "Builder", node: ast.expr, iterable: Value) -> Atom:
    """``all(iterable)``."""
    fails = _is_met(b, node, iterable, lambda true: b.emit("bool.not", true))
    return b.emit("bool.not", fails)


def _is_met(
    b: "Builder", node: ast.expr, iterable: Value, condition: Callable[[Atom], Atom]
) -> Atom:
    """Whether the condition holds for the truth of an element; stops at the first."""
    found = b.accumulator(_FALSE)

    def visit(value: Value) -> None:
        with b.branch(condition(as_truth(b, node, value))):
            b.assign(found, _TRUE)

    each(b, node, iterable, visit, until=found)
    return found


def count(b: "Builder", node: ast.expr, iterable: Value) -> Atom:
    """``len([...])``."""
    counted = b.accumulator(_ZERO)
    each(b, node, iterable, lambda value: b.assign(counted, b.emit("int.add", counted, _ONE)))
    return counted


# ------------------------------------------------------------------ variables of a loop


class _Carried:
    """Variables that loops carry from element to element. Their types follow from the elements, so
    they are made at the heart of the loops, and started before them."""

    def __init__(self, b: "Builder") -> None:
        self._b = b
        self._starts: list[tuple[Var, Callable[[], Atom]]] = []
        #: Whether there was an element.
        self.seen = self.variable(BOOL, lambda: _FALSE)

    def variable(self, type: Type, start: Callable[[], Atom]) -> Var:
        """A fresh one; ``start`` emits its first value."""
        var = self._b.temporary(type)
        self._starts.append((var, start))
        return var

    def loop(self, node: ast.expr, iterable: Value, visit: Visit) -> None:
        """The loops over an iterable; ``visit`` may make variables."""

        def see(value: Value) -> None:
            visit(value)
            self._b.assign(self.seen, _TRUE)

        with self._b.block() as loops:
            each(self._b, node, iterable, see)
        for var, start in self._starts:
            self._b.assign(var, start())
        for statement in loops:
            self._b.add(statement)

    def bail_if_empty(self, reason: str) -> None:
        """CPython runs the item if there was no element."""
        self._b.bail_if(self._b.emit("bool.not", self.seen), reason)


# ------------------------------------------------------------------ sums and products

#: Type of the result, by that of the elements; a float among the two makes it one.
_RESULTS: Mapping[Type, Scalar] = {
    BOOL: INT,
    INT: INT,
    FLOAT: FLOAT,
    COMPLEX: COMPLEX,
    NUMPY_BOOL: NUMPY_INT,
    NUMPY_INT: NUMPY_INT,
    NUMPY_FLOAT: NUMPY_FLOAT,
}
_WITH_FLOAT: Mapping[Type, Scalar] = {INT: FLOAT, NUMPY_INT: NUMPY_FLOAT}

#: What makes a number of the result's type of the start.
_STARTS: Mapping[Type, Callable[["Builder", Atom], Atom]] = {
    INT: as_int,
    FLOAT: as_float,
    COMPLEX: as_complex,
    NUMPY_INT: lambda b, start: wrap(b, as_int(b, start)),
    NUMPY_FLOAT: lambda b, start: wrap(b, as_float(b, start)),
}


def total(b: "Builder", node: ast.expr, iterable: Value, start: Atom = _ZERO) -> Atom:
    """``sum(iterable, start)``.

    Raises:
        Refused: the elements do not add up in native code.
    """
    return _folded(b, node, iterable, ast.Add, start)


def product(b: "Builder", node: ast.expr, iterable: Value, start: Atom = _ONE) -> Atom:
    """``math.prod(iterable, start=start)``.

    Raises:
        Refused: the elements cannot be multiplied in native code.
    """
    return _folded(b, node, iterable, ast.Mult, start)


def _folded(
    b: "Builder", node: ast.expr, iterable: Value, operator: type[ast.operator], start: Atom
) -> Atom:
    if start.type not in (INT, FLOAT):
        b.refuse(node, f"the start is {describe(start)}", "start with an int or a float")
    carried = _Carried(b)
    results: list[_Folding] = []

    def visit(value: Value) -> None:
        item = b.atom(node, value)
        results.append(_Folding(b, node, operator, start, item.type, carried))
        results[-1].take(item)

    carried.loop(node, iterable, visit)
    if not results:
        return start
    folding = results[-1]
    if folding.type != start.type:
        carried.bail_if_empty("of no elements this gives an int")
    return folding.result()


class _Folding:
    """The running total (or product) of elements of one type."""

    def __init__(
        self,
        b: "Builder",
        node: ast.expr,
        operator: type[ast.operator],
        start: Atom,
        element: Type,
        carried: _Carried,
    ) -> None:
        self._b, self._node, self._operator, self._start = b, node, operator, start
        self._carried = carried
        self.type = self._result_type(element)
        self._value = carried.variable(self.type, lambda: _STARTS[self.type](b, start))
        self._error = None
        if self.type == element == FLOAT and operator is ast.Add and compensates(b.session.python):
            self._error = carried.variable(FLOAT, lambda: Const(FLOAT, 0.0))

    def _result_type(self, element: Type) -> Type:
        b, node = self._b, self._node
        result = _RESULTS.get(element)
        if result is None:
            sign = "added" if self._operator is ast.Add else "multiplied"
            return b.refuse(
                node,
                f"elements that cannot be {sign} in native code",
                "unwrap elements with `int(...)` or `float(...)`",
            )
        if result == COMPLEX and b.session.python >= _COMPENSATES_COMPLEX:
            b.refuse(node, "complex numbers are added by another rule from Python 3.14 on")
        return _WITH_FLOAT.get(result, result) if self._start.type == FLOAT else result

    def take(self, item: Atom) -> None:
        """One more element."""
        if self._error is not None:
            self._take_with_error(item, self._error)
            return
        if self.type == FLOAT:
            item = as_float(self._b, item)
        value = arithmetic.binary(self._b, self._node, self._operator, self._value, item)
        self._b.assign(self._value, value)

    def _take_with_error(self, item: Atom, error: Var) -> None:
        """Neumaier's step. The sum of an int start and the first float is rounded plainly."""
        b, old = self._b, self._value
        new = b.emit("float.add", old, item)
        larger = b.emit("float.ge", b.emit("float.abs", old), b.emit("float.abs", item))
        high, low = b.emit("select", larger, old, item), b.emit("select", larger, item, old)
        lost = b.emit("float.add", b.emit("float.sub", high, new), low)
        after = b.emit("float.add", error, lost)
        if self._start.type == INT and self._start != _ZERO:
            after = b.emit("select", self._carried.seen, after, error)
        b.assign(error, after)
        b.assign(self._value, new)

    def result(self) -> Atom:
        """The total of all."""
        b, error = self._b, self._error
        if error is None:
            return self._value
        counts = b.emit(
            "bool.and", b.emit("float.is_finite", error), b.emit("float.to_bool", error)
        )
        corrected = b.emit("float.add", self._value, error)
        return b.emit("select", counts, corrected, self._value)


# ------------------------------------------------------------------ the least and the greatest


def best(
    b: "Builder",
    node: ast.expr,
    iterable: Value,
    operator: type[ast.cmpop],
    rank: Callable[[Atom], Atom],
    default: Atom | None = None,
) -> Atom:
    """``min`` (operator ``<``) or ``max`` (``>``) of an iterable: the first whose rank is the best.

    Raises:
        Refused: the elements have no order in native code, or ``default`` is of another type.
    """
    carried = _Carried(b)
    found: list[Var] = []

    def visit(value: Value) -> None:
        item = b.atom(node, value)
        ranked = rank(item)
        found.append(carried.variable(item.type, lambda: _start(b, node, item.type)))
        top = found[-1]
        if ranked != item:
            top = carried.variable(ranked.type, lambda: _start(b, node, ranked.type))
        better = plain(b, compare(b, node, operator, ranked, top))
        taken = b.emit("bool.or", b.emit("bool.not", carried.seen), better)
        for kept, other in {found[-1]: item, top: ranked}.items():
            b.assign(kept, b.emit("select", taken, other, kept))

    carried.loop(node, iterable, visit)
    if not found:
        return b.refuse(node, "there is nothing to choose from")
    if default is None:
        carried.bail_if_empty("there is nothing to choose from")
        return found[-1]
    if default.type != found[-1].type:
        b.refuse(node, f"`default` is {describe(default)}, and elements are {describe(found[-1])}")
    return b.emit("select", carried.seen, found[-1], default)


def _start(b: "Builder", node: ast.expr, type: Type) -> Atom:
    value = any_value(b, type)
    if value is None:
        b.refuse(node, "elements of narrow arrays have no native order", "unwrap the elements")
    return value
