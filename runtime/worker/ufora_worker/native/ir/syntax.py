"""What can be read off a function without following its control."""

from collections.abc import Iterator, Mapping

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Atom, Block, Const, Let, Statement, Unit, Var


def blocks(statement: Statement) -> tuple[Block, ...]:
    """The blocks of a statement."""
    match statement:
        case nodes.If(_, then, orelse):
            return then, orelse
        case nodes.While(head, _, body, orelse):
            return head, body, orelse
        case nodes.For(_, _, _, _, body, orelse):
            return body, orelse
    return ()


def walk(block: Block) -> Iterator[Statement]:
    """All statements of a block, nested ones after the one that they are in."""
    for statement in block:
        yield statement
        for inner in blocks(statement):
            yield from walk(inner)


def targets(statement: Statement) -> Iterator[Var]:
    """What a statement sets by itself."""
    match statement:
        case nodes.Let(target) | nodes.Invoke(target):
            yield target
        case nodes.For(counter):
            yield counter


def set_in(loop: nodes.While | nodes.For) -> tuple[Var, ...]:
    """The variables that a loop may set, its ``else`` aside."""
    found = dict.fromkeys(targets(loop))
    for statement in walk(loop.head + loop.body if isinstance(loop, nodes.While) else loop.body):
        found |= dict.fromkeys(targets(statement))
    return tuple(found)


def dependents(block: Block) -> Mapping[str, tuple[str, ...]]:
    """For each variable, the targets of the operations that have it as an operand."""
    found: dict[str, dict[str, None]] = {}
    for statement in walk(block):
        if isinstance(statement, Let):
            for arg in statement.args:
                if isinstance(arg, Var):
                    found.setdefault(arg.name, {})[statement.target.name] = None
    return {name: tuple(names) for name, names in found.items()}


def operands(statement: Statement) -> tuple[Atom, ...]:
    """What a statement reads by itself."""
    match statement:
        case nodes.Let(_, _, args) | nodes.Invoke(_, _, args):
            return args
        case nodes.If(condition) | nodes.While(_, condition):
            return (condition,)
        case nodes.For(_, start, stop, step):
            return start, stop, step
        case nodes.Return(value) | nodes.Emit(value) if value is not None:
            return (value,)
    return ()


def constants(unit: Unit) -> Iterator[int]:
    """The integers among the operands, and the bounds of parameters."""
    for bounds in unit.bounds.values():
        yield from bounds
    for function in unit.functions:
        for statement in walk(function.body):
            for atom in operands(statement):
                if isinstance(atom, Const) and isinstance(atom.value, int):
                    yield atom.value
