"""Programs with sites in them: each leaves its answer in ``result``, or fails in ``f()``."""

PROGRAMS = {
    "reducers": """
xs, k = [3, 1, 2, 5, 4], 2
def f(start):
    return (
        sum(x * k for x in xs), sum((x for x in xs), start), sum((x for x in xs), start=0.5),
        min(x for x in xs), max((x for x in xs if x > 9), default=start),
        any(x > 4 for x in xs), all(x > 1 for x in xs), any(x > 9 for x in xs),
        list(x for x in xs), tuple(x for x in xs), set(x for x in xs), frozenset(x for x in xs),
        dict((x, k) for x in xs), len([x for x in xs if x % 2]), sum([x for x in xs]),
        [x for x in xs], {x for x in xs}, {x: x * k for x in xs},
    )
result = f(7)
""",
    "locals, closures and globals": """
g = 10
def outer(a):
    b = 2
    def inner(c):
        d = 4
        return [x + a * b * c * d * g for x in range(5)]
    return inner(3)
result = outer(1)
""",
    "a private name": """
class A:
    def __init__(self):
        self.__k = 3
    def f(self, __x):
        return [self.__k * x + __x for x in range(5)]
result = A().f(1)
""",
    "names of an enclosing comprehension": """
def f(k):
    return list(reversed([sum(x * y + k for y in range(4)) for x in range(4)]))
def g(k):
    return sorted(sum(x * y + k for y in range(4)) for x in range(4))
top = sorted(sum(x * y for y in range(4)) for x in range(4))
result = f(1), g(2), top
""",
    "site in a site": """
result = [[sum(z * y for z in range(x)) for y in range(3)] for x in [a + 1 for a in range(4)]]
""",
    "a reducer that is shadowed": """
def sum(items, start=0):
    return ["mine", *items]
def f(list):
    return list(x for x in range(3))
result = sum(x for x in range(3)), f(tuple)
""",
    "an effect, in its order": """
log = []
def note(x):
    log.append(x)
    return x
def f():
    return sum((note(x) for x in [note(-1), note(-2)]), note(-3)), [note(x) for x in range(3)]
result = f(), log
""",
    "a variable that changes while items run": """
def f():
    k = 1
    def bump():
        nonlocal k
        k += 1
        return k
    return [bump() * k for _ in (0, 0, 0)]
result = f()
""",
    "kept variables": """
def f():
    for k in range(3):
        keep = [lambda: k for _ in range(2)]
    k = 9
    return [each() for each in keep]
result = f()
""",
    "views": """
from itertools import chain, islice, product, starmap
xs, d, text = [3, 1, 2, 5, 4], {"a": 1, "b": 2, "c": 3}, "abcde"
def f(k):
    return (
        [i * x for i, x in enumerate(xs)], [x - y for x, y in zip(xs, range(9))],
        sum(i * x for i, x in enumerate(xs, k)), [x for x in reversed(xs)],
        [v + k for v in d.values()], {c: ord(c) for c in text}, [c for c in chain(text, xs)],
        list(a * b for a, b in product(xs, range(2))), [a for a in islice(xs, 1, None, 2)],
        [(i, a, b) for i, (a, b) in enumerate(zip(xs, reversed(xs)), start=k)],
        {v for v in chain.from_iterable([xs, (k, 9)])},
    )
result = f(7)
""",
    "called functions": """
from itertools import starmap
import itertools
xs = [3, 1, 2, 5, 4]
def twice(x):
    return x * 2
def odd(x):
    return x % 2
def f(k):
    return (
        sum(map(twice, xs)), sum(map(lambda x: x * k, xs), k), list(filter(odd, xs)),
        list(filter(None, map(odd, xs))), dict(zip(xs, map(twice, xs))),
        [i - x for i, x in enumerate(map(twice, xs), k)], list(itertools.starmap(pow, zip(xs, xs))),
        max(map(pow, xs, range(4)), default=k), any(map(odd, xs)), all(filter(odd, xs)),
        {x: y for x, y in zip(map(twice, filter(odd, range(3))), "ab")},
        [x for x in map(twice, filter(odd, map(twice, range(9)))) if x],
    )
result = f(7)
""",
    "keys": """
from operator import itemgetter
xs = [3, 1, 2, 5, 4]
def f(k):
    return (
        sorted(xs, key=lambda x: -x), sorted(xs, key=lambda x: x % 2, reverse=True),
        sorted((x * k for x in xs), key=lambda x: x % 3), min(xs, key=lambda x: x % 3),
        max((x for x in xs if x > 9), key=abs, default=k), sorted([x % 3 for x in xs], key=abs),
        max(map(abs, xs), key=lambda x: -x), sorted(zip(xs, range(5)), key=itemgetter(1)),
        sorted(x % 3 for x in xs), sorted(map(abs, xs), reverse=k > 1),
    )
result = f(7)
""",
    "other reducers": """
import functools, math, operator, statistics
from collections import Counter
from functools import reduce
xs, sep = [3, 1, 2, 5, 4], ", "
def f(k):
    return (
        sep.join(str(x * k) for x in xs), "".join([c * 2 for c in "abc"]), ",".join(map(str, xs)),
        reduce(operator.mul, (x * k for x in xs)), functools.reduce(max, map(abs, xs), 9),
        reduce(lambda a, b: f"({a}{b})", (x for x in xs)), math.fsum(x / k for x in xs),
        math.prod((x for x in xs), start=0.5), statistics.mean(x for x in xs),
        statistics.fmean([x / 2 for x in xs]), Counter(x % 2 for x in xs), bytes(x for x in xs),
        bytearray(x * k for x in xs), b"-".join(bytes([x]) for x in xs),
    )
result = f(7)
""",
    "all items at once": """
xs = [3, 1, 2, 5, 4]
def twice(x):
    return x * 2
def f(k):
    first, *rest = (x * k for x in xs)
    [*front, last] = map(twice, xs)
    both = one, *others = (x for x in [1, 2])
    return (
        [*(x * k for x in xs), *xs, *map(twice, xs)], (*filter(None, xs), 1), max(*map(twice, xs)),
        list(zip(*((x, -x) for x in xs), strict=False)), dict(*((x, k) for x in ()), a=1),
        {*(x * k for x in xs)}, first, rest, front, last, type(both), one, others,
        "{} {}".format(*(x for x in xs if x > 3)),
    )
result = f(7)
""",
    "the first": """
xs = [3, 1, 2, 5, 4]
def f(k):
    return (
        next(x for x in xs if x > 4), next((x * k for x in xs if x > 9), k),
        next(filter(lambda x: x % 2 == 0, xs)), next(((x, y) for x in xs for y in xs if y > x), 0),
        next((x - 5 for x in xs if x == 5), "none"), next(x for x in xs), next(map(abs, xs)),
    )
result = f(7)
""",
    "running totals": """
import operator
from collections import deque
from itertools import accumulate
xs = [3, 1, 2, 5, 4]
def twice(x):
    return x * 2
def f(k):
    return (
        list(accumulate(x * k for x in xs)), max(accumulate(map(twice, xs), initial=k), default=0),
        tuple(accumulate((x for x in xs if x % 2), operator.mul)), [x * k for x in accumulate(xs)],
        deque(accumulate((x / k for x in xs), lambda a, b: a - b * k, initial=k), 3),
        sum(accumulate(map(twice, xs), func=max), k), any(accumulate(map(twice, xs))),
        [i * x for i, x in enumerate(accumulate(xs, min))], sorted(accumulate(map(twice, xs))),
    )
result = f(7)
""",
    "an accumulate that is none": """
def accumulate(items, function=None, **others):
    return ["mine", *items, function is None, others]
def f(list):
    return (
        tuple(accumulate((x for x in range(3)), abs, initial=1)), list(accumulate(map(abs, [1]))),
        [x for x in accumulate(range(3), others=2)],
    )
result = f(lambda items: [*items, "mine"])
""",
    "names that mean something else": """
class math:
    def fsum(items):
        return ["mine", *items]
def map(f, items):
    return [f(x) for x in items] + ["mine"]
def zip(*parts):
    return iter(parts)
def f(filter, sorted):
    return (
        list(map(abs, range(3))), [x for x in zip([1], [2])], math.fsum(x for x in range(3)),
        list(filter(abs, range(3))), sorted((x for x in range(3)), key=abs),
    )
result = f(lambda f, xs: [f, *xs][1:], lambda xs, key: list(xs))
""",
    "operands in their order": """
log = []
def note(x):
    log.append(x)
    return x
class Words:
    @property
    def sep(self):
        return note(", ")
words = Words()
def f():
    return (
        sum(map(note(abs), note([1, -2])), note(0)), sorted(note([3, 1, 2]), key=note(abs)),
        words.sep.join(str(x) for x in note([1, 2])), list(zip(enumerate(note("ab")), note("cd"))),
        [x for x in zip(note([1]), enumerate(note([2]), note(5)))],
    )
result = f(), log
""",
    "conditions and several loops": """
result = [(x, y) for x in range(6) if x % 2 for y in range(x) if y != 1]
""",
    "several targets": """
result = {a: b + c for a, (b, *c) in [(1, ([2], 3)), (4, ([5], 6))]}
""",
}

FAILING = {
    "a missing name": "f = lambda: [missing for x in range(3)]",
    "an unbound variable": """
def f():
    if 0:
        k = 1
    return [k for x in range(3)]
""",
    "an unbound variable of a closure": """
def outer():
    def f():
        return [k for x in range(3)]
    return f
    k = 1
f = outer()
""",
    "something that cannot be iterated": "f = lambda: sum(x for x in 5)",
    "nothing at all": "f = lambda: max(x for x in [])",
    "StopIteration in a generator": "f = lambda: sum(next(iter([])) for x in range(3))",
    "StopIteration in a comprehension": "f = lambda: [next(iter([])) for x in range(3)]",
    "an item": "f = lambda: [1 // (2 - x) for x in range(5)]",
    "a called function": "f = lambda: sum(map(lambda x: 1 // (2 - x), range(5)))",
    "a key": "f = lambda: sorted(range(5), key=lambda x: 1 // (2 - x))",
    "keys that do not compare": "f = lambda: max(range(5), key=lambda x: x if x else None)",
    "a part that cannot be iterated": "f = lambda: [x for x in zip([1, 2], 5)]",
    "parts of different lengths": "f = lambda: [x for x in zip([1, 2], [3], strict=True)]",
    "an iterator that cannot be reversed": "f = lambda: [x for x in reversed(zip([1], [2]))]",
    "a function that cannot be called": "f = lambda: list(map(5, [1, 2, 3]))",
    "arguments that do not fit": "f = lambda: list(map(lambda x, y: x, [1, 2, 3]))",
    "an operand that does not fit": "f = lambda: [x for x in enumerate([1, 2], 'a')]",
    "text joined with a number": "f = lambda: ','.join(str(x) if x < 3 else x for x in range(5))",
    "nothing to reduce": "import functools\nf = lambda: functools.reduce(max, (x for x in []))",
    "a running total": "from itertools import accumulate\n"
    "f = lambda: list(accumulate((x for x in range(9)), lambda a, b: 1 // (3 - b)))",
    "an item of a running total": "from itertools import accumulate\n"
    "f = lambda: list(accumulate((1 // (3 - x) for x in range(9)), lambda a, b: 1 // (5 - b)))",
    "an item among others": "f = lambda: print(*(1 // (3 - x) for x in range(9)), end='')",
    "too few items": """
def f():
    a, b, *c = (x for x in range(1))
""",
    "the first of none": "f = lambda: next(x for x in range(9) if x > 9)",
    "a missing function": "f = lambda: list(map(missing, range(3)))",
    "a condition": "f = lambda: any(0 for x in range(5) if 1 // (2 - x))",
}
