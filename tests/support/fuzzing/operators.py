"""Operators and functions over all combinations of edge values, one unit for each combination of
types, with literals in place of one operand as well."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np

from expression_cases import COMPLEXES
from machine_code import FLOATS, INTEGERS, any_float, any_integer

_ARITHMETIC = ("+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_LITERALS = (
    *("0", "1", "2", "3", "-1", "7", "10", "64", "True", "False", "255", "-9223372036854775808"),
    *("9223372036854775807", "9007199254740993", "0.0", "-0.0", "0.5", "2.0", "-2.5", "1e308"),
    *("9007199254740992.0", "9.223372036854775807e18", "1j", "complex(-0.0, 2)", "math.inf"),
)
#: Whose right operand, as an int, makes giants.
_GROWING = ("**", "<<", "pow", "**=", "<<=")
_REALS = ("bool", "int", "float", "np_bool", "np_int", "np_float")
_NUMBERS = (*_REALS, "complex")

_OF_ONE = (
    *("-a", "+a", "~a", "not a", "abs(a)", "bool(a)", "int(a)", "float(a)", "complex(a)"),
    *("round(a)", "round(a, 0)", "round(a, 1)", "round(a, 2)", "round(a, 7)", "divmod(a, a)"),
    *("a if a else 1", "a or 2", "a and 0.5", "isinstance(a, int)", "a is None", "chr(a)"),
    *("a.conjugate()", "a.bit_length()", "a.bit_count()", "a.is_integer()", "a.real", "a.imag"),
    *("math.floor(a)", "math.ceil(a)", "math.trunc(a)", "math.isnan(a)", "math.isinf(a)"),
    *("math.isfinite(a)", "math.degrees(a)", "math.radians(a)", "math.isqrt(a)", "math.sqrt(a)"),
    *("math.cbrt(a)", "math.exp(a)", "math.exp2(a)", "math.expm1(a)", "math.log(a)"),
    *("math.log(a, 2)", "math.log2(a)", "math.log10(a)", "math.log1p(a)", "math.sin(a)"),
    *("math.cos(a)", "math.tan(a)", "math.asin(a)", "math.acos(a)", "math.atan(a)"),
    *("math.sinh(a)", "math.cosh(a)", "math.tanh(a)", "math.asinh(a)", "math.acosh(a)"),
    *("math.atanh(a)", "math.fabs(a)", "math.erf(a)", "math.erfc(a)", "math.gamma(a)"),
    *("math.lgamma(a)", "math.factorial(a % 30)", "math.modf(a)", "math.frexp(a)", "math.ulp(a)"),
    *("a in (0, 1, 2)", "(a, 1) < (1, a)", "[a, 2][0]", "sum([a, a])", "-1 < a < 2**53"),
    *("(a * a + 12345) & 0xFFFFFFFF", "(a * 6364136223846793005 + 1) & (2**62 - 1)"),
    *("(a * 48271) % 2147483647", "(a * a) % (2**61 - 1)", "np.float64(a)", "np.int64(a)"),
)
_OF_TWO = (
    *("min(a, b)", "max(a, b)", "max(a, b, a)", "divmod(a, b)", "pow(a, b)", "complex(a, b)"),
    *(
        "a and b",
        "a or b",
        "not a and b",
        "a if b else b",
        "a < b < a",
        "a <= b != a",
        "a in (b, 1)",
    ),
    *("(a, b) < (b, a)", "(a, b) == (b, a)", "sum((a, b))", "sum((a, b, a), 1)", "any((a, b))"),
    *(
        "all((a, b))",
        "math.pow(a, b)",
        "math.atan2(a, b)",
        "math.fmod(a, b)",
        "math.copysign(a, b)",
    ),
    *(
        "math.gcd(a, b)",
        "math.lcm(a, b)",
        "math.isclose(a, b)",
        "math.log(a, b)",
        "math.dist((a,), (b,))",
    ),
    *(
        "math.hypot(a, b)",
        "math.remainder(a, b)",
        "math.nextafter(a, b)",
        "a * b + a",
        "(a - b) * (a + b)",
    ),
    *("(a * b + a) & 0x7FFFFFFF", "(a * b) % 1000000007", "math.prod((a, b))", "(a, b)[a < b]"),
)
#: What keeps or sets the sign of a NaN; that of a NaN from arithmetic is the processor's.
_SIGNED_OF_ONE = ("a", "-a", "+a", "--a", "abs(a)", "math.fabs(a)", "float(a)", "np.float64(a)")
_SIGNED_OF_TWO = (
    *("a if b else a", "(a, b)[0]", "a or b", "a and b", "math.copysign(a, b)", "[a, b][1]"),
    *("complex(a, b)", "complex(b, a).conjugate()", "-complex(a, b)", "(b, -a)"),
)
_OF_CHARACTERS = (
    *("ord(a)", "a + ''", "a.isdigit()", "a.isalpha()", "a.isspace()", "a in 'abc€'", "a == 'a'"),
    *("a < 'b'", "'a' <= a <= 'z'", "a if a else 'x'", "ord(a) - 48", "not a", "len(a)", "int(a)"),
    *("a.upper()", "a.lower()", "a.isalnum()", "a.isupper()", "a.islower()", "(a, 1)", "a * 2"),
)
_OF_TWO_CHARACTERS = (*(f"a {each} b" for each in _COMPARISONS), "min(a, b)", "max(a, b)", "a + b")
_AUGMENTED = tuple(f"{each}=" for each in _ARITHMETIC)

_HEAD = "import math\nimport numpy as np\n"


@dataclass(frozen=True, slots=True)
class Combination:
    """An expression over ``a`` and perhaps ``b``, and of which types they are."""

    expression: str
    kinds: tuple[str, ...]
    statement: str = ""
    #: The sign of a NaN counts.
    signed: bool = False

    def text(self) -> str:
        """A site whose items are the combinations of values."""
        names = "abc"[: len(self.kinds)]
        if self.statement:
            call = f"f({', '.join(names)})"
            return f"{_HEAD}def {call}:\n    {self.statement}\n    return a\n{_loop(call, names)}"
        return f"{_HEAD}{_loop(self.expression, names)}"

    def __str__(self) -> str:
        return f"{self.statement or self.expression} of {', '.join(self.kinds)}"


def _loop(expression: str, names: str) -> str:
    if len(names) == 1:
        return f"[{expression} for a in A]\n"
    targets, sources = ", ".join(names), ", ".join(names.upper())
    return f"[{expression} for {targets} in zip({sources})]\n"


class Values:
    """Values of each type: those at the edges, and some more."""

    def __init__(self, chance: Random, more: int = 8) -> None:
        ints = (*INTEGERS, *(any_integer(chance) for _ in range(more)))
        floats = (*FLOATS, -math.nan, *(any_float(chance) for _ in range(more)))
        self._values: Mapping[str, Sequence[object]] = {
            "bool": (False, True),
            "int": ints,
            "float": floats,
            "complex": COMPLEXES,
            "np_bool": (False, True),
            "np_int": ints,
            "np_float": floats,
            "char": ("\0", "a", "b", "5", " ", "Z", "\xe9", "\u20ac", "\U0001f600"),
        }

    def scope(self, combination: Combination) -> dict[str, object]:
        """The sequences that the combination's site reads."""
        choices = [list(self._values[kind]) for kind in combination.kinds]
        text = combination.statement or combination.expression
        if len(choices) > 1 and any(sign in text for sign in _GROWING):
            choices[1] = [each for each in choices[1] if _is_small(each)]
        columns = zip(*product(*choices), strict=True)
        names = "ABC"
        return {
            name: _sequence(kind, column)
            for name, kind, column in zip(names, combination.kinds, columns, strict=False)
        }


def _is_small(value: object) -> bool:
    return not isinstance(value, int) or abs(value) <= 100


def _sequence(kind: str, column: Sequence[object]) -> object:
    if kind == "char":
        return "".join(map(str, column))
    return np.array(column) if kind.startswith("np_") else list(column)


def combinations(chance: Random, literals: int) -> Iterator[Combination]:
    """All expressions over all types; so many literals on either side of each operator."""
    operators = [*_ARITHMETIC, *_COMPARISONS]
    for kinds in product(_NUMBERS, repeat=2):
        for sign in operators:
            yield Combination(f"a {sign} b", kinds)
        for sign in _AUGMENTED:
            yield Combination("", kinds, f"a {sign} b")
        yield from (Combination(each, kinds) for each in _OF_TWO)
    for kind in _NUMBERS:
        yield from (Combination(each, (kind,)) for each in _OF_ONE)
        for sign in operators:
            for literal in chance.sample(_LITERALS, literals):
                yield (
                    Combination(f"a {sign} {literal}", (kind,))
                    if not _is_giant(sign, literal)
                    else Combination(f"a {sign} 5", (kind,))
                )
            for literal in chance.sample(_LITERALS, literals):
                if sign not in _GROWING:
                    yield Combination(f"{literal} {sign} a", (kind,))
    for kind in ("float", "np_float"):
        yield from (Combination(each, (kind,), signed=True) for each in _SIGNED_OF_ONE)
        yield from (Combination(each, (kind, kind), signed=True) for each in _SIGNED_OF_TWO)
    yield from (Combination(each, ("char",)) for each in _OF_CHARACTERS)
    yield from (Combination(each, ("char", "char")) for each in _OF_TWO_CHARACTERS)


def _is_giant(sign: str, literal: str) -> bool:
    return sign in _GROWING and len(literal) > 4 and literal.lstrip("-").isdigit()
