"""What a name means: Python's rules, from the innermost scope outwards."""

import ast
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import CellType, ModuleType
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.frames import BUILTINS
from ufora_core.compiler.sites.names import mangled
from ufora_worker.native.ir.nodes import Atom
from ufora_worker.native.translate.assignment import Blank, Clash, Local, Mixed, Perhaps
from ufora_worker.native.translate.capture import Unsuited
from ufora_worker.native.translate.session import Unresolved
from ufora_worker.native.translate.values import Known, Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

_NUMBERS = (bool, int, float, complex)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a function that are no variables of its own."""

    #: Variables of the frames around: their values at this moment, or their cells.
    around: Mapping[str, object]
    namespace: Mapping[str, object]

    @property
    def identity(self) -> Hashable:
        """Equal for scopes in which every name means the same."""
        return id(self.namespace), tuple(map(id, self.around.values()))

    def find(self, b: "Builder", node: ast.AST, name: str) -> Value:
        """The value of a name.

        Raises:
            Refused: it has none.
        """
        if name in self.around:
            return self._around(b, node, name)
        for names in (self.namespace, BUILTINS):
            if name in names:
                return see(b, names[name], name)
        return b.refuse(node, f"`{name}` has no value")

    def _around(self, b: "Builder", node: ast.AST, name: str) -> Value:
        value = self.around[name]
        place: object = name
        if isinstance(value, CellType):
            place = id(value)
            try:
                value = value.cell_contents
            except ValueError:
                b.refuse(node, f"`{name}` has no value yet")
        if type(value) in _NUMBERS:
            return b.captured(value, name, place)
        return see(b, value, name)


def see(b: "Builder", value: object, name: str) -> Value:
    """A concrete object as a value: numbers are frozen, what an array can stand for is captured,
    anything else is known as it is."""
    if type(value) in _NUMBERS:
        return b.number(value)  # type: ignore[arg-type]
    if type(value) is str:
        return Known(value, name)
    found = b.session.captures.parameter(b, value, name)
    return Known(value, name, found.reason) if isinstance(found, Unsuited) else found


def read(b: "Builder", node: ast.Name) -> Value:
    """The value of a name.

    Raises:
        Refused: it is a variable that has no value here, or not one of one type.
    """
    key = b.key(node.id)
    if key is None:
        return b.names.find(b, node, mangled(node.id, b.mangle))
    match b.flow.bindings.get(key):
        case None:
            return b.refuse(
                node, f"`{node.id}` may be unassigned here", f"assign `{node.id}` before"
            )
        case Local(var):
            return b.snapshot(var)
        case Mixed(value, literal):
            b.bail_if(literal, f"`{node.id}` is not yet {describe(value)}")
            return b.snapshot(value)
        case Perhaps(value, assigned):
            b.bail_if(b.emit("bool.not", assigned), f"`{node.id}` is unassigned")
            return b.snapshot(value)
        case Clash() as clash:
            return _refuse_clash(b, node, clash)
        case Blank():
            raise Unresolved
        case known:
            return known


def mixed(b: "Builder", node: ast.expr) -> Mixed | None:
    """What a name is bound to, if it is a literal on some paths."""
    if not isinstance(node, ast.Name):
        return None
    key = b.key(node.id)
    binding = None if key is None else b.flow.bindings.get(key)
    return binding if isinstance(binding, Mixed) else None


def assign(b: "Builder", node: ast.AST, name: str, value: Value, *, literal: bool = False) -> None:
    """Assign a variable. ``literal``: the value is written as a literal."""
    key = b.key(name)
    if key is None:
        b.refuse(node, f"`{name}` is assigned, and belongs to a scope around")
    if not isinstance(value, Atom):
        value = b.stored(node, value)
    if isinstance(value, Atom):
        var = b.variable(key, value.type)
        b.settle(var, value)
        b.flow.bindings[key] = Local(var, literal)
    else:
        b.flow.bindings[key] = value
    b.blanks.assigned(b, key)


def attribute(b: "Builder", node: ast.Attribute, module: ModuleType) -> Value:
    """A name of a module, frozen.

    Raises:
        Refused: the module has no such name.
    """
    path = ast.unparse(node)
    names = vars(module)
    if node.attr not in names:
        b.refuse(node, f"`{path}` has no value")
    return see(b, names[node.attr], path)


def _refuse_clash(b: "Builder", node: ast.Name, clash: Clash) -> Value:
    kinds = [_kind(each) for each in (clash.one, clash.other)]
    edit = "let it be of one type"
    if sorted(kinds) == ["a float", "an int"]:
        edit = "write the int as a float (`0.0`), or convert it with `float(...)`"
    return b.refuse(node, f"`{node.id}` is {kinds[0]} on one path and {kinds[1]} on another", edit)


def _kind(binding: object) -> str:
    match binding:
        case Local(var):
            return describe(var)
        case Mixed(value):
            return f"a literal or {describe(value)}"
        case Perhaps(value):
            return describe(value)
        case _:
            return describe(binding)  # type: ignore[arg-type]
