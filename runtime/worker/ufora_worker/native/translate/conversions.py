"""From one class of number to another, as CPython converts operands."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ufora_worker.native.ir.nodes import Atom, Const
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
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Tuple,
    Type,
)

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

#: The operation that gives what a NumPy scalar holds.
_VALUE: Mapping[Type, str] = {
    NUMPY_BOOL: "np.bool.value",
    NUMPY_INT: "np.int.value",
    NUMPY_FLOAT: "np.float.value",
    NUMPY_COMPLEX: "np.complex.value",
    NUMPY_NARROW_INT: "np.narrow_int.value",
    NUMPY_NARROW_FLOAT: "np.narrow_float.value",
}

#: Python's numbers, each kind wider than the ones before it.
PYTHON_NUMBERS = (BOOL, INT, FLOAT, COMPLEX)
NUMPY_SCALARS = frozenset(_VALUE)
NUMBERS = NUMPY_SCALARS.union(PYTHON_NUMBERS)


def plain(b: "Builder", value: Atom) -> Atom:
    """A number as Python's own: what a NumPy scalar holds, anything else as it is."""
    return b.emit(_VALUE[value.type], value) if value.type in _VALUE else value


def as_int(b: "Builder", value: Atom) -> Atom:
    """A BOOL or INT as an INT."""
    if value.type == INT:
        return value
    if isinstance(value, Const):
        return Const(INT, int(value.value.real))
    return b.emit("bool.to_int", value)


def as_float(b: "Builder", value: Atom) -> Atom:
    """A BOOL, INT or FLOAT as the nearest FLOAT."""
    if value.type == FLOAT:
        return value
    if isinstance(value, Const):
        return Const(FLOAT, float(value.value.real))
    return b.emit("int.to_float", as_int(b, value))


def as_float_exactly(b: "Builder", value: Atom) -> Atom:
    """As ``as_float``, but an int beyond 2**53 bails."""
    if value.type == FLOAT:
        return value
    if isinstance(value, Const) and abs(value.value) <= 2**53:
        return Const(FLOAT, float(value.value.real))
    return b.emit("int.to_float_exact", as_int(b, value))


def as_complex(b: "Builder", value: Atom) -> Atom:
    """A number of Python's as a COMPLEX."""
    if value.type == COMPLEX:
        return value
    if isinstance(value, Const):
        return Const(COMPLEX, complex(value.value))
    return b.emit("complex.make", as_float(b, value), Const(FLOAT, 0.0))


def components(b: "Builder", value: Atom) -> list[Atom]:
    """The parts of a tuple."""
    assert isinstance(value.type, Tuple)
    return [b.emit("tuple.get", value, Const(INT, k)) for k in range(len(value.type.items))]


def constant(compute: Callable[[], Any]) -> Const | None:
    """What CPython computes while translating; None where it raises, or native code has no such
    value."""
    try:
        value = compute()
    except (ArithmeticError, TypeError, ValueError):
        return None
    if type(value) is int and not -(2**63) <= value < 2**63:
        return None
    return Const(_CONSTANTS[type(value)], value)


def any_value(b: "Builder", type: Type) -> Atom | None:
    """Some value of a type, for a variable that is assigned before it is read, which the IR cannot
    see; None for types of which nothing can be made."""
    if isinstance(type, Tuple):
        parts = [any_value(b, item) for item in type.items]
        made = [part for part in parts if part is not None]
        return b.emit("tuple.make", *made) if len(made) == len(parts) else None
    if type in _ZEROS:
        return _ZEROS[type]
    wrapper = _WRAPPERS.get(type)
    return None if wrapper is None else b.emit(wrapper[0], wrapper[1])


_ZEROS: Mapping[Type, Const] = {
    BOOL: Const(BOOL, False),
    INT: Const(INT, 0),
    FLOAT: Const(FLOAT, 0.0),
    COMPLEX: Const(COMPLEX, 0j),
    CHAR: Const(CHAR, 0),
}
_WRAPPERS: Mapping[Type, tuple[str, Const]] = {
    NUMPY_BOOL: ("np.bool", _ZEROS[BOOL]),
    NUMPY_INT: ("np.int", _ZEROS[INT]),
    NUMPY_FLOAT: ("np.float", _ZEROS[FLOAT]),
}
_CONSTANTS: Mapping[type, Type] = {bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX}


def as_index(b: "Builder", value: Atom) -> Atom | None:
    """What ``operator.index`` gives, as an INT; None for what is no index."""
    if value.type in (NUMPY_INT, NUMPY_NARROW_INT):
        return plain(b, value)
    return as_int(b, value) if value.type in (BOOL, INT) else None
