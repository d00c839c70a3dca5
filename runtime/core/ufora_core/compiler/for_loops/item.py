"""The comprehension whose values are what the items of a ``for`` loop compute."""

import ast
from collections.abc import Sequence

from ufora_core.compiler.for_loops.flow import stores
from ufora_core.compiler.trees import clone, load, placed, store

#: Name of the function that it calls, which is a variable around the comprehension.
ITEM = "_ufora_item"


def comprehension_of(target: ast.expr, arguments: Sequence[str], *, many: bool) -> ast.ListComp:
    """``[item(<target's names>, <arguments>) for <target> in ...]``; if an item gives ``many``
    values, all of them one after the other."""
    names = [*sorted(stores(target)), *arguments]
    call: ast.expr = ast.Call(load(ITEM), list(map(load, names)), [])
    generators = [ast.comprehension(clone(target), ast.Tuple([], ast.Load()), [], 0)]
    if many:
        generators.append(ast.comprehension(store("_ufora_value"), call, [], 0))
        call = load("_ufora_value")
    return placed(ast.ListComp(call, generators), target)
