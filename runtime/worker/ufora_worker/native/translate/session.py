"""What the functions of one unit share while they are translated."""

import ast
from collections.abc import Callable, Sequence
from types import CodeType
from typing import TYPE_CHECKING

from ufora_core.compiler.effects.definitions import Definitions
from ufora_worker.native.translate.captures import Captures
from ufora_worker.native.translate.values import Value

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder
    from ufora_worker.native.translate.functions import Specialisations

SourceOf = Callable[[CodeType], ast.AST | None]

#: Statements of the IR that one unit may have: machine code of so many takes about a second.
MOST_STATEMENTS = 4_000
#: Statements that are written at most until the unit is done; loops and recursive functions may
#: be translated more than once.
_MOST_WRITTEN = 4 * MOST_STATEMENTS


class Unresolved(Exception):
    """The value of a recursive call whose type is not known yet: the path is left for now."""


class Session:
    """One translation. ``python`` is the version whose rules hold where versions differ."""

    def __init__(
        self,
        source_of: SourceOf,
        functions: "Specialisations",
        python: tuple[int, int],
        evaluate: "Callable[[Builder, ast.expr], Value]",
        execute: "Callable[[Builder, Sequence[ast.stmt]], None]",
        operations: frozenset[str],
    ) -> None:
        self.definitions = Definitions(source_of)
        self.functions = functions
        self.python = python
        #: The translation of expressions and of statements, for all its parts.
        self.evaluate = evaluate
        self.execute = execute
        #: What the back end does as the CPython of this process does it (``llvm.supported``).
        self.operations = operations
        self.captures = Captures()
        self._written = 0

    def count(self, b: "Builder") -> None:
        """Counts a statement that is written.

        Raises:
            Refused: there are too many.
        """
        self._written += 1
        if self._written > _MOST_WRITTEN:
            self.too_long(b)

    def too_long(self, b: "Builder") -> None:
        """Refuse for length.

        Raises:
            Refused: always.
        """
        b.refuse(ast.Pass(), "the loop runs more code than can be compiled in a short time")
