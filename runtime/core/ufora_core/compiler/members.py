"""Attributes: what reading and storing them runs, and what they hold."""

import ast
import functools
from collections.abc import Iterable
from types import (
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from ufora_core.compiler import classes
from ufora_core.compiler.classes import Nature
from ufora_core.compiler.closed_world import instance_attributes
from ufora_core.compiler.frames import Arguments, Bound, Frame, Super, of_function
from ufora_core.compiler.kinds import (
    ANYTHING,
    CONSTANT,
    NOTHING,
    STR,
    Known,
    Reach,
    Value,
    is_made_here,
    join,
    part_of,
)
from ufora_core.compiler.method_table import METHODS, READABLE_DUNDERS
from ufora_core.compiler.operators import call_special
from ufora_core.compiler.proof import quote

_SLOTS = (MemberDescriptorType, GetSetDescriptorType)


def read(frame: Frame, node: ast.AST, value: Value, name: str) -> Value:
    """``value.name``.

    Raises:
        NotProved: reading it has effects, or shows something of this very process.
    """
    if name == "__class__":
        return class_of(frame, node, value)
    if name in READABLE_DUNDERS:
        return STR
    if name.startswith("__") and name.endswith("__") and not _is_super(value):
        frame.refuse(node, f"{quote(node)} looks behind the scenes of an object")
    if value.objects is not None:
        return join(*(_of_object(frame, node, value, each, name) for each in value.objects))
    result = _of_unknown(value, name)
    for cls in possible_classes(frame, value):
        result = join(result, _of_instance(frame, node, value, cls, name))
    return result


def class_of(frame: Frame, node: ast.AST, value: Value) -> Value:
    """``type(value)``."""
    if value.types is None:
        return Value(Reach.SHARED, frozenset({type}))
    return join(*(frame.see(cls, cls.__name__, node) for cls in value.types))


def possible_classes(frame: Frame, value: Value) -> Iterable[type]:
    """The user's classes that ``value`` may be an instance of."""
    if value.types is None:
        return () if value.reach is Reach.IMMUTABLE else tuple(frame.session.world.classes)
    nature = frame.session.world.nature
    return [cls for cls in value.types if nature(cls) is Nature.USER]


def _is_super(value: Value) -> bool:
    return value.types == frozenset({Super})


def _of_unknown(value: Value, name: str) -> Value:
    """An attribute that the object itself holds, or a method of a built-in class."""
    held = part_of(value) if value.inner is None else ANYTHING
    if name in METHODS:
        return join(held, of_function(Bound(name, value, None)))
    return held


# ---------------------------------------------------------------------- instances


def _of_instance(frame: Frame, node: ast.AST, value: Value, cls: type, name: str) -> Value:
    """What the class of an instance adds to reading its attribute."""
    reader = classes.look_up_user(cls, "__getattribute__")
    me = Value(value.reach, frozenset({cls}), value.objects)
    if reader is not None:
        return call_special(frame, node, reader, cls, Arguments((me, STR)))
    found = classes.look_up_user(cls, name)
    if found is not None:
        return of_attribute(frame, node, me, cls, name, found)
    reader = classes.look_up_user(cls, "__getattr__")
    if reader is None or classes.look_up(cls, name) is not None:
        return NOTHING
    return call_special(frame, node, reader, cls, Arguments((me, STR)))


def of_attribute(
    frame: Frame, node: ast.AST, me: Value, cls: type, name: str, attribute: object
) -> Value:
    """What an attribute found in class ``cls`` gives for the instance ``me``."""
    kind = type(attribute)
    if kind is property:
        getter = attribute.fget  # type: ignore[attr-defined]
        return call_special(frame, node, getter, cls, Arguments((me,)))
    if kind is FunctionType:
        return of_function(Bound(name, me, attribute))
    if kind is staticmethod:
        return frame.see(attribute.__func__, name, node)  # type: ignore[attr-defined]
    if kind is classmethod:
        me = frame.see(cls, cls.__name__, node)
        return of_function(Bound(name, me, attribute.__func__))  # type: ignore[attr-defined]
    if kind is functools.cached_property:
        if not is_made_here(me):
            frame.refuse(node, f"{quote(node)} is a cached property: reading it changes the object")
        return call_special(frame, node, attribute.func, cls, Arguments((me,)))  # type: ignore[attr-defined]
    if kind in _SLOTS or kind.__name__ == "_tuplegetter":
        return part_of(me)
    if classes.look_up(kind, "__get__") is not None and kind is not type:
        frame.refuse(node, f"{quote(node)} goes through a descriptor of class {kind.__name__}")
    return frame.see(attribute, name, node)


# ---------------------------------------------------------------------- concrete objects


def _of_object(frame: Frame, node: ast.AST, value: Value, known: Known, name: str) -> Value:
    item = known.object
    kind = type(item)
    if kind is ModuleType:
        return _of_module(frame, node, item, name)  # type: ignore[arg-type]
    if kind is Super:
        return _of_super(frame, node, item, name)  # type: ignore[arg-type]
    if classes.isinstance_of_class(kind):
        return _of_class(frame, node, item, name)  # type: ignore[arg-type]
    me = Value(value.reach, frozenset({kind}), (known,))
    if frame.session.world.nature(kind) is Nature.USER:
        return _of_known_instance(frame, node, me, item, name)
    if kind is FunctionType and name in vars(item):
        return frame.see(vars(item)[name], name, node)
    if kind is MethodType or name not in METHODS:
        return ANYTHING
    return of_function(Bound(name, me, None))


def _of_module(frame: Frame, node: ast.AST, module: ModuleType, name: str) -> Value:
    names = vars(module)
    if name not in names:
        frame.refuse(node, f"{quote(node)} is not there (yet) in module {module.__name__}")
    return frame.see(names[name], quote(node).strip("`"), node)


def _of_class(frame: Frame, node: ast.AST, cls: type, name: str) -> Value:
    found = classes.look_up(cls, name)
    if found is None:
        return CONSTANT if frame.session.world.nature(cls) is not Nature.USER else ANYTHING
    attribute = found[1]
    if type(attribute) in (staticmethod, classmethod):
        me = frame.see(cls, cls.__name__, node)
        return of_attribute(frame, node, me, cls, name, attribute)
    members = getattr(cls, "_member_map_", {}) if type(cls).__name__ == "EnumType" else {}
    attribute = members.get(name, attribute)
    if frame.session.world.nature(type(attribute)) is Nature.OPAQUE and classes.is_trusted(found[0]):
        attribute = getattr(cls, name)  # a built-in class's own method, bound to the class
    return frame.see(attribute, name, node)


def _of_known_instance(frame: Frame, node: ast.AST, me: Value, item: object, name: str) -> Value:
    cls = type(item)
    held = instance_attributes(item)
    found = classes.look_up(cls, name)
    if cls.__class__.__name__ == "EnumType" and name in ("value", "name"):
        return frame.see(held.get(f"_{name}_", held.get(name)), name, node)
    computed = found is not None and type(found[1]) in (property, *_SLOTS)
    if name in held and not (computed and type(found[1]) is property):  # type: ignore[index]
        own = classes.look_up_user(cls, "__getattribute__")
        if own is None:
            return frame.see(held[name], name, node)
    result = _of_instance(frame, node, me, cls, name)
    if found is not None and classes.is_trusted(found[0]) and name in METHODS:
        return join(result, of_function(Bound(name, me, None)))
    return result


def _of_super(frame: Frame, node: ast.AST, view: Super, name: str) -> Value:
    """The attribute behind ``owner`` in the method resolution order of the receiver's class."""
    result = NOTHING
    receiver = view.receiver
    if receiver.types is None:
        frame.refuse(node, f"{quote(node)}: the class of the object is not known here")
    for cls in receiver.types:
        order = cls.__mro__ if view.owner in cls.__mro__ else view.owner.__mro__
        for owner in order[order.index(view.owner) + 1 :]:
            if name in vars(owner):
                result = join(result, _behind(frame, node, receiver, owner, name))
                break
    return result


def _behind(frame: Frame, node: ast.AST, receiver: Value, owner: type, name: str) -> Value:
    if classes.is_trusted(owner):
        return of_function(Bound(name, receiver, None))
    return of_attribute(frame, node, receiver, owner, name, vars(owner)[name])


# ---------------------------------------------------------------------- stores


def store(frame: Frame, node: ast.AST, target: Value, name: str, *stored: Value) -> None:
    """``target.name = stored`` (nothing stored: ``del target.name``).

    Raises:
        NotProved: the object was not made by the item itself, or storing runs code with effects.
    """
    refuse_change(frame, node, target)
    for cls in possible_classes(frame, target):
        me = Value(target.reach, frozenset({cls}))
        for special in ("__setattr__", "__delattr__"):
            writer = classes.look_up_user(cls, special)
            if type(writer) is FunctionType:
                call_special(frame, node, writer, cls, Arguments((me, STR), spread=join(*stored)))
        attribute = classes.look_up_user(cls, name)
        if type(attribute) is property and attribute.fset is not None:
            call_special(frame, node, attribute.fset, cls, Arguments((me, *stored)))
        elif attribute is not None and _is_data_descriptor(attribute):
            frame.refuse(node, f"{quote(node)} goes through a descriptor of the class")
    frame.store(target, *stored)


def _is_data_descriptor(attribute: object) -> bool:
    own = type(attribute) in (property, *_SLOTS)
    return not own and classes.look_up(type(attribute), "__set__") is not None


def refuse_change(frame: Frame, node: ast.AST, target: Value) -> None:
    """An object is changed in place: it must have been made by the item itself."""
    if target.reach is Reach.SHARED:
        base = getattr(node, "value", node)
        frame.refuse(
            node,
            f"{quote(node)} changes {quote(base)}, which may exist outside of this item: let each "
            "item return what it found, and put the results together after the loop",
        )
