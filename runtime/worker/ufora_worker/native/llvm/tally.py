"""What emitted values come to, with a way back to before an item."""

from ufora_worker.native.ir.nodes import Block, Emit, For, While
from ufora_worker.native.ir.syntax import walk
from ufora_worker.native.llvm.code import Code
from ufora_worker.native.llvm.frame import Field
from ufora_worker.native.llvm.slots import Operand

#: So many small values may one item emit: 2**10 * 2**32 in each of the 2**16 items of a strip.
_FEW = 2**10


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

    def end_strip(self) -> None:
        """A strip of items is done, with nothing left to commit."""

    def hand_out(self, address: Operand) -> None:
        """Write what was committed into the frame."""
        value = self._code.load(self.slot, self._committed)
        if self.slot == "i1":
            value = self._code.value(f"zext i1 {value} to i64")
        slot = "i64" if self.slot == "i1" else self.slot
        self._code.line(f"store {slot} {value}, ptr {address}, align 8")


class StripTotal(Tally):
    """A total of 128 bits, to which small values are added strip by strip: what they come to in one
    strip fits in 64 bits, and LLVM adds up several of those at a time."""

    def __init__(self, code: Code, field: Field) -> None:
        super().__init__(code, "i64", "0", field)
        self._before = code.cell("i128")
        code.store("i128", "0", self._before)

    def end_strip(self) -> None:
        """See ``Tally``."""
        self._code.store("i128", self._total(), self._before)
        self.set("0")
        self.commit()

    def hand_out(self, address: Operand) -> None:
        """See ``Tally``."""
        self._code.line(f"store i128 {self._total()}, ptr {address}, align 8")

    def _total(self) -> Operand:
        part = self._code.load("i64", self._committed)
        wide = self._code.value(f"sext i64 {part} to i128")
        return self._code.value(f"add nsw i128 {self._code.load('i128', self._before)}, {wide}")


def are_small_and_few(item: Block) -> bool:
    """Whether all that the items of one strip emit adds up to less than 2**63."""
    statements = list(walk(item))
    in_loops = [
        each
        for loop in statements
        if isinstance(loop, While | For)
        for each in walk((loop,))
        if isinstance(each, Emit)
    ]
    emits = [each for each in statements if isinstance(each, Emit)]
    return not in_loops and len(emits) <= _FEW and all(each.small for each in emits)
