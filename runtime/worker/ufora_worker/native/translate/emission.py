"""What the items of a site emit: values one by one, or rows of them.

``[[f(x, y) for y in ys] for x in xs]`` gives lists, and a list is nothing that native code could
hold. So the values of a row are emitted one after the other, and ``EndRow`` says where it ends.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from ufora_core.compiler.sites.names import Comprehension
from ufora_core.compiler.sites.rewriting import SiteKind
from ufora_worker.loops.float_sum import compensates
from ufora_worker.native.ir.nodes import Const, Emit, EndRow, Sink
from ufora_worker.native.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NUMPY_NARROW_FLOAT,
    NUMPY_NARROW_INT,
    Array,
    Type,
    leaves,
)
from ufora_worker.native.translate import comprehensions
from ufora_worker.native.translate.builder import Builder
from ufora_worker.native.translate.conditions import truth
from ufora_worker.native.translate.values import Display, Value
from ufora_worker.native.translate.wording import a_type

#: What becomes of values of which types; of any others the columns.
_FOLDS: Mapping[SiteKind, tuple[Sink, frozenset[Type]]] = {
    SiteKind.SUM: (Sink.TOTAL, frozenset({INT, BOOL})),
    SiteKind.MIN: (Sink.LEAST, frozenset({INT, FLOAT, BOOL})),
    SiteKind.MAX: (Sink.GREATEST, frozenset({INT, FLOAT, BOOL})),
    SiteKind.ANY: (Sink.ANY, frozenset({BOOL})),
    SiteKind.ALL: (Sink.ALL, frozenset({BOOL})),
    SiteKind.FIRST: (Sink.ANY, frozenset({BOOL})),
    SiteKind.COUNT: (Sink.COUNT, frozenset({BOOL})),
}
#: Kinds for which it only matters that there is a value.
_THERE = frozenset({SiteKind.COUNT, SiteKind.FIRST})
_IN_ROWS = frozenset({SiteKind.LIST, SiteKind.TUPLE})


@dataclass(slots=True)
class Emission:
    """What the items of a site of this kind emit."""

    kind: SiteKind
    #: The values are in rows.
    in_rows: bool = False
    #: The types of what was emitted, by the expressions that give it.
    _types: dict[ast.AST, Type] = field(default_factory=dict)

    @property
    def may_be_rows(self) -> bool:
        """Whether a list may be the value of an item."""
        return self.kind in _IN_ROWS

    def value_of(self, b: Builder, comprehension: Comprehension) -> None:
        """Emit what the heart of the comprehension gives."""
        if isinstance(comprehension, ast.DictComp):
            pair = Display((b.evaluate(comprehension.key), b.evaluate(comprehension.value)))
            self.take(b, comprehension, pair)
        elif self.may_be_rows and is_list(comprehension.elt):
            self.values_in(b, comprehension.elt)
            self.end_row(b)
        else:
            self._plain(b, comprehension.elt)

    def _plain(self, b: Builder, node: ast.expr) -> None:
        if self.kind in (SiteKind.ANY, SiteKind.ALL):
            self.take(b, node, truth(b, node))
        elif self.kind is SiteKind.FIRST and isinstance(node, ast.Name):
            self.take(b, node, Const(BOOL, True))  # which it is, native code need not know
        else:
            self.take(b, node, b.evaluate(node))

    def take(self, b: Builder, node: ast.expr, value: Value) -> None:
        """Emit one value, which ``node`` gives."""
        atom = Const(BOOL, True) if self.kind in _THERE else b.atom(node, value)
        for leaf in leaves(atom.type):
            if isinstance(leaf, Array):
                b.refuse(node, "an item gives a sequence", "let it give numbers, or tuples of them")
            if leaf in (NUMPY_NARROW_INT, NUMPY_NARROW_FLOAT):
                b.refuse(node, "an item gives an element of a narrow array", "use int64 or float64")
        b.add(Emit(atom))
        self._types[node] = atom.type

    def values_in(self, b: Builder, made: ast.ListComp | ast.List) -> None:
        """Emit the values of a list."""
        if isinstance(made, ast.List):
            for each in made.elts:
                self.take(b, each, b.evaluate(each))
        else:
            values = comprehensions.comprehend(b, made)
            values.each(lambda value: self.take(b, made.elt, value))

    def end_row(self, b: Builder) -> None:
        """What was emitted since the last row is one."""
        b.add(EndRow())
        self.in_rows = True

    def type(self, b: Builder, node: ast.expr) -> Type:
        """The type of all values.

        Raises:
            Refused: there are none, or they differ.
        """
        if not self._types:
            b.refuse(node, "no item gives a value")
        first, *others = self._types.items()
        for other, type in others:
            if type != first[1]:
                one, another = map(a_type, (first[1], type))
                b.refuse(other, f"the loop gives {one} on one path and {another} on another")
        return first[1]

    def sink(self, emits: Type, python: tuple[int, int]) -> Sink:
        """What becomes of values of this type, by the rules of a version."""
        if self.in_rows:
            return Sink.ROWS
        if self.kind is SiteKind.SUM and emits == FLOAT:
            return Sink.COMPENSATED_SUM if compensates(python) else Sink.SUM
        sink, types = _FOLDS.get(self.kind, (Sink.COLUMNS, frozenset()))
        return sink if emits in types else Sink.COLUMNS


def is_list(node: ast.expr | None) -> TypeGuard[ast.ListComp | ast.List]:
    """Whether this makes a list whose values can be told one by one."""
    match node:
        case ast.List(parts):
            return not any(isinstance(each, ast.Starred) for each in parts)
    return isinstance(node, ast.ListComp)
