"""Builtin functions, ``math`` and methods: for values at the edges of all classes, the IR gives
what CPython gives, with the same class and bits, or it bails."""

import itertools
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_cases import (
    BOOLS,
    FLOATS,
    INTS,
    NUMPY_SCALARS,
    PYTHON_NUMBERS,
    SMALL_INTS,
    SMALL_NUMBERS,
    judge,
)
from judging import Program
from ufora_worker.loops.float_sum import ordered_sum
from ufora_worker.native.ir.evaluator import evaluate
from ufora_worker.native.translate.site import translate

_OF_ONE = [
    *("abs(a)", "round(a)", "round(a, None)", "round(a, 0)", "round(a, 2)", "round(a, 22)"),
    *("round(number=a, ndigits=5)", "int(a)", "float(a)", "bool(a)", "complex(a)", "divmod(a, a)"),
    *("isinstance(a, int)", "isinstance(a, (float, str))", "chr(a)", "a is None", "pow(a, 2)"),
    *("np.float64(a)", "np.int64(a)", "np.bool(a)", "a.item()", "a.conjugate()", "a.bit_length()"),
    *("a.bit_count()", "a.is_integer()", "len((a, a))", "(a, a)[1]", "[a, 1][0]", "tuple([a])"),
    *("math.floor(a)", "math.ceil(a)", "math.trunc(a)", "math.isnan(a)", "math.isinf(a)"),
    *("math.isfinite(a)", "math.degrees(a)", "math.radians(a)", "math.isqrt(a)", "math.gcd(a)"),
    *("math.lcm(a)", "math.log(a)", "math.log(a, 2)", "math.log2(a)", "math.log10(a)"),
    *("math.sqrt(a)", "math.cbrt(a)", "math.exp(a)", "math.exp2(a)", "math.sin(a)"),
    *("math.fabs(a)", "math.erf(a)", "math.atanh(a)", "math.log1p(a)", "math.expm1(a)"),
]
_OF_TWO = [
    *("min(a, b)", "max(a, b)", "max(a, b, a)", "divmod(a, b)", "complex(a, b)", "pow(a, b)"),
    *("pow(base=a, exp=b)", "math.pow(a, b)", "math.atan2(a, b)", "math.fmod(a, b)"),
    *("math.copysign(a, b)", "math.log(a, b)", "math.gcd(a, b)", "math.lcm(a, b, a)"),
    *("math.comb(a, b)", "math.isclose(a, b)", "math.isclose(a, b, rel_tol=0.5)"),
    *("math.isclose(a, b, abs_tol=10)", "math.isclose(a, b, abs_tol=-1)"),
]
_REDUCTIONS = [
    *("sum((a, b))", "sum([a, b, a], 1)", "sum((a, b, a, b), start=0.25)", "math.prod((a, b, a))"),
    *("math.prod([a, b], start=3)", "any((a, b))", "all((a, b))", "min((a, b))", "max([b, a, b])"),
    *("sum(a if i % 2 else b for i in range(7))", "sum((a for i in range(3) if b), 7)"),
    *(
        "sum((a for i in range(3)), 0.1)",
        "math.prod(a for i in range(3))",
        "len([a for _ in (b,)])",
    ),
    *("max((i * a for i in range(4)), default=b)", "min((a, i) for i in range(3))"),
    *("any(a < b for _ in range(2))", "all(a == b for _ in range(0))", "max((a, b), default=a)"),
]


@pytest.mark.parametrize("expression", _OF_ONE)
def test_a_function_of_one_argument_gives_the_same_or_bails(expression: str) -> None:
    assert judge(expression, a=PYTHON_NUMBERS + NUMPY_SCALARS).equal > 0


@pytest.mark.parametrize("expression", _OF_TWO)
def test_a_function_of_two_arguments_gives_the_same_or_bails(expression: str) -> None:
    judge(expression, a=SMALL_NUMBERS, b=SMALL_NUMBERS)


@pytest.mark.parametrize("expression", _REDUCTIONS)
def test_a_reduction_gives_the_same_or_bails(expression: str) -> None:
    assert judge(expression, a=SMALL_NUMBERS, b=SMALL_NUMBERS).equal > 0


def test_a_power_by_a_modulus_gives_the_same_or_bails() -> None:
    numbers = (*SMALL_INTS, True, 2**63 - 1)
    assert judge("pow(a, b, c)", a=numbers, b=numbers, c=numbers).equal > 1000


def test_factorials_are_exact_up_to_20() -> None:
    verdict = judge("math.factorial(a)", a=range(-2, 30))
    assert (verdict.equal, verdict.bailed) == (21, 11)


@given(st.floats(), st.integers(0, 22))
def test_any_float_is_rounded_to_digits_as_cpython_rounds_it(number: float, digits: int) -> None:
    judge(f"round(x, {digits})", x=[number])


@given(st.floats(-1e6, 1e6), st.integers(0, 9))
def test_a_float_of_ordinary_size_is_rounded_without_a_bail(number: float, digits: int) -> None:
    is_tie = abs(number) * 10.0**digits % 1 == 0.5
    too_large = abs(number) * 10.0**digits >= 2.0**51
    assert judge(f"round(x, {digits})", x=[number]).bailed == (is_tie or too_large)


def test_a_float_next_to_a_tie_is_rounded_as_cpython_rounds_it() -> None:
    ties = [(k + 0.5) / 10**digits for digits in range(5) for k in range(-200, 200)]
    near = [math.nextafter(tie, side) for tie in ties for side in (-math.inf, math.inf)]
    for digits in range(5):
        assert judge(f"round(x, {digits})", x=ties + near).equal > 4000


def test_a_tie_between_two_digits_bails() -> None:
    assert judge("round(x, 2)", x=[0.125, 2.675]).bailed >= 1


@pytest.mark.parametrize(
    ("expression", "message", "edit"),
    [
        ("math.hypot(a, 1)", "`math.hypot` has no native form with the same last bits", "sqrt"),
        ("round(a, b)", "`round` to a number of digits that is no constant", "write a number"),
        ("max(a, 2)", "`max(a, 2)` gives a float or an int", "let all arguments be of one type"),
        ("max([a], key=len)", "native code cannot iterate over a float", ""),
        ("max([a], keys=len)", "`max` with `keys=` has no native form", ""),
        ("abs()", "`abs` is called with", ""),
        ("range(1, 2, 0)", "`range` with a step of 0 raises ValueError", ""),
        ("math.isclose(a, 1, 2)", "`math.isclose` is called with too many", ""),
        ("len(x for x in (1, 2))", "`len` has no native form for", "write `sum(1 for ...)`"),
        ("sum(((1, 2),), a)", "elements that cannot be added in native code", "unwrap"),
        ("sum([a], True)", "the start is a bool", "start with an int or a float"),
    ],
)
def test_what_has_no_native_form_is_refused(expression: str, message: str, edit: str) -> None:
    (refusal,) = judge(expression, a=[1.5], b=[2]).refused.values()
    assert refusal.message.startswith(message)
    assert edit in refusal.edit


@pytest.mark.parametrize("python", [(3, 11), (3, 12)])
@pytest.mark.parametrize("start", [0, 5, 0.0, 0.1, 1e16])
def test_a_sum_of_floats_follows_the_rule_of_the_clients_python(
    python: tuple[int, int], start: float
) -> None:
    lists = [
        *([1e16, 1.0, -1e16], [0.1] * 10, [math.inf, 1.0], [1e308, 1e308, -1e308], [-0.0], [0.3]),
        *map(list, itertools.permutations([1e100, 1.0, -1e100, 1e-3])),
    ]
    program = Program("[sum((x for x in values), start) for _ in range(1)]\n")
    for values in lists:
        unit = translate(
            program.site(),
            range(1),
            program.namespace,
            {"values": values, "start": start},
            source_of=program.source_of,
            filename=program.filename,
            python=python,
        )
        (column,) = evaluate(unit.unit, 0, 1, unit.values).columns
        assert repr(column[0]) == repr(ordered_sum(values, start, python))


def test_a_sum_of_no_floats_bails_since_it_is_an_int() -> None:
    assert judge("sum(x for x in (a, a) if a)", a=[0.0]).bailed == 1
    assert judge("sum((x for x in (a, a) if a), 0.0)", a=[0.0]).bailed == 0


def test_ints_and_bools_have_every_method_of_theirs_that_gives_a_number() -> None:
    for expression in ("a.bit_length()", "a.bit_count()", "a.conjugate()", "a.real", "a.imag"):
        refused = judge(expression, a=BOOLS + INTS).refused
        assert expression in ("a.real", "a.imag") or not refused
    whole = judge("a.is_integer()", a=FLOATS)
    assert (whole.bailed, len(whole.refused)) == (0, 0)
    assert sys.version_info < (3, 12) or not judge("a.is_integer()", a=INTS).bailed
