"""The IR: typed functions of structured statements in A-normal form.

Operands are variables or constants, every operation has a statement of its own, and control flow
is nested: there is nothing to reconstruct for an analysis, and one line of text is one operation.

An operation that cannot be certain to give CPython's result *bails*: everything that the item did
is dropped, and CPython runs it. So evaluation order among operations does not matter, but that an
operation under a condition is not reached without it.
"""

from dataclasses import dataclass, field
from enum import Enum

from ufora_worker.native.ir.types import Type


@dataclass(frozen=True, slots=True)
class Var:
    """A variable: a name of the user's, or a temporary (``%1``), which is assigned once."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; a CHAR is written as its code point."""

    type: Type
    value: bool | int | float | complex


Atom = Var | Const


@dataclass(frozen=True, slots=True)
class Let:
    """``target = op(args)``; see ``operations`` for what there is.

    ``safe`` says that the operation was proved not to bail, so nothing is checked.
    """

    target: Var
    op: str
    args: tuple[Atom, ...]
    line: int = 0
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Invoke:
    """``target = function(args)``: a call of another function of the unit, which may be itself."""

    target: Var
    function: str
    args: tuple[Atom, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class If:
    """Both branches see and set the variables around them."""

    condition: Atom
    then: "Block"
    orelse: "Block" = ()


@dataclass(frozen=True, slots=True)
class While:
    """``head`` runs before each test; ``continue`` goes back to it; ``orelse`` runs when the
    condition was false, and not after ``break``."""

    head: "Block"
    condition: Atom
    body: "Block"
    orelse: "Block" = ()


@dataclass(frozen=True, slots=True)
class For:
    """``counter`` takes the values of ``range(start, stop, step)``, and the body may not set it.
    A step of 0 bails. Without a trip the counter is not set."""

    counter: Var
    start: Atom
    stop: Atom
    step: Atom
    body: "Block"
    orelse: "Block" = ()


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the innermost loop's next turn."""


@dataclass(frozen=True, slots=True)
class Return:
    """End the function; in the item function, without a value, end the item."""

    value: Atom | None = None


#: What a value that is small is at most, either way.
SMALL = 2**32


@dataclass(frozen=True, slots=True)
class Emit:
    """One more value for the sink; only in the item function.

    ``small`` says that the value was proved to be an integer (or truth value) from ``-SMALL`` to
    ``SMALL``.
    """

    value: Atom
    small: bool = False


@dataclass(frozen=True, slots=True)
class EndRow:
    """What was emitted since the last one is a row, for ``Sink.ROWS``; only in the item
    function."""


@dataclass(frozen=True, slots=True)
class Bail:
    """CPython knows what happens here (``raise``, a failed ``assert``)."""

    reason: str
    line: int = 0


Statement = Let | Invoke | If | While | For | Break | Continue | Return | Emit | EndRow | Bail
Block = tuple[Statement, ...]


class Sink(Enum):
    """What becomes of the values that items emit."""

    #: INT or BOOL: added up in 128 bits.
    TOTAL = "total"
    #: Any scalars or tuples of them: one column of memory for each leaf of the type.
    COLUMNS = "columns"
    #: As COLUMNS, and one more column of the numbers of values with which rows end.
    ROWS = "rows"
    #: INT, FLOAT or BOOL: the leftmost least (NaN bails).
    LEAST = "least"
    #: As LEAST, the leftmost greatest.
    GREATEST = "greatest"
    #: BOOL: stops at the first that is true.
    ANY = "any"
    #: BOOL: stops at the first that is false.
    ALL = "all"
    #: How many values there were.
    COUNT = "count"

    @property
    def fills_columns(self) -> bool:
        """Whether the values themselves are kept."""
        return self in (Sink.COLUMNS, Sink.ROWS)


@dataclass(frozen=True, slots=True)
class Function:
    """Parameters and result may be of any type (an Array is passed as it is, never returned).

    Every variable is assigned before it is read on every path, and has one type throughout.
    """

    name: str
    parameters: tuple[Var, ...]
    #: None for the item function.
    result: Type | None
    body: Block


@dataclass(frozen=True, slots=True)
class Unit:
    """All code of one loop. ``functions[0]`` is the item function: its first parameter is the
    item's index in the loop, the others are captured values."""

    functions: tuple[Function, ...]
    sink: Sink
    #: Type of what is emitted.
    emits: Type
    #: What is known of INT parameters of the item function: name -> least and greatest value.
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: Array parameters of the item function with an element (or a row) for each item: their first
    #: length is more than any item's index.
    spans: frozenset[str] = frozenset()
    #: Array parameters of the item function whose elements (of each row) lie side by side.
    dense: frozenset[str] = frozenset()
