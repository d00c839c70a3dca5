"""Comprehensions as nested loops, at the heart of which something is done with each value."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ufora_core.compiler.sites.names import targets
from ufora_worker.native.ir.nodes import Atom, Const, Var
from ufora_worker.native.ir.types import INT
from ufora_worker.native.translate import sequences
from ufora_worker.native.translate.conditions import branches, when
from ufora_worker.native.translate.loops import assigned_in, for_loop, leave
from ufora_worker.native.translate.targets import bind
from ufora_worker.native.translate.values import Range, Value, with_atoms

if TYPE_CHECKING:
    from ufora_worker.native.translate.builder import Builder

Visit = Callable[[Value], None]


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension:
    """A generator expression or list comprehension where it stands; see ``values.Generator``.

    A list comprehension makes all its values, whatever ``until`` says.
    """

    b: "Builder"
    node: ast.GeneratorExp | ast.ListComp
    #: The outermost iterable, which belongs to the scope around.
    items: Value

    def each(self, visit: Visit, until: Var | None = None) -> None:
        """See ``values.Generator``."""
        if isinstance(self.node, ast.ListComp):
            until = None
        with self.b.layer(targets(self.node)):
            nest(
                self.b,
                self.node.generators,
                self.items,
                lambda: visit(self.b.evaluate(self.node.elt)),
                until,
            )


def comprehend(b: "Builder", node: ast.GeneratorExp | ast.ListComp) -> Comprehension:
    """The value of a comprehension in the middle of an expression."""
    if any(generator.is_async for generator in node.generators):
        b.refuse(node, "`async for` cannot run in native code")
    return Comprehension(b, node, b.evaluate(node.generators[0].iter))


def nest(
    b: "Builder",
    generators: Sequence[ast.comprehension],
    items: Value,
    heart: Callable[[], None],
    until: Var | None,
) -> None:
    """The loops of a comprehension, the outermost one over ``items``, with ``heart`` inside."""
    generator, *_ = generators

    def turn(element: Value) -> None:
        bind(b, generator.target, element)
        inside(b, generators, heart, until)
        if until is not None and b.flow.reachable:
            branches(b, until, lambda: leave(b))

    over(b, generator.iter, items, turn, assigned=assigned_in(b, generators))


def inside(
    b: "Builder",
    generators: Sequence[ast.comprehension],
    heart: Callable[[], None],
    until: Var | None = None,
) -> None:
    """What is done in a turn of the outermost loop: its conditions, then the inner loops."""
    generator, *rest = generators

    def under(conditions: Sequence[ast.expr]) -> None:
        if conditions:
            first, *others = conditions
            when(b, first, lambda: under(others))
        elif rest:
            nest(b, rest, b.evaluate(rest[0].iter), heart, until)
        else:
            heart()

    under(generator.ifs)


def over(
    b: "Builder",
    node: ast.expr,
    items: Value,
    turn: Visit,
    orelse: Callable[[], None] = lambda: None,
    assigned: frozenset[str] = frozenset(),
) -> None:
    """A loop over any iterable: ``for element in items: turn(element) else: orelse()``.

    ``assigned`` are the keys of variables that a turn may assign: the iterable stays what it was.
    """
    if assigned:
        items = with_atoms(items, lambda atom: b.kept(atom) if _is_of(atom, assigned) else atom)
    if isinstance(items, Range):
        for_loop(b, items, turn, orelse)
        return
    iteration = sequences.iterate(b, node, items)
    span = Range(Const(INT, 0), iteration.length, Const(INT, 1))
    for_loop(b, span, lambda index: turn(iteration.element(index)), orelse)


def _is_of(atom: Atom, keys: frozenset[str]) -> bool:
    """Whether an operand is one of these variables."""
    return isinstance(atom, Var) and atom.name.partition(".")[0] in keys
