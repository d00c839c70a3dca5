"""The iterable of a site: which calls of it become views, and how an item is computed from them.

``source_of`` reads an iterable such as ``map(f, zip(xs, ys))`` as a tree of calls of Python's own
functions. ``viewed`` rewrites it so that the engine sees these calls (``stages``), and
``desugared`` writes the functions' calls into the comprehension, which then iterates over things
that can be cut by index::

    g(x) for x in map(f, zip(xs, ys)) if c(x)
    g(x) for i in ITEMS for x in (f(i),) if c(x)

The names are what the program calls the functions; what they mean is looked at when it runs.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.trees import call, clone, load, placed, store

#: ``__ufora_view__(function, *operands)``: see ``stages.call``.
VIEW = "__ufora_view__"

#: The key function of ``sorted``, ``min`` and ``max``.
KEY = "__ufora_key__"
_KEYED = "__ufora_keyed__"
_FUNCTION = "__ufora_f{}__"
_ITEM = "__ufora_i{}__"
_OWN_ITEM = re.compile(_ITEM.format(r"\d+"))

#: Functions whose first operand is called on items.
_CALLING = frozenset({"map", "filter", "starmap"})
#: Functions that may have computed items among their operands.
_JOINING = frozenset({"zip", "enumerate"})
#: Functions of which only the first operand is iterated over.
_OF_ONE = frozenset({"enumerate", "islice", "accumulate", "from_iterable"})
#: Functions whose items are computed if those of an operand are.
_PASSING = _JOINING | {"islice", "from_iterable"}
_VIEWED = _CALLING | _JOINING | _OF_ONE | {"reversed", "chain", "product"}


@dataclass(frozen=True, slots=True)
class Source:
    """An iterable, as the program writes it."""

    node: ast.expr
    #: Last part of the called function's name; empty for any other expression.
    name: str = ""
    #: Operands that are iterated over.
    parts: "tuple[Source, ...]" = ()
    #: Whether functions are called for its items.
    staged: bool = False


def source_of(node: ast.expr, *, settled: bool = True) -> Source:
    """The tree of an iterable. ``settled`` says that nothing happens between its evaluation and
    the loop, which could change what a view is of."""
    name = _viewed_name(node)
    if not name or not settled:
        return Source(node)
    assert isinstance(node, ast.Call)
    later = [keyword.value for keyword in node.keywords]
    operands = node.args[1:] if name in _CALLING else node.args
    parts: list[Source] = []
    for operand in reversed(operands):
        parts.insert(0, source_of(operand, settled=all(map(_is_quiet, later))))
        later.append(operand)
    if name in _OF_ONE:
        parts = parts[:1]
    if name == "starmap" and parts[0].name == "zip":
        parts[0] = replace(parts[0], staged=True)  # its parts are written out
    inner = name in _PASSING and any(part.staged for part in parts)
    return Source(node, name, tuple(parts), staged=name in _CALLING or inner)


def _viewed_name(node: ast.expr) -> str:
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    if any(isinstance(each, ast.Starred) for each in node.args):
        return ""
    name = called_name(node)
    if name not in _VIEWED or any(keyword.arg is None for keyword in node.keywords):
        return ""
    fits = len(node.args) >= 2 if name == "map" else len(node.args) == 2
    return "" if name in _CALLING and not fits else name


def called_name(node: ast.Call) -> str:
    """The last part of a called function's name; empty when it is not called by name."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def is_simple(operand: ast.expr) -> bool:
    """Names, constants, lambdas, displays and operators of such; calls only of constants
    (``Fraction(0)``)."""
    if isinstance(operand, ast.Lambda):
        return True
    if isinstance(operand, ast.Call):
        arguments = [*operand.args, *(keyword.value for keyword in operand.keywords)]
        return all(isinstance(each, ast.Constant) for each in arguments) and is_simple(operand.func)
    if not isinstance(operand, _SIMPLE):
        return False
    return all(
        is_simple(child) for child in ast.iter_child_nodes(operand) if isinstance(child, ast.expr)
    )


_SIMPLE = (
    *(ast.Name, ast.Constant, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Compare),
    *(ast.Tuple, ast.List, ast.Dict, ast.Set),
)


def _is_quiet(operand: ast.expr) -> bool:
    """Whether evaluating it changes nothing that a view may be of."""
    if not _viewed_name(operand):
        return is_simple(operand)
    assert isinstance(operand, ast.Call)
    values = [*operand.args, *(keyword.value for keyword in operand.keywords)]
    return all(map(_is_quiet, values))


def viewed(source: Source, visit: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """The iterable, calling ``VIEW`` in the place of its functions; changes the tree. Every other
    expression in it is passed through ``visit``."""
    node = source.node
    if not source.name:
        return visit(node)
    assert isinstance(node, ast.Call)
    parts = {id(part.node): part for part in source.parts}
    arguments = [
        viewed(parts[id(each)], visit) if id(each) in parts else visit(each) for each in node.args
    ]
    for keyword in node.keywords:
        keyword.value = visit(keyword.value)
    name = ast.copy_location(ast.Name(VIEW, ast.Load()), node.func)
    return ast.copy_location(ast.Call(name, [node.func, *arguments], node.keywords), node)


# ---------------------------------------------------------------------- an item, computed


def functions_of(source: Source) -> list[ast.expr]:
    """The functions that are called for its items, in the order of ``Stage.functions``."""
    if not source.staged:
        return []
    assert isinstance(source.node, ast.Call)
    own = [source.node.args[0]] if source.name in _CALLING else []
    return [*own, *chain.from_iterable(map(functions_of, source.parts))]


def function_names(number: int) -> tuple[str, ...]:
    """What the functions are called in the desugared comprehension."""
    return tuple(map(_FUNCTION.format, range(number)))


def is_own_name(name: str) -> bool:
    """True for names that no user wrote."""
    return name.startswith("__ufora_")


def spelled(text: str, functions: Sequence[str], key: str) -> str:
    """A text that quotes a desugared comprehension, in the words of the one that wrote it."""
    for name, written in zip(function_names(len(functions)), functions, strict=True):
        text = text.replace(name, written)
    return _OWN_ITEM.sub("item", text.replace(KEY, key).replace(_KEYED, "item"))


def desugared(
    source: Source, comprehension: Comprehension | None, *, keyed: bool = False
) -> Comprehension:
    """The comprehension over ``source``, with the calls of functions written out; without one, that
    of the items themselves. Its outermost iterable stays as written.

    With ``keyed``, the values are pairs of the key (``KEY(item)``) and the item; where the items
    are those of the iterable, only the keys.
    """
    made: Comprehension
    if comprehension is None:
        computed = _Computation(source)
        made = ast.GeneratorExp(computed.value, computed.generators)
        if keyed and not source.staged:
            made.elt, keyed = call(KEY, made.elt), False
    else:
        made = clone(comprehension)
        if source.staged:
            made.generators = _Computation(source).bound_to(made.generators)
    if keyed:
        assert isinstance(made, ast.GeneratorExp | ast.ListComp)
        made.generators.append(_assigned(store(_KEYED), made.elt))
        made.elt = ast.Tuple([call(KEY, load(_KEYED)), load(_KEYED)], ast.Load())
    return placed(made, source.node)


class _Computation:
    """How the items of a staged iterable are computed: clauses of a comprehension."""

    def __init__(self, source: Source) -> None:
        self._items = count()
        self._functions = iter(function_names(len(functions_of(source))))
        first = ast.comprehension(store(""), source.node, [], 0)
        self.generators = [first]
        first.target, self.value = self._read(source)

    def bound_to(self, generators: list[ast.comprehension]) -> list[ast.comprehension]:
        """The clauses, then those of a comprehension over what they compute."""
        outermost, *rest = generators
        self._bind(outermost.target, self.value)
        self.generators[-1].ifs += outermost.ifs
        return [*self.generators, *rest]

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and isinstance(value, ast.Name):
            self._rename(value.id, target.id)
        elif (pairs := _pairs(target, value)) is not None:
            for name, part in pairs:
                self._bind(name, part)
        else:
            self.generators.append(_assigned(target, value))

    def _rename(self, old: str, new: str) -> None:
        for generator in self.generators:
            for part in (generator.target, *generator.ifs):
                for each in ast.walk(part):
                    if isinstance(each, ast.Name) and each.id == old:
                        each.id = new

    def _read(self, source: Source) -> tuple[ast.expr, ast.expr]:
        """What an item is assigned to, and the value that is computed from it."""
        if not source.staged:
            name = _ITEM.format(next(self._items))
            return store(name), load(name)
        if source.name == "islice":
            return self._read(source.parts[0])  # how many are taken, the items tell
        function = next(self._functions) if source.name in _CALLING else ""
        read = [self._read(part) for part in source.parts]
        if source.name == "enumerate":
            name = _ITEM.format(next(self._items))
            read.insert(0, (store(name), load(name)))
        targets, values = [list(each) for each in zip(*read, strict=True)]
        joined = source.name in _JOINING or len(read) > 1
        target = ast.Tuple(targets, ast.Store()) if joined else targets[0]
        return target, self._value(source.name, function, values)

    def _value(self, name: str, function: str, values: list[ast.expr]) -> ast.expr:
        if name == "map":
            return call(function, *values)
        if name == "starmap":
            (value,) = values
            spread = (
                value.elts if isinstance(value, ast.Tuple) else [ast.Starred(value, ast.Load())]
            )
            return call(function, *spread)
        if name == "filter":
            return self._filtered(function, *values)
        if name == "from_iterable":
            return self._flattened(*values)
        return ast.Tuple(values, ast.Load())

    def _filtered(self, function: str, value: ast.expr) -> ast.expr:
        if not isinstance(value, ast.Name):
            name = _ITEM.format(next(self._items))
            self.generators.append(_assigned(store(name), value))
            value = load(name)
        self.generators[-1].ifs.append(call(function, clone(value)))
        return value

    def _flattened(self, value: ast.expr) -> ast.expr:
        name = _ITEM.format(next(self._items))
        self.generators.append(ast.comprehension(store(name), value, [], 0))
        return load(name)


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]] | None:
    """The names of a tuple with their values, where they can be bound one by one."""
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return None
    names = {each.id for each in target.elts if isinstance(each, ast.Name)}
    if not len(names) == len(target.elts) == len(value.elts):
        return None
    return list(zip(target.elts, value.elts, strict=True))


def _assigned(target: ast.expr, value: ast.expr) -> ast.comprehension:
    """``for target in (value,)``: an assignment, in a comprehension."""
    return ast.comprehension(target, ast.Tuple([value], ast.Load()), [], 0)
