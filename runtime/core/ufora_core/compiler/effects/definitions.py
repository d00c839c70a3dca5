"""What the text of a function tells before it is called: its variables, and how it ends."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from ufora_core.compiler.sites.names import Comprehension, parameters

Node = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Definition:
    """A ``def`` or ``lambda``."""

    node: Node
    #: The names that are variables of the function itself.
    own_names: frozenset[str]
    is_generator: bool
    #: Whether control may reach the end of the body, which returns None.
    falls_through: bool
    #: Whether a variable may change between two reads of one expression (``:=``).
    assigns_in_expressions: bool


class Definitions:
    """The definitions that a proof has looked at."""

    def __init__(self, source_of: Callable[[CodeType], ast.AST | None]) -> None:
        self._source_of = source_of
        #: By the code's identity; the code itself is kept so that its identity stays taken.
        self._of_code: dict[int, tuple[CodeType, Definition | None]] = {}

    def of_function(self, function: FunctionType) -> Definition | None:
        """The definition of a function; None when it has no source, or is asynchronous."""
        code = function.__code__
        found = self._of_code.get(id(code))
        if found is None:
            node = self._source_of(code)
            known = definition_at(node) if isinstance(node, ast.FunctionDef | ast.Lambda) else None
            found = self._of_code[id(code)] = (code, known)
        return found[1]


def default_values(function: FunctionType, arguments: ast.arguments) -> dict[str, object]:
    """The values of the parameters that have a default; ``arguments`` are those of its text."""
    named = [*arguments.posonlyargs, *arguments.args]
    values = function.__defaults__ or ()
    pairs = zip(named[len(named) - len(values) :], values, strict=True)
    return {each.arg: value for each, value in pairs} | (function.__kwdefaults__ or {})


@lru_cache(maxsize=1024)
def definition_at(node: Node) -> Definition:
    """The definition that this is; nobody changes it any more."""
    named = any(isinstance(each, ast.NamedExpr) for each in ast.walk(node))
    if isinstance(node, ast.Lambda):
        return Definition(node, _own_names(node), False, False, named)
    generates, ends = _is_generator(node.body), _falls_through(node.body)
    return Definition(node, _own_names(node), generates, ends, named)


def _own_names(definition: Node) -> frozenset[str]:
    """The names that are variables of the function itself."""
    names = set(parameters(definition.args))
    body = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
    for statement in body:
        names.update(_bound_by(statement))
    return frozenset(names)


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, Comprehension):
        for each in ast.walk(node):
            if isinstance(each, ast.NamedExpr):
                yield from _bound_by(each.target)
        return
    name = _binds(node)
    if name is not None:
        yield name
    if not isinstance(node, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from _bound_by(child)


def _binds(node: ast.AST) -> str | None:
    """The name that this very node binds."""
    if isinstance(node, ast.Name):
        return None if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name.partition(".")[0]
    if isinstance(node, ast.MatchMapping):
        return node.rest
    if isinstance(node, _NAMED):
        return node.name
    return None


_NAMED = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar),
)


def _falls_through(body: list[ast.stmt]) -> bool:
    """Whether control may reach the end of these statements."""
    last = body[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return False
    if isinstance(last, ast.If):
        return not last.orelse or _falls_through(last.body) or _falls_through(last.orelse)
    return True


def _is_generator(body: list[ast.stmt]) -> bool:
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))
    return False
