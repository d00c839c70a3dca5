"""Variables that may have no value in the function that a ``for`` statement's item has become.

What the item computes goes into a record (``compiler.for_loops.split``). A field that only some
paths set begins as None, and nobody reads it then: here it begins as any value of its type. A
field that holds a variable which only an inner loop assigns is read under ``try``: here the item
bails if there was no turn. The types are not known before the function has been translated, so it
is translated twice.
"""

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ufora_core.compiler.for_loops.item import ITEM
from ufora_core.compiler.for_loops.split import UNSET, is_field
from ufora_worker.native.ir.nodes import Const
from ufora_worker.native.ir.types import BOOL, Type
from ufora_worker.native.translate import names
from ufora_worker.native.translate.assignment import Blank, Perhaps
from ufora_worker.native.translate.conversions import any_value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(slots=True)
class Blanks:
    """What is known of such variables of one function."""

    #: None until the function has been translated for the first time.
    types: dict[str, Type] | None = None
    #: Fields that begin without a value, and variables that may have none.
    fields: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)

    def enter(self, b: "Builder") -> None:
        """The function begins."""
        for name in sorted(self.perhaps):
            binding = Perhaps(b.variable(name, self._type(name)), b.variable(_flag(name), BOOL))
            value = any_value(b, binding.value.type)
            if value is not None:
                b.assign(binding.value, value)
                b.assign(binding.assigned, Const(BOOL, False))
                b.flow.bindings[name] = binding

    def begins(self, b: "Builder", node: ast.Assign) -> bool:
        """Translates ``field = None`` of a generated function; False for anything else."""
        targets = [each.id for each in node.targets if isinstance(each, ast.Name)]
        is_none = isinstance(node.value, ast.Constant) and node.value.value is None
        if b.name != ITEM or not is_none or not all(map(is_field, targets)):
            return False
        for name in targets:
            self._begin(b, node, name)
        return True

    def reads(self, b: "Builder", node: ast.Try) -> bool:
        """Translates ``field = variable`` where that may fail; False for any other ``try``."""
        match node:
            case ast.Try(
                [ast.Assign([ast.Name(target)], ast.Name(name) as read)],
                [ast.ExceptHandler(_, None, [ast.Assign([ast.Name(same)], ast.Name(unset))])],
                [],
                [],
            ) if b.name == ITEM and target == same and unset == UNSET:
                if self.types is None:
                    self.perhaps.add(name)
                    self._begin(b, node, target)
                else:
                    names.assign(b, node, target, names.read(b, read))
                return True
        return False

    def assigned(self, b: "Builder", name: str) -> None:
        """A variable got a value."""
        if self.types is not None and name in self.perhaps:
            b.assign(b.variable(_flag(name), BOOL), Const(BOOL, True))

    def learn(self, b: "Builder") -> bool:
        """The function is translated; True if that has to be done again, with known types."""
        if self.types is not None or not (self.fields or self.perhaps):
            return False
        found = {name: b.types_of(name) for name in (*self.fields, *self.perhaps)}
        self.types = {name: types[0] for name, types in found.items() if types}
        return True

    def _begin(self, b: "Builder", node: ast.AST, name: str) -> None:
        value = None if self.types is None else any_value(b, self._type(name))
        if value is not None:
            names.assign(b, node, name, value)
            return
        self.fields.add(name)
        b.flow.bindings[name] = Blank()

    def _type(self, name: str) -> Type:
        """The type of a variable; no matter which where no path gives it a value."""
        return (self.types or {}).get(name, BOOL)


def _flag(name: str) -> str:
    return f"{name}.assigned"
