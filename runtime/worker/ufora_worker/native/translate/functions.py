"""The user's functions: one function of the IR for each combination of argument types.

The type of a recursive function's result is found by assuming nothing first: a recursive call ends
the path that it is on, and what the other paths return is the type with which the function is
translated again.
"""

import ast
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.definitions import Definition, default_values, definition_at
from ufora_core.compiler.sites.names import class_around
from ufora_worker.native.ir.nodes import Atom, Function, Invoke, Var
from ufora_worker.native.ir.types import Type
from ufora_worker.native.refusal import Refused, UserFunction
from ufora_worker.native.translate.assignment import Local
from ufora_worker.native.translate.blanks import Blanks
from ufora_worker.native.translate.builder import Builder
from ufora_worker.native.translate.names import Names, see
from ufora_worker.native.translate.parameters import bind_arguments
from ufora_worker.native.translate.passing import Passed, with_values
from ufora_worker.native.translate.returns import finish, returns
from ufora_worker.native.translate.session import Unresolved
from ufora_worker.native.translate.values import LocalFunction, Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.session import Session

#: Functions that call one another so deep are left to CPython.
_DEEPEST = 40
#: Functions with more bytes of bytecode are not even parsed.
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A function to call, wherever it was found."""

    name: str
    definition: Definition
    filename: str
    names: Names
    mangle: str
    defaults: Mapping[str, Value]
    #: Variables of the function around it, and their values.
    free: tuple[tuple[str, Value], ...] = ()

    @property
    def origin(self) -> UserFunction:
        """Where it is written."""
        return UserFunction(self.name, self.filename, self.definition.node.lineno)


@dataclass(slots=True)
class Specialised:
    """One function of the unit: done, or under translation."""

    name: str
    #: What it was made of.
    origin: UserFunction
    #: None while it is not known.
    result: Type | None = None
    function: Function | None = None
    blanks: Blanks = field(default_factory=Blanks)
    captures: set[Var] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    #: Its result was asked for before it was known.
    was_asked: bool = False
    #: The last translation showed types that it would have needed itself.
    learnt: bool = False


@dataclass(slots=True)
class Specialisations:
    """The functions of a unit by what they are and what they are called with."""

    _found: dict[Hashable, Specialised] = field(default_factory=dict)
    _running: dict[Hashable, Specialised] = field(default_factory=dict)
    _names: dict[Hashable, str] = field(default_factory=dict)
    #: How many functions have each name; the first is the item function.
    _taken: dict[str, int] = field(default_factory=lambda: {"item": 1})

    def done(self) -> list[Specialised]:
        """All functions, callees first."""
        return list(self._found.values())

    def get(
        self, b: Builder, node: ast.AST, key: Hashable, target: Target, passed: "Passed"
    ) -> Specialised:
        """The function for these arguments, translated now if it is new."""
        found = self._found.get(key) or self._running.get(key)
        if found is not None:
            return found
        if len(self._running) >= _DEEPEST:
            b.refuse(node, f"functions call each other more than {_DEEPEST} deep")
        running = self._running[key] = Specialised(self._name(key, target.name), target.origin)
        try:
            self._settle(b.session, running, target, passed)
        except Refused as refused:
            refusal = refused.refusal
            raise Refused(replace(refusal, within=(*refusal.within, target.origin))) from None
        finally:
            del self._running[key]
        if running.result is None and not self._is_anything_open():
            b.refuse(node, f"`{target.name}` calls itself and never returns")
        self._found[key] = running
        return running

    def _settle(
        self, session: "Session", running: Specialised, target: Target, passed: "Passed"
    ) -> None:
        known = len(self._found)
        while True:
            running.was_asked = False
            result = _translate(session, running, target, passed)
            unchanged = result == running.result
            running.result = result
            is_settled = unchanged or not running.was_asked or result is None
            if is_settled and not running.learnt:
                return
            for each in list(self._found)[known:]:
                del self._found[each]  # what was concluded from too little

    def _is_anything_open(self) -> bool:
        return any(each.was_asked and each.result is None for each in self._running.values())

    def _name(self, key: Hashable, name: str) -> str:
        if key not in self._names:
            plain = "lambda" if name == "<lambda>" else name
            count = self._taken[plain] = self._taken.get(plain, 0) + 1
            self._names[key] = plain if count == 1 else f"{plain}.{count}"
        return self._names[key]


# ------------------------------------------------------------------ calls


def call_function(
    b: Builder,
    node: ast.Call,
    function: FunctionType,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Atom:
    """A call of a function of the user's modules.

    Raises:
        Refused: it has no source, or does what native code cannot.
        Unresolved: it is under translation, and its type is not known yet.
    """
    target = target_of(b, node, function)
    return _call(b, node, target, arguments, keywords, id(function.__code__))


def target_of(b: Builder, node: ast.AST, function: FunctionType) -> Target:
    """What is known of a function of the user's modules.

    Raises:
        Refused: it has no source, or is too long.
    """
    code = function.__code__
    if len(code.co_code) > _LONGEST:
        b.refuse(node, f"`{function.__qualname__}` is too long to be compiled in a short time")
    definition = b.session.definitions.of_function(function)
    if definition is None:
        b.refuse(node, f"`{function.__qualname__}` has no source here, or is asynchronous")
    around = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    return Target(
        function.__name__,
        definition,
        code.co_filename,
        Names(around, function.__globals__),
        class_around(function.__qualname__),
        _defaults(b, function, definition.node.args),
    )


def arguments_of(
    b: Builder, node: ast.AST, target: Target, arguments: Sequence[Value]
) -> dict[str, Value]:
    """The value of each parameter, where there are no keywords."""
    wanted = target.definition.node.args
    return bind_arguments(b, node, target.name, wanted, arguments, {}, target.defaults)


def call_local(
    b: Builder,
    node: ast.Call,
    function: LocalFunction,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Atom:
    """A call of a ``lambda`` or ``def`` inside translated code; raises as ``call_function``."""
    function = with_values(b, node, function)
    around = function.around
    definition = definition_at(function.node)
    if definition.node.args.defaults or any(definition.node.args.kw_defaults):
        b.refuse(function.node, "a local function has defaults", "pass all arguments")
    name = getattr(function.node, "name", "<lambda>")
    target = Target(
        name, definition, around.filename, around.names, around.mangle, {}, function.free
    )
    return _call(b, node, target, arguments, keywords, function.node)


def _call(
    b: Builder,
    node: ast.Call,
    target: Target,
    arguments: Sequence[Value],
    keywords: Mapping[str, Value],
    text: Hashable,
) -> Atom:
    """``text`` stands for what is written; what its names mean is in the target."""
    _check(b, node, target)
    wanted = target.definition.node.args
    bound = bind_arguments(b, node, target.name, wanted, arguments, keywords, target.defaults)
    passed = Passed()
    for name, value in (*bound.items(), *target.free):
        passed.add(b, node, name, value)
    key = (
        text,
        target.names.identity,
        tuple((name, passed.kinds[name]) for name in sorted(passed.kinds)),
    )
    found = b.session.functions.get(b, node, key, target, passed)
    b.calls.add(found.name)
    if found.result is None:
        found.was_asked = True
        raise Unresolved
    result = b.temporary(found.result)
    b.add(Invoke(result, found.name, tuple(passed.atoms), node.lineno))
    return result


def _check(b: Builder, node: ast.AST, target: Target) -> None:
    definition = target.definition
    if definition.is_generator:
        b.refuse(node, f"`{target.name}` is a generator", "let it return a number")
    last = definition.node
    if last.args.vararg is not None or last.args.kwarg is not None:
        b.refuse(node, f"`{target.name}` takes any number of arguments", "name its parameters")


def _defaults(b: Builder, function: FunctionType, arguments: ast.arguments) -> dict[str, Value]:
    values = default_values(function, arguments)
    return {name: see(b, value, name) for name, value in values.items()}


# ------------------------------------------------------------------ bodies


def _translate(
    session: "Session", running: Specialised, target: Target, passed: Passed
) -> Type | None:
    """Translate the body; returns the type of the result, None if no path has one yet."""
    definition = target.definition
    own = definition.own_names | {name for name, _ in target.free}
    b = Builder(session, target.name, target.filename, target.names, own, target.mangle)
    b.snapshots = definition.assigns_in_expressions
    b.line = definition.node.lineno
    b.blanks = running.blanks
    b.blanks.enter(b)
    value: Value | Local
    for name, value in passed.inside.items():
        if isinstance(value, Atom):
            value = Local(b.variable(name, value.type))
        b.flow.bindings[name] = value
    _body(b, definition)
    running.captures, running.calls = b.captures, b.calls
    running.learnt = b.blanks.learn(b)
    running.function = Function(running.name, tuple(passed.variables), b.result, b.take())
    return b.result


def _body(b: Builder, definition: Definition) -> None:
    node = definition.node
    if isinstance(node, ast.FunctionDef):
        b.session.execute(b, node.body)
        finish(b, node)
        return
    try:
        returns(b, node, b.evaluate(node.body))
    except Unresolved:
        b.flow.reachable = False
