"""User functions: internal to the module, so that LLVM inlines them as it sees fit."""

from ufora_worker.native.ir import nodes
from ufora_worker.native.llvm.emitter import ATTRIBUTES, STATUS, Context, Emitter, returned, symbol
from ufora_worker.native.llvm.integers import compare, plain
from ufora_worker.native.llvm.slots import Operand, slots
from ufora_worker.native.runs import Status


class FunctionEmitter(Emitter):
    """Writes one user function.

    It takes the frame, the depth that is left if it can nest without a bound, and its parameters
    slot by slot; it returns a status and the slots of its result.
    """

    def __init__(self, context: Context, function: nodes.Function) -> None:
        super().__init__(context)
        self._function = function
        self._kind = returned(function)

    def text(self) -> str:
        """The function's definition."""
        parameters = ["ptr %frame"]
        if self.context.graph.nests(self._function.name):
            parameters.append("i64 %depth")
            self._descend()
        for number, variable in enumerate(self._function.parameters):
            names = [f"%p{number}.{k}" for k in range(len(slots(variable.type)))]
            parameters += map(" ".join, zip(slots(variable.type), names, strict=True))
            self.write(variable, tuple(names))
        self.block(self._function.body)
        # Every path returns; what would fall off the end is none of native code's business.
        self.code.jump(self.code.bail)
        self._return(self.finish(), ())
        name = symbol(self._function, self.context)
        return self.code.text(
            f"internal fastcc {self._kind} {name}({', '.join(parameters)}) {ATTRIBUTES}"
        )

    def _descend(self) -> None:
        """One level deeper: bail where there is none left, and poll, as recursion is a loop too."""
        self.code.expect(compare(self.code, "sgt", "%depth", "0"), self.code.bail)
        if self.context.graph.is_recursive(self._function.name):
            self.poll()

    def depth(self) -> Operand:
        """One less than this function has."""
        return plain(self.code, "sub", "%depth", "1")

    def give(self, value: nodes.Atom | None) -> None:
        """``return value``."""
        assert value is not None, f"{self._function.name} returns nothing"
        self._return(str(int(Status.DONE)), self.read(value))
        self.code.begin(self.code.label())

    def emit(self, value: nodes.Atom) -> None:
        """Not in a user function."""
        raise AssertionError(f"{self._function.name} emits, which only the item function may")

    def end_row(self) -> None:
        """Not in a user function."""
        raise AssertionError(f"{self._function.name} ends a row, as only the item function may")

    def _return(self, status: Operand, values: tuple[Operand, ...]) -> None:
        result = self.code.value(f"insertvalue {self._kind} poison, {STATUS} {status}, 0")
        assert self._function.result is not None
        for number, (slot, value) in enumerate(
            zip(slots(self._function.result), values, strict=False)
        ):
            result = self.code.value(
                f"insertvalue {self._kind} {result}, {slot} {value}, {number + 1}"
            )
        self.code.line(f"ret {self._kind} {result}")
