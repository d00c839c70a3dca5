"""What a call of a library's function gives, by the rule of the tables."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.frames import Arguments, Frame, is_code
from ufora_core.compiler.effects.kinds import (
    CONSTANT,
    NOTHING,
    NUMBERS,
    Reach,
    Value,
    constant,
    join,
    part_of,
    widest,
)
from ufora_core.compiler.effects.operators import is_numeric
from ufora_core.compiler.effects.rules import Result, Rule

_VIEWS = {"keys": type({}.keys()), "values": type({}.values()), "items": type({}.items())}
#: Containers whose items cannot change once they are made.
_FIXED = frozenset({tuple, frozenset})
_ONE_PASS = frozenset({map, filter, reversed})
#: Functions that keep their first argument, and not its items.
_KEEP_THEMSELVES = frozenset({"itertools.repeat", "builtins.dict.fromkeys"})
#: Functions that compute with the items of their first argument.
_OF_ITEMS = frozenset({"builtins.sum", "total", "statistics.mean", "statistics.fmean"})
_EXTREMES = frozenset({"builtins.min", "builtins.max"})


@dataclass(frozen=True, slots=True)
class Use:
    """One call of a library's function."""

    frame: Frame
    node: ast.AST
    name: str
    rule: Rule
    #: The object whose method it is.
    receiver: Value | None
    to: Arguments

    @property
    def operands(self) -> tuple[Value, ...]:
        """The receiver and all arguments."""
        values = self.to.all()
        return values if self.receiver is None else (self.receiver, *values)

    @property
    def is_numpy(self) -> bool:
        """True for a function of NumPy's."""
        return self.name.startswith("numpy.") and not self.name.startswith("numpy.random.")

    def argument(self, position: int) -> Value | None:
        """The positional argument there, or what may stand for it."""
        given = self.to.positional
        return given[position] if position < len(given) else self.to.spread


def result_of(use: Use, special: Value, returned: Value) -> Value:
    """The value of the call: ``special`` is what special methods of the user's classes may return
    to the function, ``returned`` what its callbacks may."""
    return _RESULTS[use.rule.result](use, special, returned)


def container(frame: Frame, cls: type | None, *items: Value) -> Value:
    """A new container of these items, as exactly as can be told."""
    item = join(*items)
    made = frame.made(cls, *items)
    if item.reach is Reach.IMMUTABLE and cls in _FIXED:
        return Value(Reach.IMMUTABLE, made.types, inner=item)
    if item.reach is Reach.IMMUTABLE and cls in _ONE_PASS:
        return replace(made, inner=item)
    return made


def numeric(frame: Frame) -> Value:
    """A number or a new array of numbers."""
    return Value(frame.fresh(), classes.array_types() | NUMBERS)


def _scalar(use: Use, special: Value, returned: Value) -> Value:
    cls = use.rule.cls
    return constant(cls) if cls is not None else join(CONSTANT, special)


def _own(use: Use, special: Value, returned: Value) -> Value:
    if use.is_numpy:
        # With ``copy=False`` an array may come back as it is.
        same = use.operands if "copy" in use.to.keywords else ()
        return join(numeric(use.frame), *same)
    # A deep copy shares functions and classes with the original.
    shares = use.name == "copy.deepcopy" and use.frame.session.world.has_code
    return use.frame.made(use.rule.cls, *map(part_of, use.operands if shares else ()))


def _contents(use: Use, special: Value, returned: Value) -> Value:
    parts = map(part_of, use.operands)
    return container(use.frame, use.rule.cls, *parts, special, part_of(special))


def _keeps(use: Use, special: Value, returned: Value) -> Value:
    whole = use.name in _KEEP_THEMSELVES
    kept = [
        value
        for i, value in enumerate(use.to.positional)
        if i not in use.rule.calls and (whole or value.inner is None)
    ]
    return use.frame.made(
        use.rule.cls,
        *(*kept, *use.to.keywords.values(), *map(part_of, kept), *_inner(use)),
        *(special, returned),
    )


def _inner(use: Use) -> list[Value]:
    return [value.inner for value in use.operands if value.inner is not None]


def _item(use: Use, special: Value, returned: Value) -> Value:
    rest = [value for name, value in use.to.keywords.items() if name not in use.rule.calls]
    if use.name in _EXTREMES and len(use.to.positional) > 1:
        return join(*use.to.positional, *rest, special)
    values = [*use.to.positional, *(() if use.to.spread is None else (use.to.spread,))]
    if use.receiver is not None:
        values.insert(0, use.receiver)
    holder, *others = values or [NOTHING]
    return use.frame.demoted(join(part_of(holder), *others, *rest, special))


def _same(use: Use, special: Value, returned: Value) -> Value:
    origin = join(*use.operands) if use.receiver is None else use.receiver
    if use.name in _VIEWS and origin.types is not None and origin.types <= classes.MAPPINGS:
        inner = origin.inner
        if inner is not None and use.name == "items":
            inner = Value(inner.reach, frozenset({tuple}), inner=inner)
        return Value(origin.reach, frozenset({_VIEWS[use.name]}), inner=inner)
    types = classes.array_types() | NUMBERS if is_numeric(origin.types) else None
    return join(Value(origin.reach, types), special)


def _computed(use: Use, special: Value, returned: Value) -> Value:
    of_items = use.name in _OF_ITEMS
    operands = [part_of(value) for value in use.operands] if of_items else list(use.operands)
    starts = use.to.positional[1:] if of_items else use.to.positional
    if widest((*operands, *starts)) is Reach.IMMUTABLE:
        types = join(*operands, *starts).types
        if types is None or not types <= NUMBERS:
            return CONSTANT
        integral = types <= {int, bool} and use.name == "builtins.sum"
        return constant(int) if integral else constant(*NUMBERS)
    if all(is_numeric(each.types) for each in operands):
        return join(numeric(use.frame), special)
    made = use.frame.made(None, *operands, *map(part_of, operands))
    return join(made, special, *starts, *use.to.keywords.values())


def _returned(use: Use, special: Value, returned: Value) -> Value:
    given = (*use.to.positional[1:], *use.to.keywords.values())
    first = [value for value in (*use.to.positional[:1], *given) if not is_code(value)]
    result = join(returned, *map(part_of, first), *first[1:])
    return result if use.name == "functools.reduce" else use.frame.made(None, result)


def _called(use: Use, special: Value, returned: Value) -> Value:
    return container(use.frame, use.rule.cls, returned)


def _picked(use: Use, special: Value, returned: Value) -> Value:
    return use.frame.demoted(join(*map(part_of, use.to.all()), special))


_RESULTS: Mapping[Result, Callable[[Use, Value, Value], Value]] = {
    Result.SCALAR: _scalar,
    Result.OWN: _own,
    Result.CONTENTS: _contents,
    Result.KEEPS: _keeps,
    Result.ITEM: _item,
    Result.SAME: _same,
    Result.COMPUTED: _computed,
    Result.RETURNED: _returned,
    Result.CALLED: _called,
    Result.PICKED: _picked,
}
