"""The text of one LLVM function while it is being written.

The text is LLVM's own assembly, written straight: it is what the reference manual describes, it
gives access to every attribute and flag, and printing strings is quick. LLVM's verifier reads it
back and checks its types.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ufora_worker.native.llvm.slots import Operand, Operands

#: Number of a metadata node that says: the first of the two branches is taken, practically always.
LIKELY = "!0"
#: Number of an empty metadata node.
EMPTY = "!1"


@dataclass(slots=True)
class Preamble:
    """What the functions of a module need outside of themselves."""

    #: Name of a function that is called -> its declaration.
    declarations: dict[str, str] = field(default_factory=dict)
    #: Metadata nodes, numbered in order.
    metadata: list[str] = field(
        default_factory=lambda: ['!{!"branch_weights", i32 1048576, i32 1}', "!{}"]
    )

    def node(self, text: str) -> str:
        """The number of a metadata node with this text."""
        if text not in self.metadata:
            self.metadata.append(text)
        return f"!{self.metadata.index(text)}"


class Code:
    """Appends instructions to a function; there is always a block that they go to."""

    def __init__(self, preamble: Preamble) -> None:
        self.preamble = preamble
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._numbers = 0
        #: What fails goes here: the label of the block that ends the item with a bail.
        self.bail = self.label()
        #: True while an operation is written that was proved not to bail.
        self.safe = False
        #: A condition, and the value without which guards do not count.
        self._counts: tuple[Operand, Operand] | None = None

    # ------------------------------------------------------------------ instructions

    def line(self, text: str) -> None:
        """An instruction without a result."""
        self._lines.append(f"  {text}")

    def value(self, text: str) -> Operand:
        """An instruction, and the register that its result is in."""
        register = f"%r{self._number()}"
        self.line(f"{register} = {text}")
        return register

    def call(self, result: str, function: str, *arguments: str, attributes: str = "") -> Operand:
        """A call of an intrinsic or an external function, declared on first use.

        ``arguments`` are written with their types, such as ``"i64 %x"``.
        """
        types = ", ".join(argument.split(" ")[0] for argument in arguments)
        self.preamble.declarations[function] = f"declare {result} @{function}({types}) {attributes}"
        return self.value(f"call {result} @{function}({', '.join(arguments)})")

    def select(self, condition: Operand, slot: str, then: Operand, orelse: Operand) -> Operand:
        """One of two values that both exist."""
        return self.value(f"select i1 {condition}, {slot} {then}, {slot} {orelse}")

    # ------------------------------------------------------------------ control flow

    def label(self) -> str:
        """A fresh label."""
        return f"b{self._number()}"

    def begin(self, label: str) -> None:
        """Go on writing in a new block."""
        self._lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        """Leave the block for another one."""
        self.line(f"br label %{label}")

    def leave(self, label: str) -> None:
        """As ``jump``, from the middle of a statement list: what follows is unreachable."""
        self.jump(label)
        self.begin(self.label())

    def branch(self, condition: Operand, then: str, orelse: str, *, likely: bool = False) -> None:
        """Leave the block for one of two; ``likely``: it is practically always ``then``."""
        weights = f", !prof {LIKELY}" if likely else ""
        self.line(f"br i1 {condition}, label %{then}, label %{orelse}{weights}")

    def expect(self, condition: Operand, otherwise: str) -> None:
        """Go on here where the condition holds, as it nearly always does, and there otherwise."""
        onward = self.label()
        self.branch(condition, onward, otherwise, likely=True)
        self.begin(onward)

    def guard(self, condition: Operand) -> None:
        """Bail unless the condition holds; nothing in an operation that was proved safe."""
        if self.safe:
            return
        if self._counts is None:
            self.expect(condition, self.bail)
            return
        # In this order, since the first branch is always foreseen, and the second hardly ever met.
        doubted, onward = self.label(), self.label()
        self.branch(condition, onward, doubted, likely=True)
        self.begin(doubted)
        whether, value = self._counts
        counts = self.value(f"icmp eq i1 {whether}, {value}")
        self.branch(counts, self.bail, onward)
        self.begin(onward)

    @property
    def always_counts(self) -> bool:
        """Whether what is computed here is of use in any case; elsewhere nothing may be promised
        that does not hold for all values, since a guard could branch on what comes of it."""
        return self._counts is None

    def assume(self, condition: Operand) -> None:
        """Tell LLVM that the condition holds."""
        self.preamble.declarations["llvm.assume"] = "declare void @llvm.assume(i1)"
        self.line(f"call void @llvm.assume(i1 {condition})")

    @contextmanager
    def counting_if(self, condition: Operand, value: Operand) -> Iterator[None]:
        """What is computed inside is of use only if the condition has this value, so nothing in it
        bails otherwise."""
        assert self._counts is None, "such computations do not nest"
        self._counts = condition, value
        yield
        self._counts = None

    @contextmanager
    def when(self, condition: Operand) -> Iterator[None]:
        """What is written inside runs only where the condition holds."""
        inside, after = self.label(), self.label()
        self.branch(condition, inside, after)
        self.begin(inside)
        yield
        self.jump(after)
        self.begin(after)

    def choose(
        self,
        condition: Operand,
        slot: str,
        then: Callable[[], Operand],
        orelse: Callable[[], Operand],
        *,
        likely: bool = False,
    ) -> Operand:
        """One of two values, of which only the one that is chosen is computed."""
        cell = self.cell(slot)
        first, second, after = self.label(), self.label(), self.label()
        self.branch(condition, first, second, likely=likely)
        for label, compute in ((first, then), (second, orelse)):
            self.begin(label)
            self.store(slot, compute(), cell)
            self.jump(after)
        self.begin(after)
        return self.load(slot, cell)

    def repeat(
        self,
        slot: str,
        start: Operands,
        condition: Callable[..., Operand],
        step: Callable[..., Operands],
    ) -> Operands:
        """A loop over a few values of one type: as long as ``condition(*values)`` holds they
        become ``step(*values)``. Gives the last ones."""
        cells = [self.cell(slot) for _ in start]
        head, body, after = self.label(), self.label(), self.label()
        self.store_all(slot, start, cells)
        self.jump(head)
        self.begin(head)
        values = tuple(self.load(slot, cell) for cell in cells)
        self.branch(condition(*values), body, after)
        self.begin(body)
        self.store_all(slot, step(*values), cells)
        self.jump(head)
        self.begin(after)
        return values

    # ------------------------------------------------------------------ memory

    def cell(self, slot: str) -> Operand:
        """Memory for a variable; LLVM makes registers of it."""
        register = f"%c{self._number()}"
        self._entry.append(f"  {register} = alloca {slot}")
        return register

    def load(self, slot: str, address: Operand, attributes: str = "") -> Operand:
        """Read memory."""
        return self.value(f"load {slot}, ptr {address}{attributes}")

    def store(self, slot: str, value: Operand, address: Operand) -> None:
        """Write memory."""
        self.line(f"store {slot} {value}, ptr {address}")

    def store_all(self, slot: str, values: Operands, cells: list[Operand]) -> None:
        """Write several cells of one type."""
        for value, cell in zip(values, cells, strict=True):
            self.store(slot, value, cell)

    # ------------------------------------------------------------------ the whole

    def text(self, signature: str) -> str:
        """The function's definition."""
        return "\n".join([f"define {signature} {{", "entry:", *self._entry, *self._lines, "}"])

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers
