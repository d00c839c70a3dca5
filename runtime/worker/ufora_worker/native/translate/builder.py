"""Writes one function of a unit, statement by statement.

``Builder`` is what every part of the translation is given as ``b``: it emits operations into the
current block, makes variables, opens nested blocks, and refuses. What names mean at a place in the
program is in ``b.flow``; what all functions of the unit share is in ``b.session``.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from ufora_worker.native.ir.nodes import (
    Atom,
    Bail,
    Block,
    Break,
    Const,
    Continue,
    For,
    If,
    Invoke,
    Let,
    Statement,
    Var,
    While,
)
from ufora_worker.native.ir.signatures import result_type
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    GREATEST_INT,
    INT,
    LEAST_INT,
    Type,
)
from ufora_worker.native.refusal import Refusal, Refused
from ufora_worker.native.translate.assignment import Flow
from ufora_worker.native.translate.blanks import Blanks
from ufora_worker.native.translate.capture import Unsuited
from ufora_worker.native.translate.names import Names, see
from ufora_worker.native.translate.values import (
    Display,
    Known,
    LocalFunction,
    Range,
    Value,
    with_atoms,
)
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.collecting import Collection
    from ufora_worker.native.translate.loops import LoopEnds
    from ufora_worker.native.translate.session import Session

_NUMBERS: Mapping[type, Type] = {bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX}


class Builder:
    """One function under construction.

    ``name`` is what the user calls it, ``filename`` where it is written, ``line`` the line that is
    being translated: every operation is marked with it. ``own_names`` are the function's own
    variables, ``names`` says what all others mean, and ``mangle`` is the class around it, for
    ``__private`` names.
    """

    def __init__(
        self,
        session: "Session",
        name: str,
        filename: str,
        names: Names,
        own_names: frozenset[str] = frozenset(),
        mangle: str = "",
    ) -> None:
        self.session = session
        self.name = name
        self.filename = filename
        self.names = names
        self.own_names = own_names
        self.mangle = mangle
        self.line = 0
        self.flow = Flow()
        #: Variables of the comprehensions around this place, innermost last: name -> key.
        self.layers: tuple[Mapping[str, str], ...] = ()
        #: True where a variable may be assigned again before a value just read is used.
        self.snapshots = False
        #: Loops around this place, innermost last.
        self.loops: list[LoopEnds] = []
        #: The list that is emitted instead of being made.
        self.collection: Collection | None = None
        #: What ``return`` gives, once that is known.
        self.result: Type | None = None
        self.blanks = Blanks()
        #: Captured values that this function reads, and functions that it calls.
        self.captures: set[Var] = set()
        self.calls: set[str] = set()
        self._layers = 0
        self._blocks: list[list[Statement]] = [[]]
        self._variables: dict[tuple[str, Type], Var] = {}
        self._versions: dict[str, int] = {}
        #: How many temporaries there are; what is translated again gives them the same names.
        self.temporaries = 0

    # ------------------------------------------------------------------ operations

    def emit(self, op: str, *args: Atom, line: int | None = None) -> Var:
        """``%n = op(args)``; the type of ``%n`` follows from the operation.

        Raises:
            Refused: this machine's libraries do something else than its CPython.
        """
        if op not in self.session.operations:
            self.refuse(ast.Pass(), f"the last bits of `{op}` would not be those of Python here")
        target = self.temporary(result_type(op, args))
        self.add(Let(target, op, args, self.line if line is None else line))
        return target

    def assign(self, target: Var, value: Atom) -> None:
        """``target = value``, of the same type."""
        assert target.type == value.type, (target, value)
        self.add(Let(target, "copy", (value,), self.line))

    def settle(self, target: Var, value: Atom) -> None:
        """As ``assign``, where nothing else reads ``value``: the operation that gave it may give
        ``target`` at once."""
        block = self._blocks[-1]
        last = block[-1] if block else None
        made = isinstance(last, Invoke) or (isinstance(last, Let) and last.op != "copy")
        if isinstance(last, Let | Invoke) and made and last.target == value and is_temporary(value):
            block[-1] = replace(last, target=target)
        else:
            self.assign(target, value)

    def bail(self, reason: str) -> None:
        """CPython runs the item if control comes here; what follows in the block never runs."""
        self.add(Bail(reason, self.line))

    def bail_if(self, condition: Atom, reason: str) -> None:
        """CPython runs the item if ``condition`` (BOOL) is true."""
        self.add(If(condition, (Bail(reason, self.line),)))

    def add(self, statement: Statement) -> None:
        """Append a statement to the current block.

        Raises:
            Refused: the code has become too long.
        """
        self.session.count(self)
        self._blocks[-1].append(statement)

    # ------------------------------------------------------------------ variables

    def temporary(self, type: Type) -> Var:
        """A fresh variable ``%n``, to be assigned once."""
        self.temporaries += 1
        return Var(f"%{self.temporaries}", type)

    def accumulator(self, start: Atom) -> Var:
        """A fresh variable that starts as ``start`` and may be assigned again (``assign``)."""
        target = self.temporary(start.type)
        self.assign(target, start)
        return target

    def variable(self, name: str, type: Type) -> Var:
        """The IR's variable for the user's ``name`` while it is of this type: always the same."""
        found = self._variables.get((name, type))
        if found is None:
            version = self._versions[name] = self._versions.get(name, 0) + 1
            spelled = name if version == 1 else f"{name}.{version}"
            found = self._variables[name, type] = Var(spelled, type)
        return found

    def types_of(self, name: str) -> list[Type]:
        """The types that the user's ``name`` has had so far."""
        return [type for known, type in self._variables if known == name]

    def captured(self, value: object, name: str, place: object | None = None) -> Var:
        """The parameter through which a captured object (list, array, string, number from around
        the loop) reaches this function. The same object is the same parameter, or the same
        ``place`` where one is given.

        Raises:
            Refused: no type of the IR can hold it.
        """
        found = self.session.captures.parameter(self, value, name, place)
        if isinstance(found, Unsuited):
            self.refuse(ast.Pass(), f"`{name}` is {found.reason}", found.edit)
        return found

    def see(self, value: object, name: str) -> Value:
        """A concrete object as a value; see ``names.see``."""
        return see(self, value, name)

    def key(self, name: str) -> str | None:
        """What the flow calls a name that is a variable here; None for a name from around."""
        for layer in reversed(self.layers):
            if name in layer:
                return layer[name]
        return name if name in self.own_names else None

    @contextmanager
    def layer(self, names: Iterable[str]) -> Iterator[None]:
        """A scope in which these names are variables of its own (a comprehension's)."""
        self._layers += 1
        fresh = {name: f"{name}<{self._layers}>" for name in names}
        before = self.layers
        self.layers = (*before, fresh)
        try:
            yield
        finally:
            self.layers = before

    def enter(self, names: Names, own_names: frozenset[str], filename: str, mangle: str) -> None:
        """From here on the code of another function is translated as part of this one; nothing of
        what was before comes back."""
        self.names, self.own_names = names, own_names
        self.filename, self.mangle = filename, mangle
        self.layers, self.flow = (), Flow()

    def snapshot(self, value: Var) -> Var:
        """The value of a variable at this moment, where it may change too soon."""
        return self.emit("copy", value) if self.snapshots else value

    # ------------------------------------------------------------------ nested blocks

    @contextmanager
    def block(self) -> Iterator[list[Statement]]:
        """What is emitted inside goes into the list that this gives, and nowhere else."""
        self._blocks.append([])
        try:
            yield self._blocks[-1]
        finally:
            self._blocks.pop()

    @contextmanager
    def reopened(self, statements: list[Statement]) -> Iterator[None]:
        """What is emitted inside goes to the end of a block that was left before."""
        self._blocks.append(statements)
        try:
            yield
        finally:
            self._blocks.pop()

    @contextmanager
    def branch(self, condition: Atom) -> Iterator[None]:
        """``if condition:`` with what is emitted inside; no variable of the user's may be set."""
        with self.block() as then:
            yield
        self.add(If(condition, tuple(then)))

    @contextmanager
    def otherwise(self) -> Iterator[None]:
        """``else:`` of the ``branch`` just before."""
        last = self._blocks[-1].pop()
        assert isinstance(last, If) and not last.orelse, "`otherwise` follows `branch` at once"
        with self.block() as orelse:
            yield
        self._blocks[-1].append(If(last.condition, last.then, tuple(orelse)))

    @contextmanager
    def for_range(self, start: Atom | int, stop: Atom | int, step: Atom | int = 1) -> Iterator[Var]:
        """``for counter in range(start, stop, step):`` with what is emitted inside; gives the
        counter, which may not be set. No variable of the user's may be set either: loops of the
        user's are in ``loops``."""
        counter = self.temporary(INT)
        with self.block() as body:
            yield counter
        self.add(For(counter, _int(start), _int(stop), _int(step), tuple(body)))

    @contextmanager
    def forever(self) -> Iterator[None]:
        """``while True:`` with what is emitted inside; ``leave_loop`` ends it."""
        with self.block() as body:
            yield
        self.add(While((), Const(BOOL, True), tuple(body)))

    def leave_loop(self) -> None:
        """``break``: leave the innermost loop."""
        self.add(Break())

    def next_turn(self) -> None:
        """``continue`` with the innermost loop."""
        self.add(Continue())

    def take(self) -> Block:
        """The finished body of the function."""
        (body,) = self._blocks
        return tuple(body)

    # ------------------------------------------------------------------ values

    def evaluate(self, node: ast.expr) -> Value:
        """Translate an expression of the user's."""
        return self.session.evaluate(self, node)

    def atom(self, node: ast.AST, value: Value) -> Atom:
        """``value`` as an operand: a tuple is made.

        Raises:
            Refused: it is a function, a string, a list or an iterable.
        """
        if isinstance(value, Atom):
            return value
        match value:
            case Display(items, is_list=False) if items:
                return self.emit("tuple.make", *(self.atom(node, item) for item in items))
            case Known(str() as text) if len(text) == 1:
                return Const(CHAR, ord(text))
            case Known(_, name, reason) if reason:
                self.refuse(node, f"`{name}` is {reason}")
        edit = "use a tuple" if _is_list(value) else ""
        return self.refuse(node, f"{describe(value)} cannot be a value in native code", edit)

    def stored(self, node: ast.AST, value: Value) -> Value:
        """What a variable holds when ``value`` is assigned to it.

        Raises:
            Refused: an iterator or generator, which can be used up only once.
        """
        if isinstance(value, Known | LocalFunction):
            return value
        if isinstance(value, Var | Const | Range) or _is_list(value):
            return with_atoms(value, self.kept)
        return self.atom(node, value)

    def kept(self, value: Atom) -> Atom:
        """The value itself, whatever becomes of the user's variable that holds it."""
        changes = isinstance(value, Var) and not is_temporary(value) and value.name[0] != "<"
        return self.emit("copy", value) if changes else value

    def number(self, value: complex, node: ast.AST | None = None) -> Const:
        """A constant; ``value`` is a bool, int, float or complex.

        Raises:
            Refused: an int beyond 64 bits.
        """
        if type(value) is int and not LEAST_INT <= value <= GREATEST_INT:
            self.refuse(node or ast.Pass(), f"the int {_shortened(value)} does not fit in 64 bits")
        return Const(_NUMBERS[type(value)], value)

    # ------------------------------------------------------------------ refusal

    def refuse(self, node: ast.AST, message: str, edit: str = "") -> NoReturn:
        """The code does not become native code. ``message`` says what the line of ``node`` has, in
        the user's words; ``edit`` what to write instead, where that is known.

        Raises:
            Refused: always.
        """
        line = getattr(node, "lineno", self.line)
        raise Refused(Refusal(message, self.filename, line, edit))


def is_temporary(value: Atom) -> bool:
    """Whether the value is no variable of the user's."""
    return isinstance(value, Var) and value.name.startswith("%")


def _is_list(value: Value) -> bool:
    return isinstance(value, Display) and value.is_list


def _int(value: Atom | int) -> Atom:
    return Const(INT, value) if isinstance(value, int) else value


def _shortened(value: int) -> str:
    text = hex(value)
    return text if len(text) <= 24 else f"{text[:20]}..."
