"""What the tables of known functions hold."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, NoReturn

from ufora_worker.native.ir.nodes import Atom
from ufora_worker.native.ir.types import BOOL, FLOAT, INT
from ufora_worker.native.translate.conversions import NUMBERS, as_float, as_index, plain
from ufora_worker.native.translate.values import Value
from ufora_worker.native.translate.wording import describe

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder


@dataclass(frozen=True, slots=True)
class KnownFunction:
    """A function of Python's that native code can call.

    ``write(b, node, *arguments, **keywords)`` emits it: its signature says which arguments the
    function takes, and those called ``keywords`` may be given by name.
    """

    write: Callable[..., Value]
    keywords: frozenset[str] = frozenset()

    def call(
        self,
        b: "Builder",
        node: ast.Call,
        arguments: Sequence[Value],
        keywords: Mapping[str, Value],
    ) -> Value:
        """A call of it.

        Raises:
            Refused: it does not take such arguments, or native code has no form for them.
        """
        for name in keywords.keys() - self.keywords:
            b.refuse(node, f"`{ast.unparse(node.func)}` with `{name}=` has no native form")
        try:
            bound = signature(self.write).bind(b, node, *arguments, **keywords)
        except TypeError as error:
            b.refuse(node, f"`{ast.unparse(node.func)}` is called with {error}")
        return self.write(*bound.args, **bound.kwargs)


def known(write: Callable[..., Value], *keywords: str) -> KnownFunction:
    """A known function, of whose arguments these may be given by name."""
    return KnownFunction(write, frozenset(keywords))


def refuse_argument(b: "Builder", node: ast.Call, value: Value, edit: str = "") -> NoReturn:
    """The function is not for such a value.

    Raises:
        Refused: always.
    """
    name = ast.unparse(node.func)
    b.refuse(node, f"`{name}` has no native form for {describe(value)}", edit)


def number_of(b: "Builder", node: ast.Call, value: Value) -> Atom:
    """A number, as Python's own.

    Raises:
        Refused: the argument is none.
    """
    if not isinstance(value, Atom) or value.type not in NUMBERS:
        refuse_argument(b, node, value)
    return plain(b, value)


def float_of(b: "Builder", node: ast.Call, value: Value) -> Atom:
    """A real number as the FLOAT that ``float(value)`` gives.

    Raises:
        Refused: the argument is no real number.
    """
    number = number_of(b, node, value)
    if number.type not in (BOOL, INT, FLOAT):
        refuse_argument(b, node, value)
    return as_float(b, number)


def int_of(b: "Builder", node: ast.Call, value: Value) -> Atom:
    """What ``operator.index(value)`` gives, as an INT.

    Raises:
        Refused: the argument is no int.
    """
    index = as_index(b, value) if isinstance(value, Atom) else None
    if index is None:
        refuse_argument(b, node, value)
    return index
