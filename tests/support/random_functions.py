"""Random functions of numbers, as source text: statements of every kind that native code knows.

They always end: loops count, and functions call only those that were written before.
"""

from random import Random

_VARIABLES = ("a", "b", "c", "d")
_COMMON = ("+", "-", "*")
#: What a module is about: its literals, its operators, and the second argument of its functions.
_KINDS = (
    (("0", "1", "-3", "7", "True", str(2**62)), ("//", "%", "&", "|", "^", "<<", ">>"), "x - 4"),
    (("0.0", "0.5", "-1.5", "2.25", "1e300", "0"), ("/", "//", "%"), "x * 0.25"),
    (("0", "1", "-3", "0.5", "2.25", "True"), ("/", "//"), "0.5"),
)
_COMPARISONS = ("<", "<=", "==", "!=", ">", ">=")


class Writer:
    """Writes one module of random functions ``f0, f1, ...``, each with two parameters."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._literals, operators, self._argument = self._random.choice(_KINDS)
        self._operators = (*_COMMON, *_COMMON, *operators)
        self._functions = 0
        self._loops = 0

    def module(self, functions: int = 2) -> str:
        """The text; its last line is a site that calls the last function."""
        texts = [self._function() for _ in range(functions)]
        call = f"f{functions - 1}(x, {self._argument})"
        return "".join(texts) + f"[{call} for x in range(-3, 9)]\n"

    def _pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _function(self) -> str:
        body = [f"    {name} = {self._pick(*self._literals, 'x', 'y')}\n" for name in _VARIABLES]
        body += self._block(1, 5)
        body.append(f"    return {self._expression(2)}\n")
        name = f"f{self._functions}"
        self._functions += 1
        return f"def {name}(x, y):\n{''.join(body)}"

    # ------------------------------------------------------------------ statements

    def _block(self, depth: int, most: int) -> list[str]:
        count = self._random.randint(1, most)
        return [line for _ in range(count) for line in self._statement(depth)]

    def _statement(self, depth: int) -> list[str]:
        kinds = [self._assignment, self._augmented, self._assignment, self._augmented, self._swap]
        if depth < 4:
            kinds += [self._if, self._for, self._while]
        if self._random.random() < 0.1:
            kinds = [self._return, self._assert]
        return self._random.choice(kinds)(depth)

    def _assignment(self, depth: int) -> list[str]:
        value = self._expression(2)
        return [f"{'    ' * depth}{self._pick(*_VARIABLES)} = {value}\n"]

    def _augmented(self, depth: int) -> list[str]:
        operator = self._pick(*_COMMON, "//")
        return [f"{'    ' * depth}{self._pick(*_VARIABLES)} {operator}= {self._expression(1)}\n"]

    def _swap(self, depth: int) -> list[str]:
        one, other = self._random.sample(_VARIABLES, 2)
        value = self._pick(one, self._expression(1))
        return [f"{'    ' * depth}{one}, {other} = {other}, {value}\n"]

    def _return(self, depth: int) -> list[str]:
        return [
            f"{'    ' * depth}if {self._condition(1)}:\n",
            f"{'    ' * depth}    return {self._expression(1)}\n",
        ]

    def _assert(self, depth: int) -> list[str]:
        return [f"{'    ' * depth}assert {self._condition(1)}\n"]

    def _if(self, depth: int) -> list[str]:
        lines = [f"{'    ' * depth}if {self._condition(2)}:\n", *self._block(depth + 1, 3)]
        if self._random.random() < 0.5:
            lines += [f"{'    ' * depth}else:\n", *self._block(depth + 1, 3)]
        return lines

    def _for(self, depth: int) -> list[str]:
        variable = self._pick("i", "j", *_VARIABLES)
        count = self._pick("3", "x", "2, 6", "4, 0, -1", "x % 4")
        return [
            f"{'    ' * depth}for {variable} in range({count}):\n",
            *self._block(depth + 1, 3),
            *self._leave(depth),
        ]

    def _while(self, depth: int) -> list[str]:
        self._loops += 1
        counter = f"k{self._loops}"
        return [
            f"{'    ' * depth}{counter} = 0\n",
            f"{'    ' * depth}while {counter} < 4 and {self._condition(1)}:\n",
            f"{'    ' * depth}    {counter} += 1\n",
            *self._block(depth + 1, 3),
            *self._leave(depth),
        ]

    def _leave(self, depth: int) -> list[str]:
        if self._random.random() < 0.6:
            return []
        lines = [
            f"{'    ' * depth}    if {self._condition(1)}:\n",
            f"{'    ' * depth}        {self._pick('break', 'continue')}\n",
            *self._block(depth + 1, 2),
        ]
        if self._random.random() < 0.5:
            lines += [f"{'    ' * depth}else:\n", *self._block(depth + 1, 2)]
        return lines

    # ------------------------------------------------------------------ expressions

    def _expression(self, depth: int) -> str:
        kind = self._random.random()
        if depth == 0 or kind < 0.25:
            return self._pick(*_VARIABLES, *_VARIABLES, "x", "y", *self._literals)
        if kind < 0.75:
            operator = self._pick(*self._operators)
            return f"({self._expression(depth - 1)} {operator} {self._expression(depth - 1)})"
        return self._special(depth)

    def _special(self, depth: int) -> str:
        one, other = self._expression(depth - 1), self._expression(depth - 1)
        choices = [
            f"({one} if {self._condition(depth - 1)} else {other})",
            f"(-{one})",
            f"abs({one})",
            f"int({one})",
            f"float({one})",
            f"min({one}, {other})",
            f"({one} or {other})",
            f"(({self._pick(*_VARIABLES)} := {one}) + {other})",
            f"sum(e * {one} for e in range(3) if e < {other})",
            self._condition(depth - 1),
        ]
        if self._functions:
            choices.append(f"f{self._random.randrange(self._functions)}({one}, {other})")
        return self._pick(*choices)

    def _condition(self, depth: int) -> str:
        one, other = self._expression(max(depth - 1, 0)), self._expression(max(depth - 1, 0))
        simple = f"{one} {self._pick(*_COMPARISONS)} {other}"
        if depth < 1 or self._random.random() < 0.5:
            return f"({simple})"
        word = self._pick("and", "or", "and not")
        return f"({simple} {word} {self._condition(depth - 1)})"
