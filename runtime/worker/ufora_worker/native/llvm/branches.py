"""``if``, with a jump and without.

Of two small branches both are computed, and the values of the right one are kept: to guess wrong
where to go costs a processor more. LLVM does so by itself, but not where an operation may bail; the
item must not bail for a branch that it does not take.
"""

from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Block, Const, If, Let, Var
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.llvm.integers import power_of_two
from ufora_worker.native.llvm.slots import Operands, slots

if TYPE_CHECKING:
    from ufora_worker.native.llvm.emitter import Emitter

#: So many operations are computed at most, about as LLVM has it.
_MOST = 4
#: Operations that take no time.
_FREE = frozenset({"copy", "bool.to_int"})
#: Operations that harm nobody whatever their operands are, and take an instruction or two.
_HARMLESS = _FREE | frozenset(
    f"{prefix}.{name}"
    for prefix, names in (
        ("bool", "not and or xor eq"),
        ("int", "add sub mul neg and or xor invert to_bool eq ne lt le gt ge"),
        ("char", "ord eq ne lt le gt ge"),
        ("float", "add sub mul neg eq ne lt le gt ge"),
    )
    for name in names.split()
)
#: Those that are as quick if the second operand is a constant: a power of two, or a small count.
_BY_POWER = frozenset({"int.floordiv", "int.mod"})
_BY_COUNT = frozenset({"int.lshift", "int.rshift"})
_COUNTS = range(64)


def branch(emitter: "Emitter", statement: If) -> None:
    """``if``."""
    if isinstance(statement.condition, Var) and _are_small(statement.then, statement.orelse):
        _compute_both(emitter, statement)
    else:
        _go_either_way(emitter, statement)


def _go_either_way(emitter: "Emitter", statement: If) -> None:
    code = emitter.code
    then, orelse, after = (code.label() for _ in range(3))
    code.branch(emitter.read_one(statement.condition), then, orelse)
    for label, body in ((then, statement.then), (orelse, statement.orelse)):
        code.begin(label)
        emitter.block(body)
        code.jump(after)
    code.begin(after)


def _compute_both(emitter: "Emitter", statement: If) -> None:
    code = emitter.code
    condition = emitter.read_one(statement.condition)
    with code.counting_if(condition, "true"):
        then = _values_after(emitter, statement.then)
    with code.counting_if(condition, "false"):
        orelse = _values_after(emitter, statement.orelse)
    for var in then | orelse:
        before = emitter.read(var)
        chosen = zip(slots(var.type), then.get(var, before), orelse.get(var, before), strict=True)
        emitter.write(var, tuple(code.select(condition, *each) for each in chosen))


def _values_after(emitter: "Emitter", block: Block) -> dict[Var, Operands]:
    """What variables are after the block, which are left as they were."""
    lets = [each for each in block if isinstance(each, Let)]
    before = {each.target: emitter.read(each.target) for each in lets}
    emitter.block(block)
    after = {var: emitter.read(var) for var in before}
    for var, operands in before.items():
        emitter.write(var, operands)
    return after


def _are_small(*branches: Block) -> bool:
    """Whether both can be computed, and it takes more than LLVM to do so."""
    lets = [each for each in sum(branches, ()) if isinstance(each, Let)]
    return (
        len(lets) == sum(map(len, branches))
        and any(_may_bail(let) for let in lets)
        and all(map(_is_harmless, lets))
        and sum(let.op not in _FREE for let in lets) <= _MOST
    )


def _may_bail(let: Let) -> bool:
    operation = OPERATIONS.get(let.op)
    return not let.safe and operation is not None and bool(operation.bails)


def _is_harmless(let: Let) -> bool:
    if let.op in _BY_POWER:
        return isinstance(let.args[1], Const) and power_of_two(str(let.args[1].value)) is not None
    if let.op in _BY_COUNT:
        return isinstance(let.args[1], Const) and let.args[1].value in _COUNTS
    return let.op in _HARMLESS
