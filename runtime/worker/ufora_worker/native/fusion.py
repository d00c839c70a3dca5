"""Products that are cut down at once: computed through 128 bits instead of bailing.

``(a * b + c) & m`` is the step of most generators of pseudo-random numbers, and of most hashes; the
product often leaves 64 bits, and what is kept of it does not. Where the intervals cannot show that
it stays inside, the operations become one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ufora_worker.native.intervals import Findings
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Let, Statement, Unit, Var
from ufora_worker.native.ir.rewriting import rewrite
from ufora_worker.native.ir.syntax import operands, targets, walk
from ufora_worker.native.ir.types import INT, LEAST_INT
from ufora_worker.native.llvm.supported import supported

_FUSED = {"int.and": "int.mul_add_and", "int.mod": "int.mul_add_mod"}
#: The least modulus or mask with which the fused operation does not bail.
_LEAST = {"int.and": 0, "int.mod": 1}
#: The greatest shift that is a product with an int of 64 bits.
_MOST_SHIFT = 62
_ZERO = Const(INT, 0)


@dataclass(frozen=True, slots=True)
class _Sum:
    """``a * b + c``, and where in the block its operations stand."""

    a: Atom
    b: Atom
    c: Atom
    places: tuple[int, ...]


def fuse(unit: Unit, findings: Findings) -> Unit:
    """The unit with fused operations; the same object if there are none.

    Only products and sums go that are used once, and only where one of them may bail.
    """
    functions = tuple(_fused(function, findings) for function in unit.functions)
    if all(old is new for old, new in zip(unit.functions, functions, strict=True)):
        return unit
    return replace(unit, functions=functions)


def _fused(function: Function, findings: Findings) -> Function:
    statements = list(walk(function.body))
    reads = Counter(each for statement in statements for each in operands(statement))
    writes = Counter(function.parameters)  # what is passed may be read before anything is set
    writes.update(var for statement in statements for var in targets(statement))
    used_once = frozenset(var for var in writes if reads[var] == writes[var] == 1)
    body = rewrite(function.body, lambda block: _Fusion(block, used_once, findings).run())
    return function if body == function.body else replace(function, body=body)


class _Fusion:
    """Fuses what it finds in one block."""

    def __init__(self, block: Block, used_once: frozenset[Var], findings: Findings) -> None:
        self._block = block
        self._findings = findings
        self._places = {
            statement.target: place
            for place, statement in enumerate(block)
            if isinstance(statement, Let) and statement.target in used_once
        }

    def run(self) -> Block:
        """The block with fused operations."""
        block: list[Statement | None] = list(self._block)
        for place, statement in enumerate(self._block):
            if isinstance(statement, Let) and (fused := self._fused(place, statement)):
                block[place], gone = fused
                for each in gone:
                    block[each] = None
        return tuple(statement for statement in block if statement is not None)

    def _fused(self, place: int, let: Let) -> tuple[Let, tuple[int, ...]] | None:
        if _FUSED.get(let.op) not in supported() or id(let) not in self._findings.ranges:
            return None
        ranges = self._findings.ranges[id(let)]
        # ``&`` takes the mask from either side.
        for whole, limit in ((0, 1), (1, 0)) if let.op == "int.and" else ((0, 1),):
            found = self._sum(let.args[whole])
            if found and ranges[limit].lo >= _LEAST[let.op] and self._pays(found, place):
                args = (found.a, found.b, found.c, let.args[limit])
                return replace(let, op=_FUSED[let.op], args=args), found.places
        return None

    def _pays(self, found: _Sum, place: int) -> bool:
        """Whether one of the operations may bail, and the operands keep their values until then."""
        lets = [self._block[each] for each in found.places]
        if all(self._findings.safe.get(id(let)) for let in lets):
            return False
        between = self._block[min(found.places) : place]
        changed = {var for statement in walk(between) for var in targets(statement)}
        return changed.isdisjoint({found.a, found.b, found.c})

    def _definition(self, atom: Atom) -> tuple[int, Let] | None:
        place = self._places.get(atom) if isinstance(atom, Var) else None
        let = None if place is None else self._block[place]
        return (place, let) if place is not None and isinstance(let, Let) else None

    def _sum(self, atom: Atom) -> _Sum | None:
        """The product that gave this variable, with what was added to it."""
        found = self._definition(atom)
        if found is None:
            return None
        place, let = found
        if let.op not in ("int.add", "int.sub"):
            return self._product(atom)
        for product, addend in _addends(let):
            if inner := self._product(product):
                return replace(inner, c=addend, places=(*inner.places, place))
        return None

    def _product(self, atom: Atom) -> _Sum | None:
        found = self._definition(atom)
        if found is None:
            return None
        place, let = found
        match let.op, let.args:
            case "int.mul", (a, b):
                return _Sum(a, b, _ZERO, (place,))
            case "int.lshift", (a, Const(_, int(shift))) if 0 <= shift <= _MOST_SHIFT:
                return _Sum(a, Const(INT, 1 << shift), _ZERO, (place,))
        return None


def _addends(let: Let) -> Iterator[tuple[Atom, Atom]]:
    """Ways to read a sum as a product and what is added to it."""
    a, b = let.args
    if let.op == "int.add":
        yield a, b
        yield b, a
    elif isinstance(b, Const) and isinstance(b.value, int) and b.value != LEAST_INT:
        yield a, Const(INT, -b.value)
