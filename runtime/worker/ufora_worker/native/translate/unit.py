"""The translated functions put together."""

from dataclasses import dataclass

from ufora_worker.native.ir.nodes import Function, Sink, Unit, Var
from ufora_worker.native.ir.syntax import walk
from ufora_worker.native.ir.types import Type
from ufora_worker.native.refusal import UserFunction
from ufora_worker.native.translate.builder import Builder
from ufora_worker.native.translate.captures import (
    bounds,
    bucket,
    dense,
    hand_on,
    reachable,
    spans,
)
from ufora_worker.native.translate.session import MOST_STATEMENTS

#: Name of the item function.
ITEM = "item"


@dataclass(frozen=True, slots=True)
class Translation:
    """Code, and the values with which it is to run: those of the item function's parameters behind
    the index, in their order."""

    unit: Unit
    values: tuple[object, ...]
    #: The user's functions in it.
    functions: tuple[UserFunction, ...] = ()


def put_together(b: Builder, index: Var, sink: Sink, emits: Type, count: int) -> Translation:
    """The unit whose item function ``b`` has built, for a loop of ``count`` items.

    Raises:
        Refused: it is too long.
    """
    others = {each.name: each for each in b.session.functions.done()}
    calls = {ITEM: b.calls, **{name: each.calls for name, each in others.items()}}
    captured = {ITEM: b.captures, **{name: each.captures for name, each in others.items()}}
    needed = b.session.captures.needed(captured, calls)
    item = Function(ITEM, (index,), None, b.take())
    used = [each for name, each in others.items() if name in reachable(ITEM, calls)]
    functions = [item, *(each.function for each in used if each.function is not None)]
    if sum(1 for each in functions for _ in walk(each.body)) > MOST_STATEMENTS:
        b.session.too_long(b)
    values = b.session.captures.values_of(needed[ITEM])
    unit = Unit(
        tuple(hand_on(each, needed) for each in functions),
        sink,
        emits,
        {index.name: (0, bucket(max(count - 1, 0))[1]), **bounds(needed[ITEM], values)},
        spans(needed[ITEM], values, count),
        dense(needed[ITEM], values),
    )
    return Translation(unit, values, tuple(dict.fromkeys(each.origin for each in used)))
