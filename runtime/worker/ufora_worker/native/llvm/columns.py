"""Columns: memory that native code emits values into, one array for each leaf of their type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy

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
    capacity: int
    #: Where the arrays lie.
    addresses: tuple[int, ...]

    @classmethod
    def for_type(cls, type: Type, capacity: int) -> "Columns":
        """New columns for values of a type: a scalar, or a tuple of them, nested or not."""
        arrays = tuple(numpy.empty(capacity, _storage(leaf)) for leaf in leaves(type))
        return cls(arrays, capacity, tuple(array.ctypes.data for array in arrays))


def _storage(leaf: object) -> str:
    if not isinstance(leaf, Scalar) or leaf not in _STORAGE:
        raise TypeError(f"values of type {leaf} cannot be emitted: only scalars and tuples of them")
    return _STORAGE[leaf]
