"""Functions that return a list of their own making, where a site takes its items one by one.

In ``[y for x in xs for y in f(x)]`` the values of one ``x`` go to the sink in the order in which
``f`` appends them, so ``f`` needs no list: its body becomes the end of the item function, each
``append`` emits, and ``return`` ends the item.
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.definitions import Definition
from ufora_worker.native.ir.nodes import Return
from ufora_worker.native.translate import functions, names
from ufora_worker.native.translate.functions import assigns_in_expressions
from ufora_worker.native.translate.values import Known, Value, with_atoms

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(frozen=True, slots=True)
class Collection:
    """The list that the function under translation appends to, and what becomes of its values."""

    name: str
    take: Callable[[ast.expr, Value], object]

    def appended(self, node: ast.expr) -> ast.expr | None:
        """What is appended, if this expression appends to the list."""
        match node:
            case ast.Call(ast.Attribute(ast.Name(name), "append"), [value], []):
                return value if name == self.name else None
        return None

    def is_returned(self, node: ast.expr | None) -> bool:
        """Whether this is the list itself."""
        return isinstance(node, ast.Name) and node.id == self.name


def collects(
    b: "Builder",
    generators: Sequence[ast.comprehension],
    value: ast.expr,
    take: Callable[[ast.expr, Value], object],
) -> bool:
    """Translates the rest of the item where its last loop runs over such a function's list; False
    where it runs over anything else, and then nothing was done.

    ``value`` is what the comprehension gives, ``take`` is called with each value that is appended.
    """
    call = _only_call(generators, value)
    function = None if call is None else b.evaluate(call.func)
    if call is None or not isinstance(function, Known) or type(function.value) is not FunctionType:
        return False
    target = functions.target_of(b, call, function.value)
    node, name = target.definition.node, _collected(target.definition)
    if name is None or isinstance(node, ast.Lambda):
        return False
    given = [with_atoms(b.evaluate(each), b.kept) for each in call.args]
    arguments = functions.arguments_of(b, call, target, given)
    b.enter(target.names, target.definition.own_names, target.filename, target.mangle)
    b.snapshots = assigns_in_expressions(target.definition)
    for parameter, argument in arguments.items():
        names.assign(b, call, parameter, argument)
    b.collection = Collection(name, take)
    b.session.execute(b, node.body)
    if b.flow.reachable:
        b.bail(f"{target.name} returns None")
    return True


def _only_call(generators: Sequence[ast.comprehension], value: ast.expr) -> ast.Call | None:
    """The call in ``[y for x in xs for y in f(x)]``."""
    if len(generators) != 2 or generators[1].ifs:
        return None
    match generators[1].iter, generators[1].target, value:
        case ast.Call(_, args, []) as call, ast.Name(bound), ast.Name(taken) if bound == taken:
            starred = any(isinstance(each, ast.Starred) for each in args)
            return None if starred else call
    return None


def end_item(b: "Builder") -> None:
    """``return`` of the list."""
    b.add(Return())
    b.flow.reachable = False


def _collected(definition: Definition) -> str | None:
    """The name of the list that the function returns on every path and does nothing with but
    append to it."""
    node = definition.node
    if isinstance(node, ast.Lambda) or definition.is_generator:
        return None
    match [each for each in node.body if not _is_text(each)]:
        case [ast.Assign([ast.Name(name)], ast.List([])), *rest]:
            uses = Collection(name, lambda node, value: None)
        case _:
            return None
    counted = sum(_uses(statement, uses) for statement in rest)
    met = sum(
        isinstance(each, ast.Name) and each.id == name
        for statement in rest
        for each in ast.walk(statement)
    )
    return name if counted == met else None


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _uses(statement: ast.stmt, collection: Collection) -> int:
    """How often the list is appended to or returned."""
    return sum(
        (isinstance(each, ast.Expr) and collection.appended(each.value) is not None)
        or (isinstance(each, ast.Return) and collection.is_returned(each.value))
        for each in ast.walk(statement)
    )
