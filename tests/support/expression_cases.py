"""Expressions over many values, worked out by CPython and by the IR's evaluator."""

import builtins
import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from translating import translated
from ufora_worker.native.ir.evaluator import Bailed, call
from ufora_worker.native.ir.nodes import Sink, Unit
from ufora_worker.native.ir.verifier import verify
from ufora_worker.native.refusal import Refusal
from ufora_worker.native.translate.unit import ITEM

BOOLS = (False, True)
INTS = (
    *(0, 1, -1, 2, -2, 3, -7, 10, 62, 63, 64, 100, 2**31, 2**53, 2**53 + 1, -(2**53) - 1),
    *(3037000500, 2**62, 2**63 - 1, -(2**63)),
)
#: Exponents and shifts, for which CPython's ints do not become giants.
SMALL_INTS = tuple(each for each in INTS if abs(each) <= 100)
FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 0.1, 1e22, 1e308, -1e308, 5e-324, 2.0**53, 2.0**63),
    *(math.inf, -math.inf, math.nan),
)
COMPLEXES = (
    *(0j, complex(-0.0, -0.0), 1 + 0j, -1j, 1.5 - 2j, complex(1, -0.0), 1e200 + 1e200j),
    *(complex(math.inf, 0), complex(math.nan, 1), complex(0.0, math.inf)),
)
NUMPY_BOOLS = tuple(map(np.bool, BOOLS))
NUMPY_INTS = tuple(map(np.int64, INTS))
NUMPY_FLOATS = tuple(map(np.float64, FLOATS))

SMALL_NUMBERS: tuple[object, ...] = (
    *(*BOOLS, *SMALL_INTS, *FLOATS, *COMPLEXES),
    *(*NUMPY_BOOLS, *map(np.int64, SMALL_INTS), *NUMPY_FLOATS),
)
PYTHON_NUMBERS: tuple[object, ...] = BOOLS + INTS + FLOATS + COMPLEXES
NUMPY_SCALARS: tuple[object, ...] = NUMPY_BOOLS + NUMPY_INTS + NUMPY_FLOATS


#: A unit, and its parameters with the values that they have where they are not variables.
_Code = tuple[Unit, Mapping[str, object]]
_VARIABLE = object()


@dataclass(slots=True)
class Verdict:
    """What came of the cases of one expression."""

    equal: int = 0
    bailed: int = 0
    #: Cases in which CPython gave a plain answer, and the IR bailed; by what was bailed for.
    timid: Counter[str] = field(default_factory=Counter)
    #: Reasons, by the classes of the values.
    refused: dict[tuple[str, ...], Refusal] = field(default_factory=dict)


def judge(expression: str, **values: Sequence[object]) -> Verdict:
    """Work the expression out for all combinations of values.

    Raises:
        AssertionError: the IR gives something else than CPython, or something where CPython
            raises or warns.
    """
    verdict = Verdict()
    units: dict[object, _Code | Refusal] = {}
    for combination in product(*values.values()):
        scope = dict(zip(values, combination, strict=True))
        classes = tuple(_name(type(each)) for each in combination)
        # One object under two names is one parameter; sequences have each a type of their own.
        merged = len(set(map(id, combination))) < len(combination)
        key = merged, tuple(type(each) if _is_number(each) else id(each) for each in combination)
        if key not in units:
            units[key] = _unit(expression, scope)
        unit = units[key]
        if isinstance(unit, Refusal):
            verdict.refused[classes] = unit
        else:
            _compare(expression, scope, *unit, verdict)
    return verdict


def _unit(expression: str, scope: Mapping[str, object]) -> _Code | Refusal:
    text = f"import math\nimport numpy as np\n[{expression} for _ in range(1)]"
    translation = translated(text, **scope)
    if isinstance(translation, Refusal):
        return translation
    verify(translation.unit)
    unit = replace(translation.unit, sink=Sink.COLUMNS, bounds={})
    names = tuple(var.name.strip("<>") for var in unit.functions[0].parameters[1:])
    values = dict(zip(names, translation.values, strict=True))
    fixed = {name: value for name, value in values.items() if value is not scope.get(name, unit)}
    return unit, {name: fixed.get(name, _VARIABLE) for name in names}


def _compare(
    expression: str,
    scope: Mapping[str, object],
    unit: Unit,
    parameters: Mapping[str, object],
    verdict: Verdict,
) -> None:
    expected = exactly(_original(expression, scope))
    arguments = [scope[name] if value is _VARIABLE else value for name, value in parameters.items()]
    try:
        found = call(unit, ITEM, [0, *arguments])
    except Bailed as bailed:
        verdict.bailed += 1
        if not isinstance(expected, BaseException):
            verdict.timid[bailed.reason] += 1
        return
    assert exactly(found) == expected, f"{expression} for {scope} is {expected}, not {found!r}"
    verdict.equal += 1


def _original(expression: str, scope: Mapping[str, object]) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return eval(expression, {"math": math, "np": np, **vars(builtins), **scope})
        except (ArithmeticError, ValueError, TypeError, IndexError, Warning) as error:
            return error


def exactly(value: object) -> object:
    """Class and value, so that what is equal has equal bits; an exception as it is."""
    if isinstance(value, BaseException):
        return value
    if isinstance(value, tuple):
        return tuple(map(exactly, value))
    # Giant ints have no decimal text.
    return f"{_name(type(value))} {hex(value) if type(value) is int else repr(value)}"


def _is_number(value: object) -> bool:
    return isinstance(value, complex | float | int | np.generic)


def _name(cls: type) -> str:
    """Its name, with what tells ``np.bool`` from ``bool``."""
    return f"np.{cls.__name__}" if cls.__module__ == "numpy" else cls.__name__
