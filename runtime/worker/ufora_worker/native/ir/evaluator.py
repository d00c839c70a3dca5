"""The reference meaning of the IR: slow, and written to be seen to be right.

Machine code has to do the same as ``evaluate``, to the bit; what an optimisation makes of a unit
has to do the same where the unit did not bail.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.meanings import Doubt, apply, value_of
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Let, Sink, Statement, Unit
from ufora_worker.native.ir.types import CHAR, Tuple, Type, leaves
from ufora_worker.native.runs import Run, Status

#: Told of every operation that was done: the statement, its operands, and its result.
Observer = Callable[[Let, Sequence[Any], Any], None]


class Bailed(Exception):
    """CPython has to run this item: why, and the user's line."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class TooManySteps(Exception):
    """More statements than allowed: the code may run for ever. For fuzzers."""


class NotSafe(Exception):
    """An operation that is marked ``safe`` bailed, or a value that is marked ``small`` is not: who
    marked it was wrong."""


#: Operations whose safe form takes no negative index.
_INDEXING = frozenset({"array.get", "array.row"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the evaluation goes."""

    #: Statements until ``TooManySteps``.
    steps: int = 1_000_000
    #: Calls inside one another until the item bails.
    depth: int = 50


def evaluate(
    unit: Unit,
    lo: int,
    hi: int,
    values: Sequence[Any],
    *,
    limits: Limits = Limits(),
    observe: Observer | None = None,
) -> Run:
    """Run items ``[lo, hi)``; ``values`` are those of the item function's other parameters.

    Raises:
        NotSafe: an operation that was proved not to bail did.
        TooManySteps: the limit was reached.
        ValueError: a value or an index is outside the unit's bounds, or an array is too short.
    """
    _check_bounds(unit, lo, hi, values)
    evaluation = _Evaluation(unit, limits, observe)
    run = Run(Status.DONE, lo)
    results: list[Any] = []
    for index in range(lo, hi):
        evaluation.emitted, evaluation.ends = [], []
        try:
            evaluation.call(unit.functions[0], [index, *values])
        except Bailed:
            run.status = Status.BAILED
            break
        except _Decided:
            run.status = Status.DECIDED
        run.ends = (*run.ends, *(len(results) + end for end in evaluation.ends))
        results += evaluation.emitted
        run.next = index + 1
        if run.status is Status.DECIDED:
            break
    _fold(run, unit, results)
    return run


def call(unit: Unit, function: str, arguments: Sequence[Any], *, limits: Limits = Limits()) -> Any:
    """The value of ``function(*arguments)``; of what the item function emits, the last value.

    Raises:
        Bailed: CPython would have to run it.
        NotSafe: an operation that was proved not to bail did.
        TooManySteps: the limit was reached.
    """
    (found,) = [each for each in unit.functions if each.name == function]
    evaluation = _Evaluation(unit, limits, None)
    try:
        result = evaluation.call(found, arguments)
    except _Decided:
        result = None
    return evaluation.emitted[-1] if evaluation.emitted else result


def _check_bounds(unit: Unit, lo: int, hi: int, values: Sequence[Any]) -> None:
    names = [parameter.name for parameter in unit.functions[0].parameters]
    ends = [(lo, *values), (hi - 1, *values)] if lo < hi else []
    for name, value in (pair for each in ends for pair in zip(names, each, strict=True)):
        if name in unit.bounds:
            least, greatest = unit.bounds[name]
            if not least <= value <= greatest:
                raise ValueError(f"{name} is {value}, outside {least} to {greatest}")
    for name, value in zip(names[1:], values, strict=True):
        if name in unit.spans and len(value) < hi:
            raise ValueError(f"{name} has {len(value)} elements, too few for item {hi - 1}")


def _fold(run: Run, unit: Unit, results: list[Any]) -> None:
    run.count = len(results)
    match unit.sink:
        case Sink.TOTAL:
            run.total = sum(results)
        case Sink.LEAST:
            run.best = min(results, default=None)
        case Sink.GREATEST:
            run.best = max(results, default=None)
        case sink if sink.fills_columns:
            parts = [_parts(result, unit.emits) for result in results]
            run.columns = [list(column) for column in zip(*parts, strict=True)] or [
                [] for _ in leaves(unit.emits)
            ]


def _parts(value: Any, type: Type) -> list[Any]:
    """The leaves of an emitted value as they lie in columns: a character as its code point."""
    if isinstance(type, Tuple):
        pairs = zip(value, type.items, strict=True)
        return [part for item, item_type in pairs for part in _parts(item, item_type)]
    return [ord(value)] if type == CHAR else [value]


class _Decided(Exception):
    """An item decided the loop."""


class _Leave(Exception):
    """Control leaves a block."""


class _Break(_Leave):
    pass


class _Continue(_Leave):
    pass


class _Return(_Leave):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@dataclass
class _Evaluation:
    """One use of the code: counts steps and calls, and holds what the item emitted."""

    unit: Unit
    limits: Limits
    observe: Observer | None
    emitted: list[Any] = field(default_factory=list)
    #: How many values there were where a row ended.
    ends: list[int] = field(default_factory=list)
    steps: int = 0
    depth: int = 0

    def call(self, function: Function, arguments: Sequence[Any]) -> Any:
        if self.depth >= self.limits.depth:
            raise Bailed("calls inside one another are too deep", 0)
        names = [parameter.name for parameter in function.parameters]
        self.depth += 1
        try:
            _Frame(self, dict(zip(names, arguments, strict=True))).block(function.body)
        except _Return as returned:
            return returned.value
        finally:
            self.depth -= 1
        return None

    def step(self) -> None:
        self.steps += 1
        if self.steps > self.limits.steps:
            raise TooManySteps(f"{self.limits.steps} statements were not enough")

    def emit(self, value: Any) -> None:
        self.emitted.append(value)
        sink = self.unit.sink
        if sink in (Sink.LEAST, Sink.GREATEST) and value != value:
            raise Bailed("a comparison with nan", 0)
        if (sink is Sink.ANY and value) or (sink is Sink.ALL and not value):
            raise _Decided


@dataclass
class _Frame:
    """One call of a function: its variables."""

    evaluation: _Evaluation
    variables: dict[str, Any]

    def block(self, block: Block) -> None:
        for statement in block:
            self.evaluation.step()
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Let():
                self.let(statement)
            case nodes.Invoke():
                self.invoke(statement)
            case nodes.If(condition, then, orelse):
                self.block(then if self.atom(condition) else orelse)
            case nodes.While():
                self.loop(statement.orelse, self.while_turns(statement))
            case nodes.For():
                self.loop(statement.orelse, self.for_turns(statement))
            case nodes.Emit(value, small):
                self.emit(self.atom(value), small)
            case nodes.EndRow():
                self.evaluation.ends.append(len(self.evaluation.emitted))
            case _:
                self.leave(statement)

    def emit(self, value: Any, small: bool) -> None:
        if small and not -nodes.SMALL <= value <= nodes.SMALL:
            raise NotSafe(f"{value} was said to be small")
        self.evaluation.emit(value)

    def let(self, statement: Let) -> None:
        args = [self.atom(arg) for arg in statement.args]
        if statement.safe and statement.op in _INDEXING and min(args[1:]) < 0:
            raise NotSafe(f"line {statement.line}: {statement.op}{args}: a negative index")
        try:
            result = apply(statement.op, args, statement.target.type)
        except Doubt as doubt:
            if statement.safe:
                raise NotSafe(f"line {statement.line}: {statement.op}{args}: {doubt}") from doubt
            raise Bailed(str(doubt), statement.line) from doubt
        if self.evaluation.observe:
            self.evaluation.observe(statement, args, result)
        self.variables[statement.target.name] = result

    def invoke(self, statement: nodes.Invoke) -> None:
        functions = self.evaluation.unit.functions
        (function,) = [each for each in functions if each.name == statement.function]
        args = [self.atom(arg) for arg in statement.args]
        self.variables[statement.target.name] = self.evaluation.call(function, args)

    def leave(self, statement: Statement) -> NoReturn:
        match statement:
            case nodes.Break():
                raise _Break
            case nodes.Continue():
                raise _Continue
            case nodes.Return(value):
                raise _Return(None if value is None else self.atom(value))
            case nodes.Bail(reason, line):
                raise Bailed(reason, line)
        raise TypeError(f"not a statement: {statement}")

    def loop(self, orelse: Block, turns: Iterator[Block]) -> None:
        """Run what each turn consists of, then ``orelse`` unless the loop was left."""
        for body in turns:
            self.evaluation.step()
            try:
                self.block(body)
            except _Continue:
                continue
            except _Break:
                return
        self.block(orelse)

    def while_turns(self, statement: nodes.While) -> Iterator[Block]:
        while self.tested(statement):
            yield statement.body

    def tested(self, statement: nodes.While) -> bool:
        self.block(statement.head)
        return bool(self.atom(statement.condition))

    def for_turns(self, statement: nodes.For) -> Iterator[Block]:
        start, stop, step = map(self.atom, (statement.start, statement.stop, statement.step))
        if step == 0:
            raise Bailed("a step of 0", 0)
        for value in range(start, stop, step):
            self.variables[statement.counter.name] = value
            yield statement.body

    def atom(self, atom: Atom) -> Any:
        return value_of(atom) if isinstance(atom, Const) else self.variables[atom.name]
