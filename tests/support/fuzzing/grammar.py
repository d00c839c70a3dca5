"""What random expressions are made of: templates by the type that they give.

``{int}`` stands for an expression of that type; ``{small}`` for an int that is no giant as an
exponent, ``{index}`` for one that is good for every global sequence (``INTS``, ``TEXT`` and so on,
see ``programs.data``). Most templates give what their type says; some fail for some values, as
programs do.
"""

from collections.abc import Mapping

_COMMON = (
    *("({%} if {bool} else {%})", "({%} if {bool} else {%})", "({%} or {%})", "({%} and {%})"),
    *("({%}, {%})[{bit}]", "(lambda q: {%})({int})", "(lambda q: q)({%})"),
)
_REAL = (
    *("({%} + {%})", "({%} - {%})", "({%} * {%})", "({%} + {%})", "({%} - {%})", "({%} * {%})"),
    *("({%} // {%})", "({%} % {%})", "(-{%})", "(+{%})", "abs({%})", "min({%}, {%})"),
    *("max({%}, {%}, {%})", "divmod({%}, {%})[{bit}]", "sum(({%}, {%}))"),
    *("max(({%}, {%}))", "(({%} * {%} + {%}) % {%})"),
)


def _of(kind: str, *groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.replace("%}", f"{kind}}}") for group in groups for each in group)


EXPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "int": _of(
        "int",
        _COMMON,
        _REAL,
        (
            *("({int} & {int})", "({int} | {int})", "({int} ^ {int})", "({int} << {small})"),
            *("({int} >> {small})", "({int} ** {small})", "(~{int})", "({int} & 255)"),
            *("(({int} * {int} + {int}) & {mask})", "({bool} + {int})", "({bool} - {bool})"),
            *("({bool} + {bool})", "({bool} * {int})"),
            *("({int} % {modulus})", "({int} // {modulus})", "(({int} * {int}) % {modulus})"),
            *("int({float})", "round({float})", "int({bool})", "int({int})", "int({np_int})"),
            *(
                "ord({char})",
                "len(TEXT)",
                "len(INTS)",
                "({int}).bit_length()",
                "({int}).bit_count()",
            ),
            *("math.floor({float})", "math.ceil({float})", "math.trunc({float})"),
            *("math.gcd({int}, {int})", "math.lcm({int}, {int})", "math.isqrt({int})"),
            *("pow({int}, {small}, {int})", "pow({int}, {small})", "math.factorial({small})"),
            *("math.comb({small}, {small})", "INTS[{index}]", "INTS[{int}]", "PAIRS[{index}][0]"),
            *("sum(e * {int} for e in range({small}) if e != {int})", "sum(e for e in INTS)"),
            *("max(e ^ {int} for e in INTS)", "min((e % 5, {int}) for e in range(3))[{bit}]"),
            *("sum(e < {int} for e in INTS)", "len([e for e in INTS if e > {int}])"),
            *(
                "sum([e + j for e in range(3) for j in range(e)])",
                "sum(1 for t in TEXT if t != {char})",
            ),
            *("len(TEXT[{small}:])", "MATRIX.shape[{bit}]", "max(e * {modulus} for e in INTS)"),
            *("max(e + {near} for e in range({edge}, {stop}))", "({edge} + {small})"),
            *(
                "max(e + {near} for e in range(-{near}, {stop}, {edge} >> 1))",
                "abs({int} - {edge})",
            ),
            *("min((-e - {small} for e in range({edge}, {edge})), default=1)", "-{edge}"),
            *("max((e + {near} for e in range({edge}, {stop})), default=0)", "({edge} - {small})"),
            *(
                "({int} << {int} % 70)",
                "(1 << {int} % 70)",
                "({int} >> ({int} & 63))",
                "-{int} >> 1",
            ),
            *("pow({int}, -1, {modulus})", "pow(2, {int} % 70)", "pow({int}, 2)", "pow({int}, 3)"),
            *("int({float} * 1e18)", "int({int} / {int})", "int({float} // {float})"),
            *("divmod({int}, {modulus})[{bit}]", "(INTS[{int} % 7] + {edge})", "(INTS[{int}] + 1)"),
            *(
                "BYTES[{index}]",
                "BYTES[{int}]",
                "len(BYTES)",
                "sum(b for b in BYTES if b != {int})",
            ),
            *(
                "ROWS[{bit}][{bit}]",
                "ROWS[{int}][{index}]",
                "sum(sum(r) for r in ROWS)",
                "MIXED[0]",
            ),
            *("sum(ord(t) for t in TEXT)", "len(TEXT[{int}:{int}])", "int(SMALL[{index}])"),
            *(
                "sum(INTS)",
                "max(INTS)",
                "sum(INTS[{small}:])",
                "INTS[{small}:][{bit}]",
                "sum(FLAGS)",
            ),
            *("INTS[::-1][{index}]", "len(INTS[{int}:{int}])", "sum(a * {int} for a, b in PAIRS)"),
            *(
                "sum(i * e for i, e in enumerate(INTS))",
                "min((abs(e - {int}), e) for e in INTS)[1]",
            ),
            *("sum(e * f for e, f in zip(INTS, BYTES))", "math.prod(e for e in INTS if e)"),
            *("sum(sum(j for j in range(e % 4)) for e in INTS)", "max(ord(t) for t in TEXT)"),
            *(
                "sum(max(e, j) for e in range({small}) for j in range(2))",
                "int(GRID[{bit}, {bit}])",
            ),
        ),
    ),
    "float": _of(
        "float",
        _COMMON,
        _REAL,
        (
            *("({float} / {float})", "({int} / {int})", "({int} * {float})", "({float} - {int})"),
            *("({float} / {int})", "({float} // {int})", "({float} % {int})", "({float} ** 2)"),
            *("({float} ** {float})", "({float} ** {small})", "({int} ** -2)", "float({int})"),
            *("({float} + {bool})", "float({bool})", "float({np_float})", "float({np_int})"),
            *("math.sqrt({float})", "math.sqrt(abs({float}))", "math.sin({float})"),
            *("math.cos({float})", "math.exp({float})", "math.log(abs({float}))", "math.pi"),
            *("math.atan2({float}, {float})", "math.fmod({float}, {float})", "math.tanh({float})"),
            *("math.copysign({float}, {float})", "math.fabs({float})", "math.pow({float}, {int})"),
            *("round({float}, 2)", "round({float}, 0)"),
            *("math.log2({int})", "math.log1p({float})", "math.degrees({float})", "abs({complex})"),
            *("FLOATS[{index}]", "PAIRS[{index}][1]", "({complex}).real", "({complex}).imag"),
            *("sum(e * {float} for e in FLOATS)", "min(e for e in FLOATS if e > {float})"),
            *("max((e - {float} for e in FLOATS), default=0.5)", "float(MATRIX[{bit}, {bit}])"),
            *("sum((e for e in FLOATS), 0.5)", "math.prod(e for e in FLOATS)"),
            *("pow({float}, {float})", "({int} ** 0.5)", "math.cbrt({float})", "POINT[{bit}]"),
            *(
                "sum(FLOATS)",
                "sum(a * b for a, b in PAIRS)",
                "sum(a * b for a, b in zip(INTS, FLOATS))",
            ),
            *(
                "MIXED[1]",
                "float(SINGLE[{index}])",
                "max(abs(e) for e in FLOATS)",
                "({int} / 2**53)",
            ),
            *("min((e * {float}, e) for e in FLOATS)[{bit}]", "divmod({float}, {int})[{bit}]"),
        ),
    ),
    "bool": _of(
        "bool",
        _COMMON,
        (
            *("({int} < {int})", "({int} <= {int})", "({int} == {int})", "({int} != {int})"),
            *("({int} > {int})", "({float} >= {float})", "({float} < {float})"),
            *("({float} == {float})", "({int} < {float})", "({int} == {float})"),
            *("({float} != {int})", "({int} >= {float})", "({bool} == {int})", "({bool} < {bool})"),
            *("(not {bool})", "(not {int})", "(not {float})", "({bool} & {bool})", "bool({int})"),
            *("({bool} | {bool})", "({bool} ^ {bool})", "bool({float})", "({bool} != {bool})"),
            *("({int} < {int} < {int})", "({int} <= {float} != {int})", "(0 <= {int} < 9)"),
            *("({int} in (1, 2, {int}))", "({int} not in (0, 7))", "({char} == {char})"),
            *("({char} in 'aeiou')", "({char} < {char})", "({int}, {int}) < ({int}, {int})"),
            *("any(e == {int} for e in INTS)", "all(e > {float} for e in FLOATS)"),
            *("math.isnan({float})", "math.isfinite({float})", "({float}).is_integer()"),
            *("(TEXT[{small}:{index}] == 'ab')", "({complex} == {complex})", "(INTS[{int}] > 0)"),
            *("isinstance({int}, int)", "({char}.isdigit())", "({float} is not None)"),
            *("({int} < {int} <= {int} < {int})", "({float} < {float} == {float})", "(2 in INTS)"),
            *(
                "FLAGS[{index}]",
                "MIXED[2]",
                "bool(MASK[{index}])",
                "({char} in TEXT)",
                "('b' in TEXT)",
            ),
            *("(TEXT[{int}:{int}] < 'm')", "('a' <= {char} <= 'z')", "({int} in range({int}))"),
            *("any(e > {int} for e in INTS if e != {int})", "all(b < {int} for b in BYTES)"),
            *("isinstance({float}, (int, float))", "(BYTES[{int}] == 97)", "({char}.isalpha())"),
            *("bool({np_int} < {int})", "bool({np_float} >= {np_float})", "({int} in INTS)"),
        ),
    ),
    "complex": _of(
        "complex",
        (
            *("({%} + {%})", "({%} - {%})", "({%} * {%})", "({%} / {%})", "(-{%})", "({%} * {%})"),
            *("complex({float}, {float})", "complex({float})", "({complex} * {float})"),
            *("({float} - {complex})", "({complex} ** 2)", "({complex}).conjugate()"),
            *("({complex} ** 3)", "complex({int}, {int})", "({complex} / {float})", "complex({%})"),
            *("({complex} + {int})", "({complex} if {bool} else {complex})", "(1j * {complex})"),
        ),
    ),
    "char": (
        *("TEXT[{index}]", "TEXT[{int}]", "chr(97 + {int} % 26)", "chr({int} & 1023)"),
        *("({char} if {bool} else {char})", "max({char}, {char})", "'abc'[{small} % 3]"),
        *("TEXT[::-1][{index}]", "min({char}, {char})", "TEXT[{small}:][{bit}]"),
    ),
    "np_int": (
        *("ARRAY[{index}]", "ARRAY[{int}]", "({np_int} + {np_int})", "({np_int} * {int})"),
        *("({np_int} - {np_int})", "({np_int} // {np_int})", "({np_int} % {int})"),
        *("({np_int} & {np_int})", "(-{np_int})", "abs({np_int})", "({int} - {np_int})"),
        *("np.int64({int})", "({np_int} if {bool} else {np_int})", "GRID[{bit}, {bit}]"),
        *("GRID[{int} % 3, {index}]", "GRID[{bit}][{int}]", "({np_int} ^ {np_int})"),
    ),
    "np_float": (
        *("MATRIX[{bit}, {bit}]", "MATRIX[{bit}][{bit}]", "({np_float} + {np_float})"),
        *("({np_float} * {float})", "({float} - {np_float})", "({np_float} / {np_float})"),
        *("({np_int} / {np_int})", "({np_float} * {np_int})", "np.float64({float})"),
        *("(-{np_float})", "abs({np_float})", "({np_float} // {float})"),
        *("MATRIX[{int} % 3, {int} % 3]", "sum(v for row in MATRIX for v in row)"),
    ),
    "row": (
        *("[{int}, {int}]", "[{float}, {float}, {float}]", "[({int}, {bool})]", "[{char}]"),
        *("[e + {int} for e in INTS]", "[e * {float} for e in FLOATS if e != {float}]"),
        *("[{int} * e for e in range({small})]", "[(e, {float}) for e in INTS if {bool}]"),
        *("[e + j for e in range({small}) for j in range(e)]", "[{complex} for t in TEXT]"),
    ),
    "small": ("({int} % 7)", "({int} & 3)", "({int} % 5)"),
    #: How deep a recursion goes: now and then deeper than native code does.
    "deep": ("({int} % 7 * 90)", "({int} & 63)", "({int} % 5)"),
    "index": ("({int} % 6)", "({int} & 3)", "-1", "({int} % -5)"),
    "bit": ("0", "1", "-1"),
    # Near the last int of 64 bits: where loops start and stop there, and what goes beyond.
    "edge": ("9223372036854775800", "9223372036854775802", "9223372036854775806"),
    "stop": ("9223372036854775804", "9223372036854775805"),
    "near": ("3", "4", "5"),
    "mask": ("0xFFFF", "0x7FFFFFFF", "0xFFFFFFFF", "(2**62 - 1)", "0x7FFFFFFFFFFFFFFF"),
    "modulus": ("7", "10", "1000003", "-3", "2147483647", "(2**61 - 1)", "{int}"),
}

#: An expression at the bottom: literals by type.
LITERALS: Mapping[str, tuple[str, ...]] = {
    "int": (
        *("0", "1", "2", "3", "-1", "-7", "10", "63", "100", "2147483648", "9007199254740993"),
        *("4611686018427387904", "9223372036854775807", "-9223372036854775808", "0", "1", "2"),
    ),
    "float": (
        *("0.0", "-0.0", "0.5", "-1.5", "0.1", "2.0", "3.0", "1e22", "1e300", "5e-324", "1.0"),
        *("9007199254740992.0", "9.3e18", "-2.25", "1e-5", "math.inf", "math.nan"),
    ),
    "bool": ("True", "False"),
    "complex": ("1j", "0j", "(1.5-2j)", "complex(-0.0, 0.0)", "(3+0j)"),
    "char": ("'a'", "'z'", "'5'", "TEXT[0]"),
    "np_int": ("ARRAY[0]", "ARRAY[3]", "ARRAY[-1]"),
    "np_float": ("MATRIX[0, 1]", "MATRIX[1, 0]"),
    "row": ("[{int}]",),
    "small": ("0", "1", "2", "3", "5", "6"),
    "deep": ("7", "60", "600"),
    "index": ("0", "1", "3", "-2"),
    "bit": ("0", "1"),
    "edge": ("9223372036854775800", "9223372036854775801"),
    "stop": ("9223372036854775804", "9223372036854775805"),
    "near": ("3", "4", "5"),
    "mask": ("255",),
    "modulus": ("13", "2"),
}

#: Conditions at the bottom.
COMPARISONS = (
    *("({int} < {int})", "({int} != {int})", "({int} >= {int})", "({int} % 3 == {bit})"),
    *("({float} < {float})", "({float} >= {int})", "({int} == {int})", "bool({int} & 1)"),
)

#: Types that variables have, the usual ones more often; what another type may stand in for.
VARIABLES = ("int", "int", "int", "int", "float", "float", "float", "bool", "complex", "char")
MIXED: Mapping[str, tuple[str, ...]] = {
    "int": ("bool", "float", "np_int"),
    "float": ("int", "bool", "np_float"),
    "bool": ("int", "float"),
    "complex": ("float", "int"),
}

#: Statements that give ``@`` a value of some type: the loops that people write.
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "int": (
        "@ = 0\nfor e in [{int}, {int}, {int}]:\n    @ += e\n",
        # A counter that comes near the last int of 64 bits.
        "@ = 0\nfor i in range({edge}, {stop}):\n    @ = i + {near}\n",
        "@ = 0\nfor t in TEXT:\n    if t == {char}:\n        @ += 1\n"
        "    elif t.isdigit():\n        @ = @ * 10 + ord(t) - 48\n",
        "@ = {int}\nfor b in BYTES:\n    @ = (@ * 31 + b) & {mask}\n",
        "@ = 0\nwhile True:\n    @ += 1\n    if @ > {small} or {bool}:\n        break\n",
        "@, i = {int}, {int}\nwhile i:\n    @, i = i, @ % i\n",
        "@, i = divmod({int}, {int})\n",
        "@ = 0\nfor i in range(3):\n    for j in range(4):\n        @ += int(GRID[i, j]) * i\n",
        "h = lambda q: q * {int} + {int}\n@ = h({int})\n",
        "@ = 0\nfor i in range({small}):\n    for j in range(i, {small}):\n"
        "        if {bool}:\n            break\n        @ += j\n    else:\n        @ -= 1\n",
        "@, i = 0, {int} & 255\nwhile i > 1:\n"
        "    i = i // 2 if i % 2 == 0 else 3 * i + 1\n    @ += 1\n",
    ),
    "float": (
        # A literal first, another type later.
        "@ = 0\nfor i in range({small}):\n    @ += {float}\n",
        "@ = {float}\nfor i in range({small}):\n    @ = 3.7 * @ * (1.0 - @)\n",
        "@ = 0.0\nfor e in FLOATS:\n    @ = @ * {float} + e\n",
        "@ = {float}\nwhile @ > 1.0 and @ < 1e9:\n    @ /= 2.0\n",
    ),
    "complex": (
        "@ = 0j\nfor i in range(9):\n    @ = @ * @ + {complex}\n"
        "    if abs(@) > 2.0:\n        break\n",
    ),
}
