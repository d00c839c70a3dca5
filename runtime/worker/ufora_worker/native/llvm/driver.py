"""The driver: ``int32 drive(int64 lo, int64 hi, void *frame)``, the loop over the items.

The item function's body stands inside of it, once, so what is captured stays in registers and a
simple item becomes a simple loop. What an item emits counts when the item is done: the *tallies*
are committed then, and only what is committed is handed out. ``drive`` returns a ``Status``.
"""

from collections.abc import Callable, Mapping

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.types import INT, Array, Scalar, leaves
from ufora_worker.native.llvm.columns import column_count
from ufora_worker.native.llvm.emitter import ATTRIBUTES, STATUS, Context, Emitter
from ufora_worker.native.llvm.frame import Field
from ufora_worker.native.llvm.integers import compare, plain
from ufora_worker.native.llvm.loops import Strips
from ufora_worker.native.llvm.slots import Operand, Operands, slots
from ufora_worker.native.llvm.tally import StripTotal, Tally, are_small_and_few
from ufora_worker.native.runs import Status

#: The only symbol of an object.
NAME = "drive"

_BEST = {
    (nodes.Sink.LEAST, "i64"): "icmp slt i64",
    (nodes.Sink.LEAST, "i1"): "icmp ult i1",
    (nodes.Sink.LEAST, "double"): "fcmp olt double",
    (nodes.Sink.GREATEST, "i64"): "icmp sgt i64",
    (nodes.Sink.GREATEST, "i1"): "icmp ugt i1",
    (nodes.Sink.GREATEST, "double"): "fcmp ogt double",
}


class Driver(Emitter):
    """Writes ``drive`` for one unit."""

    def __init__(self, context: Context, unit: nodes.Unit) -> None:
        super().__init__(context)
        self._unit = unit
        self._item = unit.functions[0]
        self._item_done, self._out = self.code.label(), self.code.label()
        self._next = Tally(self.code, "i64", "%lo", Field.NEXT)
        self.count = Tally(self.code, "i64", "0", Field.COUNT)
        #: How many rows ended, where there are rows.
        self._rows = self._row_tally()
        #: The value that the sink keeps, if it does.
        self.kept = self._kept()
        self._columns: list[Operand] = []
        self._emit = _SINKS[unit.sink]

    def _row_tally(self) -> Tally | None:
        in_rows = self._unit.sink is nodes.Sink.ROWS
        return Tally(self.code, "i64", "0", Field.ROWS) if in_rows else None

    def _kept(self) -> Tally | None:
        match self._unit.sink:
            case nodes.Sink.TOTAL:
                if are_small_and_few(self._item.body):
                    return StripTotal(self.code, Field.TOTAL_LOW)
                return Tally(self.code, "i128", "0", Field.TOTAL_LOW)
            case nodes.Sink.LEAST | nodes.Sink.GREATEST:
                (slot,) = slots(self._unit.emits)
                return Tally(self.code, slot, "0.0" if slot == "double" else "0", Field.BEST)
            case _:
                return None

    def text(self) -> str:
        """The function's definition."""
        self.code.assume(compare(self.code, "sge", "%lo", "0"))
        index, *captured = self._item.parameters
        values = self._read_frame(captured)
        some = compare(self.code, "slt", "%lo", "%hi")
        trips = self.code.select(some, "i64", plain(self.code, "sub", "%hi", "%lo"), "0")
        length = self.context.weights.strip_length(self._item.body)
        turns = Strips(self, "%lo", "1", trips, length)
        turns.begin()
        self.write(index, (turns.counter(),))
        for variable, value in zip(captured, values, strict=True):
            # For each item anew: a parameter is a variable that the item may set.
            self.write(variable, value)
        self.block(self._item.body)
        self.code.jump(self._item_done)
        self.code.begin(self._item_done)
        self._commit(turns.counter())
        turns.end(self._end_strip)
        self._hand_out(turns.ended)
        return self.code.text(f"i32 @{NAME}(i64 %lo, i64 %hi, ptr noalias %frame) {ATTRIBUTES}")

    # ------------------------------------------------------------------ in and out

    def _read_frame(self, captured: list[nodes.Var]) -> list[Operands]:
        """The captured values; and the columns are found, if there are any."""
        values, position = [], int(Field.WORDS)
        for variable in captured:
            bounds = self._range(self._unit.bounds.get(variable.name))
            kinds = slots(variable.type)
            words = (self._word(position + k, slot, bounds) for k, slot in enumerate(kinds))
            values.append(self._measured(variable, tuple(words)))
            position += len(kinds)
        count = column_count(self._unit)
        self._columns = [self.field(position + k, "ptr") for k in range(count)]
        return values

    def _measured(self, variable: nodes.Var, words: Operands) -> Operands:
        """The slots of a captured value; the last stride of a dense array is known."""
        if variable.name not in self._unit.dense:
            return words
        assert isinstance(variable.type, Array)
        return (*words[:-1], str(variable.type.size))

    def _word(self, field: int, slot: str, bounds: str) -> Operand:
        if slot in ("i1", "i32"):
            return self.code.value(f"trunc i64 {self.field(field)} to {slot}")
        return self.field(field, slot, bounds if slot == "i64" else "")

    def _range(self, bounds: tuple[int, int] | None) -> str:
        """What LLVM is told of a parameter whose values are known to lie between two bounds."""
        if bounds is None or bounds == (-(2**63), 2**63 - 1):
            return ""
        past = bounds[1] + 1 if bounds[1] < 2**63 - 1 else -(2**63)
        return f", !range {self.context.preamble.node(f'!{{i64 {bounds[0]}, i64 {past}}}')}"

    def _hand_out(self, ended: str) -> None:
        status = self.finish()
        self.code.jump(self._out)
        self.code.begin(ended)
        self.code.jump(self._out)
        self.code.begin(self._out)
        final = self.code.value(
            f"phi {STATUS} [ {status}, %{self._failed} ], [ {int(Status.DONE)}, %{ended} ]"
        )
        for tally in self._tallies():
            tally.hand_out(self.field_address(tally.field))
        self.code.line(f"ret {STATUS} {final}")

    def _tallies(self) -> list[Tally]:
        return [each for each in (self._next, self.count, self._rows, self.kept) if each]

    def _end_strip(self) -> None:
        for tally in self._tallies():
            tally.end_strip()

    def _commit(self, index: Operand) -> None:
        self._next.set(plain(self.code, "add nsw", index, "1"))
        for tally in self._tallies():
            tally.commit()

    # ------------------------------------------------------------------ what the item does

    def depth(self) -> Operand:
        """The limit itself: the item function is no user function."""
        return self.field(Field.DEPTH)

    def give(self, value: nodes.Atom | None) -> None:
        """End the item."""
        assert value is None, "the item function emits values and returns none"
        self.code.leave(self._item_done)

    def emit(self, value: nodes.Atom) -> None:
        """One more value for the sink, which is told how many there were before."""
        position = self.count.get()
        self.count.set(plain(self.code, "add nuw", position, "1"))
        self._emit(self, value, position)

    def add(self, value: nodes.Atom, position: Operand) -> None:
        """``Sink.TOTAL``: 2**63 items of 64 bits fit in 128."""
        assert self.kept is not None
        (slot,) = slots(value.type)
        operand, total = self.read_one(value), self.kept.slot
        if slot != total:
            widen = "zext" if slot == "i1" else "sext"
            operand = self.code.value(f"{widen} {slot} {operand} to {total}")
        self.kept.set(self.code.value(f"add nsw {total} {self.kept.get()}, {operand}"))

    def keep_best(self, value: nodes.Atom, position: Operand) -> None:
        """``Sink.LEAST`` and ``Sink.GREATEST``: the strict comparison keeps the leftmost."""
        assert self.kept is not None
        slot, code = self.kept.slot, self.code
        operand, best = self.read_one(value), self.kept.get()
        if slot == "double":
            code.expect(code.value(f"fcmp ord double {operand}, {operand}"), code.bail)
        better = code.value(f"{_BEST[self._unit.sink, slot]} {operand}, {best}")
        first = compare(code, "eq", position, "0")
        better = code.value(f"or i1 {first}, {better}")
        self.kept.set(code.select(better, slot, operand, best))

    def decide(self, value: nodes.Atom, deciding: str) -> None:
        """``Sink.ANY`` and ``Sink.ALL``: stop at the first value that decides."""
        code = self.code
        decided = code.value(f"icmp eq i1 {self.read_one(value)}, {deciding}")
        with code.when(decided):
            self._commit(self.read_one(self._item.parameters[0]))
            self.fail(Status.DECIDED)

    def store(self, value: nodes.Atom, position: Operand) -> None:
        """``Sink.COLUMNS`` and ``Sink.ROWS``: each leaf goes to the end of its column."""
        self._make_room(position)
        operands = list(self.read(value))
        # Behind them may be the column for the ends of rows.
        for leaf, column in zip(leaves(value.type), self._columns, strict=False):
            assert isinstance(leaf, Scalar)
            self._store_leaf(leaf, operands, column, position)

    def end_row(self) -> None:
        """``Sink.ROWS``: the last column learns how many values there are by now."""
        assert self._rows is not None, "a unit without rows ends none"
        row = self._rows.get()
        self._make_room(row)
        self._store_leaf(INT, [self.count.get()], self._columns[-1], row)
        self._rows.set(plain(self.code, "add nuw", row, "1"))

    def _make_room(self, position: Operand) -> None:
        """Columns hold only so many values, and as many ends of rows."""
        code = self.code
        room, full = code.label(), code.label()
        capacity = self.field(Field.CAPACITY)
        code.branch(compare(code, "slt", position, capacity), room, full, likely=True)
        code.begin(full)
        self.fail(Status.FULL)
        code.jump(room)
        code.begin(room)

    def _store_leaf(
        self, leaf: Scalar, operands: list[Operand], column: Operand, position: Operand
    ) -> None:
        code, width = self.code, len(slots(leaf))
        for part, slot in enumerate(slots(leaf)):
            memory = "i8" if slot == "i1" else slot
            value = operands.pop(0)
            if slot == "i1":
                value = code.value(f"zext i1 {value} to i8")
            place = plain(code, "add", plain(code, "mul", position, str(width)), str(part))
            address = code.value(f"getelementptr {memory}, ptr {column}, i64 {place}")
            code.store(memory, value, address)


_SINKS: Mapping[nodes.Sink, Callable[[Driver, nodes.Atom, Operand], None]] = {
    nodes.Sink.TOTAL: Driver.add,
    nodes.Sink.COLUMNS: Driver.store,
    nodes.Sink.ROWS: Driver.store,
    nodes.Sink.LEAST: Driver.keep_best,
    nodes.Sink.GREATEST: Driver.keep_best,
    nodes.Sink.ANY: lambda driver, value, _: driver.decide(value, "true"),
    nodes.Sink.ALL: lambda driver, value, _: driver.decide(value, "false"),
    nodes.Sink.COUNT: lambda driver, value, _: None,
}
