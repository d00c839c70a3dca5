"""Columns: memory that native code emits values into, one array for each leaf of their type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_COMPLEX,
    NUMPY_FLOAT,
    NUMPY_INT,
    Scalar,
    Type,
    leaves,
)

#: A column's type in NumPy for each kind of leaf.
_STORAGE: Mapping[Scalar, str] = {
    **dict.fromkeys((INT, NUMPY_INT), "i8"),
    **dict.fromkeys((FLOAT, NUMPY_FLOAT), "f8"),
    **dict.fromkeys((BOOL, NUMPY_BOOL), "u1"),
    **dict.fromkeys((COMPLEX, NUMPY_COMPLEX), "c16"),
    CHAR: "u4",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays of ``capacity`` values each, which runs overwrite from the front."""

    arrays: tuple[numpy.ndarray[Any, Any], ...]
    #: Where rows end, for ``Sink.ROWS``.
    ends: numpy.ndarray[Any, Any] | None
    capacity: int
    #: Where the arrays lie, and ``ends`` behind them.
    addresses: tuple[int, ...]

    @classmethod
    def for_unit(cls, unit: Unit, capacity: int) -> "Columns":
        """New columns for what a unit emits."""
        return cls.for_type(unit.emits, capacity, rows=unit.sink is Sink.ROWS)

    @classmethod
    def for_type(cls, type: Type, capacity: int, *, rows: bool = False) -> "Columns":
        """New columns for values of a type: a scalar, or a tuple of them, nested or not; ``rows``:
        with one for the ends of rows."""
        arrays = tuple(numpy.empty(capacity, _storage(leaf)) for leaf in leaves(type))
        ends = numpy.empty(capacity, "i8") if rows else None
        every = arrays if ends is None else (*arrays, ends)
        return cls(arrays, ends, capacity, tuple(array.ctypes.data for array in every))


def _storage(leaf: object) -> str:
    if not isinstance(leaf, Scalar) or leaf not in _STORAGE:
        raise TypeError(f"values of type {leaf} cannot be emitted: only scalars and tuples of them")
    return _STORAGE[leaf]


def column_count(unit: Unit) -> int:
    """How many columns a unit fills, with the one for the ends of rows."""
    if not unit.sink.fills_columns:
        return 0
    return len(leaves(unit.emits)) + (unit.sink is Sink.ROWS)


def address_of(values: Any) -> int:
    """Where the memory of an array, or of a view of one, begins."""
    return int(numpy.frombuffer(values, "u1").ctypes.data) if len(values) else 0
