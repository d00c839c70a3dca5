"""Making objects: what calling a user's class runs, and who can see the result."""

import ast
import enum
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from types import FunctionType

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.classes import Nature
from ufora_core.compiler.effects.effect_table import known_effect
from ufora_core.compiler.effects.frames import Arguments, Frame
from ufora_core.compiler.effects.generated import is_generated
from ufora_core.compiler.effects.kinds import ANYTHING, NOTHING, Reach, Value, is_made_here, join
from ufora_core.compiler.effects.members import check_hiding
from ufora_core.compiler.effects.proof import quote

#: Calls this very object with some arguments (``calls.call_object``).
CallObject = Callable[[Frame, ast.AST, object, Arguments], Value]


def is_constructible(frame: Frame, cls: type, name: str | None) -> bool:
    """True for the user's classes and for built-in exceptions; ``name`` is the qualified name."""
    if issubclass(cls, BaseException) and classes.is_trusted(cls):
        return True
    known = name is not None and known_effect(name) is not None
    return frame.session.world.nature(cls) is Nature.USER and not known


def construct(
    frame: Frame, node: ast.AST, cls: type, to: Arguments, call_object: CallObject
) -> Value:
    """``cls(*to)``.

    Raises:
        NotProved: making the object has effects.
    """
    if classes.is_trusted(cls):
        return frame.made(cls, *to.all())
    frame.session.world.add_class(cls)
    if type(cls) is enum.EnumMeta:
        members = tuple(cls.__dict__["_member_map_"].values())
        return frame.see(members, cls.__name__, node).inner or NOTHING
    if classes.look_up_user(cls, "__del__") is not None:
        frame.refuse(node, f"{quote(node)} makes an object whose `__del__` runs at no certain time")
    made = frame.made(cls, *to.all())
    maker = _plain_function(frame, node, cls, "__new__")
    if maker is not None and not is_generated(cls, maker):
        # It may return an object that exists already.
        me = frame.see(cls, cls.__name__, node)
        made = join(made, call_object(frame, node, maker, to.after(me)))
    initialiser = _plain_function(frame, node, cls, "__init__")
    if initialiser is None:
        return made
    if is_generated(cls, initialiser):
        return _with_fields(frame, node, cls, made, to, call_object)
    me = Value(max(made.reach, Reach.OWN), frozenset({cls}))
    outcome = frame.session.call(frame, node, initialiser, to.after(me))
    if outcome.leaks and any(is_made_here(value) for value in to.all()):
        frame.leak()
    shell = Value(Reach.SHELL, made.types) if outcome.leaks else NOTHING
    return join(made, shell)


def _plain_function(frame: Frame, node: ast.AST, cls: type, name: str) -> FunctionType | None:
    method = classes.look_up_user(cls, name)
    function = method.__func__ if isinstance(method, staticmethod) else method
    if function is not None and type(function) is not FunctionType:
        frame.refuse(node, f"{quote(node)}: `{name}` of {cls.__name__} is no plain function")
    return function


def _with_fields(
    frame: Frame, node: ast.AST, cls: type, made: Value, to: Arguments, call_object: CallObject
) -> Value:
    """A generated ``__init__``: defaults and their factories, then ``__post_init__``."""
    fields: Mapping[str, object] = getattr(cls, "__dataclass_fields__", {})
    held = list(to.all())
    for name, field in fields.items():
        factory = getattr(field, "default_factory", MISSING)
        default = getattr(field, "default", MISSING)
        if factory is not MISSING:
            held.append(call_object(frame, node, factory, Arguments()))
        elif default is not MISSING:
            held.append(frame.see(default, name, node))
        check_hiding(frame, node, name, *to.all())
    after = classes.look_up_user(cls, "__post_init__")
    if type(after) is FunctionType:
        me = Value(max(made.reach, Reach.OWN), frozenset({cls}))
        call_object(frame, node, after, Arguments((me,), spread=ANYTHING))
    return join(made, frame.made(cls, *held))
