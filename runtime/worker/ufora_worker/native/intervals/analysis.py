"""Which values the ints of a unit can have, and which operations therefore cannot bail.

A forward analysis of intervals over the structured text, with three things beside the intervals:
the operation that gave a variable its value, by which comparisons narrow the operands of what they
compare (``refinement``); how far a variable moves in a turn of a loop, by which an accumulator is
bounded where the number of turns is (``turns``); and which variables are less than which others, by
which an index is known to be in an array.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ufora_worker.native.intervals import implications, turns
from ufora_worker.native.intervals.cells import Cells, Diverged, Key, Place, settle
from ufora_worker.native.intervals.indices import cannot_miss, note_spans
from ufora_worker.native.intervals.interval import Interval, exactly, sub
from ufora_worker.native.intervals.refinement import Impossible, assume, chosen, narrow
from ufora_worker.native.intervals.state import Distances, State, join, moved
from ufora_worker.native.intervals.transfer import INDEX, RANGES, cannot_bail, result_of
from ufora_worker.native.ir import nodes, syntax
from ufora_worker.native.ir.nodes import Block, Function, Let, Statement, Unit, Var

_SMALL = Interval(-nodes.SMALL, nodes.SMALL)
#: Longer units are not analysed: their checks stay.
_MOST_STATEMENTS = 4000


@dataclass(slots=True)
class Findings:
    """What holds of the operations that control can reach; by ``id`` of the statement, for every
    place that the same object stands at."""

    #: Whether the operation cannot bail.
    safe: dict[int, bool] = field(default_factory=dict)
    #: All that its operands, and at last its result, can be.
    ranges: dict[int, tuple[Interval, ...]] = field(default_factory=dict)
    #: Whether what is emitted is small.
    small: dict[int, bool] = field(default_factory=dict)

    def add_emit(self, emit: nodes.Emit, interval: Interval) -> None:
        """Note what holds of a value that is emitted at one place."""
        self.small[id(emit)] = interval.within(_SMALL) and self.small.get(id(emit), True)

    def add(self, let: Let, safe: bool, ranges: tuple[Interval, ...]) -> None:
        """Note what holds of an operation at one place."""
        known = self.ranges.get(id(let), ranges)
        self.safe[id(let)] = safe and self.safe.get(id(let), True)
        self.ranges[id(let)] = tuple(a.join(b) for a, b in zip(known, ranges, strict=True))


def analyse(unit: Unit) -> Findings:
    """Everything that can be found out; nothing about a unit that is too long or too involved."""
    statements = [each for f in unit.functions for each in syntax.walk(f.body)]
    if len(statements) > _MOST_STATEMENTS:
        return Findings()
    text = _Text(unit, statements)
    try:
        cells = settle(lambda cells: _Pass(text, cells).run(), syntax.constants(unit))
    except Diverged:
        return Findings()
    findings = Findings()
    _Pass(text, cells, findings).run()
    return findings


class _Text:
    """What is known of the unit from its text alone."""

    def __init__(self, unit: Unit, statements: Iterable[Statement]) -> None:
        self.unit = unit
        self.functions = {function.name: function for function in unit.functions}
        self.dependents = {each.name: syntax.dependents(each.body) for each in unit.functions}
        loops = [each for each in statements if isinstance(each, nodes.While | nodes.For)]
        self.loop_numbers = {id(loop): number for number, loop in enumerate(loops)}
        self.set_in = {id(loop): syntax.set_in(loop) for loop in loops}


@dataclass(slots=True)
class _Around:
    """The ways out of a loop that were met inside it."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class _Pass:
    """One pass over the unit, under assumptions."""

    def __init__(self, text: _Text, cells: Cells, findings: Findings | None = None) -> None:
        self._text = text
        self._cells = cells
        self._brought: dict[Key, Interval] = {}
        self._function = text.unit.functions[0]
        self._dependents: Mapping[str, tuple[str, ...]] = {}
        self._loops: list[_Around] = []
        self._findings = findings

    def run(self) -> Cells:
        """What the paths bring to the places of the assumptions."""
        for function in self._text.unit.functions:
            self._function = function
            self._dependents = self._text.dependents[function.name]
            self._block(function.body, self._entry(function))
        return self._brought

    def _bring(self, key: Key, interval: Interval) -> None:
        known = self._brought.get(key)
        self._brought[key] = interval if known is None else known.join(interval)

    def _entry(self, function: Function) -> State | None:
        if function is self._text.unit.functions[0]:
            bounds = {function.parameters[0].name: INDEX, **self._text.unit.bounds}
            known = {name: Interval(*each) for name, each in bounds.items()}
        elif (Place.PARAMETER, function.name, "") not in self._cells:
            return None  # nobody calls it
        else:
            found = {
                parameter.name: self._cells.get((Place.PARAMETER, function.name, parameter.name))
                for parameter in function.parameters
            }
            known = {name: each for name, each in found.items() if each is not None}
        entry = State(
            {
                parameter.name: known.get(parameter.name, RANGES[parameter.type])
                for parameter in function.parameters
                if parameter.type in RANGES
            }
        )
        if function is self._text.unit.functions[0]:
            note_spans(self._text.unit, entry)
        return entry

    # ------------------------------------------------------------------ statements

    def _block(self, block: Block, state: State | None) -> State | None:
        """The state after the block; ``state`` is used up."""
        for statement in block:
            if state is None:
                break
            state = self._statement(statement, state)
        return state

    def _statement(self, statement: Statement, state: State) -> State | None:
        match statement:
            case Let():
                return self._let(statement, state)
            case nodes.Invoke():
                return self._invoke(statement, state)
            case nodes.If():
                return self._if(statement, state)
            case nodes.While():
                return self._while(statement, state)
            case nodes.For():
                return self._for(statement, state)
            case nodes.Emit() | nodes.EndRow():
                return self._emit(statement, state)
            case nodes.Break():
                self._loops[-1].breaks.append(state)
            case nodes.Continue():
                self._loops[-1].continues.append(state)
            case nodes.Return(value):
                result = exactly(0) if value is None else state.interval(value)
                self._bring((Place.RESULT, self._function.name, ""), result)
        return None

    def _if(self, branch: nodes.If, state: State) -> State | None:
        blocks = ((branch.then, True), (branch.orelse, False))
        ends = [
            self._block(block, assume(state, branch.condition, truth)) for block, truth in blocks
        ]
        joined = join(ends)
        implications.note(branch, ends, joined)
        return joined

    def _let(self, let: Let, state: State) -> State | None:
        operands = tuple(state.interval(arg) for arg in let.args)
        followed = let.target.type in RANGES
        result = _result(let, state, operands) if followed else None
        if self._findings is not None:
            safe = cannot_bail(let, operands) or cannot_miss(let, state)
            self._findings.add(let, safe, operands if result is None else (*operands, result))
        if not followed:
            self._set(state, let.target, None)
            if let.op == "array.row":
                state.definitions[let.target.name] = let
            return state
        distances = _distances(let, state)
        if result is None:
            return None
        self._set(state, let.target, result, distances)
        if let.target not in let.args:
            state.definitions[let.target.name] = let
            try:
                narrow(state, let.target, result)
            except Impossible:
                return None
        return state

    def _emit(self, statement: nodes.Emit | nodes.EndRow, state: State) -> State:
        if self._findings is not None and isinstance(statement, nodes.Emit):
            self._findings.add_emit(statement, state.interval(statement.value))
        return state

    def _invoke(self, call: nodes.Invoke, state: State) -> State | None:
        function = self._text.functions[call.function]
        self._bring((Place.PARAMETER, function.name, ""), exactly(0))
        for parameter, arg in zip(function.parameters, call.args, strict=True):
            if parameter.type in RANGES:
                key = (Place.PARAMETER, function.name, parameter.name)
                self._bring(key, state.interval(arg))
        result = self._cells.get((Place.RESULT, function.name, ""))
        if result is None:
            return None  # it never returns
        self._set(state, call.target, result if call.target.type in RANGES else None)
        return state

    def _set(
        self, state: State, var: Var, interval: Interval | None, distances: Distances | None = None
    ) -> None:
        state.forget(var.name, self._dependents.get(var.name, ()))
        if interval is not None:
            state.ranges[var.name] = interval
        state.set_distances(var.name, distances or {})

    # ------------------------------------------------------------------ loops

    def _while(self, loop: nodes.While, state: State) -> State | None:
        head = self._head(loop, state, turns.MOST_WHILE)
        self._loops.append(_Around())
        tested = self._block(loop.head, head)
        body = done = None
        if tested is not None:
            body = assume(tested, loop.condition, True)
            done = assume(tested, loop.condition, False)
        return self._turn(loop, state, body, done)

    def _for(self, loop: nodes.For, state: State) -> State | None:
        limits = [state.interval(atom) for atom in (loop.start, loop.stop, loop.step)]
        counter, count = turns.of_range(*limits)
        head = self._head(loop, state, count)
        body = None if counter is None else head.copy()
        if body is not None:
            self._set(body, loop.counter, counter)
            if limits[2].lo > 0 and loop.stop not in self._text.set_in[id(loop)]:
                body.greater[loop.counter.name] = frozenset(
                    {loop.stop.name} if isinstance(loop.stop, Var) else ()
                )
        self._loops.append(_Around())
        return self._turn(loop, state, body, head)

    def _turn(
        self, loop: nodes.While | nodes.For, entry: State, body: State | None, done: State | None
    ) -> State | None:
        """The rest of the loop, from the beginning of a turn to behind the loop."""
        end = self._block(loop.body, body)
        around = self._loops.pop()
        for state in (end, *around.continues):
            if state is not None:
                self._come_back(loop, entry, state)
        after = join([self._block(loop.orelse, done), *around.breaks])
        if after is not None:
            after.leave_loop(self._text.loop_numbers[id(loop)])
        return after

    def _followed(self, loop: nodes.While | nodes.For, entry: State) -> list[Var]:
        """The variables that the loop changes and that have a value before it."""
        changed = self._text.set_in[id(loop)]
        return [var for var in changed if var.type in RANGES and var.name in entry.ranges]

    def _head(self, loop: nodes.While | nodes.For, entry: State, count: int) -> State:
        """The state at the head of a loop that comes back there at most ``count`` times."""
        number = self._text.loop_numbers[id(loop)]
        head = entry.copy()
        for var in self._text.set_in[id(loop)]:
            head.forget(var.name, self._dependents.get(var.name, ()))
        found: list[turns.Changing] = []
        for var in self._followed(loop, entry):
            back = self._cells.get((Place.TURN, number, var.name))
            stride = self._cells.get((Place.STRIDE, number, var.name))
            found.append(turns.Changing(var.name, entry.ranges[var.name], back, stride))
        count = min([count, *(each.most_turns() for each in found)])
        for each in found:
            head.ranges[each.name] = each.after(count)
            distances = moved(entry.distances.get(each.name, {}), each.total(count))
            head.set_distances(each.name, {**distances, (number, each.name): exactly(0)})
        return head

    def _come_back(self, loop: nodes.While | nodes.For, entry: State, state: State) -> None:
        number = self._text.loop_numbers[id(loop)]
        for var in self._followed(loop, entry):
            self._bring((Place.TURN, number, var.name), state.interval(var))
            stride = state.distances_of(var).get((number, var.name), turns.ANYWHERE)
            self._bring((Place.STRIDE, number, var.name), stride)


def _result(let: Let, state: State, operands: tuple[Interval, ...]) -> Interval | None:
    if let.op == "select":
        return chosen(state, *let.args)
    return result_of(let, operands)


def _distances(let: Let, state: State) -> Distances:
    """How far the result lies from variables at heads of loops."""
    match let.op, let.args:
        case "copy", (a,):
            return state.distances_of(a)
        case "int.add", (a, b):
            by_a, by_b = state.interval(a), state.interval(b)
            return {**moved(state.distances_of(b), by_a), **moved(state.distances_of(a), by_b)}
        case "int.sub", (a, b):
            return moved(state.distances_of(a), sub(exactly(0), state.interval(b)))
    return {}
