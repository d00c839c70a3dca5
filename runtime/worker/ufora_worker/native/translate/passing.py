"""What a call hands over to a function of the unit."""

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from ufora_core.compiler.effects.definitions import definition_at
from ufora_worker.native.ir.nodes import Atom, Var
from ufora_worker.native.translate.builder import Builder
from ufora_worker.native.translate.values import Display, Known, LocalFunction, Value
from ufora_worker.native.translate.wording import describe


@dataclass(slots=True)
class Passed:
    """What a call hands over: operands for the IR, and what each parameter is made of."""

    atoms: list[Atom] = field(default_factory=list)
    #: For each parameter what its value is, but for operands, of which it is the type.
    kinds: dict[str, Hashable] = field(default_factory=dict)
    #: For each parameter its value inside the function, in terms of ``variables``.
    inside: dict[str, Value] = field(default_factory=dict)
    variables: list[Var] = field(default_factory=list)

    def add(self, b: Builder, node: ast.AST, name: str, value: Value) -> None:
        """One more parameter.

        Raises:
            Refused: the value cannot be handed over.
        """
        self.kinds[name], self.inside[name] = self._pass(b, node, name, value)

    def _pass(self, b: Builder, node: ast.AST, name: str, value: Value) -> tuple[Hashable, Value]:
        match value:
            case Known():
                return value, value
            case LocalFunction():
                function = with_values(b, node, value)
                parts = [
                    (free, *self._pass(b, node, f"{name}.{free}", each))
                    for free, each in function.free
                ]
                kinds = tuple((free, kind) for free, kind, _ in parts)
                kind = function.node, function.around.names.identity, kinds
                inside = tuple((free, each) for free, _, each in parts)
                return kind, replace(function, free=inside)
            case Display():
                value = b.atom(node, value)
        if not isinstance(value, Atom):
            b.refuse(node, f"{describe(value)} is passed to a function", "loop over it here")
        self.atoms.append(value)
        self.variables.append(Var(name, value.type))
        return value.type, self.variables[-1]


def with_values(b: Builder, node: ast.AST, function: LocalFunction) -> LocalFunction:
    """The local function with the values of the variables around it at this moment."""
    if function.around is not b:
        return function
    definition = definition_at(function.node)
    free = sorted(_free_names(function.node) - definition.own_names)
    layers, b.layers = b.layers, function.layers
    try:
        values = tuple(
            (name, b.evaluate(ast.copy_location(ast.Name(name, ast.Load()), function.node)))
            for name in free
            if b.key(name) is not None
        )
    finally:
        b.layers = layers
    if any(isinstance(each, LocalFunction) and each.node is function.node for _, each in values):
        b.refuse(node, "a local function calls itself", "define it outside of the function")
    return replace(function, free=values)


def _free_names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
