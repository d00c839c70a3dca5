"""Captured values: parameters of the item function, handed on to the functions that read them."""

from collections.abc import Hashable, Mapping, Sized
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ufora_worker.native.ir.nodes import Function, Invoke, Statement, Var
from ufora_worker.native.ir.rewriting import rewrite
from ufora_worker.native.ir.types import INT, Array
from ufora_worker.native.translate.capture import Unsuited, is_dense, take

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

Parameters = Mapping[str, tuple[Var, ...]]


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured value and the parameter that holds it, which is called the same everywhere."""

    var: Var
    #: As it is handed over.
    value: object
    #: The value itself: as long as it lives, no other has its id.
    owner: object


class Captures:
    """All captured values of a unit, in the order in which they were met."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Captured] = {}
        self._names: dict[str, int] = {}

    def parameter(
        self, b: "Builder", value: object, name: str, place: Hashable | None = None
    ) -> Var | Unsuited:
        """The variable that holds ``value`` in the function that ``b`` builds.

        The same object has one parameter; so has, for numbers, the same ``place`` (two variables
        that happen to be equal are two parameters, so that the code serves other values too).
        """
        key = id(value) if place is None else place
        found = self._found.get(key)
        if found is None:
            type, taken = take(value)
            if isinstance(type, Unsuited):
                return type
            count = self._names[name] = self._names.get(name, 0) + 1
            spelled = f"<{name}>" if count == 1 else f"<{name}.{count}>"
            found = self._found[key] = Captured(Var(spelled, type), taken, value)
        b.captures.add(found.var)
        return found.var

    def values_of(self, parameters: tuple[Var, ...]) -> tuple[object, ...]:
        """The concrete values, parallel to these parameters."""
        values = {each.var: each.value for each in self._found.values()}
        return tuple(values[var] for var in parameters)

    def needed(
        self, captured: Mapping[str, set[Var]], calls: Mapping[str, set[str]]
    ) -> dict[str, tuple[Var, ...]]:
        """For each function, what it and all functions that it calls have captured.

        ``captured`` says what each reads itself, ``calls`` which functions it calls.
        """
        order = [each.var for each in self._found.values()]
        reached = {name: reachable(name, calls) for name in captured}
        needs = {
            name: set[Var]().union(*(captured[other] for other in others))
            for name, others in reached.items()
        }
        return {name: tuple(var for var in order if var in needs[name]) for name in captured}


def reachable(name: str, calls: Mapping[str, set[str]]) -> set[str]:
    """This function, and all that it calls directly or by others."""
    found, pending = {name}, [name]
    while pending:
        fresh = calls[pending.pop()] - found
        found |= fresh
        pending += fresh
    return found


def hand_on(function: Function, needed: Parameters) -> Function:
    """The function with its captured values as further parameters, and passing them on."""

    def passing(statement: Statement) -> Statement:
        if isinstance(statement, Invoke):
            return replace(statement, args=statement.args + needed[statement.function])
        return statement

    return replace(
        function,
        parameters=function.parameters + needed[function.name],
        body=rewrite(function.body, lambda block: tuple(map(passing, block))),
    )


def bounds(parameters: tuple[Var, ...], values: tuple[object, ...]) -> dict[str, tuple[int, int]]:
    """What is known of the INT parameters: the powers of two that their values lie between."""
    return {
        var.name: bucket(value)
        for var, value in zip(parameters, values, strict=True)
        if var.type == INT and isinstance(value, int)
    }


def spans(parameters: tuple[Var, ...], values: tuple[object, ...], count: int) -> frozenset[str]:
    """The arrays that have an element for each of so many items."""
    return frozenset(
        var.name
        for var, value in zip(parameters, values, strict=True)
        if isinstance(var.type, Array) and isinstance(value, Sized) and len(value) >= count
    )


def dense(parameters: tuple[Var, ...], values: tuple[object, ...]) -> frozenset[str]:
    """The arrays whose elements lie side by side."""
    return frozenset(
        var.name
        for var, value in zip(parameters, values, strict=True)
        if isinstance(var.type, Array) and is_dense(value)
    )


def bucket(value: int) -> tuple[int, int]:
    """The least and greatest number of the same sign and as many bits."""
    bits = value.bit_length()
    near, far = (1 << bits) >> 1, (1 << bits) - 1
    if value >= 0:
        return near, far
    return (-near, -near) if bits > 63 else (-far, -near)
