"""Units from their text: the exact inverse of ``printer``, for text cases and experiments."""

import ast
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Sink, Statement, Unit, Var
from ufora_worker.native.ir.scanner import BadText, Line, scalar
from ufora_worker.native.ir.types import BOOL, CHAR, COMPLEX, FLOAT, INT, Type

__all__ = ["BadText", "parse"]

_INDENT = 4


def parse(text: str) -> Unit:
    """The unit that has this text. Empty lines and lines that begin with ``#`` mean nothing.

    Raises:
        BadText: this is not the text of a unit. What it means is for ``verifier`` to judge.
    """
    lines = [Line(number, line) for number, line in enumerate(text.splitlines(), 1)]
    reader = _Lines([line for line in lines if not line.is_empty()])
    head = reader.take(0)
    head.expect("unit")
    sink = _sink(head)
    head.expect("of")
    emits = head.type()
    head.expect_end()
    bounds = {}
    while line := reader.take_if(0, "bounds"):
        name, least, greatest = _bounds(line)
        bounds[name] = (least, greatest)
    dense, spans = (frozenset(_names(reader, word)) for word in ("dense", "spans"))
    functions = []
    while not reader.at_end():
        functions.append(_function(reader))
    return Unit(tuple(functions), sink, emits, bounds, spans, dense)


def _names(reader: "_Lines", word: str) -> Iterator[str]:
    """The names on the lines that begin with this word."""
    while line := reader.take_if(0, word):
        yield line.name()
        line.expect_end()


def _sink(line: Line) -> Sink:
    name = line.name()
    if name not in {sink.value for sink in Sink}:
        raise line.wrong(f"there is no sink {name!r}")
    return Sink(name)


def _bounds(line: Line) -> tuple[str, int, int]:
    name = line.name()
    line.expect(":")
    least = line.integer()
    line.expect("to")
    greatest = line.integer()
    line.expect_end()
    return name, least, greatest


def _function(reader: "_Lines") -> Function:
    line = reader.take(0)
    line.expect("def")
    name = line.name()
    line.expect("(")
    parameters = tuple(Var(*each) for each in line.separated(line.declaration, ")"))
    result = line.type() if line.skip("->") else None
    line.expect(":")
    line.expect_end()
    types = {parameter.name: parameter.type for parameter in reversed(parameters)}
    for name_set, type in reader.declarations():
        types.setdefault(name_set, type)
    return Function(name, parameters, result, _Body(reader, types).block(_INDENT))


class _Lines:
    """The lines of a text, in order, by their indentation."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._lines)

    def next_is_at(self, indent: int) -> bool:
        return not self.at_end() and self._lines[self._at].indent == indent

    def take(self, indent: int) -> Line:
        if self.at_end():
            last = self._lines[-1].number if self._lines else 0
            raise BadText(last + 1, "the text ends too early")
        line = self._lines[self._at]
        if line.indent != indent:
            raise line.wrong(f"expected {indent} spaces at the beginning, found {line.indent},")
        self._at += 1
        return line

    def take_if(self, indent: int, word: str) -> Line | None:
        """The next line, if it begins with this word, which is read; never one that sets."""
        if not self.next_is(indent, word):
            return None
        line = self.take(indent)
        line.expect(word)
        return line

    def next_is(self, indent: int, word: str) -> bool:
        """Whether the next line begins with this word, which is not a variable that it sets."""
        line = self._lines[self._at] if self.next_is_at(indent) else None
        return line is not None and not line.declares() and line.peek() == ("name", word)

    def declarations(self) -> list[tuple[str, Type]]:
        """What the lines of the function that begins here set, and the types they give."""
        found = []
        for line in self._lines[self._at :]:
            if line.indent == 0:
                break
            if declared := line.declares():
                found.append(declared)
        return found


class _Body:
    """Reads the statements of one function, whose variables have these types."""

    def __init__(self, lines: _Lines, types: Mapping[str, Type]) -> None:
        self._lines = lines
        self._types = types
        self._statements: Mapping[str, Callable[[Line], Statement]] = {
            "if": self._if,
            "loop": self._loop,
            "while": self._while,
            "for": self._for,
            "break": lambda line: nodes.Break(),
            "continue": lambda line: nodes.Continue(),
            "return": lambda line: nodes.Return(None if line.at_end() else self._atom(line)),
            "emit": lambda line: nodes.Emit(self._atom(line)),
            "small": self._small,
            "endrow": lambda line: nodes.EndRow(),
            "bail": lambda line: nodes.Bail(line.string(), _at(line)),
        }

    def block(self, indent: int) -> Block:
        if line := self._lines.take_if(indent, "pass"):
            line.expect_end()
            return ()
        block = [self._statement(indent)]
        while self._lines.next_is_at(indent) and not self._lines.next_is(indent, "else"):
            block.append(self._statement(indent))
        return tuple(block)

    def _statement(self, indent: int) -> Statement:
        line = self._lines.take(indent)
        if line.declares() and line.peek() != ("name", "for"):
            return self._assignment(line)
        word = line.name()
        if word not in self._statements:
            raise line.wrong(f"there is no statement {word!r}")
        statement = self._statements[word](line)
        line.expect_end()
        return statement

    # ------------------------------------------------------------------ one line

    def _small(self, line: Line) -> nodes.Emit:
        line.expect("emit")
        return nodes.Emit(self._atom(line), small=True)

    def _assignment(self, line: Line) -> Statement:
        target = Var(*line.declaration())
        line.expect("=")
        op = line.name()
        if op == "call":
            function = line.name()
            line.expect("(")
            args = line.separated(lambda: self._atom(line), ")")
            statement: Statement = nodes.Invoke(target, function, args, _at(line))
        else:
            safe = op == "safe"
            op = line.name() if safe else op
            statement = nodes.Let(target, op, self._operands(line), _at(line), safe)
        line.expect_end()
        return statement

    def _operands(self, line: Line) -> tuple[Atom, ...]:
        if line.at_end() or line.peek()[1] == "@":
            return ()
        operands = [self._atom(line)]
        while line.skip(","):
            operands.append(self._atom(line))
        return tuple(operands)

    def _atom(self, line: Line) -> Atom:
        kind, token = line.take()
        if kind == "string":
            return Const(CHAR, ord(ast.literal_eval(token)))
        if kind != "name":
            return _number(line, kind, token)
        if token in _TRUTH:
            return Const(BOOL, _TRUTH[token])
        if line.skip("("):
            return _wrapped(line, token)
        if line.peek()[1] == ":" and not line.ends_with(":"):
            line.expect(":")
            return Var(token, line.type())
        if token not in self._types:
            raise line.wrong(f"nothing sets {token!r}, so that its type is unknown")
        return Var(token, self._types[token])

    # ------------------------------------------------------------------ more lines

    def _if(self, line: Line) -> Statement:
        condition = self._atom(line)
        line.expect(":")
        return nodes.If(condition, self.block(line.indent + _INDENT), self._else(line))

    def _loop(self, line: Line) -> Statement:
        line.expect(":")
        head = self.block(line.indent + _INDENT)
        test = self._lines.take(line.indent)
        test.expect("while")
        return replace(self._while(test), head=head)

    def _while(self, line: Line) -> nodes.While:
        condition = self._atom(line)
        line.expect(":")
        line.expect_end()
        return nodes.While((), condition, self.block(line.indent + _INDENT), self._else(line))

    def _for(self, line: Line) -> Statement:
        counter = Var(*line.declaration())
        line.expect("in", "range", "(")
        start = self._atom(line)
        line.expect(",")
        stop = self._atom(line)
        line.expect(",")
        step = self._atom(line)
        line.expect(")", ":")
        body = self.block(line.indent + _INDENT)
        return nodes.For(counter, start, stop, step, body, self._else(line))

    def _else(self, line: Line) -> Block:
        found = self._lines.take_if(line.indent, "else")
        if found is None:
            return ()
        found.expect(":")
        found.expect_end()
        return self.block(line.indent + _INDENT)


def _at(line: Line) -> int:
    return line.integer() if line.skip("@") else 0


def _wrapped(line: Line, type_name: str) -> Const:
    """The rest of ``type(value)`` and ``complex(real, imaginary)``."""
    type = scalar(line, type_name)
    parts = line.separated(lambda: _number(line, *line.take()).value, ")")
    if len(parts) != (2 if type == COMPLEX else 1):
        raise line.wrong(f"not a constant of type {type}")
    return Const(type, complex(parts[0].real, parts[1].real) if type == COMPLEX else parts[0])


def _number(line: Line, kind: str, token: str) -> Const:
    match kind:
        case "int":
            return Const(INT, int(token))
        case "float":
            return Const(FLOAT, float(token))
        case "bits":
            return Const(FLOAT, struct.unpack(">d", bytes.fromhex(token[2:]))[0])
        case "name" if token in _TRUTH:
            return Const(BOOL, _TRUTH[token])
    raise line.wrong(f"expected a variable or a constant, found {token or 'the end'!r}")


_TRUTH = {"True": True, "False": False}
