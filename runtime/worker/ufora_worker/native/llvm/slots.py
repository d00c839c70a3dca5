"""How values of the IR become values of LLVM: each type is a row of *slots*.

A slot is one first-class LLVM value. Scalars have one, a complex number two, an array its address,
lengths and strides (in bytes); a tuple has those of its items. Every slot that comes from outside
is one 64-bit word of the frame.
"""

import struct
from collections.abc import Mapping

from ufora_worker.native.ir.nodes import Const
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
    Type,
    leaves,
)

#: An operand as LLVM's assembly writes it: a register or a literal.
Operand = str
#: The operands that make up one value of the IR.
Operands = tuple[Operand, ...]

_SCALARS: Mapping[Scalar, tuple[str, ...]] = {
    BOOL: ("i1",),
    INT: ("i64",),
    FLOAT: ("double",),
    COMPLEX: ("double", "double"),
    CHAR: ("i32",),
    NUMPY_BOOL: ("i1",),
    NUMPY_INT: ("i64",),
    NUMPY_FLOAT: ("double",),
    NUMPY_COMPLEX: ("double", "double"),
    NUMPY_NARROW_INT: ("i64",),
    NUMPY_NARROW_FLOAT: ("double",),
}


def slots(type: Type) -> tuple[str, ...]:
    """The LLVM types of a value of this type, from left to right."""
    return tuple(slot for leaf in leaves(type) for slot in _of_leaf(leaf))


def _of_leaf(leaf: Scalar | Array) -> tuple[str, ...]:
    if isinstance(leaf, Array):
        return ("ptr",) + ("i64",) * (2 * leaf.dimensions)
    return _SCALARS[leaf]


def _literal(slot: str, value: float) -> Operand:
    match slot:
        case "i1":
            return "true" if value else "false"
        case "double":
            return double(float(value))
        case _:
            return str(int(value))


def double(value: float) -> Operand:
    """A float as LLVM writes it: by its bits, since a decimal would be rounded again."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def constant(atom: Const) -> Operands:
    """The slots of a constant."""
    if isinstance(atom.value, complex):
        return (double(atom.value.real), double(atom.value.imag))
    return tuple(_literal(slot, atom.value) for slot in slots(atom.type))


def integer(operand: Operand) -> int | None:
    """The number that an operand is, or None when it is known at run time only."""
    return int(operand) if operand.lstrip("-").isdigit() else None
