"""Calls that stand side by side, none of which needs the other: ``f(x) + g(y)``.

Such calls are a site whose items are the calls, in the order in which Python makes them. ::

    f(x) + g(y)                         a = f(x)
                                        b = g(y)
becomes                             and becomes

    f(x) + g(y)                         if __ufora_closed_INDEX__ or __ufora_alone__(INDEX):
    if __ufora_closed_INDEX__               a = f(x)
       or __ufora_alone__(INDEX) else       b = g(y)
    __ufora_value__(f)(x)               else:
    + __ufora_value__(g)(y)                 a = __ufora_value__(f)(x)
                                            b = __ufora_value__(g)(y)

``__ufora_alone__(index)``
    False when the engine has made the calls, here and elsewhere.
``__ufora_value__(function)``
    Called next by the same frame, once a call: gives a function that returns the call's value,
    whatever its arguments. A call that raised is made again as written: here ``function`` itself is
    returned. Calls behind it never surface.

Only calls of functions that may take long are worth it (``worthwhile``), and only with arguments
that are made of names, constants, attributes, subscripts and operators.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.trees import clone, load, store

ALONE = "__ufora_alone__"
VALUE = "__ufora_value__"
#: The variable that counts the calls of a site.
CALL = "__ufora_call__"

_SIMPLE = (
    *(ast.Name, ast.Constant, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple),
    *(ast.UnaryOp, ast.BinOp, ast.Compare),
)
#: In these an expression may bind a name, suspend, or be evaluated another number of times.
_UNCLEAR = (
    *(ast.Lambda, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Starred),
    *(ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.BoolOp, ast.IfExp),
)
_LOOPS = re.compile(r"\b(for|while)\b")


@dataclass(frozen=True, slots=True)
class Calls:
    """What is special about a site of calls."""

    count: int
    #: Names that its statements assign.
    assigned: frozenset[str] = frozenset()
    #: Values are operated on between two of the calls, which may show for objects of the user's.
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """What is seen of a function from outside: its name, whether it loops, whom it calls."""

    name: str
    loops: bool
    names: frozenset[str]


def definition(name: str, text: str, names: Iterable[str]) -> Definition:
    """A function with this text, whose code reads these names."""
    return Definition(name, _LOOPS.search(text) is not None, frozenset(names))


def definitions_in(tree: ast.AST) -> list[Definition]:
    """The functions that are defined below ``tree``."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [defined_by(node.name, node.body) for node in functions]


def defined_by(name: str, body: Sequence[ast.stmt]) -> Definition:
    """What has this name and these statements."""
    inside = [part for statement in body for part in ast.walk(statement)]
    loops = any(isinstance(part, ast.For | ast.While | Comprehension) for part in inside)
    called = (part.func for part in inside if isinstance(part, ast.Call))
    return Definition(name, loops, frozenset(filter(None, map(_last_name, called))))


def worthwhile(definitions: Sequence[Definition]) -> frozenset[str]:
    """Names of functions that may take long: they loop, or call themselves or another such one."""
    found = {each.name for each in definitions if each.loops or each.name in each.names}
    while True:
        more = {each.name for each in definitions if not found.isdisjoint(each.names)} - found
        if not more:
            return frozenset(found)
        found |= more


# ------------------------------------------------------------------ which calls


class _Event(Enum):
    """What happens next when an expression is evaluated."""

    CALL = auto()
    #: Nobody can notice when this happens.
    NOTHING = auto()
    #: An operator of values of calls and constants.
    OPERATOR = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class CallFinder:
    """Finds the calls of functions with these names that may be made side by side."""

    names: frozenset[str]

    def group(self, node: ast.expr) -> Calls | None:
        """The calls that are parts of ``node``, if there are several and nothing else happens
        between the first and the last."""
        if not self.names or not isinstance(node, _WHOLES):
            return None
        events = list(self._events(node))
        count = events.count(_Event.CALL)
        if count < 2 or any(isinstance(part, _UNCLEAR) for part in ast.walk(node)):
            return None
        first = events.index(_Event.CALL)
        last = len(events) - events[::-1].index(_Event.CALL)
        between = events[first:last]
        if _Event.OTHER in between:
            return None
        return Calls(count, mixed=_Event.OPERATOR in between)

    def calls(self, node: ast.expr) -> list[ast.Call]:
        """The calls of a group, in the order of their evaluation."""
        if self.is_candidate(node):
            assert isinstance(node, ast.Call)
            return [node]
        children = _operands(node)
        return [call for child in children for call in self.calls(child)]

    def is_candidate(self, node: ast.expr) -> bool:
        """True for a call that may take long and whose arguments do not."""
        if not isinstance(node, ast.Call) or _last_name(node.func) not in self.names:
            return False
        arguments = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
        named = all(keyword.arg is not None for keyword in node.keywords)
        return named and all(map(_is_simple, arguments))

    def _events(self, node: ast.expr) -> Iterator[_Event]:
        if self.is_candidate(node):
            yield _Event.CALL
            return
        operands = _operands(node)
        for operand in operands:
            yield from self._events(operand)
        yield self._own_event(node, operands)

    def _own_event(self, node: ast.expr, operands: Sequence[ast.expr]) -> _Event:
        if isinstance(node, ast.Name | ast.Constant | ast.Tuple | ast.List):
            return _Event.NOTHING
        if isinstance(node, ast.Dict) and operands:
            constant = all(isinstance(key, ast.Constant) for key in node.keys)
            return _Event.NOTHING if constant else _Event.OTHER
        if isinstance(node, _OPERATORS) and all(map(self._is_value, operands)):
            return _Event.OPERATOR
        return _Event.OTHER

    def _is_value(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant) or self.is_candidate(node):
            return True
        return isinstance(node, _OPERATORS) and all(map(self._is_value, _operands(node)))

    # -------------------------------------------------------------- statements

    def runs(self, statements: Sequence[ast.stmt]) -> Iterator[list[ast.stmt]]:
        """The statements, in order, with those together whose calls may be made side by side."""
        run: list[ast.stmt] = []
        bound: set[str] = set()
        for statement in statements:
            name, call = self._assignment(statement)
            if run and (call is None or not bound.isdisjoint(_names_in(call))):
                yield run
                run, bound = [], set()
            if call is None:
                yield [statement]
            else:
                run.append(statement)
                bound.add(name)
        if run:
            yield run

    def _assignment(self, statement: ast.stmt) -> tuple[str, ast.Call | None]:
        """The name and the call of ``name = f(x)``."""
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return "", None
        target, value = statement.targets[0], statement.value
        if not isinstance(target, ast.Name) or not self.is_candidate(value):
            return "", None
        assert isinstance(value, ast.Call)
        return target.id, value


_OPERATORS = (ast.BinOp, ast.UnaryOp, ast.Compare)
_WHOLES = (*_OPERATORS, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Call)
#: CPython hashes what is in a larger set or dict before it has evaluated all of it.
_MOST_HASHED = 15


def _operands(node: ast.expr) -> list[ast.expr]:
    """What is evaluated for this expression itself, in order; nothing of those that are not looked
    into."""
    match node:
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.Compare(left=left, comparators=[right]):
            return [left, right]
        case ast.Tuple(elts=parts, ctx=ast.Load()) | ast.List(elts=parts, ctx=ast.Load()):
            return parts
        case ast.Set(elts=parts) if len(parts) <= _MOST_HASHED:
            return parts
        case ast.Dict(keys=keys, values=values) if all(keys) and len(keys) <= _MOST_HASHED:
            return [part for pair in zip(keys, values, strict=True) for part in pair if part]
        case ast.Call(func=function, args=arguments, keywords=keywords):
            return [function, *arguments, *(keyword.value for keyword in keywords)]
        case _:
            return []


def _is_simple(node: ast.expr) -> bool:
    parts = (part for part in ast.walk(node) if isinstance(part, ast.expr))
    return all(isinstance(part, _SIMPLE) for part in parts)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


# ------------------------------------------------------------------ what becomes of them


def items_of(calls: Sequence[ast.Call]) -> ast.ListComp:
    """The comprehension whose items are the calls: item ``i`` is call ``i``."""
    *rest, value = map(clone, calls)
    element: ast.expr = value
    for index, call in reversed(list(enumerate(rest))):
        is_it = ast.Compare(load(CALL), [ast.Eq()], [ast.Constant(index)])
        element = ast.IfExp(is_it, call, element)
    count = ast.Call(load("range"), [ast.Constant(len(calls))], [])
    generator = ast.comprehension(store(CALL), count, [], 0)
    return ast.ListComp(element, [generator])


def calls_of(comprehension: Comprehension) -> list[ast.expr]:
    """The calls that ``items_of`` made this comprehension of."""
    assert isinstance(comprehension, ast.ListComp)
    calls, element = [], comprehension.elt
    while isinstance(element, ast.IfExp):
        calls.append(element.body)
        element = element.orelse
    return [*calls, element]


def with_values(node: ast.AST, calls: Mapping[int, ast.Call]) -> None:
    """Let each of the calls (by ``id``) below ``node`` get its value from the engine."""
    for part in ast.walk(node):
        if id(part) in calls:
            assert isinstance(part, ast.Call)
            part.func = ast.copy_location(ast.Call(load(VALUE), [part.func], []), part.func)


def asks_alone(index: int) -> ast.expr:
    """The question whether the program is to make the calls of site ``index`` itself."""
    return ast.Call(load(ALONE), [ast.Constant(index)], [])


def is_question(node: ast.expr) -> bool:
    """True for what ``asks_alone`` gives."""
    return isinstance(node, ast.Call) and _last_name(node.func) == ALONE
