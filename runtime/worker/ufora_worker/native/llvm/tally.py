"""What emitted values come to, with a way back to before an item."""

from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.frame import Field
from ufora_worker.native.llvm.slots import Operand


class Tally:
    """A value that emitted values change: theirs so far, and that of the items that are done.

    An item that fails leaves nothing behind, since only what was committed is handed out.
    """

    def __init__(self, code: Code, slot: str, initial: Operand, field: Field) -> None:
        self.slot = slot
        self.field = field
        self._code = code
        self._working, self._committed = code.cell(slot), code.cell(slot)
        for cell in (self._working, self._committed):
            code.store(slot, initial, cell)

    def get(self) -> Operand:
        """The value with what the item at work has emitted."""
        return self._code.load(self.slot, self._working)

    def set(self, value: Operand) -> None:
        """Change the value, for the time being."""
        self._code.store(self.slot, value, self._working)

    def commit(self) -> None:
        """The item is done."""
        self._code.store(self.slot, self.get(), self._committed)

    def hand_out(self, address: Operand) -> None:
        """Write what was committed into the frame."""
        value = self._code.load(self.slot, self._committed)
        if self.slot == "i1":
            value = self._code.value(f"zext i1 {value} to i64")
        slot = "i64" if self.slot == "i1" else self.slot
        self._code.line(f"store {slot} {value}, ptr {address}, align 8")
