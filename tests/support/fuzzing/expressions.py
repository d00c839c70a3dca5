"""Random expressions of a type, as source text."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from fuzzing.grammar import COMPARISONS, EXPRESSIONS, LITERALS, MIXED

_HOLE = re.compile(r"\{(\w+)\}")
#: How often another type is written where one is expected, an expression ends early, and a name is
#: assigned in an expression.
_MIXED, _SHORT, _WALRUS = 0.01, 0.35, 0.03
#: How often a loop within an expression gives way to another template.
_FEWER_LOOPS = 0.7


#: How deep an expression nests: it is the same for most expressions of one program.
_DEPTHS = (0, 0, 1, 1, 2)


#: What a variable of one type is written as where another type is wanted.
_SEEN_AS: Mapping[str, Mapping[str, str]] = {
    "int": {"float": "({} / 4)", "bool": "({} > 2)"},
    "float": {"int": "round({})", "bool": "({} > 0.5)"},
    "bool": {"int": "int({})", "float": "float({})"},
    "char": {"int": "ord({})", "float": "float(ord({}))"},
    "np_int": {"int": "int({})", "float": "float({})"},
    "np_float": {"int": "round(float({}))", "float": "float({})"},
}


@dataclass(frozen=True, slots=True)
class Callee:
    """A function that may be called, and the types of its parameters."""

    name: str
    kinds: tuple[str, ...]
    #: The last parameter's name, if it may be given by name; whether that is the only way; and
    #: whether it may be left out.
    last: str = ""
    by_name: bool = False
    has_default: bool = False


class Expressions:
    """Writes expressions over the names that are in scope."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self._depth = chance.choice(_DEPTHS)
        #: Names in scope by type; and functions that may be called, with the types of their
        #: parameters, by the type of what they return.
        self.names: dict[str, list[str]] = {}
        self.functions: dict[str, list[Callee]] = {}
        #: Calls that may still be written: what they cost is multiplied by loops around them.
        self.calls = 0
        #: Whether variables of the function may be assigned within expressions.
        self.assigns = False

    def write(self, kind: str, depth: int | None = None) -> str:
        """An expression of this type (now and then of another)."""
        chance = self.chance
        depth = self._depth if depth is None else depth
        if chance.random() < _MIXED and kind in MIXED:
            kind = chance.choice(MIXED[kind])
        if depth <= 0 or chance.random() < _SHORT:
            return self._leaf(kind)
        if self.calls > 0 and self.functions.get(kind) and chance.random() < 0.3:
            return self.call(kind, depth)
        if self.assigns and self.names.get(kind) and chance.random() < _WALRUS:
            return f"({chance.choice(self.names[kind])} := {self.write(kind, depth - 1)})"
        return self.fill(self._template(kind), depth - 1)

    def _template(self, kind: str) -> str:
        """Loops within expressions take the compiler longest, so they are written less often."""
        template = self.chance.choice(EXPRESSIONS[kind])
        if " for " in template and self.chance.random() < _FEWER_LOOPS:
            template = self.chance.choice(EXPRESSIONS[kind])
        return template

    def fill(self, template: str, depth: int = 1) -> str:
        """The template with an expression in place of each hole."""
        return _HOLE.sub(lambda hole: self.write(hole[1], depth), template)

    @contextmanager
    def also(self, kind: str, name: str) -> Iterator[None]:
        """Within it the name is in scope."""
        before = {key: list(each) for key, each in self.names.items()}
        self.names.setdefault(kind, []).append(name)
        try:
            yield
        finally:
            self.names = before

    @contextmanager
    def over(self, names: Mapping[str, str]) -> Iterator[None]:
        """Within it these variables of a loop are in scope, and a few around the loop; what the
        items differ in is written most often."""
        before = self.names
        self.names = {"int": ["n"], "float": ["w"]}
        for name, kind in names.items():
            self.names.setdefault(kind, []).extend([name] * 4)
            for other, template in _SEEN_AS.get(kind, {}).items():
                self.names.setdefault(other, []).extend([template.format(name)] * 2)
        try:
            yield
        finally:
            self.names = before

    def _leaf(self, kind: str) -> str:
        names = self.names.get(kind)
        if names and self.chance.random() < 0.8:
            return self.chance.choice(names)
        if kind == "bool" and self.chance.random() < 0.8:
            return self.fill(self.chance.choice(COMPARISONS), 0)
        return self.literal(kind)

    def literal(self, kind: str) -> str:
        """A value of this type, which can be computed."""
        return self.fill(self.chance.choice(LITERALS[kind]), 0)

    def call(self, kind: str, depth: int) -> str:
        """A call of some function that gives this type."""
        self.calls -= 1
        callee = self.chance.choice(self.functions[kind])
        arguments = [self.write(each, depth - 1) for each in callee.kinds]
        *_, last = arguments
        by_name = callee.by_name or self.chance.random() < 0.1
        if callee.has_default and self.chance.random() < 0.3:
            arguments.pop()
        elif by_name and callee.last:
            arguments[-1] = f"{callee.last}={last}"
        return f"{callee.name}({', '.join(arguments)})"
