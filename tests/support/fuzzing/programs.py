"""Random programs: functions, global sequences, and a site whose items call them."""

import ast
import math
from dataclasses import dataclass, field
from random import Random

from fuzzing.functions import Functions

_HEAD = "import math\nimport numpy as np\n"
_INTS = (0, 1, 2, 3, 5, -1, -4, 7, 10, 100, 2**31, -(2**40), 2**62, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.0, 0.5, -2.5, 0.1, 3.75, 1e10, 1e200, -1e-9, 5e-324, math.inf, math.nan)
_TEXTS = ("abcab", "hello world", "aXbYc1", "z9" * 4, "naïve", "a€b€ca")

#: What a site loops over, with the type of ``x``.
SOURCES = (
    *(
        ("x in range(-4, 9)", "int"),
        ("x in range(12)", "int"),
        ("x in range({edge}, {edge} + 8)", "int"),
    ),
    *(("x in range(9, -9, -2)", "int"), ("x in INTS", "int"), ("x in FLOATS", "float")),
    *(("x in ARRAY", "np_int"), ("x in MATRIX[1]", "np_float"), ("x in TEXT", "char")),
    *(("j, x in enumerate(FLOATS)", "float"), ("x, y in zip(INTS, FLOATS)", "int")),
    *(("x in reversed(INTS)", "int"), ("y, x in PAIRS", "float"), ("x in INTS[1:]", "int")),
    *(("x in range(20)", "int"), ("x in range(n + 6)", "int"), ("x in range(64)", "int")),
)
_EDGES = ("0", "(2**31 - 4)", "(2**53 - 3)", "(2**63 - 9)", "(-2**63)", "1000")
#: The forms of a site, with the type of what its items give.
SITES = (
    *(("[{} for {}]", "any"), ("[{} for {}]", "any"), ("sum({} for {})", "number")),
    *(("sum(({} for {}), 3)", "int"), ("sum({} for {})", "float"), ("min({} for {})", "number")),
    *(("max([{} for {}])", "number"), ("max(({} for {}), default=0)", "int")),
    *(("any({} for {})", "bool"), ("all({} for {})", "bool"), ("tuple({} for {})", "any")),
    *(("{{{} for {}}}", "int"), ("{{{}: {} for {}}}", "pair"), ("frozenset({} for {})", "int")),
    *(("len([{} for {}])", "any"), ("list({} for {})", "any"), ("sum([{} for {}])", "int")),
    *(("dict(({}, {}) for {})", "pair"), ("[({}, {}) for {}]", "pair")),
)
_ANY = ("int", "int", "float", "float", "bool", "complex", "char", "np_int", "np_float")


@dataclass(frozen=True, slots=True)
class RandomProgram:
    """A module whose last statement is a site, and the local variables of that site."""

    text: str
    scope: dict[str, object] = field(default_factory=dict)


def program(seed: int) -> RandomProgram:
    """The program of this number."""
    chance = Random(seed)
    while True:
        text = module(chance, 1)
        try:
            ast.parse(text)
        except SyntaxError:
            continue  # an assignment where none may be, for example
        return RandomProgram(text, scope(chance))


def scope(chance: Random) -> dict[str, object]:
    """Local variables of a site."""
    return {"n": chance.choice((0, 1, 2, 3, 5, -7, 60)), "w": chance.choice(_FLOATS)}


def module(chance: Random, sites: int) -> str:
    """The text: so many sites, each a statement, behind all that they need."""
    functions = Functions(chance)
    parts = [_HEAD, *data(chance)]
    parts += [functions.write(f"f{index}") for index in range(chance.choice((1, 1, 1, 2, 2, 3)))]
    return "".join([*parts, *(f"{site(functions)}\n" for _ in range(sites))])


def data(chance: Random) -> list[str]:
    """Assignments of the global sequences."""
    ints = [chance.choice(_INTS[:11]) for _ in range(7)]
    floats = [chance.choice(_FLOATS) for _ in range(6)]
    pairs = [(chance.choice(_INTS), chance.choice(_FLOATS)) for _ in range(6)]
    rows = [[chance.choice(_FLOATS[:8]) for _ in range(3)] for _ in range(3)]
    if chance.random() < 0.2:
        ints[chance.randrange(7)] = chance.choice(_INTS)
    return [
        f"INTS = {ints}\n",
        f"FLOATS = {_text(floats)}\n",
        f"PAIRS = {_text(pairs)}\n",
        f"ARRAY = np.array({ints})\n",
        f"MATRIX = np.array({_text(rows)})\n",
        f"TEXT = {chance.choice(_TEXTS)!r}\n",
    ]


def _text(values: object) -> str:
    return repr(values).replace("inf", "math.inf").replace("nan", "math.nan")


def site(functions: Functions) -> str:
    """One site, an expression that calls what the functions give."""
    chance, expressions = functions.chance, functions.expressions
    form, wanted = chance.choice(SITES)
    source, kind = chance.choice(SOURCES)
    for _ in range(source.count("{edge}") // 2):
        source = source.replace("{edge}", chance.choice(_EDGES))
    before = expressions.names
    expressions.names = {"int": ["n"], "float": ["w"]}
    with expressions.also(kind, "x"):
        expressions.calls = 0
        loops = source + _more(functions)
        heart = [_heart(functions, each) for each in _types(chance, wanted)]
    expressions.names = before
    return form.format(*heart, loops)


def _types(chance: Random, wanted: str) -> tuple[str, ...]:
    match wanted:
        case "any":
            return (chance.choice(_ANY),)
        case "number":
            return (chance.choice(("int", "float", "bool", "int")),)
        case "pair":
            return ("int", chance.choice(_ANY))
        case _:
            return (wanted,)


def _more(functions: Functions) -> str:
    """Conditions, and another generator."""
    chance, expressions = functions.chance, functions.expressions
    text = ""
    if chance.random() < 0.35:
        text += f" if {expressions.write('bool', 2)}"
    if chance.random() < 0.2:
        text += f" for k in {expressions.fill(chance.choice(('range({small})', '({int}, {int})')))}"
        expressions.names.setdefault("int", []).append("k")
        if chance.random() < 0.5:
            text += f" if {expressions.write('bool', 2)}"
    return text


def _heart(functions: Functions, kind: str) -> str:
    """Mostly what a function gives."""
    expressions = functions.expressions
    expressions.calls = 2
    callable = expressions.functions.get(kind)
    if not callable:
        kinds = [each for each in expressions.functions if each == kind or kind == "any"]
        return expressions.write(kinds[0] if kinds else kind)
    return expressions.call(kind, 2)
