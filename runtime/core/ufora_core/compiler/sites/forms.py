"""Which expressions have the form of a site."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from ufora_core.compiler.sites.iterables import Source, called_name, desugared, is_simple, source_of
from ufora_core.compiler.sites.names import (
    Comprehension,
    free_names,
    item_parts,
    keeps_own_variables,
)
from ufora_core.compiler.sites.reducers import DECIDED, REDUCERS, Reducer, SiteKind

__all__ = ["Form", "SiteKind", "drained", "form_of"]

_COMPREHENSIONS: dict[type, SiteKind] = {
    ast.ListComp: SiteKind.LIST,
    ast.SetComp: SiteKind.SET,
    ast.DictComp: SiteKind.DICT,
}


@dataclass(frozen=True, slots=True)
class Form:
    """An expression that folds items, and its parts."""

    kind: SiteKind
    #: What the outermost loop iterates over.
    source: Source
    #: The comprehension around it, if the expression has one.
    written: Comprehension | None
    #: None for a bare comprehension.
    reducer: Reducer | None = None
    #: Index of the items among the call's arguments.
    position: int = 0
    #: The reducer's start, default or the like, if it is given one.
    operand: ast.expr | None = None
    key: ast.keyword | None = None
    #: ``accumulate(items, ...)`` where that is what the reducer folds.
    running: ast.Call | None = None

    def comprehension(self) -> Comprehension:
        """What is done with an item of the source: a comprehension."""
        return desugared(self.source, self.written, keyed=self.key is not None)


def form_of(node: ast.expr) -> Form | None:
    """The form of an expression, if that of a site; whether it can be split is another question."""
    if isinstance(node, ast.Call):
        return _reduction(node)
    kind = _COMPREHENSIONS.get(type(node))
    if kind is None:
        return None
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp)
    return Form(kind, source_of(node.generators[0].iter), node)


def drained(node: ast.expr) -> Form | None:
    """The form of an iterable of which all items are taken at once, before anything else happens;
    None where nothing is computed for them."""
    if isinstance(node, ast.GeneratorExp):
        return Form(SiteKind.LIST, source_of(node.generators[0].iter), node)
    source = source_of(node)
    return Form(SiteKind.LIST, source, None) if source.staged else None


def spread_in(node: ast.expr) -> list[ast.Starred]:
    """The operands ``*items`` of a call or display that take all items where they stand."""
    match node:
        case ast.Call(args=operands, keywords=keywords):
            # What is called with nothing but these takes them after the keywords.
            settled = all(isinstance(each.value, ast.Constant) and each.arg for each in keywords)
        case ast.List(elts=operands, ctx=ast.Load()) | ast.Tuple(elts=operands, ctx=ast.Load()):
            settled = True
        case _:
            return []
    return [each for each in operands if settled and isinstance(each, ast.Starred)]


def unpacks_all(node: ast.Assign) -> bool:
    """Whether it is ``a, *rest = items``, which takes all items before it assigns any."""
    match node.targets:
        case [ast.Tuple(elts=parts) | ast.List(elts=parts)]:
            return any(isinstance(each, ast.Starred) for each in parts)
    return False


def _reduction(node: ast.Call) -> Form | None:
    reducer = REDUCERS.get(called_name(node))
    if reducer is None or not _is_called_so(node, reducer):
        return None
    key = next((each for each in node.keywords if each.arg == "key"), None)
    items = node.args[reducer.before]
    if _runs(items):
        return _running(node, reducer, items)
    operands = [*node.args[reducer.before + 1 :], *_values(node, reducer.keyword)]
    operand = operands[0] if operands else None
    kind = SiteKind.LIST if key is not None else reducer.kind
    if kind is SiteKind.FIRST and not _searches(items):
        return None
    if isinstance(items, ast.GeneratorExp | ast.ListComp):
        if not _folds(items, reducer, keyed=key is not None):
            return None
        written, source = items, source_of(items.generators[0].iter)
        return Form(kind, source, written, reducer, reducer.before, operand, key)
    source = source_of(items)
    if kind is SiteKind.COUNT or not (source.staged or key is not None):
        return None
    return Form(kind, source, None, reducer, reducer.before, operand, key)


def _searches(items: ast.expr) -> bool:
    """Whether items may give no value, so that the first one is to be looked for."""
    if isinstance(items, ast.GeneratorExp):
        return any(generator.ifs for generator in items.generators)
    return isinstance(items, ast.Call) and called_name(items) == "filter"


def _runs(items: ast.expr) -> TypeGuard[ast.Call]:
    """Whether the items are those of ``accumulate``, called with nothing that could happen at
    another time than it is written."""
    if not isinstance(items, ast.Call) or called_name(items) != "accumulate":
        return False
    by_name = {each.arg for each in items.keywords} <= {"func", "initial"}
    return len(items.args) in (1, 2) and by_name and all(map(is_simple, besides(items)))


def besides(running: ast.Call) -> list[ast.expr]:
    """What ``accumulate`` is given besides the items, in the order in which it is evaluated."""
    return [*running.args[1:], *(each.value for each in running.keywords)]


def _running(node: ast.Call, reducer: Reducer, running: ast.Call) -> Form | None:
    """``list(accumulate(f(x) for x in xs))``: items are computed anywhere, and run up in order."""
    decides = reducer.kind in DECIDED or reducer.kind is SiteKind.COUNT
    named = isinstance(node.func, ast.Name) and not reducer.before
    if decides or not named or reducer.gathers or any(each.arg == "key" for each in node.keywords):
        return None
    operands = [*node.args[1:], *_values(node, reducer.keyword)]
    operand = operands[0] if operands else None
    items = running.args[0]
    written = items if isinstance(items, ast.GeneratorExp) else None
    source = source_of(items if written is None else written.generators[0].iter)
    if written is None and not source.staged:
        return None
    return Form(SiteKind.LIST, source, written, reducer, 0, operand, running=running)


def _is_called_so(node: ast.Call, reducer: Reducer) -> bool:
    """Whether the arguments are those that the table knows of. Operands behind the items leave the
    variables alone which the engine has read by then."""
    if reducer.built_in != isinstance(node.func, ast.Name) and (reducer.built_in or reducer.method):
        return False
    behind = node.args[reducer.before + 1 :]
    keywords = [each.arg for each in node.keywords]
    allowed = {reducer.keyword, *(["key"] if reducer.keyed else [])}
    if len(node.args) <= reducer.before or any(each not in allowed for each in keywords):
        return False
    operands = len(behind) + (reducer.keyword in keywords)
    if operands > 1 or (behind and not reducer.by_position):
        return False
    if any(isinstance(each, ast.Starred) for each in node.args):
        return False
    return all(map(is_simple, (*behind, *(each.value for each in node.keywords))))


def _values(node: ast.Call, keyword: str) -> list[ast.expr]:
    return [each.value for each in node.keywords if each.arg == keyword]


def _folds(items: ast.GeneratorExp | ast.ListComp, reducer: Reducer, *, keyed: bool) -> bool:
    if isinstance(items, ast.ListComp):
        # ``min`` looks at keys as it goes, after all items of the list are there.
        return reducer.fuses and (reducer.gathers or not keyed)
    return reducer.kind is not SiteKind.COUNT


def can_be_split(comprehension: Comprehension) -> bool:
    """Whether its items can run in a function of their own, some here and some there."""
    if any(generator.is_async for generator in comprehension.generators):
        return False
    if not {"super", "__class__"}.isdisjoint(free_names(comprehension)):
        return False
    if keeps_own_variables(comprehension):
        return False
    return not _suspends_or_binds([*item_parts(comprehension), comprehension.generators[0].iter])


def _suspends_or_binds(nodes: Iterable[ast.AST]) -> bool:
    return any(
        isinstance(each, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await)
        for node in nodes
        for each in ast.walk(node)
    )
