"""Types that random code works on, and random values of them: small ones and edges."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from machine_code import FLOATS, INTEGERS, any_float, any_integer
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    INT,
    NUMPY_FLOAT,
    NUMPY_INT,
    NUMPY_NARROW_INT,
    Array,
    Scalar,
    Type,
)

#: Types of captured objects.
ARRAYS = (
    Array(INT, "i8"),
    Array(INT, "i8"),
    Array(FLOAT, "f8"),
    Array(INT, "u1"),
    Array(CHAR, "u1"),
    Array(NUMPY_INT, "i8"),
    Array(NUMPY_NARROW_INT, "i2"),
    Array(NUMPY_FLOAT, "f8", 2),
)

#: Types of parameters and operands, as often as they are wanted.
NUMBERS: tuple[Scalar, ...] = (INT, INT, INT, INT, BOOL, FLOAT, FLOAT, COMPLEX, CHAR)


def _list_of(make: Callable[[random.Random], Any]) -> Callable[[random.Random], list[Any]]:
    return lambda chance: [make(chance) for _ in range(chance.choice((0, 1, 3, 8)))]


def _integer(chance: random.Random) -> int:
    small = chance.random() < 0.5
    return chance.randint(-9, 20) if small else chance.choice((*INTEGERS, any_integer(chance)))


def _float(chance: random.Random) -> float:
    return any_float(chance) if chance.random() < 0.6 else chance.choice(FLOATS)


_VALUES: Mapping[Type, Callable[[random.Random], Any]] = {
    INT: _integer,
    BOOL: lambda chance: chance.random() < 0.5,
    FLOAT: _float,
    COMPLEX: lambda chance: complex(_float(chance), _float(chance)),
    CHAR: lambda chance: chance.choice("a\0z\x7f\xff\u20ac\U0010ffff"),
    Array(INT, "i8"): _list_of(_integer),
    Array(FLOAT, "f8"): _list_of(_float),
    Array(INT, "u1"): lambda chance: chance.randbytes(chance.choice((0, 1, 5))),
    Array(CHAR, "u1"): lambda chance: "some characters"[: chance.choice((0, 2, 15))],
    Array(NUMPY_INT, "i8"): lambda chance: np.array(_list_of(_integer)(chance), "i8")[::-1],
    Array(NUMPY_NARROW_INT, "i2"): lambda chance: np.array([-(2**15), 7, 2**15 - 1], "i2"),
    Array(NUMPY_FLOAT, "f8", 2): lambda chance: np.arange(chance.choice((0, 6, 12)) * 1.0).reshape(
        -1, 3
    ),
}


def value_of_type(chance: random.Random, type: Type) -> Any:
    """A random value that a parameter of this type can have."""
    return _VALUES[type](chance)
