"""Random statements of typed IR: what ``random_units`` makes functions of."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from random_operands import NUMBERS, value_of_type
from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Statement, Var
from ufora_worker.native.ir.operations import OPERATIONS
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    FLOAT,
    INT,
    NUMPY_BOOL,
    NUMPY_FLOAT,
    NUMPY_INT,
    NUMPY_NARROW_INT,
    Array,
    Scalar,
    Tuple,
    Type,
)
from ufora_worker.native.llvm.supported import supported

#: Operations that native code has, by what they give.
_GIVING: dict[Scalar, list[str]] = {}
for _name, _operation in OPERATIONS.items():
    if _name in supported():
        _GIVING.setdefault(_operation.gives, []).append(_name)

#: Those of them that never bail.
_CERTAIN = {
    type: [each for each in names if not OPERATIONS[each].bails] or names
    for type, names in _GIVING.items()
}

#: What the analysis of intervals is about is wanted more often.
_PLAIN_INT = [
    *("int.add", "int.sub", "int.mul", "int.add", "int.sub", "int.mul", "int.and", "int.mod"),
    *("int.and", "int.mod", "int.floordiv", "int.rshift", "int.lshift", "int.xor", "int.or"),
]
#: What their second operand most often is.
_LIMITS = (1, 7, 10, 255, 2**31 - 1, 2**40, 2**62)
_USUAL: Mapping[str, Sequence[int]] = {
    "int.and": _LIMITS,
    "int.mod": _LIMITS,
    "int.floordiv": (1, 2, 3, -1, 10, 2**32),
    "int.rshift": range(20),
    "int.lshift": (0, 1, 2, 5, 13, 40, 62),
}
_COMPARISONS = [f"int.{name}" for name in ("lt", "le", "gt", "ge", "eq", "ne")]


@dataclass
class Writer:
    """Writes the body of one function."""

    chance: random.Random
    callable: tuple[Function, ...]
    #: None in the item function.
    result: Type | None
    #: None in all others.
    emits: Type | None
    #: What the item function emits is in rows.
    in_rows: bool = False
    temporaries: int = 0
    #: Assigned variables that may be set again, and all that may be read.
    variables: list[Var] = field(default_factory=list)
    readable: list[Var] = field(default_factory=list)
    block: list[Statement] = field(default_factory=list)
    loops: int = 0
    #: Calls are few, and none in loops in loops: what they cost is multiplied.
    calls: int = 0

    def function_body(self, parameters: Sequence[Var], size: int) -> Block:
        """All statements of a function with these parameters."""
        self.readable += parameters
        own = parameters if self.result is not None else parameters[1:]  # the index stays as it is
        self.variables += [each for each in own if not isinstance(each.type, Array)]
        for type in (INT, INT, BOOL, FLOAT):
            self.assign(self.fresh_variable(type), self.constant(type))
        self.statements(size)
        if self.result is not None:
            self.block.append(nodes.Return(self.atom(self.result)))
        else:
            assert self.emits is not None
            self.block.append(nodes.Emit(self.atom(self.emits)))
            self.block += [nodes.EndRow()] * self.in_rows
        return tuple(self.block)

    def statements(self, size: int) -> None:
        while size > 0:
            write, cost = self.chance.choices(_WRITERS, _WEIGHTS)[0]
            if cost <= size:
                write(self, size)
                size -= cost
            else:
                self.operation(size)
                size -= 1

    def inside(self, size: int) -> Block:
        """A nested block; variables that are first set in it are unknown after it."""
        around, self.block = self.block, []
        readable, variables = list(self.readable), list(self.variables)
        self.statements(size)
        block, self.block = tuple(self.block), around
        self.readable, self.variables = readable, variables
        return block

    # ------------------------------------------------------------------ variables

    def temporary(self, type: Type) -> Var:
        self.temporaries += 1
        return Var(f"%{self.temporaries}", type)

    def fresh_variable(self, type: Type) -> Var:
        """A variable that may be set again."""
        self.temporaries += 1
        return Var(f"x{self.temporaries}", type)

    def assign(self, target: Var, value: Atom) -> None:
        self.block.append(nodes.Let(target, "copy", (value,)))
        for known in (self.readable, self.variables):
            if target not in known:
                known.append(target)

    def let(self, type: Type, op: str, *args: Atom) -> Var:
        """The result of an operation, most often in a temporary."""
        again = [each for each in self.variables if each.type == type]
        if again and self.chance.random() < 0.25:
            target = self.chance.choice(again)
        else:
            target = self.temporary(type)
            self.readable.append(target)
        self.block.append(nodes.Let(target, op, args, line=self.chance.randrange(9)))
        return target

    # ------------------------------------------------------------------ operands

    def atom(self, type: Type) -> Atom:
        """An operand of this type: something at hand, or made for it."""
        found = [each for each in self.readable if each.type == type]
        if found and (self.chance.random() < 0.75 or type == NUMPY_NARROW_INT):
            return self.chance.choice(found[-8:] if self.chance.random() < 0.7 else found)
        return self.made(type)

    def made(self, type: Type) -> Atom:
        if isinstance(type, Tuple):
            return self.let(type, "tuple.make", *map(self.atom, type.items))
        if type in (NUMPY_INT, NUMPY_BOOL, NUMPY_FLOAT):
            plain = {NUMPY_INT: INT, NUMPY_BOOL: BOOL, NUMPY_FLOAT: FLOAT}[type]
            op = {NUMPY_INT: "np.int", NUMPY_BOOL: "np.bool", NUMPY_FLOAT: "np.float"}[type]
            return self.let(type, op, self.atom(plain))
        return self.constant(type)

    def constant(self, type: Type) -> Const:
        """Most often a small number, since an item that bails at once shows nothing."""
        if type == INT and self.chance.random() < 0.8:
            return Const(INT, self.chance.randint(-5, 20))
        value = value_of_type(self.chance, type)
        return Const(type, ord(value) if type == CHAR else value)

    # ------------------------------------------------------------------ statements

    def operation(self, size: int) -> None:
        """An operation whose operands can be had."""
        if self.chance.random() < 0.6:
            op = self.chance.choice(_PLAIN_INT)
        else:
            type = self.chance.choice((*NUMBERS, NUMPY_INT, NUMPY_FLOAT))
            op = self.chance.choice((_GIVING if self.chance.random() < 0.2 else _CERTAIN)[type])
        operation = OPERATIONS[op]
        if all(self.can_have(type) for type in operation.takes):
            self.let(operation.gives, op, *self.operands(op, operation.takes))

    def can_have(self, type: Scalar) -> bool:
        return type in (*NUMBERS, NUMPY_INT, NUMPY_BOOL, NUMPY_FLOAT) or any(
            each.type == type for each in self.readable
        )

    def operands(self, op: str, takes: Sequence[Scalar]) -> list[Atom]:
        args = [self.atom(type) for type in takes]
        if op in ("int.mul", "int.add") and self.chance.random() < 0.25:
            args[1] = args[0]
        if op in _USUAL and self.chance.random() < 0.85:
            args[1] = Const(INT, self.chance.choice(_USUAL[op]))
        return args

    def copied(self, size: int) -> None:
        target = self.chance.choice(self.variables)
        if not isinstance(target.type, Array):
            self.assign(target, self.atom(target.type))

    def accumulate(self, size: int) -> None:
        """``x = x + y``, by a temporary as the translation does it, or at once."""
        target = self.chance.choice([each for each in self.variables if each.type == INT])
        small = Const(INT, self.chance.randint(-3, 5))
        by = small if self.chance.random() < 0.5 else self.atom(INT)
        op = self.chance.choice(("int.add", "int.add", "int.sub"))
        if self.chance.random() < 0.5:
            self.block.append(nodes.Let(target, op, (target, by)))
            return
        total = self.temporary(INT)
        self.block.append(nodes.Let(total, op, (target, by)))
        self.assign(target, total)

    def tamed(self, size: int) -> None:
        """``x = (x * a + b) & mask`` and the like: what generators of random numbers do."""
        target = self.chance.choice([each for each in self.variables if each.type == INT])
        product = self.let_temporary("int.mul", target, self.atom(INT))
        if self.chance.random() < 0.7:
            product = self.let_temporary("int.add", product, self.atom(INT))
        op = self.chance.choice(("int.and", "int.mod"))
        limit = Const(INT, self.chance.choice((255, 2**31 - 1, 2**61 - 1, 10**9 + 7)))
        self.assign(target, self.let_temporary(op, product, limit))

    def let_temporary(self, op: str, *args: Atom) -> Var:
        target = self.temporary(OPERATIONS[op].gives)
        self.block.append(nodes.Let(target, op, args))
        return target

    def structural(self, size: int) -> None:
        """An element, a length, a part of a tuple, a choice."""
        arrays = [each for each in self.readable if isinstance(each.type, Array)]
        tuples = [each for each in self.readable if isinstance(each.type, Tuple)]
        if arrays and self.chance.random() < 0.7:
            self.array(self.chance.choice(arrays))
        elif tuples and self.chance.random() < 0.5:
            of = self.chance.choice(tuples)
            assert isinstance(of.type, Tuple)
            place = self.chance.randrange(len(of.type.items))
            self.let(of.type.items[place], "tuple.get", of, Const(INT, place))
        else:
            type = self.chance.choice(NUMBERS)
            self.let(type, "select", self.condition(), self.atom(type), self.atom(type))

    def array(self, array: Var) -> None:
        type = array.type
        assert isinstance(type, Array)
        if self.chance.random() < 0.3:
            length = Const(INT, self.chance.randrange(type.dimensions))
            self.let(INT, "array.len", array, length)
            return
        self.let(type.element, "array.get", array, *map(self.index, range(type.dimensions)))

    def index(self, dimension: int) -> Atom:
        """Often an item's own, in the item function."""
        kind = self.chance.random()
        if kind < 0.3:
            return self.atom(INT)
        if kind < 0.5 and self.emits is not None and dimension == 0:
            return self.readable[0]
        return Const(INT, self.chance.randint(-1, 1))

    def condition(self) -> Atom:
        if self.chance.random() < 0.2:
            return self.atom(BOOL)
        left, right = self.atom(INT), self.atom(INT)
        found = self.let_temporary(self.chance.choice(_COMPARISONS), left, right)
        if self.chance.random() < 0.25:
            op = self.chance.choice(("bool.and", "bool.or", "bool.not"))
            others = () if op == "bool.not" else (self.atom(BOOL),)
            found = self.let_temporary(op, found, *others)
        return self.both_or_either(found) if self.chance.random() < 0.25 else found

    def both_or_either(self, first: Var) -> Var:
        """``first and second`` or ``first or second``, where ``second`` is not always evaluated."""
        flag = self.temporary(BOOL)
        around, self.block = self.block, []
        second = self.let_temporary(
            self.chance.choice(_COMPARISONS), self.atom(INT), self.atom(INT)
        )
        more = (*self.block, nodes.Let(flag, "copy", (second,)))
        self.block = around
        known = nodes.Let(flag, "copy", (Const(BOOL, self.chance.random() < 0.5),))
        then, orelse = (more, (known,)) if self.chance.random() < 0.5 else ((known,), more)
        self.block.append(nodes.If(first, then, orelse))
        return flag

    def call(self, size: int) -> None:
        if not self.callable or self.loops > 1 or self.calls > 2:
            return
        self.calls += 1
        function = self.chance.choice(self.callable)
        assert function.result is not None
        args = tuple(self.atom(parameter.type) for parameter in function.parameters)
        target = self.temporary(function.result)
        self.block.append(nodes.Invoke(target, function.name, args))
        self.readable.append(target)

    def branch(self, size: int) -> None:
        condition = self.condition()
        then = self.inside(self.chance.randint(1, 4))
        orelse = self.inside(self.chance.randint(1, 3)) if self.chance.random() < 0.5 else ()
        self.block.append(nodes.If(condition, then, orelse))

    def way_out(self, size: int) -> None:
        """``break``, ``continue``, ``return``, ``bail``, or another value for the sink."""
        ways: list[Statement] = [nodes.Bail("a failed assertion", 3)]
        if self.loops:
            ways += [nodes.Break(), nodes.Continue()] * 3
        if self.result is not None:
            ways += [nodes.Return(self.atom(self.result))] * 2
        elif self.emits is not None:
            ways += [nodes.Return(), *[nodes.Emit(self.atom(self.emits))] * 3]
            ways += [nodes.EndRow()] * 3 * self.in_rows
        way = self.chance.choice(ways)
        self.block.append(nodes.If(self.condition(), (way,)))

    def for_loop(self, size: int) -> None:
        arrays = [each for each in self.readable if isinstance(each.type, Array)]
        start, stop = Const(INT, self.chance.randint(-3, 5)), Const(INT, self.chance.randint(-2, 9))
        limits: list[Atom] = [start, stop, Const(INT, self.chance.choice((1, 1, 1, 2, 3, -1, -2)))]
        if arrays and self.chance.random() < 0.5:
            length = self.let(INT, "array.len", self.chance.choice(arrays), Const(INT, 0))
            limits = [Const(INT, 0), length, Const(INT, 1)]
        elif self.chance.random() < 0.3:
            limits[self.chance.randrange(3)] = self.let_temporary(
                "int.mod", self.atom(INT), Const(INT, self.chance.choice((5, -5)))
            )
        counter = self.temporary(INT)
        readable = list(self.readable)
        self.readable.append(counter)
        self.loops += 1
        body = self.inside(size // 2)
        self.loops -= 1
        self.readable = readable
        orelse = self.inside(1) if self.chance.random() < 0.1 else ()
        self.block.append(nodes.For(counter, limits[0], limits[1], limits[2], body, orelse))

    def while_loop(self, size: int) -> None:
        """A loop that most often ends: its variable moves, and is compared."""
        moving = self.fresh_variable(INT)
        self.assign(moving, self.constant(INT) if self.chance.random() < 0.3 else Const(INT, 0))
        around, self.block = self.block, []
        readable, variables = list(self.readable), list(self.variables)
        compared: Atom = moving
        if self.chance.random() < 0.3:
            compared = self.let_temporary("int.mul", moving, moving)
        limit = self.atom(INT)
        condition: Atom = self.let_temporary(self.chance.choice(_COMPARISONS), compared, limit)
        head, self.block = tuple(self.block), []
        self.loops += 1
        self.statements(size // 2)
        self.loops -= 1
        step = Const(INT, self.chance.choice((1, 2, 5, 1000, 2**40, -1, -7)))
        self.block.append(nodes.Let(moving, "int.add", (moving, step)))
        body, self.block = tuple(self.block), around
        self.readable, self.variables = readable, variables
        if self.chance.random() < 0.1:
            condition, body = Const(BOOL, True), (*body, nodes.Break())
        self.block.append(nodes.While(head, condition, body))


#: What is written, about how many statements that is, and how often.
_WRITERS: tuple[tuple[Callable[[Writer, int], None], int], ...] = (
    (Writer.operation, 1),
    (Writer.copied, 1),
    (Writer.accumulate, 1),
    (Writer.tamed, 2),
    (Writer.structural, 1),
    (Writer.call, 1),
    (Writer.branch, 3),
    (Writer.way_out, 2),
    (Writer.for_loop, 4),
    (Writer.while_loop, 4),
)
_WEIGHTS = (9, 2, 3, 3, 2, 1, 2, 1, 2, 2)
