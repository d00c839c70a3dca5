"""Operators: for values at the edges of all classes of numbers, the IR gives what CPython and NumPy
give, with the same class and bits, or it bails."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_cases import (
    BOOLS,
    COMPLEXES,
    FLOATS,
    INTS,
    NUMPY_BOOLS,
    NUMPY_FLOATS,
    NUMPY_INTS,
    NUMPY_SCALARS,
    PYTHON_NUMBERS,
    SMALL_NUMBERS,
    judge,
)

_NUMBERS = PYTHON_NUMBERS + NUMPY_SCALARS
_BITWISE = ("&", "|", "^", "<<", ">>")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@pytest.mark.parametrize(
    "operator", ["+", "-", "*", "/", "//", "%", "**", *_BITWISE, *_COMPARISONS]
)
def test_an_operator_gives_the_same_or_bails(operator: str) -> None:
    right = SMALL_NUMBERS if operator in ("**", "<<") else _NUMBERS
    verdict = judge(f"a {operator} b", a=_NUMBERS, b=right)
    assert verdict.equal > 500


@pytest.mark.parametrize("operator", ["+", "-", "*", "//", "%", "<<", ">>", *_COMPARISONS])
def test_real_numbers_of_python_are_never_refused(operator: str) -> None:
    numbers = BOOLS + INTS if operator in _BITWISE else BOOLS + INTS + FLOATS
    small = tuple(each for each in numbers if abs(each) < 99)
    assert not judge(f"a {operator} b", a=numbers, b=small).refused


@pytest.mark.parametrize("expression", ["-a", "+a", "~a", "not a", "a if a else 1 - a", "abs(a)"])
def test_a_unary_operator_gives_the_same_or_bails(expression: str) -> None:
    assert judge(expression, a=_NUMBERS).equal > 40


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "//", "%"])
@pytest.mark.parametrize("constant", ["3", "True", "2.5", "-0.0", "1j"])
def test_an_operator_with_a_constant_gives_the_same_or_bails(operator: str, constant: str) -> None:
    judge(f"a {operator} {constant}", a=_NUMBERS)
    judge(f"{constant} {operator} a", a=_NUMBERS)


@pytest.mark.parametrize("exponent", ["0", "1", "2", "3", "-1", "-2", "0.5", "-0.5", "2.0", "True"])
def test_a_power_with_a_constant_gives_the_same_or_bails(exponent: str) -> None:
    verdict = judge(f"a ** {exponent}", a=_NUMBERS)
    assert ("float",) not in verdict.refused
    assert ("int",) not in verdict.refused


@given(st.integers(-(2**63), 2**63 - 1), st.floats(), st.integers(-300, 300))
def test_any_numbers_give_the_same_or_bail(whole: int, real: float, small: int) -> None:
    text = "(a + x * n, a - n, a * n, a // n if n else 0, x < a, a == x, x ** 2, a % 7, x // 3.0)"
    judge(text, a=[whole], x=[real], n=[small])


def test_ints_do_not_wrap_around() -> None:
    verdict = judge("a + 1", a=[2**63 - 1])
    assert (verdict.equal, verdict.bailed) == (0, 1)


def test_numpy_scalars_bail_where_numpy_warns() -> None:
    overflow = judge("a * b", a=NUMPY_INTS[-2:], b=NUMPY_INTS[-2:])
    assert (overflow.equal, overflow.bailed) == (0, 4)
    assert judge("a / b", a=NUMPY_FLOATS[:1], b=NUMPY_FLOATS[:1]).bailed == 1


def test_a_power_of_a_numpy_int_and_a_float_is_refused_since_its_bits_differ() -> None:
    verdict = judge("a ** b", a=NUMPY_INTS[:3], b=FLOATS[4:6])
    (refusal,) = verdict.refused.values()
    assert refusal.message == "`**` has no native form for a np.int64 and a float"
    assert refusal.edit == "unwrap elements with `float(...)`"


def test_sums_of_numpy_bools_are_refused_since_they_are_bools() -> None:
    assert len(judge("a + b", a=NUMPY_BOOLS, b=BOOLS).refused) == 1


def test_the_inversion_of_a_bool_is_refused_where_it_gives_a_warning() -> None:
    assert bool(judge("~a", a=BOOLS).refused) == (sys.version_info >= (3, 12))


def test_operators_that_raise_for_their_classes_are_refused() -> None:
    (refusal,) = judge("a << b", a=FLOATS[:1], b=INTS[:1]).refused.values()
    assert refusal.message == "`<<` has no native form for a float and an int"
    (refusal,) = judge("a < b", a=COMPLEXES[:1], b=INTS[:1]).refused.values()
    assert refusal.message == "`<` raises TypeError for complex numbers"


@pytest.mark.parametrize(
    "expression",
    [
        "(a, b) < (b, a)",
        "(a, b) == (b, a)",
        "(a, 1) != (b, 1)",
        "(a, 1) >= (b,)",
        "[a, b] == [b, a]",
        "(a, b) == [a, b]",
        "(a, b) == None",
        "a < b < a",
        "a in (b, 1)",
        "a not in [b, a]",
        "(a, b) + (b,)",
        "(a, b)[::-1]",
    ],
)
def test_tuples_are_compared_as_cpython_compares_them(expression: str) -> None:
    assert judge(expression, a=SMALL_NUMBERS, b=SMALL_NUMBERS).equal > 300


def test_a_nan_that_is_looked_for_bails_since_it_may_be_the_same_object() -> None:
    verdict = judge("x in (x, 1.0)", x=[float("nan"), 2.0])
    assert (verdict.equal, verdict.bailed) == (1, 1)
