"""Statements of the IR as LLVM code: what user functions and the item function have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ufora_worker.native.ir import nodes
from ufora_worker.native.llvm import (
    arrays,
    branches,
    complexes,
    floats,
    hypot,
    integers,
    loops,
    scalars,
    wide,
)
from ufora_worker.native.llvm.call_graph import CallGraph
from ufora_worker.native.llvm.code import EMPTY, Code, Preamble
from ufora_worker.native.llvm.frame import Field
from ufora_worker.native.llvm.slots import Operand, Operands, constant, slots
from ufora_worker.native.llvm.weights import Weights
from ufora_worker.native.runs import Status

#: Operations on scalars: each takes the code and the slots of all its operands.
_ON_SLOTS: Mapping[str, Callable[..., Operand | Operands]] = {
    **scalars.EMITTERS,
    **integers.EMITTERS,
    **wide.EMITTERS,
    **floats.EMITTERS,
    "math.hypot": hypot.hypot,
    **complexes.EMITTERS,
}
#: Every operation that there is code for.
EMITTED = frozenset(_ON_SLOTS) | frozenset(arrays.EMITTERS)

#: What a function of the unit gives besides its result: a ``Status``.
STATUS = "i32"
#: Attributes of all functions: no exceptions, and no guesses of LLVM's about what is in libraries.
ATTRIBUTES = 'nounwind "no-builtins"'


@dataclass(frozen=True, slots=True)
class Context:
    """What the functions of a module share."""

    functions: Mapping[str, nodes.Function]
    graph: CallGraph
    weights: Weights
    preamble: Preamble = field(default_factory=Preamble)


class Emitter(ABC):
    """Writes the body of one function.

    Variables live in cells, of which LLVM makes registers. Whatever fails stores a ``Status`` and
    goes to one block at the end, which a subclass writes.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.code = Code(context.preamble)
        self.loops: list[loops.Targets] = []
        self._cells: dict[str, list[Operand]] = {}
        self._status = self.code.cell(STATUS)
        self._failed = self.code.label()

    # ------------------------------------------------------------------ what functions differ in

    @abstractmethod
    def give(self, value: nodes.Atom | None) -> None:
        """``return``."""

    @abstractmethod
    def emit(self, value: nodes.Atom) -> None:
        """One more value for the sink."""

    @abstractmethod
    def end_row(self) -> None:
        """The values since the last row are one."""

    @abstractmethod
    def depth(self) -> Operand:
        """How deep a function that is called from here may nest."""

    # ------------------------------------------------------------------ variables

    def read(self, atom: nodes.Atom) -> Operands:
        """The slots of an operand."""
        if isinstance(atom, nodes.Const):
            return constant(atom)
        kinds = slots(atom.type)
        return tuple(map(self.code.load, kinds, self._variable(atom)))

    def read_one(self, atom: nodes.Atom) -> Operand:
        """The only slot of an operand."""
        (operand,) = self.read(atom)
        return operand

    def write(self, variable: nodes.Var, operands: Operands) -> None:
        """Set a variable."""
        kinds = slots(variable.type)
        for slot, operand, cell in zip(kinds, operands, self._variable(variable), strict=True):
            self.code.store(slot, operand, cell)

    def _variable(self, variable: nodes.Var) -> list[Operand]:
        if variable.name not in self._cells:
            cells = [self.code.cell(slot) for slot in slots(variable.type)]
            self._cells[variable.name] = cells
        return self._cells[variable.name]

    def field(self, field: int, slot: str = "i64", attributes: str = "") -> Operand:
        """A word of the frame that does not change while native code runs."""
        address = self.field_address(field)
        return self.code.load(slot, address, f"{attributes}, !invariant.load {EMPTY}")

    def field_address(self, field: int) -> Operand:
        """Where a word of the frame is."""
        return self.code.value(f"getelementptr i64, ptr %frame, i64 {int(field)}")

    # ------------------------------------------------------------------ statements

    def block(self, block: nodes.Block) -> None:
        """Statements, one after the other; what follows one that leaves is unreachable."""
        for statement in block:
            _STATEMENTS[type(statement)](self, statement)
            if isinstance(statement, _LEAVING):
                return

    def let(self, let: nodes.Let) -> None:
        """An operation."""
        operands = [self.read(argument) for argument in let.args]
        structural = arrays.EMITTERS.get(let.op)
        if structural is not None:
            self.write(let.target, structural(self.code, let, *operands))
            return
        self.code.safe = let.safe
        result = _ON_SLOTS[let.op](self.code, *(slot for value in operands for slot in value))
        self.code.safe = False
        self.write(let.target, (result,) if isinstance(result, str) else result)

    def invoke(self, invoke: nodes.Invoke) -> None:
        """A call of another function; whatever ends it but success ends this one likewise."""
        function = self.context.functions[invoke.function]
        arguments = ["ptr %frame"]
        if self.context.graph.nests(function.name):
            arguments.append(f"i64 {self.depth()}")
        for argument in invoke.args:
            pairs = zip(slots(argument.type), self.read(argument), strict=True)
            arguments += [f"{slot} {operand}" for slot, operand in pairs]
        kind = returned(function)
        target = symbol(function, self.context)
        result = self.code.value(f"call fastcc {kind} {target}({', '.join(arguments)})")
        status = self.code.value(f"extractvalue {kind} {result}, 0")
        self.code.store(STATUS, status, self._status)
        self.code.expect(self.code.value(f"icmp eq {STATUS} {status}, 0"), self._failed)
        width = len(slots(invoke.target.type))
        self.write(
            invoke.target,
            tuple(self.code.value(f"extractvalue {kind} {result}, {k + 1}") for k in range(width)),
        )

    def fail(self, status: Status) -> None:
        """End everything with this status."""
        self.code.store(STATUS, str(int(status)), self._status)
        self.code.leave(self._failed)

    # ------------------------------------------------------------------ attention

    def poll(self) -> None:
        """Look at the attention word, and ask the callback if it is not 0."""
        address = self.field(Field.ATTENTION, "ptr")
        word = self.code.value(f"load volatile i64, ptr {address}, align 8")
        calm = self.code.value(f"icmp eq i64 {word}, 0")
        asking, stop, after = (self.code.label() for _ in range(3))
        self.code.branch(calm, after, asking, likely=True)
        self.code.begin(asking)
        answer = self.code.value(f"call i64 {self.field(Field.CALLBACK, 'ptr')}()")
        self.code.branch(self.code.value(f"icmp eq i64 {answer}, 0"), after, stop)
        self.code.begin(stop)
        self.fail(Status.STOPPED)
        self.code.jump(after)
        self.code.begin(after)

    # ------------------------------------------------------------------ the end

    def finish(self) -> Operand:
        """Begin the block that everything that failed comes to; gives the status."""
        self.code.begin(self.code.bail)
        self.code.store(STATUS, str(int(Status.BAILED)), self._status)
        self.code.jump(self._failed)
        self.code.begin(self._failed)
        return self.code.load(STATUS, self._status)


def returned(function: nodes.Function) -> str:
    """The LLVM type that a function of the unit returns."""
    assert function.result is not None
    return f"{{ {', '.join((STATUS, *slots(function.result)))} }}"


def symbol(function: nodes.Function, context: Context) -> str:
    """The LLVM name of a function of the unit."""
    return f"@function.{list(context.functions).index(function.name)}"


_LEAVING = nodes.Break | nodes.Continue | nodes.Return | nodes.Bail

_STATEMENTS: Mapping[type, Callable[..., None]] = {
    nodes.Let: Emitter.let,
    nodes.Invoke: Emitter.invoke,
    nodes.If: branches.branch,
    nodes.While: loops.repeat_while,
    nodes.For: loops.repeat_for,
    nodes.Break: lambda emitter, _: emitter.code.leave(emitter.loops[-1].on_break),
    nodes.Continue: lambda emitter, _: emitter.code.leave(emitter.loops[-1].on_continue),
    nodes.Return: lambda emitter, statement: emitter.give(statement.value),
    nodes.Emit: lambda emitter, statement: emitter.emit(statement.value),
    nodes.EndRow: lambda emitter, _: emitter.end_row(),
    nodes.Bail: lambda emitter, _: emitter.code.leave(emitter.code.bail),
}
