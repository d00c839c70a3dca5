"""What native code takes an item from: an expression for the item at an index."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from ufora_core.compiler.effects.classes import array_types
from ufora_core.compiler.for_loops.turns import AT
from ufora_core.compiler.sites.views import Enumerated, Reversed, Zipped
from ufora_core.compiler.trees import load

#: Names of the values that the expressions read.
_GIVEN = "_ufora_given_{}"


def element(items: object, given: dict[str, Any]) -> ast.expr | None:
    """The item of ``items`` at the index that the variable ``AT`` holds. What it reads besides is
    added to ``given``. None where the items are nothing that native code could read."""
    return _element(items, load(AT), given)


def _element(items: object, index: ast.expr, given: dict[str, Any]) -> ast.expr | None:
    if type(items) in array_types():
        return _of_array(items, index, given)
    make = _FORMS.get(type(items))
    return None if make is None else make(items, index, given)


def _give(value: Any, given: dict[str, Any]) -> ast.expr:
    name = _GIVEN.format(len(given))
    given[name] = value
    return load(name)


def _of_range(items: range, index: ast.expr, given: dict[str, Any]) -> ast.expr:
    found = index
    if items.step != 1:
        found = ast.BinOp(found, ast.Mult(), ast.Constant(items.step))
    if items.start != 0:
        found = ast.BinOp(_give(items.start, given), ast.Add(), found)
    return found


def _of_array(items: Any, index: ast.expr, given: dict[str, Any]) -> ast.expr:
    return ast.Subscript(_give(items, given), index, ast.Load())


def _of_enumerated(items: Enumerated, index: ast.expr, given: dict[str, Any]) -> ast.expr | None:
    number = index
    if items.start != 0:
        number = ast.BinOp(_give(items.start, given), ast.Add(), index)
    inner = _element(items.items, index, given)
    return None if inner is None else ast.Tuple([number, inner], ast.Load())


def _of_zipped(items: Zipped, index: ast.expr, given: dict[str, Any]) -> ast.expr | None:
    parts = [_element(each, index, given) for each in items.parts]
    known = [each for each in parts if each is not None]
    return ast.Tuple(known, ast.Load()) if len(known) == len(parts) else None


def _of_reversed(items: Reversed, index: ast.expr, given: dict[str, Any]) -> ast.expr | None:
    last = _give(len(items) - 1, given)
    return _element(items.items, ast.BinOp(last, ast.Sub(), index), given)


_FORMS: Mapping[type, Callable[..., ast.expr | None]] = {
    range: _of_range,
    **dict.fromkeys((list, tuple, str, bytes), _of_array),
    Enumerated: _of_enumerated,
    Zipped: _of_zipped,
    Reversed: _of_reversed,
}
