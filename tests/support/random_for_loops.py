"""Random ``for`` loops: bodies of things computed and things gathered, in any order.

Every loop is valid; it may raise, in what an item computes or in what is done with it.
"""

import random

#: What the loops find: functions of an item, and things to gather in.
SETUP = """
import collections, math
def f(v):
    return v * v % 13
def g(v):
    if v == {bad}:
        raise ValueError(v)
    return (v * 7919) % 31 - 9
def h(v):
    return v * 0.1 - 1.7
def s(v):
    return "ab" * (v % 3)
def pairs(v):
    return [v, [v % 2]]
def deep(v):
    return [f(k) for k in range(v % 4)]
class Box:
    def __init__(self, v):
        self.v = v
    def __add__(self, other):
        return Box(self.v + (other.v if type(other) is Box else other))
    __radd__ = __add__
    def __eq__(self, other):
        return type(other) is Box and self.v == other.v
    def __repr__(self):
        return f"Box({{self.v}})"
    def __hash__(self):
        return hash(self.v)
xs = [(n * 37) % 29 for n in range({count})]
ys = [(n, n % 5) for n in range({count})]
lists = [[n, n % 3] for n in range(7)] * 4
k = 3
total = {total}
count = 0
best = -100
where = None
out = []
table = {{}}
groups = collections.defaultdict(list)
counter = collections.Counter()
seen = set()
text = ""
last = {{}}
queue = collections.deque(maxlen=5)
"""

_HEADS = [
    *("for x in xs:", "for x in range(40):", "for x in xs:", "for i, x in enumerate(xs, 1):"),
    *("for x, i in ys:", "for x in reversed(xs):", "for i, x in zip(xs, range(50)):"),
    *("for x in lists:", "for x in xs[:3]:", "for x in []:", "for x in tuple(xs):"),
]
_VALUES = [
    *(
        "x",
        "y",
        "z",
        "k",
        "f(x)",
        "g(x)",
        "h(x)",
        "s(x)",
        "f(y)",
        "g(y)",
        "x + 1",
        "x * k",
        "y - z",
    ),
    *("f(x) + g(y)", "len(s(x))", "pairs(x)", "deep(x)", "sum(deep(x))", "[f(x), y]", "(x, y)"),
    *("[f(j) for j in range(x % 5)]", "max(f(x), y)", "x if f(x) > 4 else y", "Box(x)", "str(x)"),
    *("total", "count", "best", "len(out)", "f(total)", "table.get(x, 0)", "math.sqrt(x)"),
    *("sum(f(j) for j in range(x % 4))", "{0: x}", "y[0]", "1 / (x - 7)", "True", "0.5", "-x"),
]
_TESTS = [
    *(
        "f(x) > 5",
        "y % 2",
        "x == 11",
        "g(x) < 0",
        "y > best",
        "x in seen",
        "f(y) > best",
        "total > 50",
    ),
    *("not x", "f(x) % 3 == 0", "len(out) > 9", "y", "k > 2 and g(x) > 3", "x not in table"),
]
_MAPS = [
    *("y = {0}", "y = {0}", "z = {0}", "y, z = {0}, {1}", "y: int = {0}", "x = {0}", "y += {0}"),
    *("y = []\ny.append({0})", "y = {{}}\ny[x] = {0}", "z = y = {0}"),
    *(
        "y = 0\nfor j in range({2}):\n    y += f(j)",
        "y = x\nwhile y > 3:\n    y //= 2",
        "try:\n    y = {0}\nexcept (ValueError, TypeError):\n    y = 0",
        "if {3}:\n    y = {0}\nelse:\n    y = {1}",
        "if {3}:\n    z = {0}",
        "assert x != 23",
        "if (y := {0}) and {3}:\n    count += 1",
        "z = (y := {0}) == {1}",
        "total += (z := {0})",
    ),
]
_FOLDS = [
    *("total += {0}", "total += {0}", "total -= {0}", "count += 1", "total = total + {0}"),
    *(
        "total *= {0}",
        "count |= {0}",
        "best = max(best, {0})",
        "out.append({0})",
        "out.append({0})",
    ),
    *("out.extend({0})", "out += [{0}]", "table[{0}] = {1}", "table[{0}] += {1}", "seen.add({0})"),
    *("table[{0}] = table.get({0}, 0) + 1", "groups[{0}].append({1})", "counter[{0}] += 1"),
    *(
        "last.setdefault({0}, []).append({1})",
        "text += str({0})",
        "text += s(x)",
        "queue.append({0})",
    ),
    *("print(x, {0})", "print({0})", "where = {0}", "groups[x] = {0}", "where = x, {0}"),
    *("last[x] = {0}", "out[0] = {0}", "count = {0}", "table.update({{x: {0}}})"),
]
#: What loops are made of that work on nothing but numbers.
_NUMBERS = [
    *("x", "y", "z", "k", "f(x)", "g(x)", "h(x)", "f(y)", "x + 1", "x * k", "y - z", "total"),
    *("count", "best", "-x", "0.5", "True", "f(total)", "max(f(x), y)", "x if f(x) > 4 else y"),
    *("total * 31 + x", "1 / (x - 7)", "y // (x - 3)", "total % 1009", "10 ** 18 * x", "best * 2"),
    *("math.sqrt(x)", "sum(f(j) for j in range(x % 4))", "x > y", "count & 7", "h(x) - h(x)"),
]
_STEPS = [
    *(
        "total += {0}",
        "total = {0}",
        "count += 1",
        "best = max(best, {0})",
        "best = min({0}, best)",
    ),
    *("y = {0}", "z = {0}", "y, z = {0}, {1}", "y = z = {0}", "total -= {0}", "count ^= f(x)"),
    *("total = total * 3 + {0}", "y += {0}", "assert x != 23", "total *= {0}", "pass"),
    *("y = 0\nfor j in range({2}):\n    y += f(j)", "y = x\nwhile y > 3:\n    y //= 2"),
]
_TURNS_END = ["break", "continue", "where = x\nbreak", "where, y = x, {0}\nbreak"]
_ENDS = ["break", "continue", "count += 1\n{0}\ncontinue", "print('left')\nbreak"]


def program(rng: random.Random) -> tuple[str, str]:
    """Set-up and statements: one loop or two."""
    total = rng.choice(["0", "0", "1", "0.5", "-0.0", "''", "[]", "(1,)", "10**30", "Box(1)"])
    bad = rng.choice([-1, -1, -1, 11, 20])
    setup = SETUP.format(bad=bad, count=rng.choice([1, 2, 17, 45]), total=total)
    return setup, "\n".join(_loop(rng) for _ in range(rng.choice([1, 1, 2])))


def _loop(rng: random.Random) -> str:
    head = rng.choice(_HEADS)
    step = rng.choice([_statement, _step])
    body = "\n".join(step(rng, 2) for _ in range(rng.randint(1, 4)))
    if rng.random() < 0.3:
        body = "y = f(k)\nz = h(k)\n" + body
    loop = f"{head}\n{_indented(body)}"
    if rng.random() < 0.2:
        loop += "\nelse:\n    count += 100"
    return loop


def _statement(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if depth and kind < 0.25:
        inner = rng.choice([_filled(rng, rng.choice(_ENDS)), _statement(rng, depth - 1)])
        text = f"if {rng.choice(_TESTS)}:\n{_indented(inner)}"
        if rng.random() < 0.3:
            text += f"\nelse:\n{_indented(_statement(rng, depth - 1))}"
        return text
    if depth and kind < 0.32:
        inner = _statement(rng, depth - 1)
        return f"for j in range({rng.choice(['3', 'f(x) % 4', 'k'])}):\n{_indented(inner)}"
    return _filled(rng, rng.choice(_MAPS if kind < 0.6 else _FOLDS))


def _step(rng: random.Random, depth: int) -> str:
    """A statement that works on numbers."""
    values = rng.choice(_NUMBERS), rng.choice(_NUMBERS)
    if not depth or rng.random() < 0.7:
        return rng.choice(_STEPS).format(*values, rng.choice(["3", "f(x)", "x % 3"]))
    end = rng.choice(_TURNS_END).format(*values)
    inner = end if rng.random() < 0.3 else _step(rng, depth - 1)
    text = f"if {rng.choice(_NUMBERS)} {rng.choice(['>', '==', '<='])} {values[0]}:\n"
    text += _indented(inner)
    if rng.random() < 0.3:
        text += f"\nelse:\n{_indented(_step(rng, depth - 1))}"
    return text


def _filled(rng: random.Random, template: str) -> str:
    values = rng.choice(_VALUES), rng.choice(_VALUES)
    return template.format(*values, rng.choice(["3", "f(x)", "x % 3"]), rng.choice(_TESTS))


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())
