"""What an operation gives for intervals, and when it certainly does not bail."""

from collections.abc import Callable, Mapping, Sequence

from ufora_worker.native.intervals import interval
from ufora_worker.native.intervals.interval import (
    EXACT,
    INT64,
    TRUTH,
    Interval,
    exactly,
)
from ufora_worker.native.ir.nodes import Atom, Const, Let
from ufora_worker.native.ir.types import (
    BOOL,
    INT,
    NUMPY_BOOL,
    NUMPY_INT,
    NUMPY_NARROW_INT,
    Array,
    Type,
)

#: Types whose values are followed, and all that they may be.
RANGES: Mapping[Type, Interval] = {
    INT: INT64,
    NUMPY_INT: INT64,
    NUMPY_NARROW_INT: Interval(-(2**31), 2**32 - 1),
    BOOL: TRUTH,
    NUMPY_BOOL: TRUTH,
}

#: Elements of arrays by storage. Memory of a machine has less than 2**47 bytes.
_STORED: Mapping[str, Interval] = {
    "b1": TRUTH,
    **{f"i{size}": Interval(-(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1) for size in (1, 2, 4)},
    **{f"u{size}": Interval(0, 2 ** (8 * size) - 1) for size in (1, 2, 4)},
}
_LENGTHS = Interval(0, 2**47)
#: The index of an item.
INDEX = Interval(0, 2**63 - 1)
#: Counts by which 64 bits can be shifted.
_SHIFTS = Interval(0, 63)
_CODE_POINTS = Interval(0, 0x10FFFF)

Rule = Callable[..., Interval]


def _same(a: Interval) -> Interval:
    return a


def _comparison(holds: Callable[[Interval, Interval], bool | None]) -> Rule:
    def rule(a: Interval, b: Interval) -> Interval:
        known = holds(a, b)
        return TRUTH if known is None else exactly(known)

    return rule


def _less(a: Interval, b: Interval) -> bool | None:
    return True if a.hi < b.lo else False if a.lo >= b.hi else None


def _equal(a: Interval, b: Interval) -> bool | None:
    return False if a.meet(b) is None else True if a == b and a.lo == a.hi else None


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known


_RULES: Mapping[str, Rule] = {
    "int.add": interval.add,
    "int.sub": interval.sub,
    "int.mul": interval.mul,
    "int.neg": interval.neg,
    "int.abs": interval.absolute,
    "int.invert": interval.invert,
    "int.floordiv": interval.floordiv,
    "int.mod": interval.mod,
    "int.pow": interval.power,
    "int.powmod": interval.powmod,
    "int.lshift": interval.lshift,
    "int.rshift": interval.rshift,
    "int.and": interval.bit_and,
    "int.or": interval.bit_or,
    "int.xor": interval.bit_xor,
    "int.bit_length": interval.bit_length,
    "int.bit_count": interval.bit_count,
    "int.isqrt": interval.isqrt,
    "int.gcd": interval.gcd,
    "int.mul_add_and": interval.mul_add_and,
    "int.mul_add_mod": interval.mul_add_mod,
    "int.lt": _comparison(_less),
    "int.gt": _comparison(lambda a, b: _less(b, a)),
    "int.le": _comparison(lambda a, b: _not(_less(b, a))),
    "int.ge": _comparison(lambda a, b: _not(_less(a, b))),
    "int.eq": _comparison(_equal),
    "int.ne": _comparison(lambda a, b: _not(_equal(a, b))),
    "int.to_bool": _comparison(lambda a, b: _not(_equal(a, b))),
    "bool.not": lambda a: interval.sub(exactly(1), a),
    "bool.and": interval.bit_and,
    "bool.or": interval.bit_or,
    "bool.xor": interval.bit_xor,
    "bool.eq": _comparison(_equal),
    "bool.to_int": _same,
    "copy": _same,
    "np.int": _same,
    "np.bool": _same,
    "np.int.value": _same,
    "np.bool.value": _same,
    "np.narrow_int.value": _same,
    "char.ord": lambda c: _CODE_POINTS,
    "array.len": lambda array, dimension: _LENGTHS,
}


def result_of(let: Let, operands: Sequence[Interval]) -> Interval | None:
    """What the target is after the operation; None if it certainly bailed.

    ``operands`` are in the order of ``let.args``; those that are not followed are anything.
    """
    everything = RANGES[let.target.type]
    if let.op == "array.get":
        array = let.args[0].type
        assert isinstance(array, Array)
        return everything.meet(_STORED.get(array.storage, everything))
    if let.op == "int.mul" and let.args[0] == let.args[1]:
        return everything.meet(interval.square(operands[0]))
    if let.op == "int.to_bool":
        operands = (*operands, exactly(0))
    rule = _RULES.get(let.op)
    return everything if rule is None else everything.meet(rule(*operands))


# ---------------------------------------------------------------------- what cannot bail


def _fits(rule: Rule) -> Callable[..., bool]:
    return lambda *operands: rule(*operands).within(INT64)


def _divides(a: Interval, b: Interval) -> bool:
    """Whether there is a quotient, and it fits; ``%`` is computed with it."""
    return 0 not in b and interval.floordiv(a, b).within(INT64)


def _shifts_left(a: Interval, b: Interval) -> bool:
    return b.within(_SHIFTS) and interval.lshift(a, b).within(INT64)


_CERTAIN: Mapping[str, Callable[..., bool]] = {
    **{f"int.{name}": _fits(_RULES[f"int.{name}"]) for name in ("add", "sub", "neg", "abs", "gcd")},
    "int.pow": lambda a, b: b.lo >= 0 and interval.power(a, b).within(INT64),
    "int.lshift": _shifts_left,
    "int.rshift": lambda a, b: b.lo >= 0,
    "int.floordiv": _divides,
    "int.mod": _divides,
    "int.powmod": lambda a, b, m: b.lo >= 0 and 0 not in m,
    "int.truediv": lambda a, b: 0 not in b and a.within(EXACT) and b.within(EXACT),
    "int.isqrt": lambda a: a.lo >= 0,
    "int.mul_add_and": lambda a, b, c, m: m.lo >= 0,
    "int.mul_add_mod": lambda a, b, c, m: m.lo > 0,
    "int.to_float_exact": lambda a: a.within(EXACT),
    "char.chr": lambda a: a.within(_CODE_POINTS),
}

_FLOAT_DIVISIONS = frozenset({"float.truediv", "float.floordiv", "float.mod"})


def cannot_bail(let: Let, operands: Sequence[Interval]) -> bool:
    """Whether the operation is certain to give its result for all such operands."""
    if let.op == "int.mul":
        same = let.args[0] == let.args[1]
        product = interval.square(operands[0]) if same else interval.mul(*operands)
        return product.within(INT64)
    if let.op in _FLOAT_DIVISIONS:
        return _is_nonzero(let.args[1])
    certain = _CERTAIN.get(let.op)
    return certain is not None and certain(*operands)


def _is_nonzero(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value != 0
