"""Captured values: of which type each is to native code, and how it is handed over.

A value is handed over as 64-bit words: a number as itself, an array as its address and shape. What
lies in memory as native code wants it (NumPy arrays, ``bytes``, ASCII ``str``) is used in place, so
a gigabyte costs nothing; a list is copied.
"""

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
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
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Array,
    Scalar,
    Tuple,
    Type,
)

#: A tuple of fewer numbers is a Tuple, whose components are variables; a longer one is an Array.
_LONG = 5
#: A tuple with components of different classes has at most so many, and tuples in it so deep.
_MOST_COMPONENTS = 16
_DEEPEST = 4
#: Classes of the rows of a list.
_ROWS = frozenset({list, tuple})
_INT64 = range(-(2**63), 2**63)

#: Classes of numbers that a list may hold, with the storage of one.
_NUMBERS: Mapping[type, tuple[Scalar, str]] = {
    bool: (BOOL, "b1"),
    int: (INT, "i8"),
    float: (FLOAT, "f8"),
    complex: (COMPLEX, "c16"),
}

#: What the elements of an array are to Python, by the class that NumPy gives them.
_ELEMENTS: Mapping[type, Scalar] = {
    numpy.bool: NUMPY_BOOL,
    numpy.int8: NUMPY_NARROW_INT,
    numpy.int16: NUMPY_NARROW_INT,
    numpy.int32: NUMPY_NARROW_INT,
    numpy.int64: NUMPY_INT,
    numpy.uint8: NUMPY_NARROW_INT,
    numpy.uint16: NUMPY_NARROW_INT,
    numpy.uint32: NUMPY_NARROW_INT,
    numpy.float32: NUMPY_NARROW_FLOAT,
    numpy.float64: NUMPY_FLOAT,
    numpy.complex128: NUMPY_COMPLEX,
}


@dataclass(frozen=True, slots=True)
class Unsuited:
    """Why native code cannot read a value, to be read after "it is", and what would do instead."""

    reason: str
    edit: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A captured value as native code gets it.

    ``words`` are signed 64-bit integers: a number's value, a float's bits (two floats for a complex
    number); for an array the address of its first element, its lengths and then its strides in
    bytes. They are good for as long as ``keep`` lives.
    """

    words: list[int]
    keep: object = field(default=None, repr=False)


def judge(value: object) -> Type | Unsuited:
    """The type of a captured value, or why native code cannot read it."""
    known = _JUDGES.get(type(value))
    if known is None:
        return Unsuited(f"of class {type(value).__qualname__}")
    return known(value)


def take(value: Any) -> tuple[Type | Unsuited, object]:
    """What ``judge`` says of a captured value, and what ``pack`` is to be given for it: of a long
    list of numbers, or of rows of them, a copy, since whether ints fit is soonest seen by copying
    them."""
    if type(value) not in (list, tuple) or len(value) < _LONG:
        return judge(value), value
    classes = set(map(type, value))
    rows = classes <= _ROWS and _width(value) > 0
    numbers = _in_one(value) if rows else value
    if rows:
        classes = set(map(type, numbers))
    if len(classes) > 1 or not classes <= _NUMBERS.keys():
        return judge(value), value
    element, storage = _NUMBERS[classes.pop()]
    try:
        copy = numpy.fromiter(numbers, storage, len(numbers))
    except OverflowError:
        return judge(value), value
    if rows:
        return Array(element, storage, 2), copy.reshape(len(value), -1)
    return Array(element, storage), copy


def type_of(value: object) -> Type | None:
    """The type of a captured value; None where ``judge`` says why there is none."""
    judged = judge(value)
    return None if isinstance(judged, Unsuited) else judged


def is_dense(value: object) -> bool:
    """Whether the elements (of each row) of what is handed over as an array lie side by side."""
    return not isinstance(value, numpy.ndarray) or value.strides[-1] == value.itemsize


def pack(type: Type, value: Any) -> Packed:
    """A value as words; ``type`` is what ``type_of`` says of it now."""
    if isinstance(type, Tuple):
        parts = [pack(item, each) for item, each in zip(type.items, value, strict=True)]
        return Packed(
            [word for part in parts for word in part.words], [part.keep for part in parts]
        )
    if isinstance(type, Array):
        return _in_memory(_MEMORIES[value.__class__](type, value))
    return Packed(_WORDS[type](value))


# ------------------------------------------------------------------ types


def _always(type: Type) -> Callable[[Any], Type]:
    return lambda value: type


def _of_int(value: int) -> Type | Unsuited:
    if value in _INT64:
        return INT
    return Unsuited("an int that does not fit in 64 bits")


def _of_text(value: str) -> Type:
    if len(value) == 1:
        return CHAR
    return Array(CHAR, "u1" if value.isascii() or max(value) <= "\xff" else "u4")


def _of_sequence(value: Sequence[Any]) -> Array | Unsuited:
    """A list or tuple of numbers of one class, or of rows of such numbers."""
    classes = set(map(type, value))
    if not classes:
        return Array(INT, "i8")
    if classes <= _ROWS:
        return _of_rows(value)
    return _of_numbers(value, classes)


def _of_numbers(value: Sequence[Any], classes: set[type]) -> Array | Unsuited:
    what = f"a {type(value).__name__}"
    if len(classes) > 1:
        names = " and ".join(sorted(each.__qualname__ for each in classes))
        return Unsuited(f"{what} of {names}", "let all elements be of one class")
    (only,) = classes
    if only in _ELEMENTS:
        # Its elements are those of an array, which has other rules than a list.
        return Unsuited(f"{what} of NumPy scalars", "make an array of it before the loop")
    if only not in _NUMBERS:
        return Unsuited(f"{what} of {only.__qualname__}")
    if only is int and not (min(value) in _INT64 and max(value) in _INT64):
        return Unsuited(f"{what} with an int that does not fit in 64 bits")
    return Array(*_NUMBERS[only])


def _of_rows(rows: Sequence[Sequence[Any]]) -> Array | Unsuited:
    what = f"a {type(rows).__name__} of {type(rows[0]).__name__}s"
    if _width(rows) < 0:
        return Unsuited(f"{what} of different lengths")
    numbers = _in_one(rows)
    classes = set(map(type, numbers))
    if not classes <= _NUMBERS.keys():
        return Unsuited(f"{what} that hold other things than numbers")
    only = _of_numbers(numbers, classes) if numbers else Array(INT, "i8")
    if isinstance(only, Unsuited):
        return Unsuited(
            f"{what} that are not all Python numbers of one class within 64 bits",
            "let all numbers be of one class",
        )
    return Array(only.element, only.storage, 2)


def _width(rows: Sequence[Sequence[Any]]) -> int:
    """The length of all rows; -1 where it is not the same."""
    lengths = set(map(len, rows))
    return lengths.pop() if len(lengths) == 1 else -1


def _in_one(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return list(chain.from_iterable(rows))


def _of_tuple(value: tuple[Any, ...], depth: int = 0) -> Type | Unsuited:
    together = _of_sequence(value)
    if isinstance(together, Array) and (together.dimensions == 2 or len(value) >= _LONG):
        return together
    if len(value) > _MOST_COMPONENTS or depth > _DEEPEST:
        return together if isinstance(together, Unsuited) else Unsuited("a deeply nested tuple")
    parts = []
    for each in value:
        part = _of_tuple(each, depth + 1) if type(each) is tuple else judge(each)
        if isinstance(part, Unsuited):
            return Unsuited(f"a tuple with a component that is {part.reason}", part.edit)
        parts.append(part)
    return Tuple(tuple(parts))


def _of_ndarray(value: "numpy.ndarray[Any, Any]") -> Type | Unsuited:
    dtype = value.dtype
    element = _ELEMENTS.get(dtype.type)
    if element is None:
        return Unsuited(f"an array of dtype {dtype}", "use dtype int64 or float64")
    if value.ndim not in (1, 2):
        return Unsuited(f"an array of {value.ndim} dimensions", "use one or two dimensions")
    if not (dtype.isnative and value.flags.aligned):
        return Unsuited("an array of foreign byte order or alignment", "use a copy of the array")
    return Array(element, dtype.str[1:], value.ndim)


_JUDGES: Mapping[type, Callable[[Any], Type | Unsuited]] = {
    **{number: _always(type) for number, type in _ELEMENTS.items()},
    **{number: _always(type) for number, (type, _) in _NUMBERS.items()},
    int: _of_int,
    str: _of_text,
    bytes: _always(Array(INT, "u1")),
    list: _of_sequence,
    tuple: _of_tuple,
    numpy.ndarray: _of_ndarray,
}

# ------------------------------------------------------------------ words


def _word(value: int) -> list[int]:
    return [int(value)]


def _bits(value: float) -> list[int]:
    return list(struct.unpack("=q", struct.pack("=d", value)))


_WORDS: Mapping[Type, Callable[[Any], list[int]]] = {
    **dict.fromkeys((BOOL, INT, NUMPY_BOOL, NUMPY_INT, NUMPY_NARROW_INT), _word),
    **dict.fromkeys((FLOAT, NUMPY_FLOAT, NUMPY_NARROW_FLOAT), _bits),
    **dict.fromkeys((COMPLEX, NUMPY_COMPLEX), lambda value: _bits(value.real) + _bits(value.imag)),
    CHAR: lambda value: [ord(value)],
}

_as_utf8 = ctypes.pythonapi.PyUnicode_AsUTF8AndSize
_as_utf8.argtypes = [ctypes.py_object, ctypes.POINTER(ctypes.c_ssize_t)]
_as_utf8.restype = ctypes.c_void_p


@dataclass(frozen=True, slots=True)
class _Memory:
    """Where the elements of an Array lie; ``owner`` keeps them there."""

    owner: object
    address: int
    shape: Sequence[int]
    strides: Sequence[int]


def _in_memory(memory: _Memory) -> Packed:
    return Packed([memory.address, *memory.shape, *memory.strides], memory.owner)


def _memory_of_ndarray(type: Array, value: "numpy.ndarray[Any, Any]") -> _Memory:
    return _Memory(value, value.ctypes.data, value.shape, value.strides)


def _memory_of_sequence(type: Array, value: Sequence[Any]) -> _Memory:
    shape = (len(value), len(value[0])) if type.dimensions == 2 else (len(value),)
    return _memory_of_ndarray(type, numpy.array(value, dtype=type.storage).reshape(shape))


def _memory_of_bytes(type: Array, value: bytes) -> _Memory:
    # A view of the object itself; NumPy holds on to it.
    return _memory_of_ndarray(type, numpy.frombuffer(value, dtype=type.storage))


def _memory_of_text(type: Array, value: str) -> _Memory:
    if value.isascii():
        # CPython keeps ASCII text as its own UTF-8 form: this copies nothing.
        return _Memory(value, _as_utf8(value, None), (len(value),), (1,))
    if type.storage == "u1":
        return _memory_of_bytes(type, value.encode("latin-1"))
    return _memory_of_bytes(type, value.encode("utf-32-le", "surrogatepass"))


_MEMORIES: Mapping[type, Callable[[Array, Any], _Memory]] = {
    numpy.ndarray: _memory_of_ndarray,
    list: _memory_of_sequence,
    tuple: _memory_of_sequence,
    bytes: _memory_of_bytes,
    str: _memory_of_text,
}
