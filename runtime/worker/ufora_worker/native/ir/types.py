"""Types of the IR: what a value is to Python, and how it lies in memory."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, or one character of a string."""

    name: str

    def __str__(self) -> str:
        return self.name


BOOL = Scalar("bool")
#: An ``int`` that fits in 64 bits; any operation that leaves them bails.
INT = Scalar("int")
LEAST_INT, GREATEST_INT = -(2**63), 2**63 - 1
FLOAT = Scalar("float")
COMPLEX = Scalar("complex")
#: A ``str`` of length 1, as its code point.
CHAR = Scalar("char")
#: Scalars of NumPy: elements of its arrays, and what its rules make of them.
NUMPY_BOOL = Scalar("np.bool")
NUMPY_INT = Scalar("np.int64")
NUMPY_FLOAT = Scalar("np.float64")
#: An element of an array of complex128, whose arithmetic is not that of ``complex``.
NUMPY_COMPLEX = Scalar("np.complex128")
#: An element of an array of a narrower class (int8 to uint32, float32), held as ``int`` or
#: ``float``; of which class is forgotten, so there is no arithmetic, and none is ever emitted.
NUMPY_NARROW_INT = Scalar("np.narrow_int")
NUMPY_NARROW_FLOAT = Scalar("np.narrow_float")


@dataclass(frozen=True, slots=True)
class Tuple:
    """A Python tuple, component by component."""

    items: "tuple[Type, ...]"

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class Array:
    """Read-only memory of one captured object: a list or tuple of numbers of one class, a NumPy
    array, a ``str`` (elements CHAR) or ``bytes`` (elements INT).

    ``storage`` is the NumPy type string of one element without byte order: ``i8 f8 c16 b1 u1 u4``
    and so on. Elements are read as ``element``. Memory may have any strides.
    """

    element: Scalar
    storage: str
    dimensions: int = 1

    @property
    def size(self) -> int:
        """Of an element, in bytes."""
        return int(self.storage[1:])

    def __str__(self) -> str:
        return f"{self.element}:{self.storage}[{',' * (self.dimensions - 1)}]"


Type = Scalar | Tuple | Array


def leaves(type: Type) -> tuple[Scalar | Array, ...]:
    """The parts of a tuple type from left to right, nested ones too; any other type itself."""
    if isinstance(type, Tuple):
        return tuple(leaf for item in type.items for leaf in leaves(item))
    return (type,)
