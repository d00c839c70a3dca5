"""Attributes: what reading and storing them runs, and what they hold."""

import ast
import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import (
    ClassMethodDescriptorType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)
from typing import Any

from ufora_core.compiler.effects import classes
from ufora_core.compiler.effects.classes import Nature
from ufora_core.compiler.effects.effect_table import known_effect
from ufora_core.compiler.effects.frames import Arguments, Bound, Frame, Super, is_code, of_function
from ufora_core.compiler.effects.instances import instance_attributes
from ufora_core.compiler.effects.kinds import (
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
from ufora_core.compiler.effects.method_table import METHODS, READABLE_DUNDERS
from ufora_core.compiler.effects.operators import call_special
from ufora_core.compiler.effects.proof import quote

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
    if name.startswith("__") and name.endswith("__") and not _calls_class(value):
        frame.refuse(node, f"{quote(node)} looks behind the scenes of an object")
    if value.objects is not None:
        return join(*(_of_object(frame, node, value, each, name) for each in value.objects))
    result = _of_built_in(frame, value, name)
    for cls in possible_classes(frame, value):
        result = join(result, of_instance(frame, node, value, cls, name))
    return result


def class_of(frame: Frame, node: ast.AST, value: Value) -> Value:
    """``type(value)``."""
    if value.types is None:
        return Value(Reach.SHARED, frozenset({type}))
    return join(*(frame.see(cls, cls.__name__, node) for cls in value.types))


def possible_classes(frame: Frame, value: Value) -> list[type]:
    """The user's classes that ``value`` may be an instance of."""
    if value.types is None:
        return [] if value.reach is Reach.IMMUTABLE else list(frame.session.world.classes)
    return [cls for cls in frame.session.world.classes if cls in value.types]


def may_be_built_in(frame: Frame, value: Value) -> bool:
    """Whether ``value`` may be an instance of one of Python's classes, or inherit from one."""
    if value.types is None:
        return True
    own = possible_classes(frame, value)
    return len(own) < len(value.types) or any(
        classes.is_trusted(base) and base is not object for cls in own for base in cls.__mro__
    )


def _calls_class(value: Value) -> bool:
    """``super().__init__`` and ``Base.__init__`` are how classes build on each other."""
    objects = value.objects or ()
    return bool(objects) and all(
        type(each.object) is Super or issubclass(type(each.object), type) for each in objects
    )


def _of_built_in(frame: Frame, value: Value, name: str) -> Value:
    """What an instance holds itself, or a method of a built-in class."""
    method = NOTHING
    if name in METHODS and may_be_built_in(frame, value):
        method = of_function(Bound(name, value, None))
    if value.types is not None and not possible_classes(frame, value) and method != NOTHING:
        return method
    if method == NOTHING and _is_method(frame, value, name):
        return NOTHING
    return join(part_of(value) if value.inner is None else ANYTHING, method)


def _is_method(frame: Frame, value: Value, name: str) -> bool:
    """True when ``name`` is a method of every class in question, and no instance hides it."""
    found = [classes.look_up_user(cls, name) for cls in possible_classes(frame, value)]
    known = value.types is not None and bool(found)
    hidden = name in frame.session.world.callables
    return known and not hidden and all(type(each) is FunctionType for each in found)


# ---------------------------------------------------------------------- instances


def of_instance(frame: Frame, node: ast.AST, value: Value, cls: type, name: str) -> Value:
    """What the class of an instance adds to reading its attribute."""
    me = Value(value.reach, frozenset({cls}), value.objects)
    reader = classes.look_up_user(cls, "__getattribute__")
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
    if kind is FunctionType:
        return of_function(Bound(name, me, attribute))
    if kind in _SLOTS or kind.__name__ == "_tuplegetter":
        return part_of(me)
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(_Reading(frame, node, me, cls, name), attribute)
    if classes.look_up(kind, "__get__") is not None and frame.session.world.nature(kind) is not (
        Nature.CODE
    ):
        frame.refuse(node, f"{quote(node)} goes through a descriptor of class {kind.__name__}")
    return frame.see(attribute, name, node)


@dataclass(frozen=True, slots=True)
class _Reading:
    """``me.name`` at ``node``, where the attribute was found in class ``cls``."""

    frame: Frame
    node: ast.AST
    me: Value
    cls: type
    name: str

    def call(self, function: object) -> Value:
        """What ``function(me)`` gives."""
        return call_special(self.frame, self.node, function, self.cls, Arguments((self.me,)))


def _of_property(reading: _Reading, attribute: property) -> Value:
    return reading.call(attribute.fget)


def _of_cached_property(reading: _Reading, attribute: "functools.cached_property[object]") -> Value:
    frame, node, me = reading.frame, reading.node, reading.me
    if not is_made_here(me):
        frame.refuse(node, f"{quote(node)} is a cached property: reading it changes the object")
    value = reading.call(attribute.func)
    frame.store(me, value)
    return value


def _of_static_method(reading: _Reading, attribute: "staticmethod[..., object]") -> Value:
    return reading.frame.see(attribute.__func__, reading.name, reading.node)


def _of_class_method(reading: _Reading, attribute: "classmethod[object, ..., object]") -> Value:
    cls = reading.frame.see(reading.cls, reading.cls.__name__, reading.node)
    return of_function(Bound(reading.name, cls, attribute.__func__))


_READERS: Mapping[type, Callable[[_Reading, Any], Value]] = {
    property: _of_property,
    functools.cached_property: _of_cached_property,
    staticmethod: _of_static_method,
    classmethod: _of_class_method,
}


# ---------------------------------------------------------------------- concrete objects


def _of_object(frame: Frame, node: ast.AST, value: Value, known: Known, name: str) -> Value:
    item = known.object
    if type(item) is ModuleType:
        return _of_module(frame, node, item, name)
    if type(item) is Super:
        return _of_super(frame, node, item, name)
    if issubclass(type(item), type):
        return _of_class(frame, node, item, name)  # type: ignore[arg-type]
    if frame.session.world.nature(type(item)) is Nature.USER:
        return _of_known_instance(frame, node, value, known, name)
    if type(item) is FunctionType and name in vars(item):
        return frame.see(vars(item)[name], name, node)
    return of_function(Bound(name, value, None)) if name in METHODS else ANYTHING


def _of_module(frame: Frame, node: ast.AST, module: ModuleType, name: str) -> Value:
    names = vars(module)
    qualified = f"{module.__name__}.{name}"
    effect = known_effect(qualified)
    if name not in names:
        effect = effect or f"is not there: module {module.__name__} has not loaded it (yet)"
        frame.refuse(node, f"{quote(node)} {effect}")
    value = frame.see(names[name], qualified, node)
    if effect is not None and value.reach is not Reach.IMMUTABLE and not is_code(value):
        frame.refuse(node, f"{quote(node)} {effect}")
    return value


def _of_class(frame: Frame, node: ast.AST, cls: type, name: str) -> Value:
    found = classes.look_up(cls, name)
    if found is None:
        frame.refuse(node, f"{quote(node)}: class {cls.__name__} has no `{name}` of its own")
    owner, attribute = found
    if type(attribute) in (staticmethod, classmethod) and not classes.is_trusted(owner):
        me = frame.see(cls, cls.__name__, node)
        return of_attribute(frame, node, me, cls, name, attribute)
    if type(cls) is enum.EnumMeta and name in cls.__dict__["_member_map_"]:
        attribute = cls.__dict__["_member_map_"][name]
    if type(attribute) in (ClassMethodDescriptorType, staticmethod):
        attribute = getattr(cls, name)  # a built-in method, bound to the class
    return frame.see(attribute, f"{cls.__name__}.{name}", node)


def _of_known_instance(frame: Frame, node: ast.AST, value: Value, known: Known, name: str) -> Value:
    item = known.object
    cls = type(item)
    held = instance_attributes(item)
    if type(cls) is enum.EnumMeta and name in ("value", "name"):
        return frame.see(held[f"_{name}_"], f"{cls.__name__}.{name}", node)
    found = classes.look_up(cls, name)
    overridden = classes.look_up_user(cls, "__getattribute__") is not None
    hidden = found is not None and _comes_first(type(found[1]))
    if name in held and not hidden and not overridden:
        return frame.see(held[name], f"{cls.__name__}.{name}", node)
    me = Value(value.reach, frozenset({cls}), (known,))
    if found is not None and classes.is_trusted(found[0]):
        return of_function(Bound(name, me, None)) if name in METHODS else CONSTANT
    return of_instance(frame, node, me, cls, name)


def _comes_first(kind: type) -> bool:
    """Whether what a class has of this type is asked before an instance's own attributes are."""
    is_data = any(classes.look_up(kind, name) for name in ("__set__", "__delete__"))
    return is_data and kind not in _SLOTS


def _of_super(frame: Frame, node: ast.AST, view: Super, name: str) -> Value:
    """The attribute behind ``owner`` in the method resolution order of the receiver's class."""
    receiver = view.receiver
    if receiver.types is None:
        frame.refuse(node, f"{quote(node)}: the class of the object is not known here")
    result = NOTHING
    for cls in receiver.types:
        order = cls.__mro__ if view.owner in cls.__mro__ else view.owner.__mro__
        behind = order[order.index(view.owner) + 1 :]
        owner = next((each for each in behind if name in vars(each)), None)
        if owner is None:
            continue
        if classes.is_trusted(owner):
            result = join(result, of_function(Bound(name, receiver, None)))
        else:
            attribute = vars(owner)[name]
            result = join(result, of_attribute(frame, node, receiver, owner, name, attribute))
    return result


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
            if writer is not None:
                to = Arguments((me, STR), spread=join(*stored))
                call_special(frame, node, writer, cls, to)
        attribute = classes.look_up_user(cls, name)
        if type(attribute) is property:
            call_special(frame, node, attribute.fset, cls, Arguments((me, *stored)))
        elif attribute is not None and type(attribute) not in _SLOTS:
            _refuse_descriptor(frame, node, attribute)
    check_hiding(frame, node, name, *stored)
    frame.store(target, *stored)


def check_hiding(frame: Frame, node: ast.AST, name: str, *stored: Value) -> None:
    """Methods of objects of unknown class are told by their names: nothing that can be called may
    be kept under such a name.

    Raises:
        NotProved: one of the values may be called.
    """
    defined = [cls.__name__ for cls in frame.session.world.classes if _has_method(cls, name)]
    if name in METHODS:
        defined.append("a built-in class")
    if defined and any(_may_be_called(frame, value) for value in stored):
        frame.refuse(
            node, f"{quote(node)} may hide the method `{name}` of {defined[0]}: use another name"
        )


def _has_method(cls: type, name: str) -> bool:
    found = classes.look_up_user(cls, name)
    return found is not None and type(found) in (FunctionType, staticmethod, classmethod)


def _may_be_called(frame: Frame, value: Value) -> bool:
    if value.reach is Reach.IMMUTABLE:
        return False
    if value.types is None and value.reach is not Reach.OWN:
        return True
    own = possible_classes(frame, value)
    return is_code(value) or any(classes.look_up_user(cls, "__call__") for cls in own)


def _refuse_descriptor(frame: Frame, node: ast.AST, attribute: object) -> None:
    if classes.look_up(type(attribute), "__set__") is not None:
        frame.refuse(node, f"{quote(node)} goes through a descriptor of its class")


def refuse_change(frame: Frame, node: ast.AST, target: Value) -> None:
    """An object is changed in place: it must have been made by the item itself."""
    if target.reach is Reach.SHARED:
        frame.refuse(
            node,
            f"{_change(node)}, which may exist outside of this item: let each item return what it "
            "found, and put the results together after the loop",
        )


def _change(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute | ast.Subscript):
        return f"storing into {quote(node)} changes {quote(node.value)}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return f"{quote(node)} changes {quote(node.func.value)}"
    return f"{quote(node)} changes an object"
