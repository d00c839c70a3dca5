"""Applies a rule of the tables to a call of a library's function or method."""

import ast
from collections.abc import Callable, Iterator
from string import Formatter

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.frames import Arguments, Frame, is_code
from ufora_core.compiler.effects.kinds import (
    CONSTANT,
    NOTHING,
    Reach,
    Value,
    is_exactly,
    join,
    part_of,
)
from ufora_core.compiler.effects.members import refuse_change
from ufora_core.compiler.effects.method_table import ARRAY_METHODS, CHANGING_ARRAYS
from ufora_core.compiler.effects.operators import (
    ITERATE,
    READ,
    TRUTH,
    iterate,
    may_be_set,
    possible_user_classes,
    refuse_missing,
    special,
    text_of,
)
from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.effects.results import Use, result_of
from ufora_core.compiler.effects.rules import RECEIVER

#: Calls a value with some arguments (``calls.call``).
Call = Callable[[Frame, ast.AST, Value, Arguments], Value]

#: Keywords that name an object to write into, or code to run.
_WRITES_OR_RUNS = frozenset(
    {
        *("out", "overwrite_input", "cls", "object_hook", "object_pairs_hook"),
        *("parse_float", "parse_int", "parse_constant"),
    }
)
#: What is used of the arguments, where it is less than everything.
_USES = {
    "builtins.len": TRUTH,
    "builtins.bool": TRUTH,
    "builtins.any": (*TRUTH, *ITERATE),
    "builtins.all": (*TRUTH, *ITERATE),
}
#: NumPy functions whose third argument is data, and not an array to write into.
_THREE_INPUTS = frozenset({"numpy.where", "numpy.interp", "numpy.clip", "numpy.insert"})
#: Functions that repeat a call on its own results.
_FOLDS = frozenset({"functools.reduce", "itertools.accumulate"})
_SORTERS = frozenset({"builtins.sorted", "builtins.min", "builtins.max"})
_SEEDED = frozenset({"random.Random", "numpy.random.default_rng"})
_SUBSTITUTIONS = frozenset({"re.sub", "re.subn", "sub", "subn"})


def apply(use: Use, call: Call) -> Value:
    """What a call described by a rule gives.

    Raises:
        NotProved: the call changes something from outside, or runs code with effects.
    """
    frame, node, rule = use.frame, use.node, use.rule
    if use.name in _SEEDED:
        _check_seed(use)
    _check_changes(use)
    _check_outputs(use)
    own = NOTHING
    if rule.touches:
        own = special(frame, node, _USES.get(use.name, READ), *map(_as_data, use.operands))
    if rule.text:
        for operand in _texts(use):
            text_of(frame, node, operand)
        if use.name in ("format", "format_map"):
            _check_fields(use)
    _check_order(use)
    if use.is_numpy:
        _check_numbers(use)
    returned = _call_back(use, call)
    _note_types(use)
    return result_of(use, own, returned)


def _texts(use: Use) -> list[Value]:
    """The operands whose text shows: all but callbacks."""
    callbacks = [value for name, value in use.to.keywords.items() if name in use.rule.calls]
    return [value for value in use.operands if value not in callbacks]


def _check_fields(use: Use) -> None:
    """``"{0.size} {0[key]}".format(x)`` reads attributes and items."""
    if _fields_are_whole(use):
        return
    for operand in use.operands:
        refuse_missing(use.frame, use.node, operand)
        if possible_user_classes(use.frame, operand):
            use.frame.refuse(
                use.node,
                f"{quote(use.node)} may read attributes of an object: read them before, and format "
                "what was read",
            )


def _fields_are_whole(use: Use) -> bool:
    """True for a template, written out, whose fields are names or positions and nothing else."""
    if use.name != "format" or not isinstance(use.node, ast.Call):
        return False
    written = use.node.func.value if isinstance(use.node.func, ast.Attribute) else None
    if not isinstance(written, ast.Constant) or not isinstance(written.value, str):
        return False
    return all(set(name).isdisjoint(".[") for name in _field_names(written.value))


def _field_names(template: str) -> Iterator[str]:
    try:
        fields = list(Formatter().parse(template))
    except ValueError:
        return  # the call fails with the same error
    for _, name, specification, _ in fields:
        yield name or ""
        yield from _field_names(specification or "")


def _as_data(value: Value) -> Value:
    """A function among the arguments is called or kept, and no operator is applied to it."""
    return CONSTANT if is_code(value) else value


# ---------------------------------------------------------------------- checks


def _check_changes(use: Use) -> None:
    for position in use.rule.changes:
        target = use.receiver if position == RECEIVER else use.argument(position)
        if target is not None:
            refuse_change(use.frame, use.node, target)
            if not use.rule.keeps:
                continue
            values = use.to.all()
            use.frame.store(target, *values, *map(part_of, values))
    if use.receiver is not None and use.name in CHANGING_ARRAYS and _may_be_array(use):
        refuse_change(use.frame, use.node, use.receiver)


def _may_be_array(use: Use) -> bool:
    assert use.receiver is not None
    types = use.receiver.types
    if types is None:
        return use.frame.session.world.has_arrays
    return not types.isdisjoint(classes.array_types())


def _check_seed(use: Use) -> None:
    """Without a seed, a random generator begins somewhere else each time."""
    seed = use.argument(0)
    if seed is None or not is_exactly(seed, int, str, bytes, float, bool):
        use.frame.refuse(
            use.node,
            f"{quote(use.node)} begins anywhere unless it is given a seed: pass it a number that "
            "depends on the item",
        )


def _check_outputs(use: Use) -> None:
    """NumPy functions write into an array that they are given as an output."""
    frame, node, name = use.frame, use.node, use.name
    for keyword, value in use.to.keywords.items():
        if keyword in _WRITES_OR_RUNS and name != "format" and not is_exactly(value, type(None)):
            frame.refuse(node, f"{quote(node)}: `{keyword}=` cannot be used in a loop to be split")
    if use.is_numpy:
        inputs = 3 if name in _THREE_INPUTS else classes.inputs_of_ufunc(name) or 2
    elif name in ARRAY_METHODS:
        inputs = 2 if name == "clip" else 1
    else:
        return
    for value in use.to.positional[inputs:]:
        if value.reach is Reach.SHARED:
            frame.refuse(node, f"{quote(node)} may write into an array given to it")


def _check_order(use: Use) -> None:
    by_key = any(call in use.to.keywords for call in use.rule.calls)
    if use.name in _SORTERS and not by_key:
        by_key = not _has_total_order(use)
    values = use.to.all()
    if use.name == "pop" and use.receiver is not None and not values:
        values = (use.receiver,)
    elif not use.rule.ordered and not by_key:
        return
    for value in values:
        if may_be_set(use.frame, value):
            use.frame.refuse(
                use.node,
                f"{quote(use.node)} depends on the order of a set, which differs from process to "
                "process: use `sorted(...)` of the set",
            )


def _has_total_order(use: Use) -> bool:
    """Whether no two items of a set can compare as neither less nor greater."""
    world = use.frame.session.world
    return not world.has_frozen_sets and not any(
        name in world.defines(cls) for cls in world.classes for name in ("__lt__", "__gt__")
    )


def _check_numbers(use: Use) -> None:
    """On objects that are no numbers, NumPy calls whatever methods they have."""
    if any(possible_user_classes(use.frame, _as_data(value)) for value in use.operands):
        use.frame.refuse(use.node, f"{quote(use.node)} may work on objects that are no numbers")


def _note_types(use: Use) -> None:
    world = use.frame.session.world
    if use.rule.cls in classes.SETS:
        world.note("has_sets")
    if use.rule.cls is frozenset:
        world.note("has_frozen_sets")
    if use.name in ("keys", "items"):
        world.note("has_views")
    if use.is_numpy or use.name == "array.array":
        world.note("has_arrays")


# ---------------------------------------------------------------------- callbacks


def _call_back(use: Use, call: Call) -> Value:
    """Calls the functions among the arguments with whatever they may be given; what they return."""
    returned = NOTHING
    for spec in use.rule.calls:
        callback = use.to.keywords.get(spec) if isinstance(spec, str) else use.argument(spec)
        if callback is None or callback.reach is Reach.IMMUTABLE:
            continue  # ``key=None``
        given = join(*_given(use, callback))
        returned = call(use.frame, use.node, callback, _spread(use, given))
        while use.name in _FOLDS and (wider := join(given, returned)) != given:
            given = wider
            returned = call(use.frame, use.node, callback, _spread(use, given))
    return returned


def _spread(use: Use, given: Value) -> Arguments:
    return Arguments() if use.name == "collections.defaultdict" else Arguments(spread=given)


def _given(use: Use, callback: Value) -> Iterator[Value]:
    """What a callback may be given: items of the other arguments, or these themselves."""
    if use.name in _SUBSTITUTIONS:
        yield CONSTANT
        return
    several = use.name in ("builtins.min", "builtins.max") and len(use.to.positional) > 1
    for value in use.operands:
        if value is callback or is_code(value):
            continue
        item = iterate(use.frame, use.node, value, ordered=False)
        yield part_of(item) if use.name == "itertools.starmap" else item
        if several or use.name in _FOLDS:
            yield value
