"""What variables hold where: definite assignment, and one type at a time.

A ``Flow`` is what is known at one point of the program: the variables that are certainly assigned,
each with its type. Where paths meet, what they know is joined: a variable that one path did not
assign is not assigned, one with different types is a ``Clash`` that must not be read. One habit is
let through: after ``s = 0`` and, on some paths, ``s += x * 0.5`` a variable is ``Mixed``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Const, Var
from ufora_worker.native.ir.types import BOOL, FLOAT, INT, NUMPY_FLOAT, NUMPY_INT, Type
from ufora_worker.native.translate.values import Lazy

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(frozen=True, slots=True)
class Local:
    """A variable with a type. ``constant``: it was last assigned a literal, on every path that is
    known so far (which decides what is let through, not what is right)."""

    var: Var
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Mixed:
    """A variable that is still a literal on some paths, and of a wider type on others.

    ``value`` is the number in the wider type, ``literal`` whether it is still the literal. Where it
    meets an operand of the wider type, Python converts the literal: then it is as good as
    ``value``. Everywhere else the item bails while it is the literal.
    """

    value: Var
    literal: Var


@dataclass(frozen=True, slots=True)
class Clash:
    """A variable that is one thing on one path and another on the next."""

    one: "Local | Mixed | Perhaps | Lazy"
    other: "Local | Mixed | Perhaps | Lazy"


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A variable that some paths have not assigned: ``assigned`` says whether this one has."""

    value: Var
    assigned: Var


@dataclass(frozen=True, slots=True)
class Blank:
    """A variable without a value, of a type that is not known yet (``blanks``)."""


Binding = Local | Mixed | Clash | Perhaps | Blank | Lazy


@dataclass(slots=True)
class Flow:
    """What is known here; ``bindings`` is by the variable's key (``Builder.key``)."""

    bindings: dict[str, Binding] = field(default_factory=dict)
    #: False behind ``return``, ``break`` and the like.
    reachable: bool = True

    def copy(self) -> "Flow":
        """The same knowledge, to be changed on its own."""
        return Flow(dict(self.bindings), self.reachable)


class Meeting:
    """A point that several paths lead to, some of them not known yet (a loop's head)."""

    def __init__(self, bindings: dict[str, Binding] | None = None) -> None:
        #: What all the paths so far agree on; None while there are none.
        self.bindings = bindings
        #: A path came that knows less than earlier ones were told: they must be translated again.
        self.widened = False

    def arrive(self, b: "Builder") -> None:
        """The current path leads here: emits what turns its variables into those of the point."""
        if not b.flow.reachable:
            return
        if self.bindings is None:
            self.bindings = dict(b.flow.bindings)
            return
        joined = join(b, self.bindings, b.flow.bindings)
        self.widened = self.widened or any(
            not _alike(self.bindings[key], binding) for key, binding in joined.items()
        )
        self.bindings = joined
        convert(b, b.flow.bindings, joined)

    def flow(self) -> Flow:
        """What is known behind the point."""
        return Flow({}, False) if self.bindings is None else Flow(dict(self.bindings))


def join(b: "Builder", one: dict[str, Binding], other: dict[str, Binding]) -> dict[str, Binding]:
    """What two paths agree on."""
    return {
        key: _joined(b, key, binding, other[key]) for key, binding in one.items() if key in other
    }


#: How the literals of a type become another type without a change of value.
_WIDENINGS: Mapping[tuple[Type, Type], tuple[str, ...]] = {
    (INT, FLOAT): ("int.to_float_exact",),
    (INT, NUMPY_FLOAT): ("int.to_float_exact", "np.float"),
    (FLOAT, NUMPY_FLOAT): ("np.float",),
    (INT, NUMPY_INT): ("np.int",),
}


def convert(b: "Builder", bindings: dict[str, Binding], into: dict[str, Binding]) -> None:
    """Emits what makes the variables of a path those of the point where it leads."""
    for key, target in into.items():
        source = bindings[key]
        if not isinstance(target, Mixed) or not isinstance(source, Local):
            continue
        operations = _WIDENINGS.get((source.var.type, target.value.type), ())
        value = source.var
        for operation in operations:
            value = b.emit(operation, value)
        if operations:
            b.settle(target.value, value)
        b.assign(target.literal, Const(BOOL, bool(operations)))


def _joined(b: "Builder", key: str, one: Binding, other: Binding) -> Binding:
    if one == other or isinstance(one, Clash | Blank):
        return one
    if isinstance(other, Clash | Blank):
        return other
    if isinstance(one, Local) and isinstance(other, Local) and one.var == other.var:
        return Local(one.var, one.constant and other.constant)
    for literal, wide in ((one, other), (other, one)):
        if isinstance(literal, Local) and isinstance(wide, Perhaps) and literal.var == wide.value:
            return wide
        if _widens(literal, wide):
            return Mixed(_value(wide), b.variable(f"{key}.literal", BOOL))
    return Clash(one, other)


def _widens(literal: Binding, wide: Binding) -> bool:
    """Whether a variable that is ``wide`` may be ``literal`` on another path."""
    if isinstance(wide, Mixed) and isinstance(literal, Local) and literal.var == wide.value:
        return True
    if not (isinstance(literal, Local) and literal.constant and isinstance(wide, Local | Mixed)):
        return False
    return (literal.var.type, _value(wide).type) in _WIDENINGS


def _value(binding: Binding) -> Var:
    assert isinstance(binding, Local | Mixed)
    return binding.value if isinstance(binding, Mixed) else binding.var


def _alike(one: Binding, other: Binding) -> bool:
    """Whether the same code reads both."""
    if isinstance(one, Local) and isinstance(other, Local):
        return one.var == other.var
    return one == other
