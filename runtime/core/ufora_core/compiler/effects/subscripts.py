"""``base[index]``: what looking it up runs, and what it gives."""

import ast
from collections.abc import Sequence

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.frames import Frame
from ufora_core.compiler.effects.kinds import (
    ANYTHING,
    INT,
    STR,
    Reach,
    Value,
    is_exactly,
    join,
    part_of,
)
from ufora_core.compiler.effects.operators import HASH, SUBSCRIPT, refuse_missing, special
from ufora_core.compiler.effects.proof import quote

#: Slicing these makes a new object; slicing an array makes a view.
_COPIED = (list, tuple, str, bytes, bytearray)


def subscript(
    frame: Frame,
    node: ast.Subscript,
    base: Value,
    index: Value,
    indices: Sequence[Value | None],
) -> Value:
    """The value of ``node``; ``indices`` are the parts of a tuple of indices, None for slices.

    Raises:
        NotProved: looking it up has effects.
    """
    refuse_missing(frame, node, base)
    _check_class(frame, node, base)
    own = special(frame, node, SUBSCRIPT, base, deep=False, given=(index,))
    special(frame, node, ("__index__", *HASH), index)
    if base.inner is not None and base.types is not None and base.types <= classes.array_types():
        return join(own, _part_of_array(base, indices))
    if isinstance(node.slice, ast.Slice):
        return join(own, _sliced(frame, base))
    return join(own, ANYTHING if base.objects is not None else frame.demoted(_item(base)))


def _item(base: Value) -> Value:
    if is_exactly(base, str):
        return STR
    return INT if is_exactly(base, range, bytes) else part_of(base)


def _check_class(frame: Frame, node: ast.Subscript, base: Value) -> None:
    for known in base.objects or ():
        if issubclass(type(known.object), type):
            cls: type = known.object  # type: ignore[assignment]
            if classes.look_up_user(cls, "__class_getitem__") is not None:
                frame.refuse(node, f"{quote(node)} runs `__class_getitem__` of {cls.__name__}")


def _part_of_array(base: Value, indices: Sequence[Value | None]) -> Value:
    """An item or view of an array from outside."""
    part = base
    for index in indices:
        if index is None or not is_exactly(index, int) or part.inner is None:
            return Value(base.reach, classes.array_types())
        part = part.inner
    return part


def _sliced(frame: Frame, base: Value) -> Value:
    if is_exactly(base, *_COPIED):
        if base.reach is Reach.IMMUTABLE:
            return base
        return Value(frame.fresh(part_of(base)), base.types)
    return frame.demoted(base) if base.reach <= Reach.OWN else ANYTHING
