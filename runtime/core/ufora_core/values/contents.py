"""What lists, dicts, sets and deques hold, whatever classes of the user's make of reading them.

A recipe of Python's own (``__reduce_ex__``) reads a list by ``iter`` and a dict by ``items``, and
fills them by ``extend`` and ``d[key] = value``. A class that has methods of these names would be
asked what it shows, and be told what it holds: a dict that doubles its values would have them twice
doubled. A class with a recipe of its own means what that says.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any

from ufora_core.values.restore import is_defined_in_python

#: Class -> its items, for recipes that give items, and how it takes them.
_ITEMS: tuple[tuple[type, Callable[[Any], Iterable[Any]], Callable[[Any, Any], None]], ...] = (
    (list, list.__iter__, list.extend),
    (deque, deque.__iter__, deque.extend),
)
#: The same for recipes that give pairs, and how it takes one of them. (``OrderedDict`` has an
#: order of its own.)
_PAIRS: tuple[tuple[type, Callable[[Any], Any], Callable[[Any, Any, Any], None]], ...] = (
    (OrderedDict, OrderedDict.items, OrderedDict.__setitem__),
    (dict, dict.items, dict.__setitem__),
)
_SETS: tuple[tuple[type, Callable[[Any], Iterable[Any]]], ...] = (
    (set, set.__iter__),
    (frozenset, frozenset.__iter__),
)
_CONTAINERS = (list, deque, dict, set, frozenset)


def recipe_by_contents(value: object, recipe: Any) -> Any:
    """The recipe that Python gave for an object, with what the object really holds."""
    if not isinstance(value, _CONTAINERS) or _has_own_recipe(type(value)):
        return recipe
    if not isinstance(recipe, tuple):
        return recipe
    call, arguments, state, items, pairs = (*recipe, None, None, None)[:5]
    for kind, read in _SETS:
        if isinstance(value, kind):
            return call, (list(read(value)),), *recipe[2:]
    for kind, read, _ in _ITEMS:
        if isinstance(value, kind):
            items = read(value)
    for kind, read, _ in _PAIRS:
        if isinstance(value, kind) and pairs is not None:
            return call, arguments, state, items, read(value)
    return call, arguments, state, items, pairs


def add_items(value: Any, items: list[Any]) -> None:
    """Fill an object with the items of its recipe."""
    extend = None if _has_own_recipe(type(value)) else _method(_ITEMS, value)
    if extend is not None:
        extend(value, items)
    elif hasattr(value, "extend"):
        value.extend(items)
    else:
        for each in items:
            value.append(each)


def add_pairs(value: Any, pairs: list[tuple[Any, Any]]) -> None:
    """Fill an object with the pairs of its recipe."""
    put = None if _has_own_recipe(type(value)) else _method(_PAIRS, value)
    for key, each in pairs:
        if put is not None:
            put(value, key, each)
        else:
            value[key] = each


def _method(table: tuple[tuple[type, Any, Any], ...], value: object) -> Any:
    return next((method for kind, _, method in table if isinstance(value, kind)), None)


def _has_own_recipe(kind: type) -> bool:
    return any(
        name in vars(base)
        for base in kind.__mro__
        if is_defined_in_python(base)
        for name in ("__reduce__", "__reduce_ex__")
    )
