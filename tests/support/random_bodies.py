"""Random function bodies that read and change things made inside and outside of them.

Every body is syntactically valid; it may raise. What exists outside is in ``OUTSIDE``.
"""

import random

#: What the body may reach, and functions and classes that it may use.
OUTSIDE = """
import copy, functools, itertools
class Box:
    made = []
    def __init__(self, items=None):
        self.items = [] if items is None else items
        self.value = 0
    def keep(self, item):
        self.items.append(item)
        return self
    def peek(self):
        return self.items
    def bump(self):
        self.value += 1
        return self.value
    @property
    def first(self):
        return self.items[0]
    def __iadd__(self, other):
        self.items.append(other)
        return self
    def __add__(self, other):
        return Box([*self.items, other])
    def __getitem__(self, i):
        return self.items[i]
    def __setitem__(self, i, value):
        self.items[i] = value
    def __iter__(self):
        return iter(self.items)
    def __len__(self):
        return len(self.items)
class Sub(Box):
    def __init__(self, items=None):
        super().__init__(items)
        self.extra = [self.items]
    def bump(self):
        self.extra.append(1)
        return super().bump()
rows = [[1], [2, 3], []]
table = {"k": [1], "j": [2]}
box = Box([[5], [6]])
boxes = [Box([1]), Sub([2])]
nested = [[[1]], [[2]]]
pair = (rows, 1)
numbers = [3, 1, 2]
def same(v):
    return v
def fresh():
    return [[0], [0]]
def put(target, value):
    target.append(value)
    return target
def choose(a, b, flag):
    return a if flag else b
def pour(source, target=rows):
    for v in [*source]:
        target.append(v)
    return target
def walk(v, n):
    if n == 0:
        return v
    return walk(v, n - 1)
def items_of(v):
    for each in v:
        yield each
def maker():
    mine = []
    return lambda v: put(mine, v)
"""

_VARIABLES = ["u", "v", "w"]
_VALUES = [
    *("rows", "rows[0]", "table", "table['k']", "box", "box.items", "boxes", "boxes[x % 2]"),
    *("nested", "nested[0]", "pair", "pair[0]", "numbers", "x", "(x + 1)", "[]", "[x]", "{}"),
    *("Box()", "Sub()", "fresh()", "Box.made", "[[0], [1]]", "(x, [x])"),
]
_FORMS = [
    *("[{0}]", "[{0}, {1}]", "({0}, {1})", "{{'k': {0}}}", "list({0})", "{0}[0]", "{0}[-1]"),
    *("{0}[:]", "{0}[1:]", "({0} + {1})", "({0} * 2)", "[*{0}]", "[*{0}, {1}]", "same({0})"),
    *("choose({0}, {1}, x)", "walk({0}, 2)", "put({0}, {1})", "put([], {0})", "Box({0})"),
    *("Sub({0})", "{0}.items", "{0}.peek()", "{0}.keep({1})", "{0}.first", "({0} or {1})"),
    *("({0} if x else {1})", "sorted({0}, key=str)", "max({0}, key=str)", "copy.copy({0})"),
    *("copy.deepcopy({0})", "[i for i in {0}]", "[[i] for i in {0}]", "list(zip({0}, {1}))"),
    *("dict(k={0})", "list(map(same, {0}))", "list(items_of({0}))", "next(iter({0}))"),
    *("functools.reduce(put, {0}, {1})", "list(itertools.chain({0}, {1}))", "list({0}.values())"),
    *("{0}.get('k', {1})", "{0}.copy()", "maker()({0})", "(lambda i: i)({0})", "pour({0})"),
    *("pour({0}, {1})", "{0}.setdefault('z', {1})", "{0}.pop()", "len({0})"),
    *("str({0})", "({0} == {1})", "list(reversed({0}))", "list(enumerate({0}))[0][1]"),
    *("{{**{0}}}", "sum({0}, [])", "[i for j in {0} for i in j]", "list(filter(None, {0}))"),
]
_STATEMENTS = [
    *("{t} = {0}", "{t} = {0}", "{t} = {0}", "{t}.append({0})", "{t}.append({0})"),
    *("{t}[0] = {0}", "{t}['k'] = {0}", "{t}.items = {0}", "{t}.value = x", "{t} += [{0}]"),
    *("{t} += {0}", "{t} *= 2", "{t}[0] += [x]", "{t}.items += [{0}]", "{t}.bump()"),
    *("{t}.keep({0})", "{t}.extend({0})", "{t}.sort()", "{t}.clear()", "{t}.update(k={0})"),
    *(
        "if ({t} := {1}): {t}.append(x)",
        "{t}, *_ = {0}",
        "{t}, w = {0}, {1}",
        "del {t}[0]",
        "{t}.items.append({0})",
    ),
    *("{t}[0].append({0})", "put({t}, {0})", "put({t}[0], {0})", "{t}[0][0] = {0}"),
    *("for i in [*{0}]: {t} = i", "for i in [*{0}]: i.append(x)", "for {t} in [*{0}]: pass"),
    *("if x: {t} = {0}", "if x == 1: {t}.append({0})", "while x > 5: {t}.append({0})"),
    *("for i in range(2): {t} = put({t}, {0})", "{t} = u; u = {0}", "pour({0}, {t})"),
]
_BLOCKS = [
    "try:\n    {a}\nexcept Exception as e:\n    {b}",
    "try:\n    raise ValueError({0})\nexcept ValueError as e:\n    {t} = e.args[0]\n    {a}",
    "def g(i, k={0}):\n    {t2} = k\n    {t2}.append(i)\n    return {t2}\n{t} = g({1})",
    "def g():\n    {t}.append({0})\n{a}\ng()",
    "g = lambda i: put(i, {0})\n{t} = g({1})",
    "for i in range(2):\n    {a}\n    {b}",
    "match {0}:\n    case [i, *j]:\n        {t} = i\n    case i:\n        {t} = i\n{a}",
    "if x % 2:\n    {a}\nelse:\n    {b}",
]


def body(seed: int) -> str:
    """The statements of a function of ``x``, as text."""
    rng = random.Random(seed)
    lines = [f"{name} = {rng.choice(_VALUES)}" for name in _VARIABLES]
    for _ in range(rng.randint(1, 5)):
        lines += _statement(rng).splitlines()
    return "\n".join([*lines, f"return {_value(rng, 1)}"])


def _value(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.35:
        return rng.choice([*_VARIABLES, *_VARIABLES, rng.choice(_VALUES)])
    form = rng.choice(_FORMS)
    return form.format(_value(rng, depth - 1), _value(rng, depth - 1))


def _simple(rng: random.Random) -> str:
    form = rng.choice(_STATEMENTS)
    return form.format(_value(rng, 2), _value(rng, 1), t=rng.choice(_VARIABLES))


def _statement(rng: random.Random) -> str:
    if rng.random() < 0.7:
        return _simple(rng)
    return rng.choice(_BLOCKS).format(
        _value(rng, 2),
        _value(rng, 1),
        a=_simple(rng),
        b=_simple(rng),
        t=rng.choice(_VARIABLES),
        t2="own",
    )
