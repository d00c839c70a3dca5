"""What follows for its operands from what is known of an operation's result.

An operation that did not bail gave its exact result, so that each operand is tied to the result and
the other operands. Conditions are such results: BOOL variables that a comparison gave.
"""

import math
from collections.abc import Callable, Mapping

from ufora_worker.native.intervals.interval import (
    ANYTHING,
    TRUTH,
    Interval,
    add,
    exactly,
    neg,
    sub,
)
from ufora_worker.native.intervals.state import State
from ufora_worker.native.intervals.transfer import RANGES
from ufora_worker.native.ir.nodes import Atom, Const, Let, Var

#: Chains of definitions are followed so far.
_DEPTH = 8


class Impossible(Exception):
    """Nothing is left of an interval: control does not come here."""


def assume(state: State, condition: Atom, truth: bool) -> State | None:
    """The state where the condition holds, or does not; None where that cannot be."""
    narrowed = state.copy()
    try:
        narrow(narrowed, condition, exactly(truth))
    except Impossible:
        return None
    return narrowed


def chosen(state: State, condition: Atom, then: Atom, orelse: Atom) -> Interval | None:
    """What ``then if condition else orelse`` can be; None where control does not come."""
    found: Interval | None = None
    for atom, truth in ((then, True), (orelse, False)):
        assumed = assume(state, condition, truth)
        if assumed is not None:
            each = assumed.interval(atom)
            found = each if found is None else found.join(each)
    return found


def narrow(state: State, atom: Atom, to: Interval, depth: int = _DEPTH) -> None:
    """Note that the atom lies within ``to``, and what follows for the operands that gave it.

    Raises:
        Impossible: it does not.
    """
    if atom.type not in RANGES:
        return
    before = state.interval(atom)
    after = before if before == to else before.meet(to)
    if after is None:
        raise Impossible
    if isinstance(atom, Const) or (after == before and depth < _DEPTH):
        return
    state.ranges[atom.name] = after
    if after.lo == after.hi:
        _add_implied(state, atom.name, after.lo)
    definition = state.definitions.get(atom.name)
    if definition is not None and depth > 0 and definition.op in _RULES:
        for operand, interval in _RULES[definition.op](state, definition, after):
            narrow(state, operand, interval, depth - 1)


def _add_implied(state: State, name: str, value: int) -> None:
    facts = state.implied.get((name, value == 1))
    if facts is None:
        return
    for other, interval in facts.ranges.items():
        both = state.ranges.get(other, interval).meet(interval)
        if both is None:
            raise Impossible
        state.ranges[other] = both
    for other, names in facts.greater.items():
        state.greater[other] = state.greater.get(other, frozenset()) | names


_Consequence = tuple[Atom, Interval]
_Rule = Callable[[State, Let, Interval], list[_Consequence]]


def _same(state: State, let: Let, to: Interval) -> list[_Consequence]:
    return [(let.args[0], to)]


def _add(state: State, let: Let, to: Interval) -> list[_Consequence]:
    a, b = let.args
    return [(a, sub(to, state.interval(b))), (b, sub(to, state.interval(a)))]


def _sub(state: State, let: Let, to: Interval) -> list[_Consequence]:
    a, b = let.args
    return [(a, add(to, state.interval(b))), (b, sub(state.interval(a), to))]


def _neg(state: State, let: Let, to: Interval) -> list[_Consequence]:
    return [(let.args[0], neg(to))]


def _abs(state: State, let: Let, to: Interval) -> list[_Consequence]:
    return [(let.args[0], Interval(-max(to.hi, 0), max(to.hi, 0)))]


def _mul(state: State, let: Let, to: Interval) -> list[_Consequence]:
    a, b = let.args
    if a == b:
        root = math.isqrt(max(to.hi, 0))
        return [(a, Interval(-root, root))]
    consequences: list[_Consequence] = []
    for factor, other in ((a, state.interval(b)), (b, state.interval(a))):
        if other.lo >= 1:
            consequences.append((factor, _quotients(to, other)))
    return consequences


def _quotients(products: Interval, by: Interval) -> Interval:
    """All ``x`` such that ``x * y`` may be among the products, for a positive ``y``."""
    hi = products.hi // (by.lo if products.hi >= 0 else by.hi)
    lo = -(-products.lo // (by.lo if products.lo <= 0 else by.hi))
    if lo > hi:
        raise Impossible
    return Interval(lo, hi)


def _floordiv(state: State, let: Let, to: Interval) -> list[_Consequence]:
    a, by = let.args[0], state.interval(let.args[1])
    if by.lo != by.hi or by.lo <= 0:
        return []
    return [(a, Interval(to.lo * by.lo, to.hi * by.lo + by.lo - 1))]


# ---------------------------------------------------------------------- conditions


def _decided(rule: Callable[[State, Let, bool], list[_Consequence]]) -> _Rule:
    """A rule for BOOL results, of which nothing follows while both are possible."""
    return lambda state, let, to: [] if to == TRUTH else rule(state, let, bool(to.lo))


def _less(state: State, a: Atom, b: Atom, gap: int) -> list[_Consequence]:
    """``a + gap <= b``, where ``gap`` is 0 or 1."""
    if gap and isinstance(a, Var) and isinstance(b, Var):
        state.greater[a.name] = state.greater.get(a.name, frozenset()) | {b.name}
    below = Interval(ANYTHING.lo, state.interval(b).hi - gap)
    above = Interval(state.interval(a).lo + gap, ANYTHING.hi)
    return [(a, below), (b, above)]


def _equal(state: State, a: Atom, b: Atom) -> list[_Consequence]:
    return [(a, state.interval(b)), (b, state.interval(a))]


def _unequal(state: State, a: Atom, b: Atom) -> list[_Consequence]:
    one, other = state.interval(a), state.interval(b)
    return [(a, _without(one, other)), (b, _without(other, one))]


def _without(interval: Interval, other: Interval) -> Interval:
    """The interval less the other one's only element, where that is at an end."""
    if other.lo != other.hi or other.lo not in (interval.lo, interval.hi):
        return interval
    lo = interval.lo + (interval.lo == other.lo)
    hi = interval.hi - (interval.hi == other.lo)
    if lo > hi:
        raise Impossible
    return Interval(lo, hi)


_COMPARISONS: Mapping[str, Callable[[State, Atom, Atom], list[_Consequence]]] = {
    "lt": lambda state, a, b: _less(state, a, b, 1),
    "le": lambda state, a, b: _less(state, a, b, 0),
    "gt": lambda state, a, b: _less(state, b, a, 1),
    "ge": lambda state, a, b: _less(state, b, a, 0),
    "eq": _equal,
    "ne": _unequal,
}
_OPPOSITES = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}


def _compared(op: str) -> _Rule:
    return _decided(
        lambda state, let, truth: _COMPARISONS[op if truth else _OPPOSITES[op]](state, *let.args)
    )


def _not(state: State, let: Let, truth: bool) -> list[_Consequence]:
    return [(let.args[0], exactly(not truth))]


def _each_if(truth: bool) -> _Rule:
    """``and`` is true when all operands are; ``or`` is false when all are."""
    return _decided(
        lambda state, let, found: [(a, exactly(truth)) for a in let.args] if found == truth else []
    )


def _to_bool(state: State, let: Let, truth: bool) -> list[_Consequence]:
    zero = Const(let.args[0].type, 0)
    return _COMPARISONS["ne" if truth else "eq"](state, let.args[0], zero)


_RULES: Mapping[str, _Rule] = {
    "copy": _same,
    "bool.to_int": _same,
    "np.int": _same,
    "np.int.value": _same,
    "np.narrow_int.value": _same,
    "np.bool": _same,
    "np.bool.value": _same,
    "int.add": _add,
    "int.sub": _sub,
    "int.neg": _neg,
    "int.abs": _abs,
    "int.mul": _mul,
    "int.floordiv": _floordiv,
    "int.to_bool": _decided(_to_bool),
    "bool.not": _decided(_not),
    "bool.and": _each_if(True),
    "bool.or": _each_if(False),
    **{f"int.{op}": _compared(op) for op in _COMPARISONS},
}
