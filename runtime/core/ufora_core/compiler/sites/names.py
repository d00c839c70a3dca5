"""Which names of the surrounding code a comprehension reads.

Python's own scoping, for expressions: a comprehension or lambda binds names of its own, everything
else is free, and ``__private`` names inside a class are mangled with the class's name.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

#: Builtins that use up an iterable or call a function before they return.
_CONSUMING = frozenset(
    {
        "sum",
        "any",
        "all",
        "min",
        "max",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sorted",
        "len",
    }
)
#: Builtins whose result uses its arguments later: as safe as what becomes of that result.
_LAZY = frozenset({"map", "filter", "zip", "enumerate", "reversed", "iter"})

Comprehension = ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp


def mangled(name: str, owner: str) -> str:
    """``name`` as CPython spells it inside the class ``owner`` (empty: outside of classes)."""
    owner = owner.lstrip("_")
    if not owner or not name.startswith("__") or name.endswith("__") or "." in name:
        return name
    return f"_{owner}{name}"


def class_around(qualname: str) -> str:
    """The innermost class in which a function was written, by its qualified name (or empty)."""
    parts = qualname.split(".")
    around = [name for name, inner in pairwise(parts) if name != "<locals>" and inner != "<locals>"]
    return around[-1] if around else ""


def targets(comprehension: Comprehension) -> frozenset[str]:
    """The names that the comprehension binds."""
    return frozenset(
        node.id
        for generator in comprehension.generators
        for node in ast.walk(generator.target)
        if isinstance(node, ast.Name)
    )


def parameters(arguments: ast.arguments) -> frozenset[str]:
    """The names that a function's parameter list binds."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return frozenset(each.arg for each in [*named, *starred])


def item_parts(comprehension: Comprehension) -> list[ast.AST]:
    """Everything that runs once an item: all but the outermost iterable."""
    first, *rest = comprehension.generators
    parts: list[ast.AST] = [first.target, *first.ifs]
    for generator in rest:
        parts += [generator.iter, generator.target, *generator.ifs]
    if isinstance(comprehension, ast.DictComp):
        return [*parts, comprehension.key, comprehension.value]
    return [*parts, comprehension.elt]


def free_names(comprehension: Comprehension) -> frozenset[str]:
    """Names that an item's work reads from the scopes around the comprehension."""
    bound = targets(comprehension)
    return frozenset(name for part in item_parts(comprehension) for name in _free(part, bound))


def free_names_of(expression: ast.expr) -> frozenset[str]:
    """Names that any expression reads from the scopes around."""
    return frozenset(_free(expression, frozenset()))


def _free(node: ast.AST, bound: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if node.id not in bound:
            yield node.id
        return
    if isinstance(node, ast.Lambda):
        defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
        for default in defaults:
            yield from _free(default, bound)
        yield from _free(node.body, bound | parameters(node.args))
        return
    if isinstance(node, Comprehension):
        yield from _free(node.generators[0].iter, bound)
        yield from (name for name in free_names(node) if name not in bound)
        return
    for child in ast.iter_child_nodes(node):
        yield from _free(child, bound)


def kept_names(comprehension: Comprehension) -> frozenset[str]:
    """Free names held by a lambda or generator that may live on after its item is done.

    A slice hands it snapshots of the enclosing variables, the original sees them change: a site
    whose kept names are variables of an enclosing function must not be split.
    """
    bound = targets(comprehension)
    return frozenset(
        name for part in item_parts(comprehension) for name in _kept(part, bound, used_up=False)
    )


def keeps_own_variables(comprehension: Comprehension) -> bool:
    """Whether a lambda or generator may live on that sees a variable of the comprehension's own.

    All such functions of one comprehension share that variable, and so see its last value; those of
    different slices would not.
    """
    own = targets(comprehension)
    nothing: frozenset[str] = frozenset()
    return any(
        name in own
        for part in item_parts(comprehension)
        for name in _kept(part, nothing, used_up=False)
    )


def keeps_variables(node: ast.AST) -> bool:
    """Whether a lambda or generator in the code may live on and see variables of it change."""
    return any(True for _ in _kept(node, frozenset(), used_up=False))


def _kept(node: ast.AST, bound: frozenset[str], *, used_up: bool) -> Iterator[str]:
    if isinstance(node, ast.Lambda | ast.GeneratorExp) and not used_up:
        yield from _free(node, bound)
        return
    if isinstance(node, Comprehension):
        inner = bound | targets(node)
        yield from _kept(node.generators[0].iter, bound, used_up=True)
        for part in item_parts(node):
            yield from _kept(part, inner, used_up=False)
        return
    if isinstance(node, ast.Call):
        yield from _kept_by_call(node, bound, used_up)
        return
    for child in ast.iter_child_nodes(node):
        yield from _kept(child, bound, used_up=False)


def _kept_by_call(node: ast.Call, bound: frozenset[str], used_up: bool) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    passed = name in _CONSUMING or (name in _LAZY and used_up)
    yield from _kept(node.func, bound, used_up=True)
    for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
        yield from _kept(argument, bound, used_up=passed)
