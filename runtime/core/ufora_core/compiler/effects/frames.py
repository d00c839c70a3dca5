"""The state of a proof: one ``Session`` a judgement, one ``Frame`` a function under analysis.

The analysis runs a function's statements on abstract values. Variables take every value that is
ever assigned to them, whatever the path, so the statements are run again until nothing changes.
"""

import ast
import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from types import BuiltinFunctionType, CellType, FunctionType, MethodType
from typing import NoReturn

from ufora_core.compiler.effects.classes import Nature, nature
from ufora_core.compiler.effects.closed_world import Unknowable, World
from ufora_core.compiler.effects.definitions import Definitions
from ufora_core.compiler.effects.effect_table import known_effect
from ufora_core.compiler.effects.kinds import (
    NOTHING,
    Known,
    Reach,
    Value,
    is_made_here,
    join,
    widest,
)
from ufora_core.compiler.effects.proof import NotProved, Reason
from ufora_core.values.reach import nested

#: Expressions and statements that one judgement looks at (some 200 ms).
_MOST_STEPS = 100_000
#: Calls within calls.
_DEEPEST = 40

#: The built-in names as Python starts, whatever an executor puts in their place.
BUILTINS: Mapping[str, object] = dict(vars(builtins))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call passes. ``spread`` stands for any further argument (``*args``, ``**kwargs``)."""

    positional: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict)
    spread: Value | None = None

    def all(self) -> tuple[Value, ...]:
        """Every value that is passed."""
        rest = () if self.spread is None else (self.spread,)
        return (*self.positional, *self.keywords.values(), *rest)

    def after(self, *first: Value) -> "Arguments":
        """The same arguments behind others."""
        return replace(self, positional=(*first, *self.positional))


@dataclass(frozen=True, slots=True, eq=False)
class LocalFunction:
    """A ``def`` or ``lambda`` inside the code under analysis."""

    node: ast.FunctionDef | ast.Lambda
    frame: "Frame"
    #: Variables of the comprehensions around it.
    layers: tuple[dict[str, Value], ...]
    defaults: Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A method taken from an object, to be called later."""

    name: str
    receiver: Value
    #: The function behind it, or None for a method of a built-in class.
    function: object | None


@dataclass(frozen=True, slots=True, eq=False)
class Super:
    """What ``super()`` gives: the receiver, seen from behind ``owner`` in its class's order."""

    owner: type
    receiver: Value


@dataclass(frozen=True, slots=True)
class Rebound:
    """Global names whose values change while the code under analysis runs."""

    namespace: Mapping[str, object]
    names: frozenset[str]

    def read_by(self, function: FunctionType) -> list[str]:
        """Those of the names that a function may read as its globals."""
        if function.__globals__ is not self.namespace:
            return []
        found = (part.co_names for part in nested(function.__code__))
        return sorted(self.names.intersection(chain.from_iterable(found)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call comes to: its value, and whether it put something from outside into an object
    of its caller's."""

    value: Value
    leaks: bool


class Session:
    """Everything that one judgement shares."""

    def __init__(
        self,
        world: World,
        definitions: Definitions,
        run: Callable[["Session", FunctionType | LocalFunction, Arguments], Outcome],
    ) -> None:
        self.world = world
        self.definitions = definitions
        self.rebound: Rebound | None = None
        #: The items are to run in several processes.
        self.divides = False
        self._run = run
        self._steps = 0
        self._depth = 0

    def call(
        self, frame: "Frame", node: ast.AST, function: FunctionType | LocalFunction, to: Arguments
    ) -> Outcome:
        """What calling a function with source comes to.

        Raises:
            NotProved: it has effects.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            frame.refuse(node, "functions call each other too deeply to look into all of them")
        if type(function) is FunctionType and self.definitions.of_function(function) is None:
            frame.refuse(
                node,
                f"`{function.__qualname__}` cannot be looked into, since it has no source here or "
                "is asynchronous: call it outside of the loop",
            )
        if type(function) is FunctionType and self.rebound is not None:
            for name in self.rebound.read_by(function):
                frame.refuse(
                    node,
                    f"`{function.__qualname__}` reads `{name}`, which the block assigns: pass it "
                    "as an argument",
                )
        try:
            return self._run(self, function, to)
        finally:
            self._depth -= 1

    def step(self, frame: "Frame", node: ast.AST) -> None:
        """Counts the work done."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            frame.refuse(node, "the loop runs more code than can be looked into")


@dataclass(slots=True, eq=False)
class Frame:
    """One function under analysis, called in one way."""

    session: Session
    filename: str
    #: Names that are this function's own variables.
    local_names: frozenset[str]
    namespace: Mapping[str, object]
    cells: Mapping[str, CellType] = field(default_factory=dict)
    parent: "Frame | None" = None
    #: Class around the function, for ``__private`` names.
    mangle: str = ""
    #: The class whose method this is (``__class__``), and the parameter that holds the object.
    owner: type | None = None
    receiver: str = ""
    variables: dict[str, Value] = field(default_factory=dict)
    #: Variables of comprehensions, the innermost last.
    layers: list[dict[str, Value]] = field(default_factory=list)
    functions: dict[ast.AST, LocalFunction] = field(default_factory=dict)
    layer_of: dict[ast.AST, dict[str, Value]] = field(default_factory=dict)
    result: Value = NOTHING
    yielded: Value = NOTHING
    #: Something from outside was put into an object made here: from then on nothing that was made
    #: here is taken to be free of shared parts.
    leaky: bool = False
    finished: bool = False
    #: Grows with whatever the next round of the analysis could see differently.
    version: int = 0

    # ------------------------------------------------------------------ variables

    def read(self, name: str, node: ast.AST) -> Value:
        """The value of a name."""
        for layer in reversed(self.layers):
            if name in layer:
                return self.demoted(layer[name])
        if name in self.local_names:
            return self.demoted(self.variables.get(name, NOTHING))
        if self.parent is not None:
            return self.parent.read(name, node)
        return self.see_outer(name, node)

    def outer(self, name: str) -> object:
        """The object behind a name that is no variable of the code under analysis.

        Raises:
            LookupError: the name means nothing (yet).
        """
        if name in self.cells:
            try:
                return self.cells[name].cell_contents
            except ValueError:
                raise LookupError(name) from None
        return self.namespace[name] if name in self.namespace else BUILTINS[name]

    def see_outer(self, name: str, node: ast.AST) -> Value:
        """Like ``outer``, as a value; a missing name raises NameError, which is no effect."""
        try:
            found = self.outer(name)
        except LookupError:
            return NOTHING
        return self.see(found, name, node)

    def root(self) -> "Frame":
        """The frame of the function in which this one was written, and so on outwards."""
        return self if self.parent is None else self.parent.root()

    def is_outer(self, name: str) -> bool:
        """True when the name is a global, a built-in or a captured variable."""
        local = name in self.local_names or any(name in layer for layer in self.layers)
        return not local and (self.parent is None or self.parent.is_outer(name))

    def bind(self, name: str, value: Value, into: dict[str, Value] | None = None) -> None:
        """One more value that the variable (of this function, or of a layer) may have."""
        variables = self.variables if into is None else into
        variables[name] = self._joined(variables.get(name, NOTHING), value)

    def returns(self, value: Value) -> None:
        """One more value that the function may return."""
        self.result = self._joined(self.result, value)

    def yields(self, value: Value) -> None:
        """One more value that the generator may yield."""
        self.yielded = self._joined(self.yielded, value)

    def _joined(self, before: Value, value: Value) -> Value:
        after = join(before, value)
        if after != before:
            self.version += 1
        return after

    def see(self, value: object, name: str, node: ast.AST) -> Value:
        """What is known of a concrete object that goes by ``name``."""
        try:
            return self.session.world.see(value)
        except Unknowable as unknown:
            self.refuse(node, f"`{name}` {_effect_of(value) or unknown}")

    # ------------------------------------------------------------------ objects made here

    def fresh(self, *contents: Value) -> Reach:
        """The reach of a new object that holds these values."""
        if any(map(is_code, contents)):
            self.session.world.note("has_code")
        alone = widest(contents) <= Reach.OWN and not self.leaky
        return Reach.OWN if alone else Reach.SHELL

    def made(self, cls: type | None, *contents: Value) -> Value:
        """A new object of class ``cls`` (None: some class) that holds these values."""
        return Value(self.fresh(*contents), None if cls is None else frozenset({cls}))

    def store(self, target: Value, *contents: Value) -> None:
        """Something is put into an object made here."""
        if target.reach is Reach.OWN and widest(contents) > Reach.OWN:
            self.leak()

    def leak(self) -> None:
        """See ``leaky``."""
        if not self.leaky:
            self.leaky = True
            self.version += 1

    def leak_from_call(self, outcome: Outcome, passed: Arguments) -> None:
        """A call may have put something from outside into what was passed to it."""
        if outcome.leaks and any(is_made_here(value) for value in passed.all()):
            self.leak()

    def demoted(self, value: Value) -> Value:
        """The value as it is once something has leaked."""
        if self.leaky and value.reach is Reach.OWN:
            return replace(value, reach=Reach.SHELL)
        return value

    # ------------------------------------------------------------------ refusal

    def refuse(self, node: ast.AST, message: str) -> NoReturn:
        """The proof ends here.

        Raises:
            NotProved: always.
        """
        line = getattr(node, "lineno", 0)
        raise NotProved(Reason(message, self.filename, line))


def _effect_of(item: object) -> str | None:
    """What methods of an object of a library are known to do (or of the object that a captured
    method belongs to)."""
    cls = type(item.__self__ if type(item) in _METHODS else item)  # type: ignore[attr-defined]
    return known_effect(f"{cls.__module__}.{cls.__qualname__}")


_METHODS = (MethodType, BuiltinFunctionType)


def is_code(value: Value) -> bool:
    """True when ``value`` is one of some known functions or classes."""
    return value.objects is not None and all(_is_code(each.object) for each in value.objects)


def _is_code(item: object) -> bool:
    cls = type(item)
    if cls in (LocalFunction, Bound) or issubclass(cls, type):
        return True
    return nature(cls) is Nature.CODE


def of_function(function: LocalFunction | Bound | Super) -> Value:
    """The value of a function that the analysis met in the code itself."""
    return Value(Reach.SHARED, frozenset({type(function)}), (Known(function),))
