"""Functions that return a list of their own making, where a site takes it, or the values in it.

In ``[y for x in xs for y in f(x)]`` the values of one ``x`` go to the sink in the order in which
``f`` appends them, so ``f`` needs no list: its body becomes the end of the item function, each
``append`` emits, and ``return`` ends the item. In ``[f(x) for x in xs]`` it ends a row as well. In
front of the first ``append`` the function may also return a display or a comprehension.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.definitions import Definition
from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.sites.reducers import DECIDED
from ufora_worker.native.ir.nodes import Return
from ufora_worker.native.translate import functions, names
from ufora_worker.native.translate.emission import Emission, is_list
from ufora_worker.native.translate.values import Known, Value, with_atoms

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(frozen=True, slots=True)
class Collection:
    """What the function under translation returns: the list of this ``name``, or others that it
    makes; and what becomes of their values."""

    name: str | None
    #: What is returned is a row, not values of which each is one of the loop's.
    is_row: bool
    emission: Emission

    def appended(self, node: ast.expr) -> ast.expr | None:
        """What is appended, if this expression appends to the list."""
        match node:
            case ast.Call(ast.Attribute(ast.Name(name), "append"), [value], []):
                return value if name == self.name else None
        return None

    def take(self, b: "Builder", node: ast.expr) -> None:
        """Emit what is appended."""
        self.emission.take(b, node, b.evaluate(node))

    def end(self, b: "Builder", returned: ast.expr | None) -> None:
        """``return`` of the list."""
        if is_list(returned):
            self.emission.values_in(b, returned)
        if self.is_row:
            self.emission.end_row(b)
        b.add(Return())
        b.flow.reachable = False


def collects(b: "Builder", comprehension: Comprehension, emission: Emission) -> bool:
    """Translates the rest of the item where it takes a function's list, or the values in it; False
    where it takes anything else, and then nothing was done."""
    call = _called(comprehension, emission)
    function = None if call is None else _function(b, call.func)
    if call is None or not isinstance(function, Known) or type(function.value) is not FunctionType:
        return False
    target = functions.target_of(b, call, function.value)
    collection = _collection(target.definition, emission, len(comprehension.generators) == 1)
    node = target.definition.node
    if collection is None or isinstance(node, ast.Lambda):
        return False
    given = [with_atoms(b.evaluate(each), b.kept) for each in call.args]
    arguments = functions.arguments_of(b, call, target, given)
    b.enter(target.names, target.definition.own_names, target.filename, target.mangle)
    b.snapshots = target.definition.assigns_in_expressions
    for parameter, argument in arguments.items():
        names.assign(b, call, parameter, argument)
    b.collection = collection
    b.session.execute(b, node.body)
    if b.flow.reachable:
        b.bail(f"{target.name} returns None")
    return True


def _function(b: "Builder", node: ast.expr) -> Value | None:
    """What is called, where it has a name or is in a module; a method makes no list."""
    match node:
        case ast.Name():
            return b.evaluate(node)
        case ast.Attribute(ast.Name() as owner):
            of = b.evaluate(owner)
            in_module = isinstance(of, Known) and isinstance(of.value, ModuleType)
            return b.evaluate(node) if in_module else None
    return None


def _called(comprehension: Comprehension, emission: Emission) -> ast.Call | None:
    """The call in ``[y for x in xs for y in f(x)]`` or ``[f(x) for x in xs]``."""
    if isinstance(comprehension, ast.DictComp) or emission.kind in DECIDED:
        return None
    match comprehension.generators, comprehension.elt:
        case [ast.comprehension(ifs=[])], ast.Call(keywords=[]) as call if emission.may_be_rows:
            return None if _is_starred(call) else call
        case (
            [
                ast.comprehension(ifs=[]),
                ast.comprehension(ast.Name(bound), ast.Call(keywords=[]) as call, []),
            ],
            ast.Name(taken),
        ) if bound == taken:
            return None if _is_starred(call) else call
    return None


def _is_starred(call: ast.Call) -> bool:
    return any(isinstance(each, ast.Starred) for each in call.args)


def _collection(definition: Definition, emission: Emission, is_row: bool) -> Collection | None:
    """How the function makes what it returns; None where that is no list. With a list that has a
    name it does nothing but append and return it."""
    node = definition.node
    if isinstance(node, ast.Lambda) or definition.is_generator:
        return None
    name: str | None = None
    body = [each for each in node.body if not _is_text(each)]
    match body:
        case [ast.Assign([ast.Name(made)], ast.List([])), *rest]:
            name, body = made, rest
    collection = Collection(name, is_row, emission)
    returned = list(_returned(body))
    lists = returned and all(is_list(each) or _is_name(each, name) for each in returned)
    if not lists or not _only_appends(body, collection):
        return None
    return collection if _appends_to_what_it_returns(body, collection) else None


def _appends_to_what_it_returns(body: list[ast.stmt], collection: Collection) -> bool:
    """Whether no other list is returned where something may have been appended: it is emitted."""
    appending = [index for index, each in enumerate(body) if _appends(each, collection)]
    behind = body[appending[0] :] if appending else []
    return all(_is_name(each, collection.name) for each in _returned(behind))


def _appends(statement: ast.stmt, collection: Collection) -> bool:
    return any(
        isinstance(each, ast.Expr) and collection.appended(each.value) is not None
        for each in ast.walk(statement)
    )


def _only_appends(body: list[ast.stmt], collection: Collection) -> bool:
    counted = sum(_uses(statement, collection) for statement in body)
    met = sum(_means(each, collection.name) for statement in body for each in ast.walk(statement))
    return counted == met


def _means(node: ast.AST, name: str | None) -> bool:
    """Whether this reads or sets a variable."""
    return _is_name(node, name) or (isinstance(node, ast.FunctionDef) and node.name == name)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _uses(statement: ast.stmt, collection: Collection) -> int:
    """How often the list is appended to or returned."""
    return sum(
        (isinstance(each, ast.Expr) and collection.appended(each.value) is not None)
        or (isinstance(each, ast.Return) and _is_name(each.value, collection.name))
        for each in ast.walk(statement)
    )


def _is_name(node: ast.AST | None, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _returned(body: list[ast.stmt]) -> Iterator[ast.expr | None]:
    """What the ``return`` statements of a function give, those of functions inside it aside."""
    for statement in body:
        if isinstance(statement, ast.Return):
            yield statement.value
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for _, inner in ast.iter_fields(statement):
                if isinstance(inner, list):
                    yield from _returned([each for each in inner if isinstance(each, ast.stmt)])
