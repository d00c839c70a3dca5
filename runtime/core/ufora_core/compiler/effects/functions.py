"""Looks into a function called in a certain way: binds its parameters, runs its body until nothing
new is learnt, and remembers the outcome."""

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import CellType, FunctionType, GeneratorType

from ufora_core.compiler.effects.classes import Nature, nature
from ufora_core.compiler.effects.definitions import Definition, default_values, definition_at
from ufora_core.compiler.effects.expressions import evaluate
from ufora_core.compiler.effects.frames import Arguments, Frame, LocalFunction, Outcome, Session
from ufora_core.compiler.effects.kinds import NONE, NOTHING, Known, Reach, Value, join
from ufora_core.compiler.effects.results import container
from ufora_core.compiler.effects.statements import execute
from ufora_core.compiler.sites.names import class_around, mangled

#: So many calls of one function, each in the one before, may each be given objects of their own;
#: those deeper down may be given any. Otherwise a walk over a tree is looked into node by node.
_MOST_NESTED = 3

_Key = tuple[Known, tuple[tuple[str, Value], ...], int]


@dataclass(slots=True)
class _Running:
    """A function that is being looked into. A call of it from within is taken to come to
    ``assumed``; if that turns out to be too little, everything is done again."""

    assumed: Outcome
    used: bool = False


@dataclass(slots=True)
class Outcomes:
    """What calls came to, for one round of a judgement."""

    _done: dict[_Key, Outcome] = field(default_factory=dict)
    _running: dict[_Key, _Running] = field(default_factory=dict)
    #: How many calls of each function are being looked into.
    _nested: Counter[Known] = field(default_factory=Counter)

    def run(
        self, session: Session, function: FunctionType | LocalFunction, to: Arguments
    ) -> Outcome:
        """What calling ``function`` comes to.

        Raises:
            NotProved: it has effects, or no source.
        """
        frame, definition, defaults = _open(session, function)
        bound = _bind(frame, definition.node.args, to, defaults)
        if bound is None:
            return Outcome(NOTHING, leaks=False)  # TypeError: the arguments do not fit
        if self._nested[Known(function)] >= _MOST_NESTED:
            bound = {name: _any_such(value) for name, value in bound.items()}
        outcome = self._outcome(function, frame, definition, bound)
        if outcome.leaks and isinstance(function, LocalFunction):
            _leak_around(function)
        return outcome

    def _outcome(
        self,
        function: FunctionType | LocalFunction,
        frame: Frame,
        definition: Definition,
        bound: dict[str, Value],
    ) -> Outcome:
        key = (Known(function), tuple(sorted(bound.items(), key=_name)), _version(frame.parent))
        if key in self._done:
            return self._done[key]
        if key in self._running:
            self._running[key].used = True
            return self._running[key].assumed
        return self._settle(key, frame, definition, bound)

    def _settle(
        self, key: _Key, frame: Frame, definition: Definition, bound: dict[str, Value]
    ) -> Outcome:
        running = self._running[key] = _Running(Outcome(NOTHING, leaks=False))
        self._nested[key[0]] += 1
        known_before = len(self._done)
        while True:
            outcome = _analyse(
                replace(
                    frame,
                    variables=dict(bound),
                    layers=list(frame.layers),
                    functions={},
                    layer_of={},
                ),
                definition,
            )
            wider = _either(running.assumed, outcome)
            if not running.used or wider == running.assumed:
                break
            # Whatever was concluded from the assumption is void.
            for void in list(self._done)[known_before:]:
                del self._done[void]
            running.assumed = wider
            running.used = False
        del self._running[key]
        self._nested[key[0]] -= 1
        self._done[key] = wider
        return wider


def _any_such(value: Value) -> Value:
    """The value, as any object of its classes where it is one of some known instances. What may be
    called stays what it is."""
    if value.objects is None or not all(_is_data(each.object) for each in value.objects):
        return value
    return replace(value, objects=None)


def _is_data(item: object) -> bool:
    return nature(type(item)) is Nature.USER and not callable(item)


def _either(one: Outcome, other: Outcome) -> Outcome:
    return Outcome(join(one.value, other.value), one.leaks or other.leaks)


def _leak_around(function: LocalFunction) -> None:
    """A local function may put something from outside into the variables around it."""
    frame: Frame | None = function.frame
    while frame is not None:
        if frame.finished:
            frame.refuse(
                function.node,
                "a function that outlives the one around it keeps objects from outside: return "
                "them instead",
            )
        frame.leak()
        frame = frame.parent


def _name(binding: tuple[str, Value]) -> str:
    return binding[0]


def _version(frame: Frame | None) -> int:
    """Changes whenever a variable around a local function has."""
    total = 0
    while frame is not None:
        total += frame.version
        frame = frame.parent
    return total


# ---------------------------------------------------------------------- frames


def _open(
    session: Session, function: FunctionType | LocalFunction
) -> tuple[Frame, Definition, Mapping[str, Value]]:
    if isinstance(function, LocalFunction):
        outer = function.frame
        definition = definition_at(function.node)
        frame = replace(
            outer,
            local_names=definition.own_names,
            parent=outer,
            layers=list(function.layers),
            result=NOTHING,
            yielded=NOTHING,
            leaky=False,
            finished=False,
            version=0,
        )
        return frame, definition, function.defaults
    code = function.__code__
    found = session.definitions.of_function(function)
    assert found is not None  # Session.call looks first
    cells: dict[str, CellType] = dict(
        zip(code.co_freevars, function.__closure__ or (), strict=True)
    )
    frame = Frame(
        session,
        code.co_filename,
        found.own_names,
        function.__globals__,
        cells,
        mangle=class_around(function.__qualname__),
        owner=_content(cells.get("__class__")),
        receiver=code.co_varnames[0] if code.co_argcount else "",
    )
    return frame, found, _defaults(frame, function, found.node)


def _content(cell: CellType | None) -> type | None:
    try:
        found = None if cell is None else cell.cell_contents
    except ValueError:
        return None
    return found if isinstance(found, type) else None


def _defaults(
    frame: Frame, function: FunctionType, node: ast.FunctionDef | ast.Lambda
) -> dict[str, Value]:
    values = default_values(function, node.args)
    return {name: frame.see(value, name, node) for name, value in values.items()}


# ---------------------------------------------------------------------- parameters


def _bind(
    frame: Frame, arguments: ast.arguments, to: Arguments, defaults: Mapping[str, Value]
) -> dict[str, Value] | None:
    """The parameters' values; None when the arguments do not fit."""
    positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    bound = dict(zip(positional, to.positional, strict=False))
    extra = to.positional[len(positional) :]
    if extra and arguments.vararg is None:
        return None
    by_keyword = {each.arg for each in (*arguments.args, *arguments.kwonlyargs)}
    others: dict[str, Value] = {}
    for name, value in to.keywords.items():
        into = bound if name in by_keyword else others
        into[name] = value
    if others and arguments.kwarg is None:
        return None
    for name in (*positional, *(each.arg for each in arguments.kwonlyargs)):
        if name not in bound:
            candidates = [each for each in (to.spread, defaults.get(name)) if each is not None]
            if not candidates:
                return None
            bound[name] = join(*candidates)
    rest = () if to.spread is None else (to.spread,)
    if arguments.vararg is not None:
        bound[arguments.vararg.arg] = container(frame, tuple, *extra, *rest)
    if arguments.kwarg is not None:
        bound[arguments.kwarg.arg] = frame.made(dict, *others.values(), *rest)
    return bound


# ---------------------------------------------------------------------- bodies


def _analyse(frame: Frame, definition: Definition) -> Outcome:
    """Runs the body until another round would learn nothing new."""
    frame.variables = {mangled(k, frame.mangle): v for k, v in frame.variables.items()}
    given = tuple(frame.variables.values())
    while True:
        version = frame.version
        if isinstance(definition.node, ast.Lambda):
            frame.returns(evaluate(frame, definition.node.body))
        else:
            execute(frame, definition.node.body)
        if frame.version == version:
            break
    frame.finished = True
    if definition.is_generator:
        value = _generator(frame, given)
    else:
        value = join(frame.result, NONE) if definition.falls_through else frame.result
    return Outcome(frame.demoted(value), frame.leaky)


def _generator(frame: Frame, given: tuple[Value, ...]) -> Value:
    """A generator: its body runs when it is used up, which is as good as now."""
    made = frame.made(GeneratorType, frame.yielded, *given)
    inner = frame.yielded if frame.yielded.reach is Reach.IMMUTABLE else None
    return replace(made, inner=inner)
