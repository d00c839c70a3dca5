"""Reading captured arrays, and the operations that only move values around.

The memory of an array does not change while native code runs (only pure code is compiled), which
LLVM is told by ``!invariant.load``. Addresses may have any alignment: NumPy allows it.
"""

from collections.abc import Callable, Mapping

from ufora_worker.native.ir.nodes import Const, Let
from ufora_worker.native.ir.types import Array, Tuple
from ufora_worker.native.llvm.code import EMPTY, Code
from ufora_worker.native.llvm.integers import compare, plain
from ufora_worker.native.llvm.slots import Operand, Operands, slots

#: Storage of an element -> LLVM type in memory, and the instruction that makes a slot of it.
_INTEGERS = {
    **{f"i{size}": (f"i{8 * size}", "sext") for size in (1, 2, 4, 8)},
    **{f"u{size}": (f"i{8 * size}", "zext") for size in (1, 2, 4, 8)},
    "b1": ("i8", "zext"),
}
_FLOATS = {"f4": "float", "f8": "double"}
_COMPLEXES = {"c8": "float", "c16": "double"}


def _element(code: Code, array: Array, address: Operand) -> Operands:
    if len(slots(array.element)) == 2:
        memory = _COMPLEXES[array.storage]
        second = code.value(f"getelementptr {memory}, ptr {address}, i64 1")
        return _float(code, memory, address), _float(code, memory, second)
    if array.storage in _FLOATS:
        return (_float(code, _FLOATS[array.storage], address),)
    return (_integer(code, array, address),)


def _read(code: Code, memory: str, address: Operand) -> Operand:
    return code.load(memory, address, f", align 1, !invariant.load {EMPTY}")


def _float(code: Code, memory: str, address: Operand) -> Operand:
    value = _read(code, memory, address)
    return value if memory == "double" else code.value(f"fpext {memory} {value} to double")


def _integer(code: Code, array: Array, address: Operand) -> Operand:
    memory, widen = _INTEGERS[array.storage]
    value = _read(code, memory, address)
    (slot,) = slots(array.element)
    if slot == "i1":
        return code.value(f"icmp ne {memory} {value}, 0")
    if array.storage == "u8":
        # Not under ``safe``, which speaks of the index.
        code.expect(compare(code, "sge", value, "0"), code.bail)
    return value if memory == slot else code.value(f"{widen} {memory} {value} to {slot}")


def _position(code: Code, index: Operand, length: Operand, *, safe: bool) -> Operand:
    """The index from the front, for one that may be negative; bails when it is out of range."""
    if safe:
        return index
    wrapped = plain(code, "add", index, length)
    negative = compare(code, "slt", index, "0")
    position = code.select(negative, "i64", wrapped, index)
    code.expect(compare(code, "ult", position, length), code.bail)
    return position


def _offset(code: Code, address: Operand, index: Operand, stride: Operand) -> Operand:
    return code.value(f"getelementptr i8, ptr {address}, i64 {plain(code, 'mul', index, stride)}")


def get(code: Code, let: Let, array: Operands, *indices: Operands) -> Operands:
    """``array.get``: an element."""
    type = let.args[0].type
    assert isinstance(type, Array)
    address, measures = array[0], array[1:]
    lengths, strides = measures[: type.dimensions], measures[type.dimensions :]
    for (index,), length, stride in zip(indices, lengths, strides, strict=True):
        position = _position(code, index, length, safe=let.safe)
        address = _offset(code, address, position, stride)
    return _element(code, type, address)


def row(code: Code, let: Let, array: Operands, index: Operands) -> Operands:
    """``array.row``: a row, which is an array of one dimension."""
    address, lengths, strides = array[0], array[1:3], array[3:5]
    position = _position(code, index[0], lengths[0], safe=let.safe)
    return _offset(code, address, position, strides[0]), lengths[1], strides[1]


def part(
    code: Code, let: Let, array: Operands, first: Operands, count: Operands, step: Operands
) -> Operands:
    """``array.slice``: every so many elements or rows, which are known to exist."""
    dimensions = len(array) // 2
    stride = array[1 + dimensions]
    address = _offset(code, array[0], first[0], stride)
    strides = (plain(code, "mul", stride, step[0]), *array[2 + dimensions :])
    return (address, count[0], *array[2 : 1 + dimensions], *strides)


def length(code: Code, let: Let, array: Operands, dimension: Operands) -> Operands:
    """``array.len``."""
    return (array[1 + _number(let)],)


def component(code: Code, let: Let, value: Operands, which: Operands) -> Operands:
    """``tuple.get``."""
    type = let.args[0].type
    assert isinstance(type, Tuple)
    widths = [len(slots(item)) for item in type.items]
    first = sum(widths[: _number(let)])
    return value[first : first + widths[_number(let)]]


def _number(let: Let) -> int:
    """The last argument, which is a constant."""
    atom = let.args[-1]
    assert isinstance(atom, Const) and isinstance(atom.value, int)
    return atom.value


def make(code: Code, let: Let, *values: Operands) -> Operands:
    """``tuple.make``."""
    return tuple(slot for value in values for slot in value)


def copy(code: Code, let: Let, value: Operands) -> Operands:
    """``copy``."""
    return value


def select(code: Code, let: Let, condition: Operands, then: Operands, orelse: Operands) -> Operands:
    """``select``."""
    kinds = slots(let.target.type)
    return tuple(
        code.select(condition[0], slot, first, second)
        for slot, first, second in zip(kinds, then, orelse, strict=True)
    )


EMITTERS: Mapping[str, Callable[..., Operands]] = {
    "copy": copy,
    "tuple.make": make,
    "tuple.get": component,
    "array.len": length,
    "array.get": get,
    "array.row": row,
    "array.slice": part,
    "select": select,
}
