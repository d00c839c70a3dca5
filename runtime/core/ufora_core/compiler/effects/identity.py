"""``is``: where it means the same on every machine."""

import ast
import enum
from collections.abc import Iterable
from types import ModuleType

from ufora_core.compiler.effects.frames import Frame
from ufora_core.compiler.effects.kinds import Value, is_exactly
from ufora_core.compiler.effects.proof import quote

_SINGLETONS = (None, True, False, ...)


def check_identity(
    frame: Frame, node: ast.Compare, sides: Iterable[ast.expr], *values: Value
) -> None:
    """``is`` is fine with a singleton on one side, and between classes, modules or enum members.

    Raises:
        NotProved: the two sides may be two objects in one process and one object in another.
    """
    if any(isinstance(each, ast.Constant) and each.value in _SINGLETONS for each in sides):
        return
    if not all(map(_is_unique, values)):
        frame.refuse(
            node,
            f"{quote(node)} asks whether two values are the same object, which may differ on "
            "another machine: compare with `==`",
        )


def _is_unique(value: Value) -> bool:
    """True for objects of which every process has exactly one."""
    if is_exactly(value, type, type(None), bool):
        return True
    return value.objects is not None and all(
        issubclass(type(each.object), type | ModuleType) or type(type(each.object)) is enum.EnumMeta
        for each in value.objects
    )
