"""Which elements are certain to be there."""

from collections.abc import Iterator

from ufora_worker.native.intervals.interval import exactly
from ufora_worker.native.intervals.state import State
from ufora_worker.native.ir.nodes import Atom, Const, Let, Unit, Var
from ufora_worker.native.ir.syntax import targets, walk
from ufora_worker.native.ir.types import INT

_ZERO = exactly(0)


def cannot_miss(let: Let, state: State) -> bool:
    """Whether ``array.get`` or ``array.row`` has only indices that are at least 0 and less than
    the array's length, as far as comparisons with ``array.len`` show."""
    if let.op not in ("array.get", "array.row"):
        return False
    array, *indices = let.args
    return all(
        state.interval(index).lo >= 0
        and any(_is_below(index, length, state) for length in _lengths(array, dimension, state))
        for dimension, index in enumerate(indices)
    )


def _lengths(array: Atom, dimension: int, state: State) -> Iterator[tuple[Atom, Atom]]:
    """The operands of ``array.len`` that give the length of this dimension."""
    yield array, Const(INT, dimension)
    definition = state.definitions.get(array.name) if isinstance(array, Var) else None
    if definition is not None and definition.op == "array.row":
        yield definition.args[0], Const(INT, 1)


def note_spans(unit: Unit, entry: State) -> None:
    """Note in the state at the entry of the item function that the index is less than the lengths
    of the arrays that span all items. No text sets a variable of such a length, nor the arrays."""
    item = unit.functions[0]
    index, *captured = item.parameters
    changed = {var for statement in walk(item.body) for var in targets(statement)}
    lengths = []
    for array in captured:
        if array.name in unit.spans and array not in changed:
            length = Var(f"%length of {array.name}", INT)
            entry.definitions[length.name] = Let(length, "array.len", (array, Const(INT, 0)))
            lengths.append(length.name)
    entry.greater[index.name] = frozenset(lengths)


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
