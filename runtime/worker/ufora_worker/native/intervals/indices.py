"""Which elements are certain to be there."""

from collections.abc import Iterator

from ufora_worker.native.intervals.interval import exactly
from ufora_worker.native.intervals.state import State
from ufora_worker.native.ir.nodes import Atom, Const, Let, Var
from ufora_worker.native.ir.types import INT

_ZERO = exactly(0)


def cannot_miss(let: Let, state: State) -> bool:
    """Whether ``array.get`` or ``array.row`` has only indices that are at least 0 and less than
    the array's length, as far as comparisons with ``array.len`` show."""
    if let.op not in ("array.get", "array.row"):
        return False
    array, *indices = let.args
    return all(
        state.interval(index).lo >= 0 and _is_below(index, (array, Const(INT, dimension)), state)
        for dimension, index in enumerate(indices)
    )


def _is_below(index: Atom, length: tuple[Atom, Atom], state: State) -> bool:
    return any(
        (definition := state.definitions.get(limit.name)) is not None
        and definition.op == "array.len"
        and definition.args == length
        for same in _copied(index, state)
        for greater in state.greater.get(same.name, ())
        for limit in _copied(Var(greater, INT), state)
    )


def _copied(atom: Atom, state: State) -> Iterator[Var]:
    """The variable, one that it is equal to, and so on."""
    while isinstance(atom, Var):
        yield atom
        definition = state.definitions.get(atom.name)
        source = None if definition is None else _source(definition, state)
        if source is None:
            return
        atom = source


def _source(definition: Let, state: State) -> Atom | None:
    """The operand that the operation only passes on, if it does."""
    match definition.op, definition.args:
        case "copy", (same,):
            return same
        case "int.add", (same, more) if state.interval(more) == _ZERO:
            return same
    return None
