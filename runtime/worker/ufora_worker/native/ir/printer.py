"""The IR as text: one line an operation, blocks by indentation.

The text holds everything that a unit consists of, and the same unit always gives the same text;
``parser`` reads it back. A unit looks like this::

    unit total of bool
    bounds n: 0 to 1023
    dense <digits>
    spans <digits>

    def item(%index: int, n: int, <digits>: int:i8[]):
        %1: int = int.add %index, n @3
        %2: bool = call is_prime(%1) @3
        emit %2

    def is_prime(n: int) -> bool:
        d: int = copy 2 @5
        loop:
            %1: int = int.mul d, d @6
            %2: bool = int.le %1, n @6
        while %2:
            ...

A target says its type, an operand does only where it differs from the name's first target.
``loop:`` has what runs before each test of the ``while`` below it, ``safe`` marks an operation that
was proved not to bail and ``small`` a value that was proved to be small, and ``@`` is followed by
the user's line.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from itertools import chain

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Statement, Unit, Var
from ufora_worker.native.ir.syntax import targets, walk
from ufora_worker.native.ir.types import BOOL, CHAR, COMPLEX, FLOAT, INT, Type

_INDENT = "    "


def text(unit: Unit, *, lines: bool = True) -> str:
    """The unit as text, ending in a newline.

    Without ``lines`` the user's line numbers are left out, so that the text is the same for a
    function that has only moved in its file.
    """
    head = [f"unit {unit.sink.value} of {unit.emits}"]
    head += [f"bounds {name}: {lo} to {hi}" for name, (lo, hi) in sorted(unit.bounds.items())]
    head += [f"dense {name}" for name in sorted(unit.dense)]
    head += [f"spans {name}" for name in sorted(unit.spans)]
    parts = ["\n".join(_Printer(function, lines).lines()) for function in unit.functions]
    return "\n\n".join(["\n".join(head), *parts]) + "\n"


class _Printer:
    """Prints one function."""

    def __init__(self, function: Function, line_numbers: bool) -> None:
        self._function = function
        self._line_numbers = line_numbers
        self._types = declared(function)

    def lines(self) -> Iterator[str]:
        function = self._function
        parameters = ", ".join(map(_declaration, function.parameters))
        result = "" if function.result is None else f" -> {function.result}"
        yield f"def {function.name}({parameters}){result}:"
        yield from self._block(function.body)

    def _block(self, block: Block) -> Iterator[str]:
        if not block:
            yield f"{_INDENT}pass"
        for statement in block:
            for line in self._statement(statement):
                yield _INDENT + line

    def _statement(self, statement: Statement) -> Iterator[str]:
        match statement:
            case nodes.Let(target, op, args, line, safe):
                operands = f" {self._atoms(args)}" if args else ""
                mark = "safe " if safe else ""
                yield f"{_declaration(target)} = {mark}{op}{operands}{self._at(line)}"
            case nodes.Invoke(target, name, args, line):
                call = f"call {name}({self._atoms(args)})"
                yield f"{_declaration(target)} = {call}{self._at(line)}"
            case nodes.If() | nodes.While() | nodes.For():
                yield from self._compound(statement)
            case nodes.Return(value):
                yield "return" if value is None else f"return {self._atom(value)}"
            case nodes.Emit(value, small):
                yield f"{'small ' if small else ''}emit {self._atom(value)}"
            case nodes.Bail(reason, line):
                yield f"bail {reason!r}{self._at(line)}"
            case nodes.Break() | nodes.Continue() | nodes.EndRow():
                yield type(statement).__name__.lower()

    def _compound(self, statement: nodes.If | nodes.While | nodes.For) -> Iterator[str]:
        match statement:
            case nodes.If(condition, body):
                yield f"if {self._atom(condition)}:"
            case nodes.While(head, condition, body):
                if head:
                    yield "loop:"
                    yield from self._block(head)
                yield f"while {self._atom(condition)}:"
            case nodes.For(counter, start, stop, step, body):
                limits = self._atoms((start, stop, step))
                yield f"for {_declaration(counter)} in range({limits}):"
        yield from self._block(body)
        if statement.orelse:
            yield "else:"
            yield from self._block(statement.orelse)

    def _at(self, line: int) -> str:
        return f" @{line}" if line and self._line_numbers else ""

    def _atoms(self, atoms: Iterable[Atom]) -> str:
        return ", ".join(map(self._atom, atoms))

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, Const):
            return constant(atom)
        return atom.name if self._types.get(atom.name) == atom.type else _declaration(atom)


def declared(function: Function) -> dict[str, Type]:
    """The type that each name of a function has where it is first set, from the top down."""
    types: dict[str, Type] = {}
    first = [*function.parameters, *chain.from_iterable(map(targets, walk(function.body)))]
    for var in first:
        types.setdefault(var.name, var.type)
    return types


def _declaration(var: Var) -> str:
    return f"{var.name}: {var.type}"


def constant(const: Const) -> str:
    """A constant as text: the literal of Python where there is one, else ``type(value)``."""
    if const.type == CHAR:
        return repr(chr(int(const.value.real)))
    if const.type == COMPLEX:
        return f"complex({_number(const.value.real)}, {_number(const.value.imag)})"
    plain = const.type in (BOOL, INT, FLOAT)
    return _number(const.value) if plain else f"{const.type}({_number(const.value)})"


def _number(value: complex) -> str:
    """``repr``, which is exact; an infinity and each NaN by its bits, since theirs are names."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"0x{struct.pack('>d', value).hex()}"
    return repr(value)
