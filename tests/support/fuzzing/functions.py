"""Random functions as source text: statements of every kind, most of them of one type each.

They end: loops count, functions call only those above them, and recursion counts down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from textwrap import indent

from fuzzing.expressions import Callee, Expressions
from fuzzing.grammar import PATTERNS, VARIABLES

#: How deep statements nest, and how many stand in one block: mostly few, as time is short.
_DEEPEST, _LONGEST = (0, 0, 1, 1, 2), (1, 1, 1, 1, 2, 3)
_RESULTS = ("int", "int", "int", "float", "float", "float", "bool", "complex")
_OPERATORS = {
    "int": ("+=", "-=", "*=", "//=", "%=", "&=", "|=", "^=", "+=", "-="),
    "float": ("+=", "-=", "*=", "/=", "+=", "-="),
    "complex": ("+=", "-=", "*="),
    "bool": ("&=", "|=", "^="),
}
_RAISED = ("ValueError({int})", "KeyError", "IndexError('no', {int})", "ZeroDivisionError()")


class Functions:
    """Writes functions ``f0``, ``f1``, ...; each may call those above it."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.expressions = Expressions(chance)
        self._names = 0
        self._loops = 0
        self._deepest, self._longest = chance.choice(_DEEPEST), chance.choice(_LONGEST)
        #: What the function at hand returns, and its own names by type.
        self._result = "int"
        self._locals: dict[str, str] = {}

    def write(self, name: str, result: str = "") -> str:
        """One more function, which returns this type, or any."""
        kinds = [self._plain, self._plain, self._plain, self._lambda, self._closure]
        if result in ("", "int", "float"):
            kinds.append(self._recursive)
        if result == "row":
            kinds = [self._gathering]
        return self.chance.choice(kinds)(name, result or self.chance.choice(_RESULTS))

    def declare(self, result: str, callee: Callee) -> None:
        """From now on the function may be called."""
        self.expressions.functions.setdefault(result, []).append(callee)

    # ------------------------------------------------------------------ functions

    def _plain(self, name: str, result: str) -> str:
        kinds = ("int", self.chance.choice(VARIABLES), "float")[: self.chance.randint(1, 3)]
        self._result = result
        names = [f"p{index}" for index in range(len(kinds))]
        with self._scope(dict(zip(names, kinds, strict=True)), calls=2):
            body = "".join(self._assignment(0) for _ in range(self.chance.choice((0, 0, 1, 1, 2))))
            body += self._return(0) if self.chance.random() < 0.2 else ""
            body += self._block(0)
            body += f"return {self.expressions.write(result)}\n"
        has_default = self.chance.random() < 0.2
        by_name = has_default and self.chance.random() < 0.3
        last = names[-1]
        if has_default:
            names[-1] += f"={self.expressions.literal(kinds[-1])}"
        if by_name:
            names.insert(-1, "*")
        self.declare(result, Callee(name, kinds, last, by_name, has_default))
        return _function(name, ", ".join(names), body)

    def _recursive(self, name: str, result: str) -> str:
        kind = "float" if result == "float" else "int"
        deep = self.chance.random() < 0.1
        with self._scope({"k": "int", "p1": kind}, calls=1):
            write = self.expressions.write
            end, more, last = write(kind, 2), write(kind, 2), write(kind, 1)
            again = f"{name}(k - 1, {more})"
            if not deep and self.chance.random() < 0.2:
                again = f"({again} {self.chance.choice('+-*')} {name}(k - 2, p1))"
            middle = self._statement(self._deepest) if self.chance.random() < 0.4 else ""
        body = f"if k <= 0:\n    return {end}\n{middle}return {again} + {last}\n"
        self.declare(kind, Callee(name, ("deep" if deep else "small", kind), "p1"))
        return _function(name, "k, p1", body)

    def _lambda(self, name: str, result: str) -> str:
        with self._scope({"p0": "int", "p1": "float"}, calls=1):
            self.expressions.assigns = False
            text = f"{name} = lambda p0, p1: {self.expressions.write(result)}\n"
        self.declare(result, Callee(name, ("int", "float"), "p1"))
        return text

    def _closure(self, name: str, result: str) -> str:
        """A function within one that gives it a variable or two."""
        kind = self.chance.choice(("int", "float"))
        held = {"c": kind, "d": "int"} if self.chance.random() < 0.3 else {"c": kind}
        with self._scope({**held, "p0": "int"}, calls=1):
            self.expressions.assigns = False
            inner = _function("inner", "p0", f"return {self.expressions.write(result)}\n")
        values = map(self.expressions.literal, held.values())
        self.declare(result, Callee(name, ("int",), "p0"))
        maker = _function(f"make_{name}", ", ".join(held), f"{inner}return inner\n")
        return f"{maker}{name} = make_{name}({', '.join(values)})\n"

    def _gathering(self, name: str, result: str) -> str:
        """A function that makes a list: at once, or value by value."""
        kind = self.chance.choice(("int", "float"))
        with self._scope({"p0": "int", "p1": kind}, calls=1):
            write = self.expressions.write
            if self.chance.random() < 0.4:
                body = f"return {write('row')}\n"
            else:
                with self.expressions.also("int", "j"):
                    value, condition = write(kind), write("bool", 1)
                body = f"found = []\nfor j in range({write('small', 1)}):\n"
                body += f"    if {condition}:\n        return found\n"
                body += f"    found.append({value})\nreturn found\n"
        self.declare(result, Callee(name, ("int", kind), "p1"))
        return _function(name, "p0, p1", body)

    @contextmanager
    def _scope(self, names: dict[str, str], calls: int) -> Iterator[None]:
        """A function's own names, beside the global ones."""
        expressions = self.expressions
        before, assigns = expressions.names, expressions.assigns
        expressions.names = {kind: list(each) for kind, each in before.items()}
        for name, kind in names.items():
            expressions.names.setdefault(kind, []).append(name)
        expressions.calls, expressions.assigns = calls, False
        self._locals = dict(names)
        try:
            yield
        finally:
            expressions.names, expressions.assigns = before, assigns

    # ------------------------------------------------------------------ statements

    def _block(self, depth: int) -> str:
        count = self.chance.randint(1, max(1, self._longest - depth))
        inner = self.expressions.names
        self.expressions.names = {kind: list(each) for kind, each in inner.items()}
        text = "".join(self._statement(depth) for _ in range(count))
        self.expressions.names = inner  # what a block assigns may be unassigned behind it
        return text

    def _statement(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [
            *(self._assignment, self._augmented, self._augmented, self._unpacking, self._assignment)
        ]
        if depth < self._deepest:
            kinds += [self._if, self._if, self._for, self._while]
        if self.chance.random() < 0.2:
            kinds = [self._return, self._assert, self._raise, *(self._pattern,) * 3]
        return self.chance.choice(kinds)(depth)

    def _assignment(self, depth: int) -> str:
        kind = self.chance.choice(VARIABLES)
        known = [name for name, each in self._locals.items() if each == kind]
        value = self.expressions.write(kind)
        if known and self.chance.random() < 0.6:
            name = self.chance.choice(known)
        else:
            name = self._fresh(kind)
        if name not in self.expressions.names.setdefault(kind, []):
            self.expressions.names[kind].append(name)
        return f"{name} = {value}\n"

    def _augmented(self, depth: int) -> str:
        known = [(name, kind) for name, kind in self._here() if kind in _OPERATORS]
        if not known:
            return "pass\n"
        name, kind = self.chance.choice(known)
        value = self.expressions.write(kind, 2)
        return f"{name} {self.chance.choice(_OPERATORS[kind])} {value}\n"

    def _unpacking(self, depth: int) -> str:
        known = self._here()
        if len(known) < 2:
            return self._assignment(depth)
        (one, first), (other, second) = self.chance.sample(known, 2)
        if first == second and self.chance.random() < 0.5:
            return f"{one}, {other} = {other}, {one}\n"
        return (
            f"{one}, {other} = {self.expressions.write(first, 2)}, "
            f"{self.expressions.write(second, 2)}\n"
        )

    def _pattern(self, depth: int) -> str:
        """What people write to give a variable its value."""
        kind = self.chance.choice(("int", "int", "int", "float", "float", "complex"))
        text = self.expressions.fill(self.chance.choice(PATTERNS[kind]))
        name = self._fresh(kind)
        self.expressions.names.setdefault(kind, []).append(name)
        return text.replace("@", name)

    def _return(self, depth: int) -> str:
        return self.expressions.fill(f"if {{bool}}:\n    return {{{self._result}}}\n")

    def _assert(self, depth: int) -> str:
        return self.expressions.fill(
            self.chance.choice(("assert {bool}\n", "assert {int}, 'no'\n"))
        )

    def _raise(self, depth: int) -> str:
        raised = self.chance.choice(_RAISED)
        return self.expressions.fill(f"if {{bool}} and {{bool}}:\n    raise {raised}\n")

    def _if(self, depth: int) -> str:
        kind = self.chance.choice(("bool",) * 8 + ("int", "float"))
        text = f"if {self.expressions.write(kind)}:\n{_indented(self._block(depth + 1))}"
        if self.chance.random() < 0.2:
            text += f"elif {self.expressions.write('bool')}:\n{_indented(self._block(depth + 1))}"
        if self.chance.random() < 0.5:
            text += f"else:\n{_indented(self._block(depth + 1))}"
        return text

    def _for(self, depth: int) -> str:
        self._loops += 1
        name = self.chance.choice((f"i{self._loops}", f"i{self._loops}", "i"))
        heads = {
            f"{name} in range({{small}})": ("int", name),
            f"{name} in range({{int}} % 9, -2, -2)": ("int", name),
            f"{name} in range(2, {{index}})": ("int", name),
            f"{name} in range({{edge}}, {{stop}})": ("int", name),
            f"{name} in INTS": ("int", name),
            f"{name} in FLOATS": ("float", name),
            f"{name} in TEXT": ("char", name),
            f"{name} in BYTES": ("int", name),
            f"{name} in ROWS[{{bit}}]": ("int", name),
            f"{name} in GRID[{{bit}}]": ("np_int", name),
            f"{name}, i in zip(FLOATS, BYTES)": ("float", name),
            f"{name} in INTS[{{small}}:]": ("int", name),
            f"i, {name} in enumerate(FLOATS)": ("float", name),
            f"{name}, i in zip(INTS, range(3, 9))": ("int", name),
            f"{name} in reversed(INTS)": ("int", name),
            f"{name} in ({{int}}, {{int}}, {{int}})": ("int", name),
            f"i, {name} in PAIRS": ("float", name),
        }
        head = self.chance.choice(list(heads))
        text = f"for {self.expressions.fill(head)}:\n"
        with self.expressions.also(*heads[head]):
            return text + self._turn(depth)

    def _while(self, depth: int) -> str:
        self._loops += 1
        counter = f"w{self._loops}"
        text = f"{counter} = 0\nwhile {counter} < {self.chance.choice((2, 3, 6))} and "
        text += f"{self.expressions.write('bool', 2)}:\n    {counter} += 1\n"
        return text + self._turn(depth)

    def _turn(self, depth: int) -> str:
        """A loop's body, and what follows it."""
        calls, self.expressions.calls = (
            self.expressions.calls,
            min(self.expressions.calls, 1 - depth),
        )
        text = _indented(self._block(depth + 1))
        if self.chance.random() < 0.4:
            leave = self.chance.choice(("break", "continue", "break"))
            text += f"    if {self.expressions.write('bool', 2)}:\n        {leave}\n"
            text += _indented(self._block(depth + 1))
        self.expressions.calls = calls
        if self.chance.random() < 0.25:
            text += f"else:\n{_indented(self._block(depth + 1))}"
        return text

    def _here(self) -> list[tuple[str, str]]:
        """The function's own names that have a value here."""
        assigned = self.expressions.names
        return [each for each in self._locals.items() if each[0] in assigned.get(each[1], ())]

    def _fresh(self, kind: str) -> str:
        self._names += 1
        name = f"v{self._names}"
        self._locals[name] = kind
        return name


def _function(name: str, parameters: str, body: str) -> str:
    return f"def {name}({parameters}):\n{_indented(body)}"


def _indented(text: str) -> str:
    return indent(text, "    ")
