"""What operators and built-in functions do to objects of the user's classes.

An operation on numbers, strings and built-in containers has no effect. On an instance of a user's
class it calls special methods: those of every class that the operand may belong to are judged.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable
from types import FunctionType

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.classes import Nature
from ufora_core.compiler.effects.frames import Arguments, Bound, Frame, LocalFunction
from ufora_core.compiler.effects.generated import run_generated
from ufora_core.compiler.effects.kinds import (
    ANYTHING,
    NOTHING,
    NUMBERS,
    Reach,
    Value,
    arithmetic,
    join,
    part_of,
    widest,
)
from ufora_core.compiler.effects.proof import quote

_BINARY = {
    ast.Add: ("+", "add"),
    ast.Sub: ("-", "sub"),
    ast.Mult: ("*", "mul"),
    ast.MatMult: ("@", "matmul"),
    ast.Div: ("/", "truediv"),
    ast.FloorDiv: ("//", "floordiv"),
    ast.Mod: ("%", "mod"),
    ast.Pow: ("**", "pow"),
    ast.LShift: ("<<", "lshift"),
    ast.RShift: (">>", "rshift"),
    ast.BitAnd: ("&", "and"),
    ast.BitOr: ("|", "or"),
    ast.BitXor: ("^", "xor"),
}
_ARITHMETIC = tuple(
    name for _, stem in _BINARY.values() for name in (f"__{stem}__", f"__r{stem}__")
)

COMPARE = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
TRUTH = ("__bool__", "__len__")
ITERATE = ("__iter__", "__next__", "__getitem__", "__len__", "__length_hint__", "__reversed__")
HASH = ("__hash__", "__eq__")
CONTAINS = ("__contains__", *ITERATE, "__eq__")
SUBSCRIPT = ("__getitem__", "__missing__", "__index__", *HASH)
TEXT = ("__repr__", "__str__", "__format__")
_NUMBER = (
    *("__int__", "__float__", "__complex__", "__index__", "__abs__", "__round__", "__trunc__"),
    *("__floor__", "__ceil__", "__neg__", "__pos__", "__invert__", "__divmod__", "__rdivmod__"),
)
UNARY = {
    ast.UAdd: ("__pos__",),
    ast.USub: ("__neg__",),
    ast.Invert: ("__invert__",),
    ast.Not: TRUTH,
}
COPY = ("__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
_ARRAY = (
    "__buffer__",
    "__array__",
    "__array_ufunc__",
    "__array_function__",
    "__bytes__",
    "__keys__",
    "keys",
)
#: Whatever a function of a library may use of its arguments.
READ = tuple(
    dict.fromkeys(
        (
            *(*COMPARE, *TRUTH, *ITERATE, *HASH, *CONTAINS, *SUBSCRIPT),
            *(*_NUMBER, *_ARITHMETIC, *COPY, *_ARRAY),
        )
    )
)

_SIZED_NUMBERS = frozenset({int, bool, float})


def special(
    frame: Frame,
    node: ast.AST,
    names: Iterable[str],
    *operands: Value,
    deep: bool = True,
    given: Iterable[Value] = (),
) -> Value:
    """Judges the special methods that an operation on ``operands`` (and, if ``deep``, on their
    items) may call, with ``given`` as further arguments; returns what they may return.

    Raises:
        NotProved: one of them has effects.
    """
    reached = [*operands, *map(part_of, operands)] if deep else operands
    reach = widest(each for each in reached if each.reach is not Reach.IMMUTABLE)
    result = NOTHING
    found: dict[type, None] = {}
    for operand in operands:
        found.update(dict.fromkeys(possible_user_classes(frame, operand, deep=deep)))
    for cls in found:
        defined = frame.session.world.defines(cls)
        for name in names:
            attribute = classes.look_up_user(cls, name) if name in defined else None
            if attribute is not None:
                me = Value(reach, frozenset({cls}))
                other = Value(reach) if reach > Reach.IMMUTABLE else ANYTHING
                to = Arguments((me,), spread=join(other, *operands, *given))
                result = join(result, call_special(frame, node, attribute, cls, to))
    return result


def call_special(frame: Frame, node: ast.AST, attribute: object, cls: type, to: Arguments) -> Value:
    """Judges a special method, found in class ``cls``."""
    if type(attribute) is not FunctionType:
        if attribute is None or type(attribute) in _HARMLESS:
            return NOTHING
        frame.refuse(
            node, f"{quote(node)} uses a special method of {cls.__name__} that is no plain function"
        )
    generated = run_generated(frame, cls, attribute, to)
    if generated is not None:
        return generated
    outcome = frame.session.call(frame, node, attribute, to)
    frame.leak_from_call(outcome, to)
    return outcome.value


#: Attributes written in C, which a user's class took over (``__eq__ = object.__eq__``).
_HARMLESS = (type(object.__eq__), type(dict.__getitem__))


def possible_user_classes(frame: Frame, value: Value, *, deep: bool = True) -> list[type]:
    """The user's classes that ``value`` (and, if ``deep``, what it contains) may belong to."""
    world = frame.session.world
    if value.reach is Reach.IMMUTABLE:
        return []
    if value.types is None:
        return list(world.classes)
    own = [cls for cls in world.classes if cls in value.types]
    if not deep or is_numeric(value.types):
        return own
    if value.inner is not None:
        return [*own, *possible_user_classes(frame, value.inner)]
    return list(world.classes)


def is_numeric(types: frozenset[type] | None) -> bool:
    """True for numbers and arrays of numbers."""
    return types is not None and types <= (NUMBERS | classes.array_types())


def binary(frame: Frame, node: ast.AST, operator: ast.operator, left: Value, right: Value) -> Value:
    """``left operator right``."""
    symbol, stem = _BINARY[type(operator)]
    if symbol == "%" and (left.types is None or str in left.types):
        _fill_in(frame, node, right)
    plain = arithmetic(symbol, left, right)
    if plain is not None:
        return plain
    own = special(frame, node, (f"__{stem}__", f"__r{stem}__"), left, right, deep=False)
    if is_numeric(left.types) and is_numeric(right.types):
        return join(own, Value(frame.fresh(), classes.array_types() | NUMBERS))
    if symbol in "-&|^" and frame.session.world.has_views:
        frame.session.world.note("has_sets")
    return join(own, Value(frame.fresh(*_contents(left), *_contents(right)), _types(left, right)))


_SEQUENCES = frozenset({list, tuple, str, bytes, bytearray})


def _types(left: Value, right: Value) -> frozenset[type] | None:
    """Classes of a concatenation or repetition, where nothing else can be meant."""
    if left.types is None or right.types is None:
        return None
    if left.types <= _SEQUENCES and right.types <= _SEQUENCES | {int, bool}:
        return left.types
    return left.types if left.types == right.types and left.types <= classes.SETS else None


def _contents(value: Value) -> tuple[Value, ...]:
    """What a concatenation takes over from an operand."""
    if value.types is not None and (value.types <= NUMBERS or is_numeric(value.types)):
        return ()
    return (part_of(value),)


def may_change_in_place(frame: Frame, operator: ast.operator, target: Value, right: Value) -> bool:
    """Whether ``target operator= right`` may change the object instead of making a new one."""
    if target.reach is Reach.IMMUTABLE:
        return False
    world = frame.session.world
    if target.types is not None:
        natures = {world.nature(cls) for cls in target.types}
        return not natures <= {Nature.SCALAR}
    stem = _BINARY[type(operator)][1]
    by_number = right.types is not None and right.types <= _SIZED_NUMBERS
    by_user = any(classes.look_up_user(cls, f"__i{stem}__") for cls in world.classes)
    return not by_number or isinstance(operator, ast.Mult) or world.has_arrays or by_user


def in_place(
    frame: Frame, node: ast.AST, operator: ast.operator, target: Value, right: Value
) -> Value:
    """The value of ``target operator= right``; whether the change is allowed is judged before."""
    stem = _BINARY[type(operator)][1]
    own = special(frame, node, (f"__i{stem}__",), target, right, deep=False)
    if target.reach is not Reach.IMMUTABLE:
        frame.store(target, *_contents(right))
    return join(own, target, binary(frame, node, operator, target, right))


def _fill_in(frame: Frame, node: ast.AST, value: Value) -> None:
    """``text % value``: the value is shown, or looked into (``%(name)s``)."""
    text_of(frame, node, value)
    special(frame, node, READ, value)
    refuse_missing(frame, node, value)


def refuse_missing(frame: Frame, node: ast.AST, value: Value) -> None:
    """Something is looked up in ``value``: a missing key of a defaultdict would be added.

    Raises:
        NotProved: ``value`` may be a defaultdict from outside.
    """
    if value.reach is not Reach.SHARED:
        return
    if value.types is None:
        may_add = frame.session.world.has_default_dicts
    else:
        may_add = any(issubclass(cls, defaultdict) for cls in value.types)
    if may_add:
        frame.refuse(
            node,
            f"{quote(node)} may add a key to a defaultdict that exists outside of this item: use "
            "`.get(...)`",
        )


def text_of(frame: Frame, node: ast.AST, value: Value) -> None:
    """The text of ``value`` is made: it must say nothing about this very process."""
    if value.reach is Reach.IMMUTABLE and not may_be_set(frame, value):
        return
    special(frame, node, TEXT, value)
    for cls in possible_user_classes(frame, value):
        found = classes.look_up(cls, "__repr__")
        if found is not None and found[0] is object:
            frame.refuse(
                node,
                f"{quote(node)} may show where a {cls.__name__} lies in memory: give "
                f"{cls.__name__} a `__repr__`",
            )
    world = frame.session.world
    if _may_contain(value, world.has_code, _CODE_TYPES):
        frame.refuse(node, f"{quote(node)} may show where a function lies in memory")
    if _may_contain(value, world.has_sets, classes.SETS):
        frame.refuse(
            node,
            f"{quote(node)} may show the order of a set, which differs from process to process",
        )


_CODE_TYPES = frozenset({FunctionType, LocalFunction, Bound})


def _may_contain(value: Value, exist: bool, types: frozenset[type]) -> bool:
    """Whether ``value`` is, or holds, an instance of one of ``types``."""
    if value.types is not None and not value.types.isdisjoint(types):
        return True
    if not exist or is_numeric(value.types) or value.types == frozenset({str}):
        return False
    if value.inner is not None:
        return _may_contain(value.inner, exist, types)
    return value.reach is not Reach.IMMUTABLE


def may_be_set(frame: Frame, value: Value) -> bool:
    """Whether the order in which ``value`` gives its items may be that of a set."""
    if value.types is None:
        world = frame.session.world
        frozen = value.reach is Reach.IMMUTABLE
        return world.has_frozen_sets if frozen else world.has_sets
    return any(issubclass(cls, (set, frozenset)) for cls in value.types)


def iterate(frame: Frame, node: ast.AST, value: Value, *, ordered: bool = True) -> Value:
    """An item of ``value``.

    Raises:
        NotProved: the items come in an order that differs from process to process.
    """
    if ordered and may_be_set(frame, value):
        frame.refuse(
            node,
            f"the order of the items of the set {quote(node)} differs from process to process: "
            "iterate over `sorted(...)` of it",
        )
    own = special(frame, node, ITERATE, value, deep=False)
    if own != NOTHING:
        special(frame, node, ITERATE, own, deep=False)
        own = join(own, part_of(own))
    return join(own, _item(value))


def _item(value: Value) -> Value:
    if value.types is not None and len(value.types) == 1:
        found = _ITEM_TYPES.get(next(iter(value.types)))
        if found is not None:
            return Value(Reach.IMMUTABLE, frozenset({found}))
    return part_of(value)


_ITEM_TYPES: dict[type, type] = {range: int, bytes: int, bytearray: int, str: str}
