"""Words for values and types in messages."""

from ufora_core.compiler.for_loops.item import ITEM
from ufora_worker.native.ir.nodes import Atom
from ufora_worker.native.ir.types import Array, Tuple, Type
from ufora_worker.native.translate.values import Known, Value

_LAZY_WORDS = {
    "Display": "a list",
    "Range": "a range",
    "Enumerated": "`enumerate(...)`",
    "Zipped": "`zip(...)`",
    "Reversed": "`reversed(...)`",
    "Picked": "`islice(...)`",
    "LocalFunction": "a function",
}


def describe(value: Value) -> str:
    """What a value is, for a message."""
    if isinstance(value, Atom):
        return a_type(value.type)
    if isinstance(value, Known):
        return f"`{value.name}`, which is {value.reason}" if value.reason else f"`{value.name}`"
    return _LAZY_WORDS.get(type(value).__name__, "a comprehension")


def gives(function: str) -> str:
    """The beginning of a sentence about what a function returns."""
    return "an item gives" if function == ITEM else f"`{function}` returns"


def a_type(type: Type) -> str:
    """A type with its article, for a message."""
    if isinstance(type, Tuple):
        return f"a tuple of {len(type.items)}"
    if isinstance(type, Array):
        return "an array"
    return {"int": "an int", "char": "a character"}.get(type.name, f"a {type.name}")
