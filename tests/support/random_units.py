"""Random units of typed IR, well formed by construction, and values to run them on.

Whether a unit means anything is no concern: it has loops in loops, variables that are set again on
some paths, calls of one function from several places, and numbers near every edge, so that what is
believed of it (an interval, an operation that cannot bail, a machine instruction) can be wrong.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from machine_code import INTEGERS
from random_code import Writer
from random_operands import ARRAYS, NUMBERS, value_of_type
from ufora_worker.native.ir.nodes import Function, Sink, Unit, Var
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_INT,
    Tuple,
    Type,
)
from ufora_worker.native.translate.captures import dense, spans

_PARAMETERS: tuple[Type, ...] = (*NUMBERS, *ARRAYS)
_RESULTS: tuple[Type, ...] = (*NUMBERS, Tuple((INT, FLOAT)))

_SINKS: tuple[tuple[Sink, Type], ...] = (
    (Sink.TOTAL, INT),
    (Sink.TOTAL, BOOL),
    (Sink.LEAST, INT),
    (Sink.GREATEST, FLOAT),
    (Sink.ANY, BOOL),
    (Sink.ALL, BOOL),
    (Sink.COUNT, INT),
    (Sink.COLUMNS, INT),
    (Sink.COLUMNS, FLOAT),
    (Sink.COLUMNS, COMPLEX),
    (Sink.COLUMNS, CHAR),
    (Sink.COLUMNS, NUMPY_INT),
    (Sink.COLUMNS, Tuple((INT, Tuple((FLOAT, BOOL))))),
    (Sink.ROWS, INT),
    (Sink.ROWS, Tuple((FLOAT, BOOL))),
)


def unit(seed: int, *, size: int = 14) -> Unit:
    """The unit of this seed; ``size`` is about how many statements each function has."""
    chance = random.Random(seed)
    sink, emits = chance.choice(_SINKS)
    functions: list[Function] = []
    for number in range(chance.choice((0, 0, 1, 2))):
        functions.append(_function(chance, f"f{number}", tuple(functions), size))
    item = Writer(chance, tuple(functions), None, emits, in_rows=sink is Sink.ROWS)
    bounds = {}
    parameters = [Var("%index", INT)]
    for number in range(chance.randrange(4)):
        parameter = Var(f"p{number}", chance.choice(_PARAMETERS))
        parameters.append(parameter)
        if parameter.type == INT and chance.random() < 0.8:
            bounds[parameter.name] = _bucket(chance)
    body = item.function_body(parameters, size)
    return Unit((Function("item", tuple(parameters), None, body), *functions), sink, emits, bounds)


def values(unit: Unit, seed: int) -> list[Any]:
    """Values of the item function's captured parameters, within the unit's bounds."""
    chance = random.Random(f"{seed} values")
    return [
        _in_bounds(chance, *unit.bounds[parameter.name])
        if parameter.name in unit.bounds
        else value_of_type(chance, parameter.type)
        for parameter in unit.functions[0].parameters[1:]
    ]


def knowing(unit: Unit, values: list[Any], count: int) -> Unit:
    """The unit with all that is known of the arrays among the values of a loop of ``count``
    items."""
    parameters = unit.functions[0].parameters[1:]
    return replace(
        unit,
        spans=spans(parameters, tuple(values), count),
        dense=dense(parameters, tuple(values)),
    )


def _function(
    chance: random.Random, name: str, callable: tuple[Function, ...], size: int
) -> Function:
    result = chance.choice(_RESULTS)
    parameters = [
        Var(f"a{number}", chance.choice(NUMBERS)) for number in range(chance.randrange(4))
    ]
    stub = Function(name, tuple(parameters), result, ())
    recursive = (*callable, stub) if chance.random() < 0.3 else callable
    return Function(
        name,
        stub.parameters,
        result,
        Writer(chance, recursive, result, None).function_body(parameters, size),
    )


def _bucket(chance: random.Random) -> tuple[int, int]:
    """Bounds as the translation gives them: a power of two and the next one."""
    power = chance.randrange(64)
    least, greatest = (0, 0) if power == 0 else (2 ** (power - 1), 2**power - 1)
    return (least, greatest) if chance.random() < 0.8 else (-greatest - 1, -least)


def _in_bounds(chance: random.Random, least: int, greatest: int) -> int:
    near = [value for value in INTEGERS if least <= value <= greatest]
    return chance.choice([least, greatest, chance.randint(least, greatest), *near[:3]])
