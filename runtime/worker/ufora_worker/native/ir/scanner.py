"""One line of the IR's text, token by token: names, numbers, types."""

import ast
import re
from collections.abc import Callable
from typing import TypeVar

from ufora_worker.native.ir import types
from ufora_worker.native.ir.types import Array, Scalar, Tuple, Type

_T = TypeVar("_T")

_SCALARS = {each.name: each for each in vars(types).values() if isinstance(each, Scalar)}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<bits>0x[0-9a-f]{16})
    | (?P<float>-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+))
    | (?P<int>-?\d+)
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<name>[%<\w][\w.%<>]*)
    | (?P<mark>->|[@=:,()\[\]])
    )""",
    re.VERBOSE,
)


#: What follows the element type of an array.
_STORAGE = re.compile(r":\w+\[")


class BadText(ValueError):
    """The text is not that of a unit: which line, and what is wrong with it."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


class Line:
    """A line of text with a place up to which it has been read.

    Whatever reads raises ``BadText`` where the line has something else.
    """

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        self.indent = len(text) - len(text.lstrip())
        self._text = text.strip()
        self._at = 0

    def is_empty(self) -> bool:
        """Whether there is nothing on it, or a comment."""
        return not self._text or self._text.startswith("#")

    def wrong(self, what: str) -> BadText:
        """The error to raise about this line."""
        return BadText(self.number, f"{what} in {self._text!r}")

    def peek(self) -> tuple[str, str]:
        """Kind and text of the next token; ``("end", "")`` at the end."""
        kind, token, _ = self._next()
        return kind, token

    def take(self) -> tuple[str, str]:
        """As ``peek``, and the token is read."""
        kind, token, self._at = self._next()
        return kind, token

    def _next(self) -> tuple[str, str, int]:
        found = _TOKEN.match(self._text, self._at)
        if found and found.lastgroup:
            return found.lastgroup, found[found.lastgroup], found.end()
        if rest := self._text[self._at :].strip():
            raise self.wrong(f"cannot read {rest!r}")
        return "end", "", self._at

    def skip(self, token: str) -> bool:
        """Whether the next token is this one; then it is read."""
        if self.peek() == ("string", token) or self.peek()[1] != token:
            return False
        self.take()
        return True

    def expect(self, *tokens: str) -> None:
        """Read these tokens."""
        for token in tokens:
            if not self.skip(token):
                raise self.wrong(f"expected {token!r}, found {self.peek()[1] or 'the end'!r}")

    def at_end(self) -> bool:
        """Whether there is nothing more."""
        return self.peek()[0] == "end"

    def ends_with(self, token: str) -> bool:
        """Whether this is all that is left."""
        return self._text[self._at :].strip() == token

    def expect_end(self) -> None:
        """There is nothing more."""
        if self.peek()[0] != "end":
            raise self.wrong(f"did not expect {self.peek()[1]!r}")

    def name(self) -> str:
        """A name: of a variable, function, operation or type."""
        return self._of_kind("name")

    def integer(self) -> int:
        """An integer."""
        return int(self._of_kind("int"))

    def string(self) -> str:
        """A Python string literal."""
        return str(ast.literal_eval(self._of_kind("string")))

    def _of_kind(self, kind: str) -> str:
        found, token = self.peek()
        if found != kind:
            raise self.wrong(f"expected a {kind}, found {token or 'the end'!r}")
        return self.take()[1]

    def declaration(self) -> tuple[str, Type]:
        """A name and its type."""
        name = self.name()
        self.expect(":")
        return name, self.type()

    def declares(self) -> tuple[str, Type] | None:
        """The variable that this line sets, if it sets one; nothing is read."""
        start = self._at
        try:
            self.skip("for")
            kind, name = self.take()
            if kind != "name" or not self.skip(":") or self.peek()[0] == "end":
                return None
            return name, self.type()
        finally:
            self._at = start

    def separated(self, read: "Callable[[], _T]", end: str) -> tuple[_T, ...]:
        """What ``read`` reads, again and again with commas between, up to ``end``."""
        found: list[_T] = []
        while not self.skip(end):
            if found:
                self.expect(",")
            found.append(read())
        return tuple(found)

    def type(self) -> Type:
        """A type."""
        if self.skip("("):
            return Tuple(self.separated(self.type, ")"))
        element = scalar(self, self.name())
        return self._array(element) if self._is_array() else element

    def _is_array(self) -> bool:
        return _STORAGE.match(self._text, self._at) is not None

    def _array(self, element: Scalar) -> Array:
        self.expect(":")
        storage = self.name()
        self.expect("[")
        dimensions = 1
        while self.skip(","):
            dimensions += 1
        self.expect("]")
        return Array(element, storage, dimensions)


def scalar(line: Line, name: str) -> Scalar:
    """The scalar type of this name, which was read from this line.

    Raises:
        BadText: there is none.
    """
    if name not in _SCALARS:
        raise line.wrong(f"there is no type {name!r}")
    return _SCALARS[name]
