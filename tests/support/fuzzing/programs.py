"""Random programs: functions, global sequences, and a site whose items call them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from fuzzing.functions import Functions
from fuzzing.grammar import COMPARISONS

_HEAD = "import math\nimport numpy as np\n"
_INTS = (0, 1, 2, 3, 5, -1, -4, 7, 10, 100, 2**31, -(2**40), 2**62, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.0, 0.5, -2.5, 0.1, 3.75, 1e10, 1e200, -1e-9, 5e-324, math.inf, math.nan)
_TEXTS = ("abcab", "hello world", "aXbYc1", "z9" * 4, "naïve", "a€b€ca")

#: What a site loops over, with the types of its variables.
SOURCES: Sequence[tuple[str, Mapping[str, str]]] = (
    *((f"x in range({bounds})", {"x": "int"}) for bounds in ("-4, 9", "12", "20", "n + 6", "64")),
    *((f"x in range({bounds})", {"x": "int"}) for bounds in ("{edge}, {edge} + 8", "9, -9, -2")),
    *((f"x in {each}", {"x": "int"}) for each in ("INTS", "INTS[1:]", "reversed(INTS)")),
    *(("x in FLOATS", {"x": "float"}), ("j, x in enumerate(FLOATS)", {"j": "int", "x": "float"})),
    *(("x in ARRAY", {"x": "np_int"}), ("x in MATRIX[1]", {"x": "np_float"})),
    *(("x in TEXT", {"x": "char"}), ("j, x in enumerate(TEXT)", {"j": "int", "x": "char"})),
    ("x, y in zip(INTS, FLOATS)", {"x": "int", "y": "float"}),
    *(("y, x in PAIRS", {"y": "int", "x": "float"}), ("x in BYTES", {"x": "int"})),
    *(
        ("x in INTS[::2]", {"x": "int"}),
        ("x in ROWS[1]", {"x": "int"}),
        ("x in FLAGS", {"x": "bool"}),
    ),
    *(("y, x in enumerate(INTS, 3)", {"y": "int", "x": "int"}), ("x in GRID[1]", {"x": "np_int"})),
    *(("x in TEXT[1:]", {"x": "char"}), ("x in GRID.T[2]", {"x": "np_int"})),
    ("y, x in zip(range(9), reversed(INTS))", {"y": "int", "x": "int"}),
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
    *(("[{} for {}]", "row"), ("tuple([{} for {}])", "row"), ("[v for {1} for v in {0}]", "row")),
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
        text = module(chance)
        if is_program(text):
            return RandomProgram(text, scope(chance))


def is_program(text: str) -> bool:
    """False where an assignment stands within an expression that must have none, for example."""
    try:
        compile(text, "program", "exec")
    except SyntaxError:
        return False
    return True


def scope(chance: Random) -> dict[str, object]:
    """Local variables of a site."""
    return {"n": chance.choice((0, 1, 2, 3, 5, -7, 60)), "w": chance.choice(_FLOATS)}


def module(chance: Random) -> str:
    """The text: a site, behind all that it needs."""
    form, wanted = chance.choice(SITES)
    kinds = _types(chance, wanted)
    functions = Functions(chance)
    parts = [functions.write("f0")] if chance.random() < 0.3 else []
    parts.append(functions.write(f"f{len(parts)}", kinds[-1]))
    text = "".join([*parts, f"{_filled(functions, form, kinds)}\n"])
    return f"{head(chance, text)}{text}"


def head(chance: Random, text: str) -> str:
    """What stands before a text that needs it."""
    needed = [each for each in data(chance) if each.partition(" ")[0] in text]
    return "".join([_HEAD, *needed])


def data(chance: Random) -> list[str]:
    """Assignments of the global sequences."""
    ints = [chance.choice(_INTS[:11]) for _ in range(7)]
    floats = [chance.choice(_FLOATS) for _ in range(6)]
    pairs = [(chance.choice(_INTS), chance.choice(_FLOATS)) for _ in range(6)]
    rows = [[chance.choice(_FLOATS[:8]) for _ in range(3)] for _ in range(3)]
    some = [chance.choice(_INTS[:11]) for _ in range(3)]
    if chance.random() < 0.2:
        ints[chance.randrange(7)] = chance.choice(_INTS)
    return [
        f"INTS = {ints}\n",
        f"FLOATS = {_text(floats)}\n",
        f"PAIRS = {_text(pairs)}\n",
        f"ROWS = {[some, ints[:3]]}\n",
        f"FLAGS = {[each > 2 for each in ints]}\n",
        f"MIXED = ({some[0]}, {_text(floats[0])}, {some[1] > 2})\n",
        f"POINT = {_text(pairs[0][1:] + pairs[1][1:])}\n",
        f"BYTES = {chance.choice(_TEXTS).encode()!r}\n",
        f"TEXT = {chance.choice(_TEXTS)!r}\n",
        f"ARRAY = np.array({ints})\n",
        f"GRID = np.array({[ints[:4], ints[3:], [*some, 9]]})\n",
        f"MATRIX = np.array({_text(rows)})\n",
        f"SMALL = np.array({[each % 256 for each in ints]}, np.uint8)\n",
        f"SINGLE = np.array({_text(floats)}, np.float32)\n",
        f"MASK = np.array({[each > 1 for each in ints]})\n",
    ]


def _text(values: object) -> str:
    return repr(values).replace("inf", "math.inf").replace("nan", "math.nan")


def site(functions: Functions) -> str:
    """One site, an expression that calls what the functions give."""
    form, wanted = functions.chance.choice(SITES)
    return _filled(functions, form, _types(functions.chance, wanted))


def _filled(functions: Functions, form: str, kinds: tuple[str, ...]) -> str:
    """The site of this form whose items give values of these types."""
    chance, expressions = functions.chance, functions.expressions
    source, names = chance.choice(SOURCES)
    edge = chance.choice(_EDGES)
    with expressions.over(names):
        expressions.calls = 0
        # Rows that a function makes are native where every item is one.
        more = "" if kinds == ("row",) else _more(functions)
        loops = source.replace("{edge}", edge) + more
        heart = [_heart(functions, each) for each in kinds]
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
    if chance.random() < 0.25:
        text += f" if {expressions.fill(chance.choice(COMPARISONS))}"
    if chance.random() < 0.15:
        text += f" for k in {expressions.fill(chance.choice(('range({small})', '({int}, {int})')))}"
        expressions.names.setdefault("int", []).append("k")
        if chance.random() < 0.3:
            text += f" if {expressions.write('bool', 1)}"
    return text


def _heart(functions: Functions, kind: str) -> str:
    """What a function gives, if one gives this type."""
    expressions = functions.expressions
    expressions.calls = 2
    if not expressions.functions.get(kind):
        return expressions.write(kind)
    return expressions.call(kind, 2)
