"""Which expressions have the form of a site."""

import ast
from collections.abc import Iterable
from enum import Enum
from typing import cast

from ufora_core.compiler.names import (
    Comprehension,
    free_names,
    item_parts,
    keeps_own_variables,
)


class SiteKind(Enum):
    """What becomes of the items' values."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    ANY = "any"
    ALL = "all"
    LIST = "list"
    TUPLE = "tuple"
    SET = "set"
    FROZENSET = "frozenset"
    DICT = "dict"
    COUNT = "len"


_REDUCERS = {kind.value: kind for kind in SiteKind}

#: Keyword of the one operand that a reducer may have besides its items.
_OPERAND = {SiteKind.SUM: "start", SiteKind.MIN: "default", SiteKind.MAX: "default"}

#: Reducers that gain from a list comprehension's items never being gathered in one place.
_EAGER = frozenset({SiteKind.SUM, SiteKind.MIN, SiteKind.MAX, SiteKind.COUNT})

COMPREHENSIONS = {
    ast.ListComp: SiteKind.LIST,
    ast.SetComp: SiteKind.SET,
    ast.DictComp: SiteKind.DICT,
}


def reduction_of(node: ast.Call) -> tuple[SiteKind, Comprehension] | None:
    """The reducer and its comprehension, if this call has the form of a site."""
    if not isinstance(node.func, ast.Name) or not node.args:
        return None
    kind = _REDUCERS.get(node.func.id)
    comprehension = node.args[0]
    if kind is None or not _folds(kind, comprehension) or not _plain_operand(node, kind):
        return None
    return kind, cast(Comprehension, comprehension)


def arguments_of(node: ast.Call) -> list[ast.expr]:
    """Positional arguments, then the values of keywords, in the order of their evaluation."""
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _folds(kind: SiteKind, argument: ast.expr) -> bool:
    if isinstance(argument, ast.ListComp):
        return kind in _EAGER
    return isinstance(argument, ast.GeneratorExp) and kind is not SiteKind.COUNT


def _plain_operand(node: ast.Call, kind: SiteKind) -> bool:
    """At most one operand, written in a way that the reducer takes, and that leaves the variables
    alone which the engine has read by then."""
    by_position, by_keyword = node.args[1:], node.keywords
    if len(by_position) + len(by_keyword) > 1:
        return False
    if by_position and kind is not SiteKind.SUM:
        return False
    if any(keyword.arg != _OPERAND.get(kind) for keyword in by_keyword):
        return False
    return all(map(_is_simple, arguments_of(node)[1:]))


def _is_simple(operand: ast.expr) -> bool:
    """Names, constants, displays and operators of such; calls only of constants
    (``Fraction(0)``)."""
    if isinstance(operand, ast.Call):
        arguments = arguments_of(operand)
        return all(isinstance(each, ast.Constant) for each in arguments) and _is_simple(
            operand.func
        )
    if not isinstance(operand, _SIMPLE):
        return False
    return all(
        _is_simple(child) for child in ast.iter_child_nodes(operand) if isinstance(child, ast.expr)
    )


_SIMPLE = (
    *(ast.Name, ast.Constant, ast.Attribute, ast.UnaryOp, ast.BinOp),
    *(ast.Tuple, ast.List, ast.Dict, ast.Set),
)


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
