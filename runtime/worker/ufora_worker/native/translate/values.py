"""What an expression is to the translation: an operand of the IR, or something only known now.

Most expressions give an ``Atom``. Functions, modules, strings, iterables and comprehensions have no
operand: they are *lazy*, and exist only while translating, until a call, a loop or an index makes
operations of them.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ufora_worker.native.ir.nodes import Atom, Const, Var

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A concrete object: a function, a class, a module, a string, ``None``, a list that no array
    can stand for. ``name`` is what the user calls it, and ``reason`` why it is no operand, to be
    read after "it is" (empty for functions and the like, which nobody expects to be)."""

    value: object
    name: str
    reason: str = ""

    def _key(self) -> object:
        """Strings are the same when they are equal; any other object is only itself."""
        return self.value if type(self.value) is str else id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, slots=True)
class Display:
    """``a, b`` or ``[a, b]`` (``is_list``), not made yet: unpacked, indexed, searched or iterated
    over as it is. ``Builder.atom`` makes a tuple of the former."""

    items: "tuple[Value, ...]"
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """``range(start, stop, step)`` of three INTs."""

    start: Atom
    stop: Atom
    step: Atom


@dataclass(frozen=True, slots=True)
class Enumerated:
    """``enumerate(of, start)``."""

    of: "Value"
    start: Atom


@dataclass(frozen=True, slots=True)
class Zipped:
    """``zip(*parts)``, which ends with the shortest."""

    parts: "tuple[Value, ...]"


@dataclass(frozen=True, slots=True)
class Reversed:
    """``reversed(of)``."""

    of: "Value"


@dataclass(frozen=True, slots=True)
class Picked:
    """``islice(of, ...)``: the elements at so many indices of a range."""

    of: "Value"
    start: Atom
    step: Atom
    count: Atom


class Generator(Protocol):
    """A comprehension or generator expression, to be used up where it stands."""

    @property
    def node(self) -> ast.expr:
        """Where it stands."""

    def each(self, visit: "Callable[[Value], None]", until: Var | None = None) -> None:
        """Emit its loops, with what ``visit(value)`` emits at the heart of them.

        ``until`` is a BOOL variable that ``visit`` may set to leave all the loops. ``visit`` may be
        called more than once, and then only what the last call emitted counts.
        """


@dataclass(frozen=True, slots=True, eq=False)
class LocalFunction:
    """A ``lambda`` or ``def`` inside translated code.

    Variables of the functions around it are read when it is called, as in Python: ``around`` is the
    function that holds them, or ``free`` holds their values when it was passed on to another one.
    """

    node: ast.Lambda | ast.FunctionDef
    around: "Builder"
    #: The variables of comprehensions around it.
    layers: "tuple[Mapping[str, str], ...]" = ()
    free: "tuple[tuple[str, Value], ...]" = ()


Lazy = Known | Display | Range | Enumerated | Zipped | Reversed | Picked | Generator | LocalFunction
Value = Atom | Lazy


@dataclass(frozen=True, slots=True)
class Iteration:
    """What a ``for`` runs over: so many elements, each got by its index (an INT from 0)."""

    length: Atom
    element: Callable[[Atom], Value]


def with_atoms(value: Value, change: Callable[[Atom], Atom]) -> Value:
    """The value with each operand inside it changed, those of a comprehension excepted."""
    match value:
        case Var() | Const():
            return change(value)
        case Display(items, is_list):
            return Display(tuple(with_atoms(item, change) for item in items), is_list)
        case Range(start, stop, step):
            return Range(change(start), change(stop), change(step))
        case Enumerated(of, start):
            return Enumerated(with_atoms(of, change), change(start))
        case Zipped(parts):
            return Zipped(tuple(with_atoms(part, change) for part in parts))
        case Reversed(of):
            return Reversed(with_atoms(of, change))
        case Picked(of, start, step, count):
            return Picked(with_atoms(of, change), change(start), change(step), change(count))
        case _:
            return value
